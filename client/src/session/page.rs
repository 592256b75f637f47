//! What pages have been told: the last snapshot, numbered events, notices. Part of the session; compares and tells.

use protocol::bridge::{
    About, CaptureView, Change, Code, DeviceKind, DevicesView, Event, Levels, Notice, Phase, Severity, ShortcutState,
    ShortcutView, ShortcutsView, Snapshot,
};
use protocol::ids::DisplayName;
use protocol::shield::ShieldIncident;
use tokio::sync::mpsc;

use crate::ports::Ports;
use crate::profile::Settings;

/// Events waiting for one page. A page that is further behind sees a gap and subscribes again.
const EVENTS: usize = 1024;
/// Notices shown at once; the oldest go.
const MAX_NOTICES: usize = 12;

/// The pages' view.
pub(super) struct Page {
    told: Snapshot,
    subscribers: Vec<mpsc::Sender<Event>>,
    notices: Vec<Notice>,
    next_notice: u32,
}

impl Page {
    pub(super) fn new(ports: &Ports, settings: &Settings) -> Self {
        let told = Snapshot {
            seq: 0,
            about: About {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                os: std::env::consts::OS.to_owned(),
                person: ports.person.clone(),
            },
            phase: Phase::Home,
            meeting: None,
            hosting: None,
            devices: DevicesView::default(),
            settings: settings.view(),
            shortcuts: ShortcutsView {
                mute: ShortcutView { keys: None, state: ShortcutState::Unknown },
                talk: ShortcutView { keys: None, state: ShortcutState::Unknown },
            },
            vault: ports.vault.view(),
            shield: ports.shield,
            recents: Vec::new(),
            pending_invite: None,
            notices: Vec::new(),
        };
        Self { told, subscribers: Vec::new(), notices: Vec::new(), next_notice: 1 }
    }

    pub(super) fn subscribe(&mut self) -> (Snapshot, mpsc::Receiver<Event>) {
        let (to, from) = mpsc::channel(EVENTS);
        self.subscribers.push(to);
        (self.told.clone(), from)
    }

    pub(super) const fn is_watched(&self) -> bool {
        !self.subscribers.is_empty()
    }

    pub(super) fn notice(&mut self, code: Code, about: Option<String>, severity: Severity) {
        self.device_notice(code, None, about, severity);
    }

    /// A notice about a device, which may have no name.
    pub(super) fn device_notice(
        &mut self,
        code: Code,
        device: Option<DeviceKind>,
        about: Option<String>,
        severity: Severity,
    ) {
        self.push(Notice { id: 0, code, about, device, severity, capture: None });
    }

    /// A window was captured: this one, or somebody else's (`person`).
    pub(super) fn captured(&mut self, person: Option<&DisplayName>, incident: ShieldIncident) {
        let code = if person.is_some() { Code::OtherCaptured } else { Code::WindowCaptured };
        let severity = if incident.covered { Severity::Warning } else { Severity::Error };
        let person = person.map(ToString::to_string);
        let about = incident.program.as_ref().map(ToString::to_string);
        let capture = Some(CaptureView { person, incident });
        self.push(Notice { id: 0, code, about, device: None, severity, capture });
    }

    fn push(&mut self, notice: Notice) {
        // Said once: a device that flickers, or a program that goes on capturing, must not fill the screen.
        let person = |n: &Notice| n.capture.as_ref().map(|c| c.person.clone());
        let same = |n: &Notice| n.code == notice.code && n.device == notice.device && n.about == notice.about;
        self.notices.retain(|n| !(same(n) && person(n) == person(&notice)));
        self.notices.push(Notice { id: self.next_notice, ..notice });
        self.next_notice = self.next_notice.wrapping_add(1);
        if self.notices.len() > MAX_NOTICES {
            self.notices.remove(0);
        }
    }

    pub(super) fn dismiss(&mut self, id: u32) {
        self.notices.retain(|n| n.id != id);
    }

    /// Takes back notices that are no longer true.
    pub(super) fn withdraw(&mut self, code: Code) {
        self.notices.retain(|n| n.code != code);
    }

    pub(super) fn levels(&mut self, levels: Levels) {
        self.tell(Change::Levels(levels));
    }

    /// Tells what is different from before; `now.notices` and `now.seq` are filled in here.
    pub(super) fn show(&mut self, now: Snapshot) {
        let notices = self.notices.clone();
        let mut changes = Vec::new();
        let told = &self.told;
        if told.meeting != now.meeting {
            changes.push(Change::Meeting(now.meeting.clone()));
        }
        // After the meeting: whoever is told to be in one finds it.
        if told.phase != now.phase {
            changes.push(Change::Phase(now.phase.clone()));
        }
        if told.hosting != now.hosting {
            changes.push(Change::Hosting(now.hosting.clone()));
        }
        if told.devices != now.devices {
            changes.push(Change::Devices(now.devices.clone()));
        }
        if told.settings != now.settings {
            changes.push(Change::Settings(now.settings.clone()));
        }
        if told.shortcuts != now.shortcuts {
            changes.push(Change::Shortcuts(now.shortcuts.clone()));
        }
        if told.vault != now.vault {
            changes.push(Change::Vault(now.vault.clone()));
        }
        if told.shield != now.shield {
            changes.push(Change::Shield(now.shield));
        }
        if told.recents != now.recents {
            changes.push(Change::Recents(now.recents.clone()));
        }
        if told.pending_invite != now.pending_invite {
            changes.push(Change::PendingInvite(now.pending_invite.clone()));
        }
        if told.notices != notices {
            changes.push(Change::Notices(notices.clone()));
        }
        let seq = self.told.seq;
        self.told = Snapshot { seq, notices, ..now };
        for change in changes {
            self.tell(change);
        }
    }

    pub(super) const fn told(&self) -> &Snapshot {
        &self.told
    }

    fn tell(&mut self, change: Change) {
        self.told.seq = self.told.seq.wrapping_add(1);
        let event = Event { seq: self.told.seq, change };
        self.subscribers.retain(|to| match to.try_send(event.clone()) {
            // A full one misses this event, sees the gap with the next, and subscribes again.
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
    }
}
