//! What a page would know: the snapshot with every event applied, and nothing else. Values only.

use protocol::bridge::{Change, Event, Levels, Snapshot};

/// A snapshot that is kept up to date.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// As the page would draw it.
    pub snapshot: Snapshot,
    /// Who is heard now; not part of the snapshot.
    pub levels: Levels,
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
        Self { snapshot, levels: Levels::default() }
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
            Change::Phase(v) => s.phase = v,
            Change::Meeting(v) => s.meeting = v,
            Change::Hosting(v) => s.hosting = v,
            Change::Devices(v) => s.devices = v,
            Change::Settings(v) => s.settings = v,
            Change::Vault(v) => s.vault = v,
            Change::Shield(v) => s.shield = v,
            Change::Recents(v) => s.recents = v,
            Change::PendingInvite(v) => s.pending_invite = v,
            Change::Notices(v) => s.notices = v,
            Change::Levels(v) => self.levels = v,
        }
        Ok(())
    }
}
