//! `shoji --mute …` and `shoji --talk …`: a second start asks the window that is open, says what it answered, and ends.
//! For desktops without system-wide shortcuts, stream decks and scripts. The door lies in the profile, open to this
//! person's programs only; it carries a few known words and nothing else.

use std::io;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use client::{Client, MuteWish, Voice};
use protocol::bridge::{Code, Failure, Language, Switch};
use tauri::{AppHandle, Manager};

use crate::desk::Desk;
use crate::profile::Profile;
use crate::words::Tongue;

#[cfg(unix)]
#[path = "control/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "control/windows.rs"]
mod system;

/// Bytes of a line on the door.
const LINE: u64 = 32;
/// How long the second start waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the open window listens to one caller; the next one waits.
const HEARING: Duration = Duration::from_secs(2);

/// What the open window is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Mute or unmute.
    Mute(MuteWish),
    /// A key to talk went down or up.
    Talk(bool),
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// So it is now.
    Done(Voice),
    /// There is nothing to mute.
    NoMeeting,
    /// The role does not allow it.
    NotAllowed,
    /// Something else.
    Failed,
    /// Nobody is there to ask.
    NotRunning,
}

const ORDERS: [(&str, Order); 5] = [
    ("mute toggle", Order::Mute(MuteWish::Toggle)),
    ("mute on", Order::Mute(MuteWish::Mute)),
    ("mute off", Order::Mute(MuteWish::Unmute)),
    ("talk on", Order::Talk(true)),
    ("talk off", Order::Talk(false)),
];

const ANSWERS: [(&str, Answer); 5] = [
    ("open", Answer::Done(Voice::Open)),
    ("muted", Answer::Done(Voice::Muted)),
    ("no meeting", Answer::NoMeeting),
    ("not allowed", Answer::NotAllowed),
    ("failed", Answer::Failed),
];

fn word_of<T: PartialEq>(list: &[(&'static str, T)], value: &T) -> &'static str {
    list.iter().find(|(_, other)| other == value).map_or("failed", |(word, _)| word)
}

fn meant<T: Copy>(list: &[(&'static str, T)], line: &str) -> Option<T> {
    list.iter().find(|(word, _)| *word == line.trim_end()).map(|(_, value)| *value)
}

impl Answer {
    /// The exit status of the second start, as README says.
    const fn status(self) -> u8 {
        match self {
            Self::Done(_) => 0,
            Self::NotRunning => 3,
            Self::NoMeeting => 4,
            Self::NotAllowed | Self::Failed => 5,
        }
    }
}

/// Asks the open window, prints its answer and ends. Opens no window itself.
pub(crate) fn ask(profile: Option<&Profile>, order: Order) -> ExitCode {
    let answer = profile.map_or(Answer::NotRunning, |profile| asked(profile, order));
    let words = Tongue::of(Language::System).answer(answer);
    #[expect(clippy::print_stdout, reason = "this start has no window; the terminal is its face")]
    if answer.status() == 0 {
        println!("{words}");
    } else {
        eprintln!("{words}");
    }
    ExitCode::from(answer.status())
}

fn asked(profile: &Profile, order: Order) -> Answer {
    let (profile, line) = (profile.clone(), word_of(&ORDERS, &order));
    let (tell, told) = mpsc::sync_channel(1);
    // A window that hangs must not hang whoever pressed a key; the thread ends with the process.
    std::thread::spawn(move || tell.send(system::ask(&profile, line)));
    match told.recv_timeout(PATIENCE) {
        Ok(Ok(answer)) => meant(&ANSWERS, &answer).unwrap_or(Answer::Failed),
        Ok(Err(error)) if is_absence(&error) => Answer::NotRunning,
        Ok(Err(_)) | Err(_) => Answer::Failed,
    }
}

/// Nobody has the door open.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// Opens the door of this profile, which the caller holds. Without it everything else still works.
pub(crate) fn open(app: &AppHandle, profile: &Profile) {
    let (app, profile) = (app.clone(), profile.clone());
    tauri::async_runtime::spawn(async move {
        if let Err(error) = system::serve(&profile, move |line| serve(app.clone(), line)).await {
            tracing::warn!(kind = ?error.kind(), "no way in for `shoji --mute`");
        }
    });
}

async fn serve(app: AppHandle, line: String) -> &'static str {
    let answer = match (meant(&ORDERS, &line), app.state::<Desk>().client_now()) {
        (Some(order), Some(client)) => carry_out(&client, order).await,
        (Some(_), None) => Answer::NoMeeting,
        (None, _) => Answer::Failed,
    };
    word_of(&ANSWERS, &answer)
}

async fn carry_out(client: &Client, order: Order) -> Answer {
    let done = match order {
        Order::Mute(wish) => client.mute_by_key(wish).await,
        Order::Talk(on) => {
            let voice = if on { Voice::Open } else { Voice::Muted };
            client.hold_from_anywhere(Switch { on }).await.map(|()| voice)
        }
    };
    match done {
        Ok(voice) => Answer::Done(voice),
        Err(Failure { code: Code::NotInMeeting, .. }) => Answer::NoMeeting,
        Err(Failure { code: Code::NotAllowed, .. }) => Answer::NotAllowed,
        Err(_) => Answer::Failed,
    }
}

#[cfg(test)]
mod tests;
