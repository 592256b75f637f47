//! Structured logs of the stand-alone host, on standard error.
//! Set up once by the binary; the app has its own. Everything logged in this crate is a number, a count or an error of
//! our own: no names, identities, addresses, tokens or message text.

use tracing_subscriber::EnvFilter;

/// Starts logging. `json`: one object per line. `SHOJI_LOG` chooses what (like `RUST_LOG`), `host=info` otherwise.
///
/// Libraries stay at `warn`: some of them log message content at `debug`.
pub fn start(json: bool) {
    let filter =
        EnvFilter::try_from_env("SHOJI_LOG").unwrap_or_else(|_| EnvFilter::new("warn,host=info,office_host=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    if let Err(error) = started {
        tracing::debug!(%error, "log_already_started");
    }
}
