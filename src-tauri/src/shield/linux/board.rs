//! What stands on the cover, drawn: that the meeting is covered, why, and when it comes back, in the person's language.
//! Run by a thread of the shield, each time anew; touches no window.

use pangocairo::cairo::{Context, Error, Format, ImageSurface, LineCap};
use pangocairo::pango::{Alignment, FontDescription, Language, SCALE, Weight, WrapMode};
use shield::{Cause, Method, Picture};

use crate::words::Tongue;

/// Logical pixels, narrower than the smallest window.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 224.0;
/// Letters of a program's name that are shown; its owner can call it anything.
const NAME: usize = 48;
/// Pixels of one side, at most: what a display scales to, and no more.
const LARGEST: f64 = 4096.0;
/// The same dark grey as around it (`shield`'s own), and what stands on it.
const GROUND: (f64, f64, f64) = (32.0 / 255.0, 33.0 / 255.0, 36.0 / 255.0);
const LETTERS: (f64, f64, f64) = (0.95, 0.95, 0.94);
const QUIET: (f64, f64, f64) = (0.74, 0.75, 0.77);
const SIGN: (f64, f64, f64) = (0.95, 0.72, 0.35);

/// Draws it; `None`: the system's drawing library does not do it, and plain letters have to do.
pub(super) fn draw(tongue: Tongue, cause: &Cause, scale: f64) -> Option<Picture> {
    let drawn = try_draw(tongue, cause, scale);
    drawn.inspect_err(|error| tracing::warn!(%error, "the cover has no words of ours")).ok()
}

fn try_draw(tongue: Tongue, cause: &Cause, scale: f64) -> Result<Picture, Error> {
    let scale = scale.clamp(1.0, LARGEST / WIDTH);
    let (width, height) = ((WIDTH * scale) as u16, (HEIGHT * scale) as u16);
    let mut surface = ImageSurface::create(Format::Rgb24, width.into(), height.into())?;
    {
        let pen = Context::new(&surface)?;
        pen.scale(scale, scale);
        colour(&pen, GROUND);
        pen.paint()?;
        sign(&pen)?;
        let (title, line) = says(tongue, cause);
        let below = text(&pen, tongue, &title, (21.0, Weight::Semibold), LETTERS, 96.0);
        text(&pen, tongue, &line, (15.0, Weight::Normal), QUIET, below + 14.0);
    }
    surface.flush();
    let stride = usize::try_from(surface.stride()).unwrap_or_default();
    let row = usize::from(width) * 4;
    let pixels = surface.data().map_err(|_| Error::SurfaceFinished)?;
    // In the order of the machine's words, which is the display's wherever both are one.
    let bgra = pixels.chunks(stride.max(row)).flat_map(|line| &line[..row.min(line.len())]).copied().collect();
    Ok(Picture { width, height, bgra })
}

fn colour(pen: &Context, (red, green, blue): (f64, f64, f64)) {
    pen.set_source_rgb(red, green, blue);
}

/// An eye with a stroke through it.
fn sign(pen: &Context) -> Result<(), Error> {
    let (x, y) = (WIDTH / 2.0, 50.0);
    colour(pen, SIGN);
    pen.set_line_width(3.0);
    pen.set_line_cap(LineCap::Round);
    pen.move_to(x - 28.0, y);
    pen.curve_to(x - 14.0, y - 22.0, x + 14.0, y - 22.0, x + 28.0, y);
    pen.curve_to(x + 14.0, y + 22.0, x - 14.0, y + 22.0, x - 28.0, y);
    pen.close_path();
    pen.stroke()?;
    pen.arc(x, y, 8.0, 0.0, std::f64::consts::TAU);
    pen.stroke()?;
    // The gap beside the stroke makes it one.
    for (ink, wide) in [(GROUND, 9.0), (SIGN, 3.0)] {
        colour(pen, ink);
        pen.set_line_width(wide);
        pen.move_to(x - 22.0, y + 22.0);
        pen.line_to(x + 22.0, y - 22.0);
        pen.stroke()?;
    }
    Ok(())
}

/// Writes below `top`; answers where it ends.
fn text(
    pen: &Context,
    tongue: Tongue,
    words: &str,
    (size, weight): (f64, Weight),
    ink: (f64, f64, f64),
    top: f64,
) -> f64 {
    let layout = pangocairo::create_layout(pen);
    // Han letters look otherwise in other languages.
    let language = if tongue == Tongue::Ja { "ja" } else { "en" };
    layout.context().set_language(Some(&Language::from_string(language)));
    let mut font = FontDescription::from_string("Sans");
    font.set_weight(weight);
    font.set_absolute_size(size * f64::from(SCALE));
    layout.set_font_description(Some(&font));
    layout.set_width((WIDTH * f64::from(SCALE)) as i32);
    layout.set_alignment(Alignment::Center);
    layout.set_wrap(WrapMode::WordChar);
    layout.set_spacing((5.0 * f64::from(SCALE)) as i32);
    layout.set_text(words);
    colour(pen, ink);
    pen.move_to(0.0, top);
    pangocairo::show_layout(pen, &layout);
    top + f64::from(layout.size().1) / f64::from(SCALE)
}

/// A title, and a line below it.
fn says(tongue: Tongue, cause: &Cause) -> (String, String) {
    let who = name(tongue, cause.program.as_deref());
    let ja = tongue == Tongue::Ja;
    let pick = |ja_words: String, en_words: String| if ja { ja_words } else { en_words };
    let covered = pick("会議の画面を隠しています".into(), "The meeting is covered".into());
    match cause.method {
        Method::Start => (
            pick("画面の保護を始めています".into(), "Protection is starting".into()),
            pick("まもなく会議が表示されます。".into(), "The meeting appears in a moment.".into()),
        ),
        Method::NewProgram => (
            covered,
            pick(
                format!("{who}が起動したためです。\n画面を撮らないと分かれば、すぐに元に戻ります。"),
                format!("Covered because {who} has just started.\nIt comes back as soon as that takes no pictures."),
            ),
        ),
        Method::PrintKey => (
            covered,
            pick(
                "画面を撮るキーが押されたためです。\n数秒で元に戻ります。".into(),
                "Covered because a key that takes screenshots was pressed.\nIt comes back in a few seconds.".into(),
            ),
        ),
        Method::FocusLost => (
            covered,
            pick(
                "ほかのウィンドウを使っているためです。\nこのウィンドウをクリックすると表示されます。".into(),
                "Covered because another window has the keyboard.\nClick this window to see the meeting.".into(),
            ),
        ),
        Method::Record | Method::Meddling => (
            covered,
            pick(
                format!("{who}がほかのプログラムの動きを見張っているためです。\n終わると元に戻ります。"),
                format!("Covered because {who} watches what other programs do.\nIt comes back when that ends."),
            ),
        ),
        Method::WatchLost => (
            covered,
            pick(
                "画面を撮られても気づけなくなったためです。\n見張りを立て直しています。".into(),
                "Covered because captures can no longer be noticed.\nThe watch is being set up again.".into(),
            ),
        ),
        _ => (
            covered,
            pick(
                format!("{who}が画面を撮っているためです。\n終わると元に戻ります。"),
                format!("Covered because {who} is capturing the screen.\nIt comes back when that ends."),
            ),
        ),
    }
}

/// What to call a program, with what belongs between it and the words around.
fn name(tongue: Tongue, program: Option<&str>) -> String {
    let ja = tongue == Tongue::Ja;
    // Nothing that turns the line around or breaks it.
    let shows = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    let mut clean: String = program.unwrap_or_default().chars().filter(shows).take(NAME + 1).collect();
    if clean.chars().count() > NAME {
        clean = clean.chars().take(NAME).chain(['…']).collect();
    }
    match (ja, clean.trim()) {
        (true, "") => "ほかのプログラム".into(),
        (false, "") => "another program".into(),
        (true, name) => format!("「{name}」"),
        (false, name) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(method: Method, program: Option<&str>) -> Cause {
        Cause { method, program: program.map(str::to_owned), pid: None }
    }

    #[test]
    fn the_cover_says_who_it_is_in_both_languages() {
        let cause = cause(Method::GetImage, Some("gnome-screenshot"));
        let (title, line) = says(Tongue::Ja, &cause);
        assert_eq!(title, "会議の画面を隠しています");
        assert!(line.starts_with("「gnome-screenshot」が画面を撮っているためです。"), "{line}");
        let (title, line) = says(Tongue::En, &cause);
        assert_eq!(title, "The meeting is covered");
        assert!(line.starts_with("Covered because gnome-screenshot is capturing the screen."), "{line}");
    }

    #[test]
    fn a_program_without_a_name_or_with_a_wild_one_is_named_all_the_same() {
        assert_eq!(name(Tongue::Ja, None), "ほかのプログラム");
        assert_eq!(name(Tongue::En, Some("\n\u{202e}")), "another program");
        assert_eq!(name(Tongue::En, Some("a\u{202e}b\nc")), "abc");
        assert_eq!(name(Tongue::En, Some(&"x".repeat(1000))).chars().count(), NAME + 1);
    }

    #[test]
    fn what_is_drawn_fits_the_picture_and_is_not_just_ground() {
        for scale in [0.5, 1.0, 1.25, 2.0, 1e9] {
            let Some(picture) = draw(Tongue::Ja, &cause(Method::GetImage, Some("scrot")), scale) else {
                panic!("cairo does not draw");
            };
            let (width, height) = (usize::from(picture.width), usize::from(picture.height));
            assert_eq!(picture.bgra.len(), width * height * 4, "{scale}");
            let ground = &picture.bgra[..3];
            assert!(picture.bgra.chunks(4).any(|pixel| &pixel[..3] != ground), "{scale}");
        }
    }
}
