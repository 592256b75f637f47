//! A system nothing is known about: nothing is done, and that is said.

use protocol::shield::ShieldStatus;
use tauri::WebviewWindow;

use super::{Orders, Tell, asked};

/// It tells nothing by itself.
pub(super) enum Own {}

/// None, by nothing.
pub(super) fn keep(window: &WebviewWindow, orders: &Orders, tell: &Tell) {
    asked::keep(window, orders, tell, false, |_| ShieldStatus::default(), |_| {});
}
