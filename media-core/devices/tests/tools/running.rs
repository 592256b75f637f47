//! Programs a test starts, stopped with it. Nothing here touches programs that somebody else started.

use std::process::{Child, Command};

/// A started program, stopped when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?} does not start: {e}")))
    }

    /// As a crash would.
    pub(crate) fn kill(&mut self) {
        self.0.kill().expect("ours to kill");
        self.0.wait().expect("ours to wait for");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}
