//! The contract as one TypeScript file, `ui/src/bridge/generated/bridge.ts`.
//! Run by the contract test, which fails when the committed file differs; `SHOJI_WRITE_TYPES=1` writes it.

use ts_rs::{Config, TS};

use super::*;
use crate::policy::{Capability, Role, TrackKind, TrackSource};
use crate::shield::{
    CaptureMethod, SelfTest, SelfTestOutcome, ShieldIncident, ShieldLevel, ShieldMechanism, ShieldMinimum, ShieldStatus,
};
use crate::watermark::Watermark;

/// The whole file.
#[must_use]
pub fn file() -> String {
    let config = Config::default();
    let mut out = String::from(
        "// Generated from protocol/src/bridge.rs by `cargo test -p protocol`. Do not edit: change the Rust side.\n\n",
    );
    macro_rules! declare {
        ($($t:ty),* $(,)?) => {$(
            out.push_str("export ");
            out.push_str(&<$t as TS>::decl(&config));
            out.push('\n');
        )*};
    }
    declare!(
        Role,
        Capability,
        TrackSource,
        TrackKind,
        ShieldLevel,
        ShieldMechanism,
        SelfTestOutcome,
        SelfTest,
        ShieldStatus,
        CaptureMethod,
        ShieldIncident,
        ShieldMinimum,
        Nothing,
        HostMeeting,
        ReadInvite,
        JoinInvite,
        JoinServer,
        JoinRecent,
        Switch,
        LookAtScreens,
        StartShare,
        DeviceKind,
        ChooseDevice,
        SetPreview,
        SetRight,
        SetRole,
        SetShieldMinimum,
        SetShieldExempt,
        SetWatermark,
        SetVolume,
        CreateInvite,
        CreatedInvite,
        InviteView,
        DismissNotice,
        PageCodecs,
        ShownPicture,
        LookAt,
        OpenStage,
        ShortcutUse,
        SetShortcut,
        Snapshot,
        Event,
        Change,
        Levels,
        PersonLevel,
        About,
        Phase,
        JoinStep,
        LostBecause,
        MeetingView,
        RightsRow,
        MeetingShieldView,
        Watermark,
        WatermarkView,
        SwitchState,
        PersonView,
        TrackView,
        TrackState,
        SealView,
        LinkView,
        LinkQuality,
        HostingView,
        DevicesView,
        DeviceView,
        ScreenKind,
        ScreenView,
        RehearsalView,
        HeardView,
        Language,
        Theme,
        NoiseSuppression,
        ShareQuality,
        SettingsView,
        SettingsChange,
        ShortcutState,
        ShortcutView,
        ShortcutsView,
        VaultView,
        RecentView,
        Notice,
        CaptureView,
        Severity,
        Failure,
        Code,
    );
    // Ids are plain strings for the page.
    for id in ["UserId", "DeviceId", "DisplayName", "ProgramName", "ParticipantSid", "TrackSid"] {
        out.push_str(&format!("export type {id} = string;\n"));
    }
    out.push('\n');
    out.push_str(&commands_ts(&config));
    out.push_str("\nexport const CODES: readonly Code[] = [\n");
    for code in Code::ALL {
        let name = serde_json::to_string(code).expect("a code is a plain word");
        out.push_str(&format!("  {name},\n"));
    }
    out.push_str("] as const;\n\nexport const COMMANDS = [\n");
    for name in COMMANDS {
        out.push_str(&format!("  \"{name}\",\n"));
    }
    out.push_str("] as const;\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_types_are_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/src/bridge/generated/bridge.ts");
        if std::env::var_os("SHOJI_WRITE_TYPES").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, file()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(
            committed,
            file(),
            "run `SHOJI_WRITE_TYPES=1 cargo test -p protocol the_committed_types` and commit the file"
        );
    }

    #[test]
    fn every_code_is_listed_once() {
        let mut seen = std::collections::HashSet::new();
        assert!(Code::ALL.iter().all(|code| seen.insert(*code)));
        // One more variant than the list would slip through here if the last one were not checked.
        assert_eq!(Code::ALL.len(), 65);
    }
}
