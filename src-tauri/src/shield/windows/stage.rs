//! A small window with a random pattern, captured in every way tools do it, bare and protected. Run by the thread `shield`,
//! which owns the window; it is there for a moment.

use std::time::Duration;

use protocol::shield::SelfTestOutcome;
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Graphics::Dwm::DwmFlush;
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, DIB_RGB_COLORS, GdiFlush, GetDC, RGBQUAD, ReleaseDC, SetDIBitsToDevice,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, HWND_TOPMOST, SW_SHOWNOACTIVATE, SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOSIZE,
    SetWindowDisplayAffinity, SetWindowPos, ShowWindow, WDA_NONE, WS_EX_NOACTIVATE, WS_EX_TOOLWINDOW, WS_EX_TOPMOST,
    WS_POPUP,
};

use self::looks::{Corner, Way};

#[path = "looks.rs"]
mod looks;

/// From the left and the top of the primary monitor: systems draw borders along its edge while it is captured.
const AT: i32 = 48;
/// Width and height in pixels.
const SIDE: i32 = 32;
const PIXELS: usize = (SIDE * SIDE) as usize;
/// The compositor needs a few frames to show what is new.
const APPEARS: Duration = Duration::from_millis(120);
const TRIES: usize = 5;

/// Tests what `protect` does to a window. Held means: by every way this system has, what is bare was seen, and what is
/// protected was not.
pub(super) fn test(protect: impl FnOnce(HWND) -> bool) -> SelfTestOutcome {
    let Some(stage) = Stage::set() else { return SelfTestOutcome::CannotTell };
    let Some(ways) = stage.ways() else { return SelfTestOutcome::CannotTell };
    if !protect(stage.window) {
        return SelfTestOutcome::CannotTell;
    }
    settle();
    let mut looked = true;
    for way in &ways {
        match stage.shows(*way) {
            Some(true) => {
                tracing::warn!(?way, "a capture shows what is protected");
                return SelfTestOutcome::Leaked;
            }
            Some(false) => {}
            None => looked = false,
        }
    }
    // What was not seen must have been there all the time.
    // SAFETY: the window is this thread's own.
    let bare = unsafe { SetWindowDisplayAffinity(stage.window, WDA_NONE) } != 0;
    tracing::info!(?ways, bare, "the self-test captured the screen");
    if looked && bare && stage.is_seen(Way::BitBlt) { SelfTestOutcome::Held } else { SelfTestOutcome::CannotTell }
}

fn settle() {
    // SAFETY: takes nothing. Without a compositor it fails at once, and the pause has to do.
    unsafe { DwmFlush() };
    std::thread::sleep(APPEARS);
}

struct Stage {
    window: HWND,
    /// Black or white.
    pattern: [u32; PIXELS],
}

impl Drop for Stage {
    fn drop(&mut self) {
        // SAFETY: the window is this thread's own.
        if unsafe { DestroyWindow(self.window) } == 0 {
            tracing::debug!("the window of the test stays");
        }
    }
}

impl Stage {
    fn set() -> Option<Self> {
        let mut random = [0_u8; PIXELS];
        aws_lc_rs::rand::fill(&mut random).ok()?;
        let pattern = random.map(|byte| if byte & 1 == 0 { 0 } else { 0x00ff_ffff });
        let class: Vec<u16> = "STATIC\0".encode_utf16().collect();
        let look = WS_EX_TOOLWINDOW | WS_EX_TOPMOST | WS_EX_NOACTIVATE;
        let nobody = std::ptr::null_mut();
        // SAFETY: the class is a system's own and its name ends with a zero; no pointer outlives the call.
        let window = unsafe {
            let title = std::ptr::null();
            CreateWindowExW(
                look,
                class.as_ptr(),
                title,
                WS_POPUP,
                AT,
                AT,
                SIDE,
                SIDE,
                nobody,
                nobody,
                nobody,
                title.cast(),
            )
        };
        if window.is_null() {
            return None;
        }
        let stage = Self { window, pattern };
        // SAFETY: the window is this thread's own.
        unsafe {
            ShowWindow(window, SW_SHOWNOACTIVATE);
            SetWindowPos(window, HWND_TOPMOST, 0, 0, 0, 0, SWP_NOMOVE | SWP_NOSIZE | SWP_NOACTIVATE);
        }
        Some(stage)
    }

    /// Every way this system has; `None`: by one of them nothing is seen where nothing is protected, so it proves nothing
    /// that nothing is seen later.
    fn ways(&self) -> Option<Vec<Way>> {
        let mut ways = Vec::new();
        for way in Way::ALL {
            match way.look() {
                Ok(None) => {}
                Ok(Some(_)) if self.is_seen(way) => ways.push(way),
                Ok(Some(_)) => {
                    tracing::info!(?way, "a capture does not show what is bare");
                    return None;
                }
                Err(error) => {
                    tracing::info!(?way, %error, "a way of capturing does not work for us");
                    return None;
                }
            }
        }
        (!ways.is_empty()).then_some(ways)
    }

    /// Is it seen, within some tries?
    fn is_seen(&self, way: Way) -> bool {
        (0..TRIES).any(|_| {
            let painted = self.paint();
            settle();
            painted && self.shows(way) == Some(true)
        })
    }

    fn paint(&self) -> bool {
        let info = info();
        let rows = SIDE as u32;
        // SAFETY: the pattern has as many pixels as `info` says and outlives the calls; the context is given back.
        unsafe {
            let pen = GetDC(self.window);
            let from = self.pattern.as_ptr().cast();
            let drawn = SetDIBitsToDevice(pen, 0, 0, rows, rows, 0, 0, 0, rows, from, &raw const info, DIB_RGB_COLORS);
            ReleaseDC(self.window, pen);
            GdiFlush();
            drawn != 0
        }
    }

    /// Does a capture of the screen show the pattern? `None`: it did not work.
    fn shows(&self, way: Way) -> Option<bool> {
        let seen: Corner = way.look().inspect_err(|error| tracing::info!(?way, %error, "a capture failed")).ok()??;
        Some(seen.iter().zip(&self.pattern).all(|(seen, meant)| is_light(*seen) == is_light(*meant)))
    }
}

const fn is_light(pixel: u32) -> bool {
    pixel & 0xff > 0x7f
}

fn info() -> BITMAPINFO {
    let header = BITMAPINFOHEADER {
        biSize: size_of::<BITMAPINFOHEADER>() as u32,
        biWidth: SIDE,
        // From the top.
        biHeight: -SIDE,
        biPlanes: 1,
        biBitCount: 32,
        biCompression: BI_RGB,
        ..BITMAPINFOHEADER::default()
    };
    BITMAPINFO { bmiHeader: header, bmiColors: [RGBQUAD::default()] }
}
