//! Where a window is, and which windows show what is in it: those around it, those inside it. Run by the watch, which asks
//! the server and waits for the answer; servers that somebody has grabbed answer, too ([`served_always`]).

use std::collections::HashSet;

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, MapState, Window};
use x11rb::protocol::xtest::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

/// Windows inside one that are looked at; toolkits of today have one or two.
const INSIDE: usize = 4096;

/// The root of a large server has a number of about two thousand.
const NUMBERS: Window = 1 << 14;

/// Where it is on its screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) x: i16,
    pub(crate) y: i16,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) depth: u8,
    /// It and everything around it is mapped.
    pub(crate) viewable: bool,
    pub(crate) root: Window,
    pub(crate) root_depth: u8,
}

/// From now on the server serves this connection even while another client has grabbed it, as some tools do before they take
/// their picture (scrot, xwd, import): nobody could be covered until they let go. Servers without XTEST cannot do it.
pub(crate) fn served_always(x: &RustConnection) -> Result<(), ConnectionError> {
    if x.extension_information(xtest::X11_EXTENSION_NAME)?.is_some() {
        x.xtest_grab_control(true)?;
    }
    Ok(())
}

/// A window that is gone is no trouble of the connection.
fn unless_gone<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, ConnectionError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(error),
    }
}

/// Where it is; `None` when there is no such window.
pub(crate) fn find(x: &RustConnection, window: Window, root: Window) -> Result<Option<Place>, ConnectionError> {
    // One round trip for all four.
    let geometry = x.get_geometry(window)?;
    let attributes = x.get_window_attributes(window)?;
    let corner = x.translate_coordinates(window, root, 0, 0)?;
    let root_geometry = x.get_geometry(root)?;
    let (geometry, attributes) = (unless_gone(geometry.reply())?, unless_gone(attributes.reply())?);
    let (corner, root_geometry) = (unless_gone(corner.reply())?, unless_gone(root_geometry.reply())?);
    let (Some(geometry), Some(attributes), Some(corner), Some(around)) = (geometry, attributes, corner, root_geometry)
    else {
        return Ok(None);
    };
    Ok(Some(Place {
        x: corner.dst_x,
        y: corner.dst_y,
        width: geometry.width,
        height: geometry.height,
        depth: geometry.depth,
        viewable: attributes.map_state == MapState::VIEWABLE,
        root,
        root_depth: around.depth,
    }))
}

/// Is the display Xwayland's? Captures there go past it. Older ones tell only by the name of their screens.
pub(crate) fn is_waylands(x: &RustConnection) -> Result<bool, ReplyError> {
    if x.query_extension(b"XWAYLAND")?.reply()?.present {
        return Ok(true);
    }
    if !x.query_extension(randr::X11_EXTENSION_NAME.as_bytes())?.reply()?.present {
        return Ok(false);
    }
    let Some(screen) = x.setup().roots.first() else { return Ok(false) };
    x.randr_query_version(1, 3)?.reply()?;
    let screens = x.randr_get_screen_resources_current(screen.root)?.reply()?;
    let Some(first) = screens.outputs.first() else { return Ok(false) };
    let output = unless_gone(x.randr_get_output_info(*first, screens.config_timestamp)?.reply())?;
    Ok(output.is_some_and(|output| output.name.starts_with(b"XWAYLAND")))
}

/// The root of a window's screen.
pub(crate) fn root_of(x: &RustConnection, window: Window) -> Result<Option<Window>, ConnectionError> {
    Ok(unless_gone(x.get_geometry(window)?.reply())?.map(|g| g.root))
}

/// The windows around it, up to the root and without it.
pub(crate) fn around(x: &RustConnection, window: Window) -> Result<Vec<Window>, ConnectionError> {
    let mut found = Vec::new();
    let mut at = window;
    while let Some(tree) = unless_gone(x.query_tree(at)?.reply())? {
        if tree.parent == x11rb::NONE || tree.parent == tree.root {
            break;
        }
        found.push(tree.parent);
        at = tree.parent;
    }
    Ok(found)
}

/// The windows inside it, at any depth.
pub(crate) fn inside(x: &RustConnection, window: Window) -> Result<HashSet<Window>, ConnectionError> {
    let mut found = HashSet::new();
    let mut todo = vec![window];
    while let Some(at) = todo.pop() {
        let Some(tree) = unless_gone(x.query_tree(at)?.reply())? else { continue };
        for child in tree.children {
            if found.len() < INSIDE && found.insert(child) {
                todo.push(child);
            }
        }
    }
    Ok(found)
}

/// The overlay window of a screen, if a compositor has asked for one. It is not asked for by name, which would make one and
/// show it, and the root does not list it. But it is a window of the server's own with the root around it, and its number
/// is one of the few that were given before the root's. `known`: what it was before; it never gets another number.
pub(crate) fn overlay(
    x: &RustConnection,
    root: Window,
    known: Option<Window>,
) -> Result<Option<Window>, ConnectionError> {
    let numbers = match known {
        Some(overlay) => overlay..overlay + 1,
        None => 1..root.min(NUMBERS),
    };
    // All questions before the first answer.
    let asked: Vec<_> =
        numbers.map(|window| Ok((window, x.query_tree(window)?))).collect::<Result<_, ConnectionError>>()?;
    let mut found = None;
    for (window, tree) in asked {
        if unless_gone(tree.reply())?.is_some_and(|tree| tree.parent == root) {
            found = found.or(Some(window));
        }
    }
    Ok(found)
}

/// The windows directly inside it; none if it is gone.
pub(crate) fn children(x: &RustConnection, window: Window) -> Result<Vec<Window>, ConnectionError> {
    Ok(unless_gone(x.query_tree(window)?.reply())?.map(|tree| tree.children).unwrap_or_default())
}
