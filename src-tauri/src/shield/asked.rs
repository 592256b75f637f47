//! Systems that are asked to keep a window out of captures, and do so by themselves from then on. Run by the thread
//! `shield`.

use protocol::shield::{ShieldLevel, ShieldStatus};
use tauri::WebviewWindow;

use super::{Ended, Input, Orders, Tell, admit};

/// Asks while it is wanted, takes it back when it is not, and asks again when the window comes back.
pub(super) fn keep(
    window: &WebviewWindow,
    orders: &Orders,
    tell: &Tell,
    forgets: bool,
    raise: impl Fn(&WebviewWindow) -> ShieldStatus,
    lower: impl Fn(&WebviewWindow),
) {
    let mut told = ShieldStatus::default();
    let mut up = false;
    loop {
        let input = match orders.next(None) {
            Ok(input) => input,
            Err(Ended) => return,
        };
        let wanted = orders.wanted();
        let newcomer = match &input {
            Some(Input::Newcomer(newcomer)) => Some(newcomer),
            Some(Input::Again | Input::Look | Input::Own(_)) | None => None,
        };
        let again = newcomer.is_some() || (forgets && matches!(input, Some(Input::Again)));
        if wanted == up && !(wanted && again) {
            if let Some(newcomer) = newcomer {
                admit(newcomer, !wanted);
            }
            continue;
        }
        let status = if wanted {
            raise(window)
        } else {
            lower(window);
            ShieldStatus::default()
        };
        up = wanted;
        if status != told {
            told = status;
            tell.status(status);
        }
        if let Some(newcomer) = newcomer {
            admit(newcomer, !wanted || status.holds() != ShieldLevel::None);
        }
    }
}
