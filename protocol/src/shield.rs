//! What is known about screenshot protection on one machine, in words everyone in the meeting can be shown.
//! Values only; the window measures, the host collects, the page shows.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// X11 without administrator's rights: whoever captures is noticed, and the window covered.
    X11Watch,
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
}
