//! The sign in the system's tray while a meeting is open: whether this person is heard, and a menu for the most needed.
//! Decides nothing. Where the desktop has no tray, or the library for it is missing, there is none and nothing else changes.

use client::{MuteWish, Voice};
use protocol::bridge::Nothing;
use tauri::image::Image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager, Wry};

use crate::desk::Desk;
use crate::words::{NAME, Tongue};
use crate::{app, windows};

#[cfg(target_os = "linux")]
#[path = "tray/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "tray/elsewhere.rs"]
mod system;

const ID: &str = "meeting";
const MUTE: &str = "mute";
const SHOW: &str = "show";
const LEAVE: &str = "leave";
const QUIT: &str = "quit";

/// Gone when dropped.
pub(crate) struct Tray {
    app: AppHandle,
    icon: TrayIcon,
    mute: MenuItem<Wry>,
    tongue: Tongue,
    shown: Voice,
}

impl Tray {
    /// Puts the sign up; `None` where there is no tray.
    pub(crate) fn open(app: &AppHandle, tongue: Tongue, voice: Voice) -> Option<Self> {
        if !system::has_tray() {
            tracing::info!("no tray on this system");
            return None;
        }
        Self::build(app, tongue, voice).inspect_err(|error| tracing::warn!(%error, "no sign in the tray")).ok()
    }

    fn build(app: &AppHandle, tongue: Tongue, voice: Voice) -> tauri::Result<Self> {
        let item = |id: &str, words: &str| MenuItem::with_id(app, id, words, true, None::<&str>);
        let mute = item(MUTE, action(tongue, voice))?;
        let menu = Menu::with_items(
            app,
            &[
                &mute,
                &item(SHOW, tongue.show())?,
                &PredefinedMenuItem::separator(app)?,
                &item(LEAVE, tongue.leave())?,
                &item(QUIT, tongue.quit())?,
            ],
        )?;
        let icon = TrayIconBuilder::with_id(ID)
            .menu(&menu)
            .icon(sign(app, voice))
            .tooltip(tooltip(tongue, voice))
            .on_menu_event(|app, event| on_menu(app, &event))
            .build(app)?;
        Ok(Self { app: app.clone(), icon, mute, tongue, shown: voice })
    }

    /// The language of its menu.
    pub(crate) const fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// Shows what is so now.
    pub(crate) fn show(&mut self, voice: Voice) {
        if self.shown == voice {
            return;
        }
        let tongue = self.tongue;
        let told = self
            .mute
            .set_text(action(tongue, voice))
            .and_then(|()| self.icon.set_icon(Some(sign(&self.app, voice))))
            .and_then(|()| self.icon.set_tooltip(Some(tooltip(tongue, voice))));
        match told {
            Ok(()) => self.shown = voice,
            Err(error) => tracing::debug!(%error, "the tray does not follow"),
        }
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        // The app holds another handle of it.
        drop(self.app.remove_tray_by_id(ID));
    }
}

const fn action(tongue: Tongue, voice: Voice) -> &'static str {
    match voice {
        Voice::Open => tongue.mute(),
        Voice::Muted => tongue.unmute(),
    }
}

fn tooltip(tongue: Tongue, voice: Voice) -> String {
    let state = match voice {
        Voice::Open => tongue.live(),
        Voice::Muted => tongue.muted(),
    };
    format!("{state} – {NAME}")
}

fn on_menu(app: &AppHandle, event: &MenuEvent) {
    match event.id().as_ref() {
        MUTE => with_client(app, |client| async move { client.mute(MuteWish::Toggle).await.map(|_| ()) }),
        SHOW => windows::bring_forward(app),
        LEAVE => with_client(app, |client| async move { client.leave(Nothing {}).await }),
        QUIT => app::quit(app),
        other => tracing::debug!(other, "an entry without a meaning"),
    }
}

fn with_client<F>(app: &AppHandle, act: impl FnOnce(client::Client) -> F)
where
    F: Future<Output = Result<(), protocol::bridge::Failure>> + Send + 'static,
{
    let Some(client) = app.state::<Desk>().client_now() else { return };
    let act = act(client);
    tauri::async_runtime::spawn(async move {
        if let Err(failure) = act.await {
            tracing::debug!(code = ?failure.code, "the tray's wish was refused");
        }
    });
}

/// The program's icon with a mark in the corner.
fn sign(app: &AppHandle, voice: Voice) -> Image<'static> {
    let (mut pixels, width, height) = match app.default_window_icon() {
        Some(icon) => (icon.rgba().to_vec(), icon.width(), icon.height()),
        None => (vec![0; 32 * 32 * 4], 32, 32),
    };
    mark(&mut pixels, width, height, voice);
    Image::new_owned(pixels, width, height)
}

const RED: [u8; 4] = [0xC7, 0x3E, 0x3A, 0xFF];
const GREEN: [u8; 4] = [0x2E, 0x8B, 0x57, 0xFF];
const WHITE: [u8; 4] = [0xFF; 4];

/// Draws a disc of half the width into the corner: red with a bar when muted, green and whole when heard; never colour
/// alone.
fn mark(pixels: &mut [u8], width: u32, height: u32, voice: Voice) {
    let radius = f64::from(width.min(height)) / 4.0;
    let (x0, y0) = (f64::from(width) - radius - 0.5, f64::from(height) - radius - 0.5);
    for (y, row) in (0..height).zip(pixels.chunks_exact_mut(width as usize * 4)) {
        for (x, pixel) in (0..width).zip(row.chunks_exact_mut(4)) {
            let (dx, dy) = (f64::from(x) - x0, f64::from(y) - y0);
            let away = dx.hypot(dy);
            if away > radius {
                continue;
            }
            let edge = away > radius * 0.85;
            let bar = voice == Voice::Muted && dy.abs() < radius * 0.2 && dx.abs() < radius * 0.6;
            let colour = match voice {
                _ if edge || bar => WHITE,
                Voice::Muted => RED,
                Voice::Open => GREEN,
            };
            pixel.copy_from_slice(&colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(voice: Voice) -> Vec<u8> {
        let mut pixels = vec![0; 32 * 24 * 4];
        mark(&mut pixels, 32, 24, voice);
        pixels
    }

    #[test]
    fn muted_and_heard_differ_by_more_than_colour() {
        let white = |pixels: &[u8]| pixels.chunks_exact(4).filter(|pixel| *pixel == WHITE).count();
        let (muted, heard) = (drawn(Voice::Muted), drawn(Voice::Open));
        assert!(white(&muted) > white(&heard) + 8, "the bar is seen");
        assert_eq!(muted[..32 * 4], [0; 32 * 4], "the icon itself stays");
    }
}
