//! Structured logs of the stand-alone host, on standard error, and what they hold about protection.
//! Set up once by the binary; the app has its own. Everything logged in this crate is a number, a count, a word or an error
//! of our own: no names, identities, addresses, tokens or message text of people, but as `Pii`. The one exception is the
//! name of a program that captured a window: whoever runs the host has to know it.

use protocol::ids::{RoomId, UserId};
use protocol::pii::Pii;
use tracing_subscriber::EnvFilter;

use crate::office::Noted;

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

/// One line about protection, in fields.
pub(crate) fn note(room: &RoomId, user: &UserId, what: &Noted) {
    let (room, user) = (Pii(room), Pii(user));
    match what {
        Noted::Shield(status) => tracing::info!(
            %room, %user, level = ?status.level, mechanism = ?status.mechanism, failed = status.failed,
            tested_at = status.test.map(|t| t.at), tested = ?status.test.map(|t| t.outcome), "shield_level"
        ),
        Noted::ShieldUnknown => tracing::info!(%room, %user, "shield_unknown"),
        Noted::Pictures(on) => tracing::info!(%room, %user, on, "pictures"),
        Noted::Incident(incident) => tracing::warn!(
            %room, %user, program = incident.program.as_ref().map(|p| p.as_str()), pid = incident.pid,
            method = ?incident.method, seconds = incident.seconds, covered = incident.covered, "shield_incident"
        ),
        Noted::Minimum(minimum) => tracing::info!(
            %room, %user, everyone = ?minimum.everyone, owner = ?minimum.owner, member = ?minimum.member,
            guest = ?minimum.guest, "shield_minimum"
        ),
        Noted::Exempt(exempt) => tracing::info!(%room, %user, exempt, "shield_exempt"),
    }
}
