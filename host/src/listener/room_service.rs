//! The part of LiveKit's administrators' API (`RoomService` over Twirp) that an office's backend uses: list, remove,
//! mute, change permission. Everything else answers `unimplemented`.

use livekit_protocol as lk;
use prost::Message;
use protocol::ids::{RoomId, TrackSid, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Porch;
use super::http::{Answer, Head};
use crate::token::Admin;

pub(super) const PREFIX: &str = "/twirp/livekit.RoomService/";

/// Twirp's error codes (https://twitchtv.github.io/twirp/docs/errors.html).
enum Twirp {
    Unauthenticated,
    PermissionDenied,
    NotFound,
    Malformed,
    Unimplemented,
    Unavailable,
}

pub(super) async fn answer(head: &Head, body: &[u8], porch: &Porch) -> Answer {
    let json = head.header("content-type").is_some_and(|t| t.starts_with("application/json"));
    let method = head.path.strip_prefix(PREFIX).unwrap_or_default();
    let result = match porch.tokens.admin(&head.token()) {
        Ok(admin) => call(method, body, json, &admin, porch).await,
        Err(_) => {
            porch.metrics.tokens_refused_total.up();
            Err(Twirp::Unauthenticated)
        }
    };
    result.unwrap_or_else(|error| {
        let (status, code) = match error {
            Twirp::Unauthenticated => (401, "unauthenticated"),
            Twirp::PermissionDenied => (403, "permission_denied"),
            Twirp::NotFound => (404, "not_found"),
            Twirp::Malformed => (400, "malformed"),
            Twirp::Unimplemented => (501, "unimplemented"),
            Twirp::Unavailable => (503, "unavailable"),
        };
        let body = serde_json::json!({ "code": code, "msg": code }).to_string().into_bytes();
        Answer { status, kind: "application/json", body, any_origin: false }
    })
}

async fn call(method: &str, body: &[u8], json: bool, admin: &Admin, porch: &Porch) -> Result<Answer, Twirp> {
    match method {
        "ListRooms" => {
            let ask: lk::ListRoomsRequest = read(body, json)?;
            if !admin.list {
                return Err(Twirp::PermissionDenied);
            }
            let rooms = porch.reception.ask(|desk| desk.office.rooms()).await.ok_or(Twirp::Unavailable)?;
            let wanted = |name: &RoomId| ask.names.is_empty() || ask.names.iter().any(|n| n == name.as_str());
            let rooms = rooms.into_iter().filter(|(name, _, _)| wanted(name)).map(|(name, created, people)| lk::Room {
                name: name.as_str().into(),
                creation_time: i64::from(created),
                num_participants: u32::try_from(people).unwrap_or(u32::MAX),
                ..Default::default()
            });
            write(&lk::ListRoomsResponse { rooms: rooms.collect() }, json)
        }
        "ListParticipants" => {
            let ask: lk::ListParticipantsRequest = read(body, json)?;
            let room = allowed(&ask.room, admin)?;
            let found = porch.reception.ask(move |desk| desk.signal.participants(&room)).await;
            write(&lk::ListParticipantsResponse { participants: found.ok_or(Twirp::Unavailable)? }, json)
        }
        "GetParticipant" => {
            let ask: lk::RoomParticipantIdentity = read(body, json)?;
            let room = allowed(&ask.room, admin)?;
            let found = porch.reception.ask(move |desk| desk.signal.participants(&room)).await;
            let mut found = found.ok_or(Twirp::Unavailable)?.into_iter();
            write(&found.find(|p| p.identity == ask.identity).ok_or(Twirp::NotFound)?, json)
        }
        "RemoveParticipant" => {
            let ask: lk::RoomParticipantIdentity = read(body, json)?;
            let (room, user) = (allowed(&ask.room, admin)?, user(&ask.identity)?);
            let removed = porch.reception.ask(move |desk| desk.signal.remove(&room, &user)).await;
            removed.ok_or(Twirp::Unavailable)?.then_some(()).ok_or(Twirp::NotFound)?;
            write(&lk::RemoveParticipantResponse {}, json)
        }
        "MutePublishedTrack" => {
            let ask: lk::MuteRoomTrackRequest = read(body, json)?;
            let room = allowed(&ask.room, admin)?;
            let sid = TrackSid::parse(ask.track_sid).map_err(|_| Twirp::Malformed)?;
            if !ask.muted {
                // Nobody opens another person's microphone; the official server's default too.
                return Err(Twirp::PermissionDenied);
            }
            let track = porch.reception.ask(move |desk| desk.signal.mute_for(&room, &sid, true)).await;
            let track = track.ok_or(Twirp::Unavailable)?.ok_or(Twirp::NotFound)?;
            write(&lk::MuteRoomTrackResponse { track: Some(track) }, json)
        }
        "UpdateParticipant" => {
            let ask: lk::UpdateParticipantRequest = read(body, json)?;
            let (room, user) = (allowed(&ask.room, admin)?, user(&ask.identity)?);
            let Some(permission) = ask.permission else { return Err(Twirp::Unimplemented) };
            let changed = porch.reception.ask(move |desk| {
                let matrix = desk.office.grants(&room, &user)?;
                desk.signal.limit(&room, &user, permission, matrix)
            });
            write(&changed.await.ok_or(Twirp::Unavailable)?.ok_or(Twirp::NotFound)?, json)
        }
        _ => Err(Twirp::Unimplemented),
    }
}

fn allowed(room: &str, admin: &Admin) -> Result<RoomId, Twirp> {
    let room = RoomId::parse(room).map_err(|_| Twirp::Malformed)?;
    if admin.room.as_ref() == Some(&room) { Ok(room) } else { Err(Twirp::PermissionDenied) }
}

fn user(identity: &str) -> Result<UserId, Twirp> {
    UserId::parse(identity).map_err(|_| Twirp::Malformed)
}

fn read<T: Message + Default + DeserializeOwned>(body: &[u8], json: bool) -> Result<T, Twirp> {
    if json {
        serde_json::from_slice(if body.is_empty() { b"{}" } else { body }).map_err(|_| Twirp::Malformed)
    } else {
        T::decode(body).map_err(|_| Twirp::Malformed)
    }
}

fn write<T: Message + Serialize>(message: &T, json: bool) -> Result<Answer, Twirp> {
    let (kind, body) = if json {
        ("application/json", serde_json::to_vec(message).map_err(|_| Twirp::Unavailable)?)
    } else {
        ("application/protobuf", message.encode_to_vec())
    };
    Ok(Answer { status: 200, kind, body, any_origin: false })
}
