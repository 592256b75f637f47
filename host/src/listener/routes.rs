//! Which path leads where, and who may pass.

use std::collections::HashMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::office::Refusal;
use tokio::io::{AsyncRead, AsyncWrite};

use super::http::{Answer, BadRequest, Head};
use super::{Porch, room_service, sockets};
use crate::building::Entrance;
use crate::sfu::counters::Counters;
use crate::signal::{Greeting, Resume};
use crate::token::{TokenError, Visitor};

/// Bytes of attributes in a query.
const MAX_ATTRIBUTES: usize = 16 * 1024;

pub(super) async fn serve<S>(mut stream: S, from: IpAddr, porch: &Porch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut head = match Head::read(&mut stream, porch.patience.head).await {
        Ok(head) => head,
        Err(why) => {
            porch.metrics.bad_requests_total.up();
            let answer = match why {
                BadRequest::Silent => return,
                BadRequest::TooLarge => Answer::text(431, "too large"),
                BadRequest::Malformed => Answer::text(400, "not an HTTP/1.1 request"),
            };
            return answer.send(&mut stream).await;
        }
    };
    let answer = match (head.method.as_str(), head.path.as_str()) {
        ("GET", "/office") if head.upgrade().is_some() => return sockets::office(stream, head, from, porch).await,
        ("GET", "/rtc") if head.upgrade().is_some() => match visitor(&head, porch) {
            Ok((visitor, how)) => return sockets::signal(stream, head, visitor, how, porch).await,
            Err(answer) => answer,
        },
        ("GET", "/rtc/validate") => match visitor(&head, porch) {
            Ok(_) => Answer::text(200, "success").for_any_origin(),
            Err(answer) => answer,
        },
        // Version 1 (one connection) is not spoken here: every SDK falls back to version 0 on this answer.
        ("GET", "/rtc" | "/rtc/v1" | "/rtc/v1/validate") => Answer::text(404, "not found").for_any_origin(),
        ("GET", "/healthz") => health(porch),
        ("GET", "/metrics") if from.is_loopback() || porch.public_metrics => {
            let media = porch.media.counters().map(Counters::text).unwrap_or_default();
            let body = (porch.metrics.text() + &media).into_bytes();
            Answer { status: 200, kind: "text/plain; version=0.0.4; charset=utf-8", body, any_origin: false }
        }
        ("GET", "/metrics") => Answer::text(403, "only from this machine"),
        ("POST", path) if path.starts_with(room_service::PREFIX) => {
            match head.body(&mut stream, porch.patience.head).await {
                Ok(body) => room_service::answer(&head, &body, porch).await,
                Err(_) => Answer::text(413, "too large or too slow"),
            }
        }
        ("GET" | "POST", _) => Answer::text(404, "not found"),
        (_, _) => Answer::text(405, "method not allowed"),
    };
    answer.send(&mut stream).await;
}

fn health(porch: &Porch) -> Answer {
    match porch.store.health() {
        None => Answer::text(200, "ok"),
        // Meetings run; what changes now may not last.
        Some(error) => Answer::text(200, &format!("degraded: {error}")),
    }
}

/// Who knocks at `/rtc`, and how they want to come in.
fn visitor(head: &Head, porch: &Porch) -> Result<(Visitor, Entrance), Answer> {
    let visitor = porch.tokens.visitor(&head.token()).map_err(|error| {
        porch.metrics.tokens_refused_total.up();
        let status = match error {
            TokenError::Missing | TokenError::Invalid => 401,
            TokenError::NoJoin => 403,
            TokenError::Names => 400,
        };
        Answer::text(status, &error.to_string()).for_any_origin()
    })?;
    if head.flag("reconnect", false)
        && let Some(sid) = head.query("sid")
    {
        return Ok((visitor, Entrance::Resume(Resume { sid })));
    }
    let capabilities = head.query("capabilities").unwrap_or_default();
    let capabilities = capabilities
        .split(',')
        .take(32)
        .filter_map(livekit_protocol::client_info::Capability::from_str_name)
        .map(|c| c as i32)
        .collect();
    let greeting = Greeting {
        auto_subscribe: head.flag("auto_subscribe", true),
        adaptive_stream: head.flag("adaptive_stream", false),
        client_protocol: head.query("client_protocol").and_then(|v| v.parse().ok()).unwrap_or(0),
        capabilities,
        attributes: head.query("attributes").and_then(|a| attributes(&a)).unwrap_or_default(),
    };
    Ok((visitor, Entrance::Join(greeting)))
}

fn attributes(text: &str) -> Option<HashMap<String, String>> {
    if text.len() > MAX_ATTRIBUTES {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

/// What a refused entry is in HTTP.
pub(super) fn refused(why: Refusal) -> Answer {
    let answer = match why {
        Refusal::Full => Answer::text(503, "the room is full"),
        Refusal::Closing => Answer::text(503, "the host is closing"),
        Refusal::TooManyTries => Answer::text(429, "too many tries"),
        Refusal::Invite
        | Refusal::Expired
        | Refusal::Session
        | Refusal::Version
        | Refusal::NotAllowed
        | Refusal::Malformed
        | Refusal::NoSuchPerson
        | Refusal::LastOwner => Answer::text(403, "not allowed"),
    };
    answer.for_any_origin()
}
