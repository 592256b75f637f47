//! Every command of the page, in one list. Tauri's permission list, this list and `protocol::bridge::COMMANDS` are the
//! same, and a test compares them; a command missing from the window's capability file is denied.

use tauri::ipc::Invoke;

mod media;
mod meeting;
#[cfg(test)]
mod names;
mod page;

macro_rules! doors {
    ($($room:ident::$name:ident),* $(,)?) => {
        /// What answers the page.
        pub(crate) fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($room::$name),*]
        }

        /// What [`handler`] answers.
        #[cfg(test)]
        const ANSWERED: &[&str] = &[$(stringify!($name)),*];
    };
}

doors! {
    meeting::host_meeting,
    meeting::read_invite,
    meeting::join_invite,
    meeting::join_server,
    meeting::join_recent,
    meeting::leave,
    meeting::stop_hosting,
    meeting::forget_recent,
    media::set_microphone,
    media::set_camera,
    media::look_at_screens,
    media::start_share,
    media::stop_share,
    media::set_megaphone,
    media::choose_device,
    media::refresh_devices,
    media::set_preview,
    media::test_speaker,
    media::test_microphone,
    meeting::set_right,
    meeting::set_role,
    meeting::set_shield_minimum,
    meeting::set_shield_exempt,
    meeting::set_watermark,
    meeting::set_volume,
    meeting::create_invite,
    page::change_settings,
    page::dismiss_notice,
    page::open_stage,
    page::close_stage,
    page::report_codecs,
    page::look_at,
    media::hold_to_talk,
    page::set_shortcut,
    page::heartbeat,
    page::subscribe,
    page::open_frames,
    page::ack_frames,
}

#[cfg(test)]
mod tests;
