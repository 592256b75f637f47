//! From start to end of the program: makes the runtime, opens the window, plugs real devices, vault and host into the
//! client, passes links on, and closes everything in order. Knows who fits where and nothing of what they do.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use client::Client;
use client::ports::{Ports, Vault};
use media_devices::SystemDevices;
use protocol::shield::ShieldStatus;
use tauri::{AppHandle, Builder, Manager, RunEvent, WebviewWindow};
use tokio::runtime::Handle;

use crate::desk::Desk;
use crate::launch::{self, Launch};
use crate::local_host::LocalOffice;
use crate::profile::{IDENTIFIER, Profile};
use crate::vault::SystemVault;
use crate::{commands, control, demo, log, mark, outside, person, shield, watchdog, windows};

mod instance;
#[cfg(target_os = "macos")]
#[path = "app/opened/macos.rs"]
mod opened;
#[cfg(not(target_os = "macos"))]
#[path = "app/opened/elsewhere.rs"]
mod opened;
mod signals;

/// Network tasks; media work has threads of its own.
const WORKERS: usize = 2;
/// How long leaving the meeting may take before the program ends anyway.
const GRACE: Duration = Duration::from_secs(5);

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let launch = match Launch::read(std::env::args_os()) {
        Ok(launch) => launch,
        Err(words) => {
            let code = if words.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            return words.print().map_or(ExitCode::FAILURE, |()| code);
        }
    };
    if let Some(order) = launch.order() {
        // Only asks the window that is open, if one is; makes nothing.
        let profile = usual_place().ok().and_then(|usual| Profile::existing(launch.profile.as_deref(), &usual));
        return control::ask(profile.as_ref(), order);
    }
    if let Some(picture) = &launch.read_mark {
        let profile = usual_place().ok().and_then(|usual| Profile::existing(launch.profile.as_deref(), &usual));
        return mark::read(profile.as_ref(), picture);
    }
    match run_window(launch) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => {
            tracing::error!(error = %format!("{error:#}"), "the program cannot start");
            ExitCode::FAILURE
        }
    }
}

fn usual_place() -> anyhow::Result<PathBuf> {
    Ok(dirs::data_local_dir().context("the system names no place for data")?.join(IDENTIFIER))
}

fn run_window(launch: Launch) -> anyhow::Result<i32> {
    let profile = Profile::open(launch.profile.as_deref(), &usual_place()?).context("the profile folder")?;
    log::start(&profile.logs());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("net")
        .enable_all()
        .build()
        .context("the network threads")?;
    let net = runtime.handle().clone();
    tauri::async_runtime::set(net.clone());

    let app = instance::plug(Builder::default(), &profile)
        .plugin(tauri_plugin_deep_link::init())
        .manage(Desk::new())
        .invoke_handler(commands::handler())
        // Devices are opened by Rust, with a permit; the page gets nothing from the web view.
        .on_permission_request(|_, _| tauri::webview::PermissionResponse::Deny)
        .setup(move |app| {
            hold(app.handle(), &profile);
            let window = windows::open(app.handle(), profile.page_data())?;
            watchdog::watch(&window);
            app.manage(shield::Guard::start(&window)?);
            tauri::async_runtime::spawn(shield::follow(app.handle().clone()));
            signals::listen(app.handle().clone());
            instance::register_links(app.handle(), &profile);
            if let Some(link) = launch.link() {
                offer(app.handle(), link.to_owned());
            }
            tauri::async_runtime::spawn(outside::follow(window.clone()));
            tauri::async_runtime::spawn(windows::stage::follow(app.handle().clone(), profile.clone()));
            control::open(app.handle(), &profile);
            std::thread::Builder::new().name("start".into()).spawn(move || start(&window, &profile, &net))?;
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("the window system")?;
    let code = app.run_return(on_run_event);
    // Whatever still runs had its grace.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(code)
}

/// One program per profile, also where the other cannot be spoken to. The lock is managed by Tauri and ends with it.
fn hold(app: &AppHandle, profile: &Profile) {
    match profile.lock() {
        Ok(Some(lock)) => {
            app.manage::<ProfileLock>(ProfileLock(lock));
        }
        Ok(None) => {
            tracing::error!("another window uses this profile");
            app.cleanup_before_exit();
            std::process::exit(1);
        }
        // A file system without locks: as good as it gets.
        Err(error) => tracing::warn!(kind = ?error.kind(), "the profile cannot be locked"),
    }
}

/// Released when dropped.
struct ProfileLock(#[expect(dead_code, reason = "held, not read")] File);

/// Everything that may take a while, in the order in which it is safe.
fn start(window: &WebviewWindow, profile: &Profile, net: &Handle) {
    if let Err(error) = window.show() {
        tracing::error!(%error, "the window cannot be shown");
    }
    let vault: Arc<dyn Vault> = Arc::new(SystemVault::open(profile.namespace()));
    let ports = Ports {
        devices: Arc::new(SystemDevices::new(Instant::now())),
        host: Some(Arc::new(LocalOffice::new(profile.host_data(), Arc::clone(&vault)))),
        vault,
        profile: Some(profile.folder().to_owned()),
        // Nothing is protected before a meeting demands it.
        shield: ShieldStatus::default(),
        person: person::named(),
    };
    let client = Client::start(ports, net);
    if demo::wanted() {
        net.spawn(demo::host(client.clone()));
    }
    window.state::<Desk>().open(client);
}

/// Shows an invitation on the home screen, and the window with it.
pub(crate) fn offer(app: &AppHandle, link: String) {
    if !launch::is_link(&link) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let Ok(client) = app.state::<Desk>().client().await else { return };
        client.offer_invite(&link);
    });
}

/// Leaves the meeting, closes the devices, stops the host, then ends the program. The window is gone at once.
pub(crate) fn quit(app: &AppHandle) {
    for (_, window) in app.webview_windows() {
        if let Err(error) = window.hide() {
            tracing::debug!(%error, "the window stays while we leave");
        }
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        leave(&app).await;
        app.exit(0);
    });
}

async fn leave(app: &AppHandle) {
    let Some(client) = app.state::<Desk>().close() else { return };
    if tokio::time::timeout(GRACE, client.shutdown()).await.is_err() {
        tracing::warn!("leaving took too long");
    }
}

fn on_run_event(app: &AppHandle, event: RunEvent) {
    for link in opened::links(&event) {
        windows::bring_forward(app);
        offer(app, link);
    }
    // However the end was asked for, the meeting is left first; a second time there is nothing left to do.
    if let RunEvent::Exit = event {
        tauri::async_runtime::block_on(leave(app));
    }
}
