//! A small window with a random pattern, captured as tools do it (`BitBlt` from the screen), bare and protected. Run by the
//! thread `shield`, which owns the window; it is there for a fraction of a second.

use std::time::Duration;

use protocol::shield::SelfTestOutcome;
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Graphics::Dwm::DwmFlush;
use windows_sys::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, CAPTUREBLT, CreateCompatibleBitmap, CreateCompatibleDC,
    DIB_RGB_COLORS, DeleteDC, DeleteObject, GdiFlush, GetDC, GetDIBits, HDC, RGBQUAD, ReleaseDC, SRCCOPY, SelectObject,
    SetDIBitsToDevice,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, HWND_TOPMOST, SW_SHOWNOACTIVATE, SWP_NOACTIVATE, SWP_NOMOVE, SWP_NOSIZE,
    SetWindowDisplayAffinity, SetWindowPos, ShowWindow, WDA_NONE, WS_EX_NOACTIVATE, WS_EX_TOOLWINDOW, WS_EX_TOPMOST,
    WS_POPUP,
};

/// Width and height in pixels.
const SIDE: i32 = 32;
const PIXELS: usize = (SIDE * SIDE) as usize;
/// The compositor needs a few frames to show what is new.
const APPEARS: Duration = Duration::from_millis(120);
const TRIES: usize = 5;

/// Tests what `protect` does to a window.
pub(super) fn test(protect: impl FnOnce(HWND) -> bool) -> SelfTestOutcome {
    let Some(stage) = Stage::set() else { return SelfTestOutcome::CannotTell };
    if !stage.is_seen() || !protect(stage.window) {
        return SelfTestOutcome::CannotTell;
    }
    settle();
    if stage.shows() {
        return SelfTestOutcome::Leaked;
    }
    // What was not seen must have been there all the time.
    // SAFETY: the window is this thread's own.
    let bare = unsafe { SetWindowDisplayAffinity(stage.window, WDA_NONE) } != 0;
    if bare && stage.is_seen() { SelfTestOutcome::Held } else { SelfTestOutcome::CannotTell }
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
                0,
                0,
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

    /// Is it seen, within some tries?
    fn is_seen(&self) -> bool {
        (0..TRIES).any(|_| {
            let painted = self.paint();
            settle();
            painted && self.shows()
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

    /// Does a capture of the screen show the pattern?
    fn shows(&self) -> bool {
        let mut seen = [0_u32; PIXELS];
        capture(&mut seen) && seen.iter().zip(&self.pattern).all(|(seen, meant)| is_light(*seen) == is_light(*meant))
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

/// The corner of the screen, as any tool gets it.
fn capture(into: &mut [u32; PIXELS]) -> bool {
    // SAFETY: a null window means the screen; the context is given back below.
    let screen = unsafe { GetDC(std::ptr::null_mut()) };
    let read = !screen.is_null() && copy(screen, into);
    // SAFETY: it came from `GetDC` with the same window.
    unsafe { ReleaseDC(std::ptr::null_mut(), screen) };
    read
}

fn copy(screen: HDC, into: &mut [u32; PIXELS]) -> bool {
    let mut info = info();
    // SAFETY: what is made here is freed here, in order; `into` has as many pixels as `info` says and outlives the calls.
    unsafe {
        let memory = CreateCompatibleDC(screen);
        let picture = CreateCompatibleBitmap(screen, SIDE, SIDE);
        let before = SelectObject(memory, picture);
        let copied = BitBlt(memory, 0, 0, SIDE, SIDE, screen, 0, 0, SRCCOPY | CAPTUREBLT) != 0;
        SelectObject(memory, before);
        let to = into.as_mut_ptr().cast();
        let lines = GetDIBits(memory, picture, 0, SIDE as u32, to, &raw mut info, DIB_RGB_COLORS);
        DeleteObject(picture);
        DeleteDC(memory);
        copied && lines == SIDE
    }
}
