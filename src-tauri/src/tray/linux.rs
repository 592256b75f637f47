//! The tray's library is loaded when the first sign is put up, and the program ends where it is missing: so look first.

use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};

/// As `libappindicator-sys` looks for it.
const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];

/// Is one of them there?
pub(super) fn has_tray() -> bool {
    LIBRARIES.iter().any(|name| {
        // SAFETY: a desktop library that the tray loads right after this, with the same flags; loading it runs nothing
        // but its own registration of types with GTK, which is initialised by now.
        match unsafe { Library::open(Some(name), RTLD_LAZY | RTLD_LOCAL) } {
            Ok(library) => {
                // Its types stay registered, so it must not be unloaded.
                std::mem::forget(library);
                true
            }
            Err(_) => false,
        }
    })
}
