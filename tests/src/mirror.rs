//! What a page would know: the snapshot with every event applied, and nothing else. Values only.

use protocol::bridge::{Change, Event, Levels, Phase, Snapshot};

/// Phases remembered.
const PHASES: usize = 256;

/// A snapshot that is kept up to date.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// As the page would draw it.
    pub snapshot: Snapshot,
    /// Who is heard now; not part of the snapshot.
    pub levels: Levels,
    /// Every phase there was, oldest first: some last for a moment only.
    pub phases: Vec<Phase>,
}

/// An event was lost on the way: subscribe again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event {got} came after {had}")]
pub struct Gap {
    /// The last one applied.
    pub had: u32,
    /// The one that came.
    pub got: u32,
}

impl Mirror {
    /// From what `subscribe` answered.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self { phases: vec![snapshot.phase.clone()], snapshot, levels: Levels::default() }
    }

    /// Applies one event.
    ///
    /// # Errors
    /// One is missing in between.
    pub fn apply(&mut self, event: Event) -> Result<(), Gap> {
        let had = self.snapshot.seq;
        if event.seq != had.wrapping_add(1) {
            return Err(Gap { had, got: event.seq });
        }
        let s = &mut self.snapshot;
        s.seq = event.seq;
        match event.change {
            Change::Phase(v) => {
                if self.phases.len() < PHASES {
                    self.phases.push(v.clone());
                }
                s.phase = v;
            }
            Change::Meeting(v) => s.meeting = v,
            Change::Hosting(v) => s.hosting = v,
            Change::Devices(v) => s.devices = v,
            Change::Settings(v) => s.settings = v,
            Change::Vault(v) => s.vault = v,
            Change::Shield(v) => s.shield = v,
            Change::Recents(v) => s.recents = v,
            Change::PendingInvite(v) => s.pending_invite = v,
            Change::Notices(v) => s.notices = v,
            Change::Shortcuts(v) => s.shortcuts = v,
            Change::Levels(v) => self.levels = v,
        }
        Ok(())
    }
}
