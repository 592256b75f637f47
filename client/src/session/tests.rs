//! The whole client against a scripted server on loopback, with synthetic devices: rights, resuming, refusals, secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use livekit_protocol as lk;
use lk::signal_request::Message as Ask;
use lk::signal_response::Message as Say;
use media_core::testing::{DeviceKind, FakeDevices, FakeSetup};
use protocol::bridge::{
    Code, Failure, JoinServer, LinkQuality, LinkView, Nothing, Phase, Snapshot, Switch as On, SwitchState, TrackState,
    VaultView,
};
use protocol::policy::{Capability, Grants};
use protocol::shield::ShieldStatus;
use protocol::signal;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use zeroize::Zeroizing;

use crate::client::{Client, MeetingHappening};
use crate::ports::{Ports, Vault, VaultError};

mod devices;
mod screens;

/// Hang guard, not a measure.
const GUARD: Duration = Duration::from_secs(40);
const TOKEN: &str = "canary-token-3f9a";
const PASSPHRASE: &str = "canary-passphrase-77c1";

#[derive(Default)]
struct Memory(Mutex<HashMap<String, Vec<u8>>>);

impl Vault for Memory {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.0.lock().unwrap().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), VaultError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }

    fn view(&self) -> VaultView {
        VaultView::MemoryOnly { code: Code::KeyringMissing }
    }
}

struct Person {
    client: Client,
    devices: FakeDevices,
    vault: Arc<Memory>,
    profile: tempfile::TempDir,
}

fn person() -> Person {
    person_with(FakeSetup::default())
}

fn person_with(setup: FakeSetup) -> Person {
    let (devices, vault) = (FakeDevices::new(setup), Arc::new(Memory::default()));
    let profile = tempfile::tempdir().unwrap();
    let ports = Ports {
        devices: Arc::new(devices.clone()),
        vault: vault.clone(),
        host: None,
        profile: Some(profile.path().to_owned()),
        shield: ShieldStatus::default(),
        person: None,
    };
    Person { client: Client::start_with(ports, &Handle::current(), true), devices, vault, profile }
}

struct Connection {
    path: String,
    bearer: String,
    socket: WebSocketStream<TcpStream>,
}

impl Connection {
    async fn say(&mut self, message: Say) {
        self.socket.send(Message::binary(signal::response(message))).await.unwrap();
    }

    async fn hear(&mut self) -> Ask {
        loop {
            let heard = tokio::time::timeout(GUARD, self.socket.next()).await.expect("a request comes");
            if let Message::Binary(bytes) = heard.unwrap().unwrap() {
                return signal::parse_request(&bytes).unwrap();
            }
        }
    }

    async fn hear_until<T>(&mut self, pick: impl Fn(Ask) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.hear().await) {
                return found;
            }
        }
    }
}

async fn server() -> (String, mpsc::Receiver<Connection>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let (to, from) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (mut path, mut bearer) = (String::new(), String::new());
            #[expect(clippy::result_large_err, reason = "the library's signature")]
            let callback = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                path = request.uri().to_string();
                bearer = request.headers()["authorization"].to_str().unwrap().to_owned();
                Ok(response)
            };
            if let Ok(socket) = tokio_tungstenite::accept_hdr_async(tcp, callback).await
                && to.send(Connection { path, bearer, socket }).await.is_err()
            {
                return;
            }
        }
    });
    (url, from)
}

fn ask(url: &str, passphrase: &str, on: bool) -> JoinServer {
    JoinServer { url: url.to_owned(), token: TOKEN.into(), passphrase: passphrase.into(), microphone: on, camera: on }
}

fn me(grants: Grants, version: u32) -> lk::ParticipantInfo {
    lk::ParticipantInfo {
        sid: "PA_me".into(),
        identity: "me".into(),
        version,
        permission: Some(signal::permission(grants)),
        ..Default::default()
    }
}

fn join() -> Say {
    Say::Join(lk::JoinResponse {
        room: Some(lk::Room { name: "room".into(), ..Default::default() }),
        participant: Some(me(Grants::ALL, 1)),
        ping_interval: 5,
        ping_timeout: 60,
        subscriber_primary: true,
        ..Default::default()
    })
}

async fn next(connections: &mut mpsc::Receiver<Connection>) -> Connection {
    tokio::time::timeout(GUARD, connections.recv()).await.expect("a connection comes").unwrap()
}

/// Joins and answers with the server's end.
async fn joined(person: &Person, passphrase: &str, on: bool) -> (Connection, mpsc::Receiver<Connection>) {
    let (url, mut connections) = server().await;
    let client = person.client.clone();
    let request = ask(&url, passphrase, on);
    let joining = tokio::spawn(async move { client.join_server(request).await });
    let mut connection = next(&mut connections).await;
    connection.say(join()).await;
    joining.await.unwrap().unwrap();
    (connection, connections)
}

async fn snapshot(client: &Client) -> Snapshot {
    client.subscribe().await.expect("the session runs").0
}

async fn eventually(client: &Client, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let waiting = async {
        loop {
            let now = snapshot(client).await;
            if holds(&now) {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(GUARD, waiting).await.unwrap_or_else(|_| panic!("never: {what}"))
}

fn told(snapshot: &Snapshot, code: Code) -> bool {
    snapshot.notices.iter().any(|n| n.code == code)
}

fn added(ask: Ask) -> Option<lk::AddTrackRequest> {
    if let Ask::AddTrack(request) = ask { Some(request) } else { None }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_into_the_header_and_only_there() {
    let person = person();
    let (connection, _more) = joined(&person, "", false).await;
    assert_eq!(connection.bearer, format!("Bearer {TOKEN}"));
    assert!(!connection.path.contains(TOKEN));
    assert!(connection.path.starts_with("/rtc?protocol=17&sdk=rust"));
    assert_eq!(snapshot(&person.client).await.phase, Phase::InMeeting);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_camera_is_closed_and_said_so() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", true).await;
    eventually(&person.client, "the camera opens", |_| person.devices.open_streams(DeviceKind::Camera) == 1).await;
    let only = Grants::of(&[Capability::Microphone]);
    connection.say(Say::Update(lk::ParticipantUpdate { participants: vec![me(only, 2)] })).await;
    let after =
        eventually(&person.client, "the camera closes", |_| person.devices.open_streams(DeviceKind::Camera) == 0).await;
    assert!(told(&after, Code::RightRevoked));
    let meeting = after.meeting.unwrap();
    assert_eq!(meeting.camera, SwitchState::Blocked { code: Code::NotAllowed });
    let refused = person.client.set_camera(On { on: true }).await;
    assert_eq!(refused.map_err(|f| f.code), Err(Code::NotAllowed));
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_the_server_refuses_is_closed_at_once() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", false).await;
    person.client.set_camera(On { on: true }).await.unwrap();
    let request = connection.hear_until(added).await;
    connection
        .say(Say::RequestResponse(lk::RequestResponse {
            reason: lk::request_response::Reason::NotAllowed as i32,
            request: Some(lk::request_response::Request::AddTrack(request)),
            ..Default::default()
        }))
        .await;
    let after = eventually(&person.client, "it is said", |s| told(s, Code::NotAllowed)).await;
    assert_eq!(after.meeting.unwrap().camera, SwitchState::Blocked { code: Code::NotAllowed });
    eventually(&person.client, "the camera closes", |_| person.devices.open_streams(DeviceKind::Camera) == 0).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_closes_every_device_and_says_good_bye() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", true).await;
    let open = |kind| person.devices.open_streams(kind);
    eventually(&person.client, "devices open", |_| open(DeviceKind::Camera) == 1 && open(DeviceKind::Microphone) == 1)
        .await;
    person.client.leave(Nothing {}).await.unwrap();
    connection.hear_until(|ask| matches!(ask, Ask::Leave(_)).then_some(())).await;
    let after = eventually(&person.client, "devices close", |_| {
        open(DeviceKind::Camera) + open(DeviceKind::Microphone) + open(DeviceKind::Speaker) == 0
    })
    .await;
    assert_eq!(after.phase, Phase::Home);
    assert!(after.meeting.is_none());
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_stops_a_join_that_nobody_answers() {
    let person = person();
    let (url, mut connections) = server().await;
    let client = person.client.clone();
    let joining = tokio::spawn(async move { client.join_server(ask(&url, "", true)).await });
    let _silent = next(&mut connections).await;
    person.client.leave(Nothing {}).await.unwrap();
    let ended: Result<(), Failure> = joining.await.unwrap();
    assert_eq!(ended.map_err(|f| f.code), Err(Code::NotInMeeting));
    assert_eq!(person.devices.ever_opened(DeviceKind::Camera), 0, "no camera before the server let us in");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_socket_is_resumed_with_the_newest_token() {
    let person = person();
    let mut happenings = person.client.observe().await;
    let (mut connection, mut more) = joined(&person, "", false).await;
    connection.say(Say::RefreshToken("fresh".into())).await;
    // The token is there once something sent after it has had its effect.
    let later = lk::ParticipantInfo { sid: "PA_x".into(), identity: "x".into(), ..Default::default() };
    connection.say(Say::Update(lk::ParticipantUpdate { participants: vec![later] })).await;
    eventually(&person.client, "x is here", |s| s.meeting.as_ref().is_some_and(|m| m.people.len() == 2)).await;
    drop(connection);
    let mut again = next(&mut more).await;
    assert!(again.path.contains("reconnect=1&sid=PA_me"), "{}", again.path);
    assert_eq!(again.bearer, "Bearer fresh");
    again.say(Say::Reconnect(lk::ReconnectResponse::default())).await;
    assert!(matches!(again.hear().await, Ask::SyncState(_)), "the state is synced before anything else");
    eventually(&person.client, "back", |s| s.phase == Phase::InMeeting).await;
    let waiting = async { while happenings.recv().await != Some(MeetingHappening::Reconnected) {} };
    tokio::time::timeout(GUARD, waiting).await.expect("it is told");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_not_called_good() {
    let person = person();
    let (mut connection, mut more) = joined(&person, "", false).await;
    let link = |s: &Snapshot| s.meeting.as_ref().map(|m| m.link);
    let good = lk::ConnectionQualityInfo {
        participant_sid: "PA_me".into(),
        quality: lk::ConnectionQuality::Excellent as i32,
        ..Default::default()
    };
    connection.say(Say::ConnectionQuality(lk::ConnectionQualityUpdate { updates: vec![good] })).await;
    eventually(&person.client, "it is good", |s| link(s).is_some_and(|l| l.quality == LinkQuality::Excellent)).await;
    drop(connection);
    let lost = eventually(&person.client, "it is lost", |s| matches!(s.phase, Phase::Reconnecting { .. })).await;
    assert_eq!(link(&lost), Some(LinkView { quality: LinkQuality::Lost, rtt_ms: None, loss_percent: None }));
    let mut again = next(&mut more).await;
    again.say(Say::Reconnect(lk::ReconnectResponse::default())).await;
    let back = eventually(&person.client, "back", |s| s.phase == Phase::InMeeting).await;
    assert_eq!(link(&back).map(|l| l.quality), Some(LinkQuality::Unknown), "what was measured before is over");
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_reconnect_it_joins_afresh_and_publishes_again() {
    let person = person();
    let (mut connection, mut more) = joined(&person, "", true).await;
    connection.hear_until(added).await;
    let leave = lk::LeaveRequest {
        action: lk::leave_request::Action::Reconnect as i32,
        reason: lk::DisconnectReason::StateMismatch as i32,
        ..Default::default()
    };
    connection.say(Say::Leave(leave)).await;
    let mut again = next(&mut more).await;
    assert!(!again.path.contains("reconnect=1"));
    again.say(join()).await;
    again.hear_until(added).await;
    eventually(&person.client, "back", |s| s.phase == Phase::InMeeting).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_removed_ends_the_call_and_says_why() {
    let person = person();
    let (mut connection, _more) = joined(&person, "", true).await;
    let leave = lk::LeaveRequest { reason: lk::DisconnectReason::ParticipantRemoved as i32, ..Default::default() };
    connection.say(Say::Leave(leave)).await;
    let after = eventually(&person.client, "home", |s| s.phase == Phase::Home).await;
    assert!(told(&after, Code::Removed));
    eventually(&person.client, "devices close", |_| person.devices.open_streams(DeviceKind::Camera) == 0).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_meeting_refuses_a_track_that_is_not() {
    let person = person();
    let (mut connection, _more) = joined(&person, PASSPHRASE, false).await;
    let other = lk::ParticipantInfo {
        sid: "PA_x".into(),
        identity: "x".into(),
        tracks: vec![lk::TrackInfo { sid: "TR_x".into(), r#type: 1, source: 1, ..Default::default() }],
        ..Default::default()
    };
    connection.say(Say::Update(lk::ParticipantUpdate { participants: vec![other] })).await;
    let refused =
        connection.hear_until(|ask| if let Ask::Subscription(update) = ask { Some(update) } else { None }).await;
    assert_eq!((refused.track_sids, refused.subscribe), (vec!["TR_x".to_owned()], false));
    let after = eventually(&person.client, "it is said", |s| told(s, Code::TrackRefused)).await;
    let states: Vec<TrackState> =
        after.meeting.unwrap().people.iter().flat_map(|p| p.tracks.iter().map(|t| t.state)).collect();
    assert_eq!(states, [TrackState::RefusedUnsealed]);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_in_a_sealed_meeting_is_announced_as_sealed() {
    let person = person();
    let (mut connection, _more) = joined(&person, PASSPHRASE, true).await;
    let request = connection.hear_until(added).await;
    assert_eq!(request.encryption, lk::encryption::Type::Gcm as i32);
    assert!(request.disable_red);
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_that_is_switched_off_is_closed() {
    let person = person();
    let (_connection, _more) = joined(&person, "", true).await;
    let open = || person.devices.open_streams(DeviceKind::Microphone);
    eventually(&person.client, "it opens", |_| open() == 1).await;
    person.client.set_microphone(On { on: false }).await.unwrap();
    eventually(&person.client, "it closes", |s| {
        open() == 0 && s.meeting.as_ref().is_some_and(|m| m.microphone == SwitchState::Off)
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_unplugged_and_back_is_used_again() {
    let person = person();
    let (_connection, _more) = joined(&person, "", true).await;
    let open = || person.devices.open_streams(DeviceKind::Camera);
    eventually(&person.client, "it opens", |_| open() == 1).await;
    person.devices.unplug(DeviceKind::Camera);
    eventually(&person.client, "its loss is said", |s| told(s, Code::DeviceLost)).await;
    person.devices.replug(DeviceKind::Camera);
    eventually(&person.client, "it is back", |s| told(s, Code::DeviceBack) && open() == 1).await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_on_disk_and_a_recent_meeting_can_be_joined_again() {
    let person = person();
    let (_connection, _more) = joined(&person, PASSPHRASE, false).await;
    person.client.leave(Nothing {}).await.unwrap();
    let after = eventually(&person.client, "it is remembered", |s| s.recents.iter().any(|r| r.can_join)).await;
    assert_eq!(after.recents.len(), 1);
    person.client.shutdown().await;
    let kept = format!(
        "{:?}",
        person.vault.0.lock().unwrap().values().map(|v| String::from_utf8_lossy(v).into_owned()).collect::<Vec<_>>()
    );
    assert!(kept.contains(TOKEN) && kept.contains(PASSPHRASE), "secrets are in the vault");
    for entry in std::fs::read_dir(person.profile.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(TOKEN) && !text.contains(PASSPHRASE), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_opens_what_is_tried_and_nothing_leaves() {
    let person = person();
    let preview = |on| protocol::bridge::SetPreview { microphone: on, camera: on };
    person.client.set_preview(preview(true)).await.unwrap();
    eventually(&person.client, "the preview runs", |s| {
        s.devices.preview_track.is_some() && person.devices.open_streams(DeviceKind::Microphone) == 1
    })
    .await;
    person.client.set_preview(preview(false)).await.unwrap();
    eventually(&person.client, "it is closed", |_| {
        person.devices.open_streams(DeviceKind::Camera) + person.devices.open_streams(DeviceKind::Microphone) == 0
    })
    .await;
    person.client.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_instead_of_a_join_is_not_a_meeting_server() {
    let person = person();
    let (url, mut connections) = server().await;
    let client = person.client.clone();
    let joining = tokio::spawn(async move { client.join_server(ask(&url, "", false)).await });
    let mut connection = next(&mut connections).await;
    connection.socket.send(Message::binary(vec![0xFF; 40])).await.unwrap();
    assert_eq!(joining.await.unwrap().map_err(|f| f.code), Err(Code::NotAMeetingServer));
    assert_eq!(snapshot(&person.client).await.phase, Phase::Home);
    person.client.shutdown().await;
}

mod voice;
