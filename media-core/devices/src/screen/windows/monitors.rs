//! Which monitors there are, what they are called and how large they are in pixels. Asks the system; touches nothing.

use protocol::ids::DeviceId;
use windows::Win32::Devices::Display::{
    DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME, DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME,
    DISPLAYCONFIG_DEVICE_INFO_HEADER, DISPLAYCONFIG_MODE_INFO, DISPLAYCONFIG_PATH_INFO,
    DISPLAYCONFIG_SOURCE_DEVICE_NAME, DISPLAYCONFIG_TARGET_DEVICE_NAME, DisplayConfigGetDeviceInfo,
    GetDisplayConfigBufferSizes, QDC_ONLY_ACTIVE_PATHS, QueryDisplayConfig,
};
use windows::Win32::Foundation::{LPARAM, RECT, TRUE};
use windows::Win32::Graphics::Gdi::{
    DEVMODEW, ENUM_CURRENT_SETTINGS, EnumDisplayMonitors, EnumDisplaySettingsW, GetMonitorInfoW, HDC, HMONITOR,
    MONITORINFOEXW,
};
use windows::Win32::UI::WindowsAndMessaging::MONITORINFOF_PRIMARY;
use windows::core::{BOOL, PCWSTR};

/// A monitor as the desktop has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Monitor {
    /// `\\.\DISPLAY1`: its connector, which it keeps while it is plugged in.
    device: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) is_primary: bool,
    /// An `HMONITOR`; another one after every change of the desktop.
    handle: isize,
}

impl Monitor {
    /// `windows:DISPLAY1`.
    pub(super) fn id(&self) -> Option<DeviceId> {
        DeviceId::parse(format!("windows:{}", short(&self.device))).ok()
    }

    /// For the system.
    pub(super) const fn handle(&self) -> HMONITOR {
        HMONITOR(self.handle as *mut _)
    }

    /// As its maker calls it; where the system does not say (a virtual one, Remote Desktop), its connector.
    pub(super) fn friendly_name(&self) -> String {
        name_of(&self.device).filter(|name| !name.is_empty()).unwrap_or_else(|| short(&self.device).to_owned())
    }
}

fn short(device: &str) -> &str {
    device.strip_prefix(r"\\.\").unwrap_or(device)
}

/// Every monitor that is part of the desktop.
pub(super) fn monitors() -> Vec<Monitor> {
    handles().into_iter().filter_map(describe).collect()
}

fn handles() -> Vec<HMONITOR> {
    extern "system" fn each(monitor: HMONITOR, _: HDC, _: *mut RECT, all: LPARAM) -> BOOL {
        // SAFETY: what `handles` handed over: its own list, which outlives the call and which nobody else uses meanwhile.
        let all = unsafe { &mut *(all.0 as *mut Vec<HMONITOR>) };
        all.push(monitor);
        TRUE
    }
    let mut all: Vec<HMONITOR> = Vec::new();
    // SAFETY: `each` is called back before this returns, with the list it expects.
    let done = unsafe { EnumDisplayMonitors(None, None, Some(each), LPARAM(&raw mut all as isize)) };
    if !done.as_bool() {
        tracing::warn!("monitors not listed");
    }
    all
}

fn describe(handle: HMONITOR) -> Option<Monitor> {
    let mut info = MONITORINFOEXW::default();
    info.monitorInfo.cbSize = size_of::<MONITORINFOEXW>() as u32;
    // SAFETY: the structure is the longer of the two the call takes, and says so by its size.
    if !unsafe { GetMonitorInfoW(handle, (&raw mut info).cast()) }.as_bool() {
        return None;
    }
    let mut mode = DEVMODEW { dmSize: size_of::<DEVMODEW>() as u16, ..DEVMODEW::default() };
    // Its pixels, turned as it is turned. The rectangle above is in units that depend on the scale and on ourselves.
    // SAFETY: the name ends with a zero, as the system wrote it; the structure says its size.
    if !unsafe { EnumDisplaySettingsW(PCWSTR(info.szDevice.as_ptr()), ENUM_CURRENT_SETTINGS, &raw mut mode) }.as_bool()
    {
        return None;
    }
    Some(Monitor {
        device: text(&info.szDevice),
        width: mode.dmPelsWidth,
        height: mode.dmPelsHeight,
        is_primary: info.monitorInfo.dwFlags & MONITORINFOF_PRIMARY != 0,
        handle: handle.0 as isize,
    })
}

/// The name on the monitor, which only its connection knows. Several on one connector (mirrored): the first.
fn name_of(device: &str) -> Option<String> {
    let (mut paths, mut modes) = (0, 0);
    // SAFETY: two numbers are written.
    unsafe { GetDisplayConfigBufferSizes(QDC_ONLY_ACTIVE_PATHS, &raw mut paths, &raw mut modes) }.ok().ok()?;
    let mut active = vec![DISPLAYCONFIG_PATH_INFO::default(); paths as usize];
    let mut ignored = vec![DISPLAYCONFIG_MODE_INFO::default(); modes as usize];
    let (path, mode) = (active.as_mut_ptr(), ignored.as_mut_ptr());
    // SAFETY: both lists have as much room as is said; how much of it was used is written back.
    unsafe { QueryDisplayConfig(QDC_ONLY_ACTIVE_PATHS, &raw mut paths, path, &raw mut modes, mode, None) }.ok().ok()?;
    active.truncate(paths as usize);
    active.iter().find(|path| source_name(path).as_deref() == Some(device)).and_then(target_name)
}

fn source_name(path: &DISPLAYCONFIG_PATH_INFO) -> Option<String> {
    let mut source = DISPLAYCONFIG_SOURCE_DEVICE_NAME {
        header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
            r#type: DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
            size: size_of::<DISPLAYCONFIG_SOURCE_DEVICE_NAME>() as u32,
            adapterId: path.sourceInfo.adapterId,
            id: path.sourceInfo.id,
        },
        ..DISPLAYCONFIG_SOURCE_DEVICE_NAME::default()
    };
    // SAFETY: the header opens the structure of the kind and size it names.
    let code = unsafe { DisplayConfigGetDeviceInfo((&raw mut source).cast()) };
    (code == 0).then(|| text(&source.viewGdiDeviceName))
}

fn target_name(path: &DISPLAYCONFIG_PATH_INFO) -> Option<String> {
    let mut target = DISPLAYCONFIG_TARGET_DEVICE_NAME {
        header: DISPLAYCONFIG_DEVICE_INFO_HEADER {
            r#type: DISPLAYCONFIG_DEVICE_INFO_GET_TARGET_NAME,
            size: size_of::<DISPLAYCONFIG_TARGET_DEVICE_NAME>() as u32,
            adapterId: path.targetInfo.adapterId,
            id: path.targetInfo.id,
        },
        ..DISPLAYCONFIG_TARGET_DEVICE_NAME::default()
    };
    // SAFETY: the header opens the structure of the kind and size it names.
    let code = unsafe { DisplayConfigGetDeviceInfo((&raw mut target).cast()) };
    (code == 0).then(|| text(&target.monitorFriendlyDeviceName))
}

/// Up to the zero.
fn text(wide: &[u16]) -> String {
    let end = wide.iter().position(|c| *c == 0).unwrap_or(wide.len());
    String::from_utf16_lossy(&wide[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_names_end_at_their_zero() {
        let monitor =
            Monitor { device: r"\\.\DISPLAY12".into(), width: 800, height: 600, is_primary: false, handle: 0 };
        assert_eq!(monitor.id().unwrap().as_str(), "windows:DISPLAY12");
        assert_eq!(text(&[65, 66, 0, 67]), "AB");
        assert_eq!(text(&[65]), "A");
    }

    #[test]
    fn whatever_monitors_there_are_have_a_size_and_a_name() {
        for monitor in monitors() {
            assert!(monitor.width > 0 && monitor.height > 0, "{monitor:?}");
            assert!(!monitor.friendly_name().is_empty(), "{monitor:?}");
        }
    }
}
