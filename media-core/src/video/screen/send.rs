//! The sending end of a shared screen: what is text and windows is told without loss, as fast as the link takes it and then
//! never again; what moves like a film, and everything where another client looks on, goes as H.264.
//! Runs on the track's encode thread; the permit is asked before every frame. Pure: time is passed in.

use std::time::Duration;

use super::envelope::Envelopes;
use super::page::Page;
use super::simplify::{Simplifier, planes};
use super::text::TextWriter;
use crate::e2ee::Sealing;
use crate::frame::{Picture, Size};
use crate::time::{Bitrate, MediaTime};
use crate::video::h264::Content;
use crate::video::scale::Scaler;
use crate::video::send::{KEY_FRAME_INTERVAL, SendPicture, SentFrame, ShowPermit, VideoLimits, VideoSender};

/// Bytes of one frame of text, about: short on a slow link, and decoded while the next is on its way.
const FRAME: usize = 5_000;
/// Bytes that may leave at once after a pause.
const BURST: f64 = 12_000.0;
/// Around every packet.
const AROUND: f64 = 1.08;
/// Never whole for so long while new pictures come: a film.
const BEHIND: Duration = Duration::from_millis(700);
/// A film that stood so long is a picture again.
const STILL: Duration = Duration::from_millis(500);
/// After so many bytes it is asked what the whole picture will cost.
const LOOK: usize = 24_000;
/// A picture that costs more is shown as a film first, which is blurred sooner than text is there.
const RICH: usize = 400_000;
/// A film on a screen has at most so many pictures a second: it is large, and text beside it shall stay sharp.
const FILM_FPS: u32 = 15;
/// Between two looks at a still screen.
const IDLE: Duration = Duration::from_millis(100);

/// One frame of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenFrame {
    /// For the network; `clear` is nothing to look at where it is text.
    pub frame: SentFrame,
    /// It is text: our own page gets [`ScreenSender::shown`].
    pub is_text: bool,
}

/// How the screen goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Text,
    Film,
}

/// Sends one screen.
pub struct ScreenSender {
    video: VideoSender,
    limits: VideoLimits,
    way: Way,
    /// Everybody who looks on reads text.
    all_read: bool,
    scaler: Scaler,
    /// As it came, and as it is sent.
    last: Option<(Picture, Picture)>,
    changed: Option<MediaTime>,
    text: Option<Text>,
    envelopes: Envelopes,
    link: Link,
    key_wanted: bool,
    last_key: Option<MediaTime>,
    /// Since when nothing was whole.
    behind: Option<MediaTime>,
    /// This picture is no text.
    rich: bool,
    unchanged: u64,
}

/// The text of pictures of one size.
struct Text {
    writer: TextWriter,
    simplifier: Simplifier,
    /// The picture to be told, once it was simplified.
    wanted: Vec<u8>,
    /// There is something to tell.
    waits: bool,
    /// Bytes since it was last whole.
    spent: usize,
}

impl ScreenSender {
    /// A sender whose first frame is a key frame. `rtp_start` should be random.
    ///
    /// # Errors
    /// The encoder did not start.
    pub fn new(permit: ShowPermit, sealing: Sealing, limits: VideoLimits, rtp_start: u32) -> Result<Self, SendPicture> {
        Ok(Self {
            video: VideoSender::new(permit, sealing, film(limits), rtp_start)?,
            limits,
            way: Way::Film,
            all_read: false,
            scaler: Scaler::new(),
            last: None,
            changed: None,
            text: None,
            envelopes: Envelopes::new()?,
            link: Link::new(limits.bitrate),
            key_wanted: true,
            last_key: None,
            behind: None,
            rich: false,
            unchanged: 0,
        })
    }

    /// Whether everybody who looks on reads text. Until that is known: no.
    pub fn set_all_read(&mut self, all_read: bool) {
        if self.all_read == all_read {
            return;
        }
        self.all_read = all_read;
        if all_read {
            // Who is new has read nothing yet.
            self.key_wanted = true;
        } else if self.way == Way::Text {
            self.become_film();
        }
    }

    /// Someone needs a key frame; comes with the next frame, at most every [`KEY_FRAME_INTERVAL`].
    pub const fn request_key_frame(&mut self) {
        self.key_wanted = true;
        self.video.request_key_frame();
    }

    /// Sends within other limits from now on.
    ///
    /// # Errors
    /// The encoder did not start again.
    pub fn set_limits(&mut self, limits: VideoLimits) -> Result<(), SendPicture> {
        self.video.set_limits(film(limits))?;
        if limits.size != self.limits.size
            && let Some((picture, fitted)) = &mut self.last
        {
            *fitted = self.scaler.fit(picture, limits.size);
            self.wait_for_text();
        }
        self.limits = limits;
        self.link.rate = limits.bitrate;
        Ok(())
    }

    /// What is sent.
    #[must_use]
    pub const fn content(&self) -> Content {
        Content::Screen
    }

    /// The picture that is shown, as it is sent.
    #[must_use]
    pub fn shown(&self) -> Option<&Picture> {
        self.last.as_ref().map(|(_, fitted)| fitted)
    }

    /// Pictures not sent because nothing had changed.
    #[must_use]
    pub const fn unchanged(&self) -> u64 {
        self.unchanged + self.video.unchanged()
    }

    /// How long to wait for a picture before [`ScreenSender::idle`] has something to do.
    #[must_use]
    pub fn patience(&self, now: MediaTime) -> Duration {
        let waits = self.way == Way::Text && self.text.as_ref().is_some_and(|t| t.waits);
        if waits { self.link.wait(now).min(IDLE) } else { IDLE }
    }

    /// A picture came. `None`: nothing to send for it, or not yet.
    ///
    /// # Errors
    /// See [`SendPicture`].
    pub fn send(&mut self, picture: &Picture, now: MediaTime) -> Result<Option<ScreenFrame>, SendPicture> {
        self.check()?;
        let same = |last: &Picture| last.size() == picture.size() && last.data() == picture.data();
        if self.last.as_ref().is_some_and(|(last, _)| same(last)) {
            self.unchanged += 1;
            return self.idle(now);
        }
        let fitted = self.scaler.fit(picture, self.limits.size);
        self.last = Some((picture.clone(), fitted));
        self.changed = Some(now);
        self.rich = false;
        if self.text.as_ref().is_some_and(|text| text.waits) {
            self.behind.get_or_insert(now);
        }
        self.wait_for_text();
        self.idle(now)
    }

    /// No picture came for a while, or there was no room on the link: goes on with what is to be sent.
    ///
    /// # Errors
    /// See [`SendPicture`].
    pub fn idle(&mut self, now: MediaTime) -> Result<Option<ScreenFrame>, SendPicture> {
        self.check()?;
        self.choose(now);
        match self.way {
            Way::Text => self.tell(now),
            Way::Film => self.film(now),
        }
    }

    fn check(&mut self) -> Result<(), SendPicture> {
        self.video.check().inspect_err(|_| (self.last, self.text) = (None, None))
    }

    /// Text or film?
    fn choose(&mut self, now: MediaTime) {
        let Some((_, fitted)) = &self.last else { return };
        let may = self.all_read && !self.rich && Page::takes(fitted.size());
        match self.way {
            Way::Film => {
                let never = self.video.is_fresh();
                let still = self.changed.is_none_or(|at| now.since(at) >= STILL);
                if may && (never || still) {
                    self.way = Way::Text;
                    self.behind = None;
                }
            }
            Way::Text => {
                let lost = self.behind.is_some_and(|since| now.since(since) >= BEHIND);
                if lost || !may {
                    self.become_film();
                }
            }
        }
    }

    fn become_film(&mut self) {
        self.way = Way::Film;
        self.behind = None;
        self.video.request_key_frame();
        if let Some(text) = &mut self.text {
            text.spent = 0;
        }
    }

    fn wait_for_text(&mut self) {
        if let Some(text) = &mut self.text {
            text.waits = true;
            text.wanted.clear();
        }
    }

    fn film(&mut self, now: MediaTime) -> Result<Option<ScreenFrame>, SendPicture> {
        let Some((_, fitted)) = &self.last else { return Ok(None) };
        let sent = self.video.send(fitted, now)?;
        Ok(sent.map(|frame| ScreenFrame { frame, is_text: false }))
    }

    fn tell(&mut self, now: MediaTime) -> Result<Option<ScreenFrame>, SendPicture> {
        let Some((_, fitted)) = &self.last else { return Ok(None) };
        let size = fitted.size();
        if self.text.as_ref().is_none_or(|text| text.writer.size() != size) {
            self.text = Some(Text::new(size));
        }
        let Some(text) = &mut self.text else { return Ok(None) };
        let due = self.last_key.is_none_or(|at| now.since(at) >= KEY_FRAME_INTERVAL);
        if self.key_wanted && due && !text.writer.is_new() {
            text.writer.restart();
            text.waits = true;
        }
        if !text.waits || !self.link.has_room(now) {
            return Ok(None);
        }
        if text.wanted.is_empty() {
            text.wanted.extend_from_slice(text.simplifier.simplify(fitted));
        }
        let key = text.writer.is_new();
        let Some(told) = text.writer.write(planes(size, &text.wanted), FRAME) else {
            (text.waits, text.spent, self.behind) = (false, 0, None);
            return Ok(None);
        };
        let Some(encoded) = self.envelopes.wrap(&told.data, key)? else {
            // Never seen; the other end would miss a frame.
            self.key_wanted = true;
            return Ok(None);
        };
        if key {
            (self.key_wanted, self.last_key) = (false, Some(now));
        }
        self.link.spend(encoded.data.len());
        text.spent += encoded.data.len();
        if told.whole {
            (text.waits, text.spent, self.behind) = (false, 0, None);
        } else if text.spent > LOOK && text.spent as f64 / told.share > RICH as f64 {
            self.rich = true;
        }
        let frame = self.video.protect(encoded, size, now)?;
        Ok(Some(ScreenFrame { frame, is_text: true }))
    }
}

impl Text {
    fn new(size: Size) -> Self {
        let (writer, simplifier) = (TextWriter::new(size), Simplifier::new());
        Self { writer, simplifier, wanted: Vec::new(), waits: true, spent: 0 }
    }
}

const fn film(limits: VideoLimits) -> VideoLimits {
    let fps = if limits.fps > FILM_FPS { FILM_FPS } else { limits.fps };
    VideoLimits { fps, ..limits }
}

/// What the link takes.
#[derive(Debug)]
struct Link {
    rate: Bitrate,
    /// Bytes that may leave now; below zero: what has left too early.
    room: f64,
    at: Option<MediaTime>,
}

impl Link {
    const fn new(rate: Bitrate) -> Self {
        Self { rate, room: BURST, at: None }
    }

    fn has_room(&mut self, now: MediaTime) -> bool {
        let passed = self.at.map_or(Duration::ZERO, |at| now.since(at));
        self.at = Some(now);
        self.room = (self.room + passed.as_secs_f64() * self.bytes()).min(BURST);
        self.room > 0.0
    }

    fn spend(&mut self, bytes: usize) {
        self.room -= bytes as f64 * AROUND;
    }

    fn bytes(&self) -> f64 {
        f64::from(self.rate.0.max(8_000)) / 8.0
    }

    /// Until there is room.
    fn wait(&self, now: MediaTime) -> Duration {
        let passed = self.at.map_or(Duration::ZERO, |at| now.since(at));
        let missing = 1.0 - self.room;
        let wait = Duration::from_secs_f64((missing / self.bytes()).max(0.0));
        wait.saturating_sub(passed).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests;
