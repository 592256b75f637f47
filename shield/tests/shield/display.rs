//! A private X server for the tests of this crate: nothing of the machine's own display is touched. It listens on no
//! network and ends with the test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Xvfb.
pub(crate) struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Starts one; `None`, with the reason printed, where Xvfb is not installed.
    pub(crate) fn start() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset", "-ac"]);
        let mut server = match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() {
            Ok(server) => server,
            Err(error) => {
                println!("skipped: Xvfb does not start ({error}); apt-get install xvfb");
                return None;
            }
        };
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut number).expect("Xvfb names its display");
        assert!(!number.trim().is_empty(), "Xvfb ended before it had a display");
        Some(Self { server, name: format!(":{}", number.trim()) })
    }

    /// As in `:7`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if self.server.kill().and_then(|()| self.server.wait()).is_err() {
            println!("Xvfb {} was gone before the test", self.name);
        }
    }
}
