//! The name of every command of the window: for the permission list that `build.rs` makes, and for the tests.
//! A file without any `use`, because the build script compiles it too. The first part is `protocol::bridge::COMMANDS`;
//! a test compares.

/// The name of every command.
pub(crate) const NAMES: &[&str] = &[
    "host_meeting",
    "read_invite",
    "join_invite",
    "join_server",
    "join_recent",
    "leave",
    "stop_hosting",
    "forget_recent",
    "set_microphone",
    "set_camera",
    "start_share",
    "stop_share",
    "set_megaphone",
    "choose_device",
    "refresh_devices",
    "set_preview",
    "test_speaker",
    "test_microphone",
    "set_right",
    "set_role",
    "set_shield_minimum",
    "set_shield_exempt",
    "set_watermark",
    "set_volume",
    "create_invite",
    "change_settings",
    "dismiss_notice",
    "report_codecs",
    "look_at",
    "hold_to_talk",
    "set_shortcut",
    "heartbeat",
    // The doors themselves: not in the list of the bridge, which holds intents only.
    "subscribe",
    "open_frames",
    "ack_frames",
];
