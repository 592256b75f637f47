//! One running program per profile, and links of `shoji://` that reach it.
//! A second start hands its command line to the first and ends; nothing of it is logged, because a link holds a secret.

use tauri::{AppHandle, Builder, Wry};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::launch::Launch;
use crate::profile::Profile;
use crate::windows;

const SCHEME: &str = "shoji";

/// Adds what finds the first instance. It must be the first plugin.
pub(super) fn plug(builder: Builder<Wry>, profile: &Profile) -> Builder<Wry> {
    // Only Linux has a name per profile; elsewhere the plugin knows one program only, and a profile of its own is
    // guarded by its lock alone.
    if profile.is_own_folder() && !cfg!(target_os = "linux") {
        return builder;
    }
    let plugin = tauri_plugin_single_instance::Builder::new()
        .dbus_id(profile.namespace())
        .callback(|app, words, _folder| on_second_start(app, words))
        .build();
    builder.plugin(plugin)
}

fn on_second_start(app: &AppHandle, words: Vec<String>) {
    windows::bring_forward(app);
    let Ok(launch) = Launch::read(words) else { return };
    if let Some(link) = launch.link() {
        super::offer(app, link.to_owned());
    }
}

/// Makes links open this program where no installer did: when it is run from a folder, with the usual profile.
pub(super) fn register_links(app: &AppHandle, profile: &Profile) {
    if cfg!(debug_assertions) || profile.is_own_folder() || is_installed() {
        return;
    }
    let app = app.clone();
    // It runs programs of the system and may take a while.
    tauri::async_runtime::spawn_blocking(move || {
        let links = app.deep_link();
        if links.is_registered(SCHEME).unwrap_or(true) {
            return;
        }
        if let Err(error) = links.register(SCHEME) {
            tracing::info!(%error, "links do not open this program");
        }
    });
}

/// Packages bring their own registration.
fn is_installed() -> bool {
    std::env::current_exe().is_ok_and(|program| program.starts_with("/usr") || program.starts_with("/opt"))
}
