//! Takes pictures off the clipboard that come soon after a key that takes pictures. A thread of its own with a window that
//! nobody sees: the system tells it of keys (raw input) and of the clipboard. It reads which forms are offered, never the
//! content; what is removed is told. Clipboard history (Win+V) keeps copies of its own, which are out of reach here.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use protocol::ids::ProgramName;
use protocol::shield::{CaptureMethod, ShieldIncident};
use windows_sys::Win32::Foundation::{CloseHandle, HWND, LPARAM};
use windows_sys::Win32::System::DataExchange::{
    AddClipboardFormatListener, CloseClipboard, EmptyClipboard, EnumClipboardFormats, GetClipboardFormatNameW,
    GetClipboardOwner, OpenClipboard, RemoveClipboardFormatListener,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcessId, GetCurrentThreadId, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetAsyncKeyState, VK_LWIN, VK_RWIN, VK_SHIFT, VK_SNAPSHOT};
use windows_sys::Win32::UI::Input::{
    GetRawInputData, HRAWINPUT, RAWINPUT, RAWINPUTDEVICE, RAWINPUTHEADER, RID_INPUT, RIDEV_INPUTSINK, RIDEV_REMOVE,
    RIM_TYPEKEYBOARD, RegisterRawInputDevices,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, DispatchMessageW, GetMessageW, GetWindowThreadProcessId, HWND_MESSAGE, MSG,
    PostThreadMessageW, RI_KEY_BREAK, WM_CLIPBOARDUPDATE, WM_INPUT, WM_QUIT,
};

use super::super::pictures::{Kind, Pictures};

/// The forms of pictures and of what stays that have no name: `CF_BITMAP`, `CF_DIB`, `CF_DIBV5`, `CF_TIFF`; `CF_TEXT`,
/// `CF_OEMTEXT`, `CF_UNICODETEXT`, `CF_HDROP` (files).
const PICTURES: [u32; 4] = [2, 8, 17, 6];
const KEPT: [u32; 4] = [1, 7, 13, 15];
/// Forms that one owner may offer; more are not looked at.
const FORMS: usize = 256;
/// The S of Win+Shift+S.
const S: u16 = 0x53;
/// Another program may have the clipboard open.
const OPENS: u32 = 10;
const AGAIN: Duration = Duration::from_millis(10);
/// Keyboards, as raw input counts them.
const KEYBOARDS: (u16, u16) = (1, 6);

/// Watches until it is dropped.
pub(super) struct Clipboard {
    thread: u32,
    runs: Option<JoinHandle<()>>,
}

impl Clipboard {
    /// `None`: the system has no thread or window for it, or does not tell; pictures stay then.
    pub(super) fn guard(told: impl Fn(ShieldIncident) + Send + 'static) -> Option<Self> {
        let (ready, started) = sync_channel(1);
        let runs =
            std::thread::Builder::new().name("shield-clipboard".into()).spawn(move || run(&ready, &told)).ok()?;
        match started.recv() {
            Ok(Some(thread)) => Some(Self { thread, runs: Some(runs) }),
            Ok(None) | Err(_) => {
                tracing::warn!("pictures stay on the clipboard");
                None
            }
        }
    }
}

impl Drop for Clipboard {
    fn drop(&mut self) {
        // SAFETY: a word to a thread by its number; one that has ended answers with an error.
        let sent = unsafe { PostThreadMessageW(self.thread, WM_QUIT, 0, 0) } != 0;
        if sent && self.runs.take().is_some_and(|runs| runs.join().is_err()) {
            tracing::error!("the watch of the clipboard panicked");
        }
    }
}

fn run(ready: &SyncSender<Option<u32>>, told: &dyn Fn(ShieldIncident)) {
    let ear = Ear::open();
    // SAFETY: takes nothing and always succeeds.
    let thread = ear.as_ref().map(|_| unsafe { GetCurrentThreadId() });
    if ready.send(thread).is_err() {
        return;
    }
    if let Some(mut ear) = ear {
        ear.listen(told);
    }
}

struct Ear {
    window: HWND,
    pictures: Pictures,
}

impl Drop for Ear {
    fn drop(&mut self) {
        let (page, usage) = KEYBOARDS;
        let no_more = RAWINPUTDEVICE {
            usUsagePage: page,
            usUsage: usage,
            dwFlags: RIDEV_REMOVE,
            hwndTarget: std::ptr::null_mut(),
        };
        // SAFETY: the window is this thread's own; the structure says its size and outlives the call.
        let done = unsafe {
            let size = size_of::<RAWINPUTDEVICE>() as u32;
            [
                RegisterRawInputDevices(&raw const no_more, 1, size),
                RemoveClipboardFormatListener(self.window),
                DestroyWindow(self.window),
            ]
        };
        if done.contains(&0) {
            tracing::debug!("the watch of the clipboard leaves something behind");
        }
    }
}

impl Ear {
    fn open() -> Option<Self> {
        let class: Vec<u16> = "STATIC\0".encode_utf16().collect();
        let nobody = std::ptr::null_mut();
        // SAFETY: the class is a system's own and its name ends with a zero; no pointer outlives the call.
        let window = unsafe {
            CreateWindowExW(0, class.as_ptr(), std::ptr::null(), 0, 0, 0, 0, 0, HWND_MESSAGE, nobody, nobody, nobody)
        };
        if window.is_null() {
            return None;
        }
        let ear = Self { window, pictures: Pictures::default() };
        let (page, usage) = KEYBOARDS;
        let keys = RAWINPUTDEVICE { usUsagePage: page, usUsage: usage, dwFlags: RIDEV_INPUTSINK, hwndTarget: window };
        // SAFETY: the window is this thread's own; the structure says its size and outlives the call.
        let hears = unsafe {
            RegisterRawInputDevices(&raw const keys, 1, size_of::<RAWINPUTDEVICE>() as u32) != 0
                && AddClipboardFormatListener(window) != 0
        };
        hears.then_some(ear)
    }

    fn listen(&mut self, told: &dyn Fn(ShieldIncident)) {
        let mut message = MSG::default();
        // SAFETY: writes one message into the structure, and waits for it; -1 is an error, 0 the end.
        while unsafe { GetMessageW(&raw mut message, std::ptr::null_mut(), 0, 0) } > 0 {
            match message.message {
                WM_INPUT if takes_pictures(message.lParam) => self.pictures.key(Instant::now()),
                WM_CLIPBOARDUPDATE if self.pictures.looks(Instant::now()) => {
                    if let Some(incident) = self.changed() {
                        told(incident);
                    }
                }
                _ => {}
            }
            // SAFETY: the message that was just taken; the system cleans up after it.
            unsafe { DispatchMessageW(&raw const message) };
        }
    }

    /// Looks what came, and removes it if it has to go.
    fn changed(&mut self) -> Option<ShieldIncident> {
        // SAFETY: takes nothing; answers a handle, which may be stale by the time it is used.
        let owner = unsafe { GetClipboardOwner() };
        let pid = process(owner);
        // SAFETY: takes nothing and always succeeds.
        if pid == Some(unsafe { GetCurrentProcessId() }) {
            return None;
        }
        // SAFETY: the window is this thread's own. What is opened is closed below.
        let opened = (0..OPENS).any(|_| {
            let opened = unsafe { OpenClipboard(self.window) } != 0;
            if !opened {
                std::thread::sleep(AGAIN);
            }
            opened
        });
        if !opened {
            tracing::warn!("the clipboard cannot be looked at");
            return None;
        }
        let goes = self.pictures.goes(&kinds(), Instant::now());
        // SAFETY: opened by this thread above.
        let gone = goes && unsafe { EmptyClipboard() } != 0;
        // SAFETY: opened by this thread above.
        unsafe { CloseClipboard() };
        if goes && !gone {
            tracing::warn!("a picture stays on the clipboard");
        }
        let method = CaptureMethod::Clipboard;
        gone.then(|| ShieldIncident { program: pid.and_then(program), pid, method, seconds: 0, covered: false })
    }
}

/// A key went down that takes pictures: Print, with whatever else is held, or Win+Shift+S.
fn takes_pictures(input: LPARAM) -> bool {
    let mut raw = RAWINPUT::default();
    let mut size = size_of::<RAWINPUT>() as u32;
    let head = size_of::<RAWINPUTHEADER>() as u32;
    // SAFETY: at most `size` bytes are written into `raw`, or the call fails.
    let read = unsafe { GetRawInputData(input as HRAWINPUT, RID_INPUT, (&raw mut raw).cast(), &raw mut size, head) };
    if read == u32::MAX || raw.header.dwType != RIM_TYPEKEYBOARD {
        return false;
    }
    // SAFETY: the header says that it is a keyboard's.
    let key = unsafe { raw.data.keyboard };
    if u32::from(key.Flags) & RI_KEY_BREAK != 0 {
        return false;
    }
    // SAFETY: a number in, a number out; below zero is held.
    let held = |key: u16| unsafe { GetAsyncKeyState(i32::from(key)) } < 0;
    key.VKey == VK_SNAPSHOT || (key.VKey == S && held(VK_SHIFT) && (held(VK_LWIN) || held(VK_RWIN)))
}

/// The forms of what is on the clipboard, which this thread has open.
fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let mut form = 0;
    while kinds.len() < FORMS {
        // SAFETY: a number in, the next one out, 0 at the end.
        form = unsafe { EnumClipboardFormats(form) };
        kinds.push(match form {
            0 => break,
            _ if PICTURES.contains(&form) => Kind::Picture,
            _ if KEPT.contains(&form) => Kind::Kept,
            _ => {
                let mut name = [0; 64];
                // SAFETY: at most as many letters are written as there is room for.
                let length = unsafe { GetClipboardFormatNameW(form, name.as_mut_ptr(), name.len() as i32) };
                let length = usize::try_from(length).unwrap_or(0).min(name.len());
                Kind::named(&String::from_utf16_lossy(&name[..length]))
            }
        });
    }
    kinds
}

fn process(window: HWND) -> Option<u32> {
    let mut process = 0;
    // SAFETY: `process` outlives the call, which writes one u32 to it; a stale window is answered with an error.
    let thread = unsafe { GetWindowThreadProcessId(window, &raw mut process) };
    (thread != 0).then_some(process)
}

/// The name of its file.
fn program(process: u32) -> Option<ProgramName> {
    let mut path = [0_u16; 1024];
    let mut length = path.len() as u32;
    // SAFETY: a handle that asks for nothing but the name, closed right away; at most `length` letters are written.
    let named = unsafe {
        let handle = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process);
        if handle.is_null() {
            return None;
        }
        let named = QueryFullProcessImageNameW(handle, 0, path.as_mut_ptr(), &raw mut length) != 0;
        CloseHandle(handle);
        named
    };
    let path = String::from_utf16_lossy(path.get(..length as usize).filter(|_| named)?);
    ProgramName::cut(path.rsplit('\\').next()?)
}
