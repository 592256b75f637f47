//! Ctrl-C in a console; the window's own messages say the rest.

use std::io;

/// Comes back at Ctrl-C.
pub(super) async fn end() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
