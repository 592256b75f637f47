//! Which keys take pictures, on this keyboard. Run by whoever listens for them, which asks the server and waits.

use std::collections::HashSet;

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, Keycode};
use x11rb::rust_connection::RustConnection;

/// `XK_Print` and `XK_Sys_Req`.
const PICTURE_KEYS: [u32; 2] = [0xff61, 0xff15];

/// Their codes.
pub(crate) fn picture_keys(x: &RustConnection) -> Result<HashSet<u32>, ReplyError> {
    let (first, last): (Keycode, Keycode) = (x.setup().min_keycode, x.setup().max_keycode);
    let map = x.get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?.reply()?;
    let per_key = usize::from(map.keysyms_per_keycode).max(1);
    let takes = |symbols: &[u32]| symbols.iter().any(|s| PICTURE_KEYS.contains(s));
    let keys = map.keysyms.chunks(per_key).zip(u32::from(first)..).filter(|(symbols, _)| takes(symbols));
    Ok(keys.map(|(_, code)| code).collect())
}
