//! Real-time priority for what a bench measures while the machine does other work. Uses `chrt` (util-linux) and changes
//! nothing where that is missing or not allowed: figures are then those of a busy machine.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Above everything ordinary, below the kernel's own.
const PRIORITY: &str = "10";

/// What stands before a program's name.
pub const WORDS: &[&str] = &["chrt", "-f", PRIORITY];

/// Whether this machine lets us.
#[must_use]
pub fn allowed() -> bool {
    chrt(&["-f", PRIORITY, "true"])
}

/// The words that start a program: with real-time priority where allowed.
#[must_use]
pub fn program(path: &Path) -> Vec<OsString> {
    let before = if allowed() { WORDS } else { &[] };
    let mut words: Vec<OsString> = before.iter().map(OsString::from).collect();
    words.push(path.into());
    words
}

/// This process, all its threads, while the value lives.
pub struct Urgently(());

impl Urgently {
    /// From now on.
    #[must_use]
    pub fn now() -> Self {
        chrt(&["-a", "-f", "-p", PRIORITY, &own()]);
        Self(())
    }
}

impl Drop for Urgently {
    fn drop(&mut self) {
        chrt(&["-a", "-o", "-p", "0", &own()]);
    }
}

fn own() -> String {
    std::process::id().to_string()
}

fn chrt(words: &[&str]) -> bool {
    let run =
        Command::new("chrt").args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}
