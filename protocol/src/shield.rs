//! What is known about screenshot protection on one machine, in words everyone in the meeting can be shown, and what a
//! meeting demands of it. Values only; the window measures, the host collects and decides, the page shows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::ProgramName;
use crate::policy::Role;

/// How far screenshots of the meeting window are kept away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShieldLevel {
    /// Not at all.
    #[default]
    None,
    /// The system was asked, and nobody checked that it obeys.
    Deter,
    /// A capture is noticed and covered.
    Detect,
    /// A capture shows nothing.
    Block,
}

/// What holds the protection up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ShieldMechanism {
    /// Nothing on this system yet.
    #[default]
    Unsupported,
    /// Windows: `SetWindowDisplayAffinity(WDA_EXCLUDEFROMCAPTURE)`, read back.
    WindowsExcludeFromCapture,
    /// Windows before build 19041: `WDA_MONITOR`, read back.
    WindowsMonitor,
    /// macOS: `NSWindow.sharingType = none`.
    MacosSharingType,
    /// macOS: pictures in a layer with `preventsCapture`, beside the sharing type.
    MacosPreventsCapture,
    /// X11 without administrator's rights: whoever captures is noticed, and the window covered.
    X11Watch,
    /// X11 with the administrator's module: the server itself shows a black window to other programs.
    X11Module,
    /// Wayland: the compositor was asked to keep the surface out of captures.
    WaylandCaptureControl,
    /// Wayland: a rule in the compositor's settings keeps the window out of captures.
    WaylandWindowRule,
    /// Wayland: screencasts are noticed, and the window covered.
    WaylandWatch,
}

/// How a self-test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SelfTestOutcome {
    /// Captures showed an unprotected pattern, and none showed the protected one.
    Held,
    /// A capture showed the protected pattern.
    Leaked,
    /// Captures do not even show what is unprotected, or the test could not be done: nothing is known.
    CannotTell,
}

/// The last self-test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub struct SelfTest {
    /// When it ended, in unix seconds by the clock of the tested machine.
    pub at: u32,
    /// And how.
    pub outcome: SelfTestOutcome,
}

/// The protection of one person's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
pub struct ShieldStatus {
    /// How far it goes.
    pub level: ShieldLevel,
    /// By what.
    pub mechanism: ShieldMechanism,
    /// The system call failed or its result read back was not what was asked for.
    pub failed: bool,
    /// The last self-test; `None`: none was made since the program started.
    #[serde(default)]
    pub test: Option<SelfTest>,
}

impl ShieldStatus {
    /// The level that counts: a shield that failed is none, whatever it says.
    #[must_use]
    pub const fn holds(&self) -> ShieldLevel {
        if self.failed { ShieldLevel::None } else { self.level }
    }
}

/// How a screen was captured, or tried to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// X11 core `GetImage`.
    GetImage,
    /// X11 `GetImage` through shared memory.
    ShmGetImage,
    /// X11 `CopyArea` or `CopyPlane`.
    Copy,
    /// X11 Composite: a redirected window, its pixmap, or the overlay.
    Composite,
    /// An X11 RENDER picture of a window.
    Render,
    /// A window's buffer through DRI2 or DRI3.
    Dri,
    /// A second X11 buffer for a window.
    DoubleBuffer,
    /// Told of every change of a window.
    Damage,
    /// Watches what other programs do.
    Record,
    /// A key that takes pictures was pressed.
    CaptureKey,
    /// A picture came to the clipboard right after such a key.
    Clipboard,
    /// The system says that the screen is being recorded or cast.
    ScreenRecording,
    /// The system says that the screen is mirrored to another.
    Mirroring,
    /// Somebody ended or changed the watch of the shield.
    Meddling,
    /// The watch of the shield ended, and captures cannot be noticed any more.
    WatchLost,
}

/// Somebody captured the meeting's window, or tried to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ShieldIncident {
    /// The program, by the name of its file, where it is known.
    pub program: Option<ProgramName>,
    /// Its process on that machine, where it is known.
    pub pid: Option<u32>,
    /// How.
    pub method: CaptureMethod,
    /// For how long it went on, as far as known; under a second is 0.
    pub seconds: u32,
    /// Was the window covered meanwhile?
    pub covered: bool,
}

/// What a meeting demands before it sends somebody pictures: a level for everyone, and more for a role where wanted.
/// `none` demands nothing, and is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ShieldMinimum {
    /// Of everyone in the meeting.
    pub everyone: ShieldLevel,
    /// Of owners at least.
    pub owner: ShieldLevel,
    /// Of members at least.
    pub member: ShieldLevel,
    /// Of guests at least.
    pub guest: ShieldLevel,
}

impl ShieldMinimum {
    /// What is demanded of a person of this role: the higher of the meeting's level and the role's.
    #[must_use]
    pub fn of(&self, role: Role) -> ShieldLevel {
        let own = match role {
            Role::Owner => self.owner,
            Role::Member => self.member,
            Role::Guest => self.guest,
        };
        own.max(self.everyone)
    }

    /// Demands a level of one role, or of everyone (`None`).
    pub const fn set(&mut self, role: Option<Role>, level: ShieldLevel) {
        match role {
            None => self.everyone = level,
            Some(Role::Owner) => self.owner = level,
            Some(Role::Member) => self.member = level,
            Some(Role::Guest) => self.guest = level,
        }
    }

    /// The whole rule of who is sent pictures: who is exempt, and who reports at least what is demanded of their role.
    /// Who reports nothing has the default status, which protects nothing.
    #[must_use]
    pub fn lets_pictures(&self, role: Role, exempt: bool, reported: &ShieldStatus) -> bool {
        exempt || reported.holds() >= self.of(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn status(level: ShieldLevel, failed: bool) -> ShieldStatus {
        ShieldStatus { level, mechanism: ShieldMechanism::X11Watch, failed, test: None }
    }

    #[test]
    fn no_minimum_lets_everyone_see_whatever_they_report() {
        let nothing = ShieldMinimum::default();
        for role in Role::ALL {
            assert!(nothing.lets_pictures(role, false, &ShieldStatus::default()));
            assert!(nothing.lets_pictures(role, false, &status(ShieldLevel::None, true)));
        }
    }

    #[test]
    fn below_the_minimum_nobody_sees_but_the_exempt() {
        let mut least = ShieldMinimum::default();
        least.set(None, ShieldLevel::Detect);
        for role in Role::ALL {
            assert!(!least.lets_pictures(role, false, &ShieldStatus::default()), "no report is no protection");
            assert!(!least.lets_pictures(role, false, &status(ShieldLevel::Deter, false)));
            assert!(!least.lets_pictures(role, false, &status(ShieldLevel::Block, true)), "a failed one is none");
            assert!(least.lets_pictures(role, false, &status(ShieldLevel::Detect, false)));
            assert!(least.lets_pictures(role, false, &status(ShieldLevel::Block, false)));
            assert!(least.lets_pictures(role, true, &ShieldStatus::default()));
        }
    }

    #[test]
    fn a_role_can_be_demanded_more_of_and_never_less() {
        let mut least = ShieldMinimum::default();
        least.set(None, ShieldLevel::Deter);
        least.set(Some(Role::Guest), ShieldLevel::Block);
        least.set(Some(Role::Owner), ShieldLevel::None);
        assert_eq!(Role::ALL.map(|role| least.of(role)), [ShieldLevel::Deter, ShieldLevel::Deter, ShieldLevel::Block]);
    }

    #[test]
    fn a_status_without_a_test_reads_back_and_a_minimum_of_an_older_host_demands_nothing() {
        let old = r#"{"level":"deter","mechanism":"windows_monitor","failed":false}"#;
        assert_eq!(serde_json::from_str::<ShieldStatus>(old).unwrap().test, None);
        assert_eq!(serde_json::from_str::<ShieldMinimum>("{}").unwrap(), ShieldMinimum::default());
    }

    #[test]
    fn an_incident_takes_no_endless_name_and_no_unknown_method() {
        let long = format!(
            r#"{{"program":"{}","pid":1,"method":"copy","seconds":0,"covered":true}}"#,
            "x".repeat(ProgramName::MAX + 1)
        );
        assert!(serde_json::from_str::<ShieldIncident>(&long).is_err());
        let odd = r#"{"program":null,"pid":null,"method":"magic","seconds":0,"covered":true}"#;
        assert!(serde_json::from_str::<ShieldIncident>(odd).is_err());
    }
}
