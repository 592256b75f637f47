//! Which monitors there are, what they are called and how large they are in pixels. Asks the system; touches nothing.

use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use dispatch2::DispatchQueue;
use objc2::MainThreadMarker;
use objc2_app_kit::NSScreen;
use objc2_core_graphics::{
    CGDisplayBounds, CGDisplayCopyDisplayMode, CGDisplayMode, CGError, CGGetActiveDisplayList, CGMainDisplayID,
};
use objc2_foundation::{NSNumber, ns_string};
use protocol::ids::DeviceId;

/// More monitors than this are not listed.
const MOST: usize = 32;
/// How long the main thread may take to say names. A program without an event loop never does.
const NAMES: Duration = Duration::from_millis(100);

/// A monitor as the desktop has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Monitor {
    /// Its `CGDirectDisplayID`, which it keeps while it is plugged in.
    pub(super) display: u32,
    /// Where it stands, in the desktop's own units.
    place: (f64, f64),
    /// Pixels, whatever its scale.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
    pub(super) is_primary: bool,
}

impl Monitor {
    /// `macos:1`.
    pub(super) fn id(&self) -> Option<DeviceId> {
        DeviceId::parse(format!("macos:{}", self.display)).ok()
    }
}

/// Every monitor that is part of the desktop.
pub(super) fn monitors() -> Vec<Monitor> {
    let (mut all, mut count) = ([0; MOST], 0);
    // SAFETY: the list has as much room as is said; how much of it was used is written back.
    let error = unsafe { CGGetActiveDisplayList(MOST as u32, all.as_mut_ptr(), &raw mut count) };
    if error != CGError::Success {
        tracing::warn!(code = error.0, "monitors not listed");
        return Vec::new();
    }
    all.into_iter().take(count as usize).map(describe).collect()
}

fn describe(display: u32) -> Monitor {
    let bounds = CGDisplayBounds(display);
    // The bounds are turned as the monitor is turned, and in units of the desktop; the mode knows how many pixels one is.
    let scale = CGDisplayCopyDisplayMode(display).map_or(1.0, |mode| {
        let (pixels, units) = (CGDisplayMode::pixel_width(Some(&mode)), CGDisplayMode::width(Some(&mode)));
        if units == 0 { 1.0 } else { pixels as f64 / units as f64 }
    });
    Monitor {
        display,
        place: (bounds.origin.x, bounds.origin.y),
        width: (bounds.size.width * scale).round() as u32,
        height: (bounds.size.height * scale).round() as u32,
        is_primary: display == CGMainDisplayID(),
    }
}

/// What they are called. Only the main thread may ask; where it does not answer, they have no names.
pub(super) fn names() -> HashMap<u32, String> {
    if let Some(main) = MainThreadMarker::new() {
        return names_on(main);
    }
    let (tell, told) = sync_channel(1);
    DispatchQueue::main().exec_async(move || {
        if let Some(main) = MainThreadMarker::new() {
            drop(tell.try_send(names_on(main)));
        }
    });
    told.recv_timeout(NAMES).unwrap_or_default()
}

fn names_on(main: MainThreadMarker) -> HashMap<u32, String> {
    let name = |screen: objc2::rc::Retained<NSScreen>| {
        let number = screen.deviceDescription().objectForKey(ns_string!("NSScreenNumber"))?;
        Some((number.downcast_ref::<NSNumber>()?.unsignedIntValue(), screen.localizedName().to_string()))
    };
    NSScreen::screens(main).iter().filter_map(name).collect()
}
