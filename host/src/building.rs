//! The one actor of a host: owns both machines, carries out their effects, and is the only way to either.
//! Runs as one task on the net runtime. It never waits for a socket: an outbox that is full loses its client, who comes
//! back by a resume. It waits for the disk for half a second at most.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use protocol::ids::{DisplayName, RoomId, UserId};
use protocol::office::{Refusal, ToHost};
use protocol::policy::Role;
use protocol::watermark::MarkCells;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::keys::HostKeys;
use crate::media::MediaPlane;
use crate::metrics::Metrics;
use crate::office::{self, Authority, Conn, Mint, OwnerInvite};
use crate::sfu::contract::SfuEvent;
use crate::signal::{self, Greeting, Now, Resume, Switchboard};
use crate::store::{Hash, Store, StoreError, Write};
use crate::token::{Tokens, Visitor};

/// Inputs that may wait; sockets stop reading when it is full.
const INPUTS: usize = 2048;
/// Frames that may wait for one client. A join into a full room needs about a hundred.
pub const OUTBOX: usize = 512;
/// How often the machines look at the clock.
const TICK: Duration = Duration::from_millis(500);
/// How often tokens are renewed: half their life.
const REFRESH: Duration = Duration::from_secs(300);

/// Something for one client's socket.
#[derive(Debug)]
pub enum Out {
    /// An office message.
    Text(String),
    /// A signalling message.
    Binary(Bytes),
    /// Nothing more comes.
    Close,
}

/// What comes in.
pub enum Input {
    /// An office channel opened.
    OfficeOpen {
        /// Its number.
        conn: Conn,
        /// From where, for counting wrong tries.
        from: IpAddr,
        /// To its socket.
        out: mpsc::Sender<Out>,
    },
    /// A text frame of an office channel; `None`: a frame that is no text.
    OfficeFrame {
        /// From whom.
        conn: Conn,
        /// What.
        text: Option<String>,
    },
    /// An office channel said nothing for too long.
    OfficeSilent {
        /// Which.
        conn: Conn,
    },
    /// A signalling socket wants to open.
    SignalOpen {
        /// Its number.
        conn: Conn,
        /// Who, by their token.
        visitor: Box<Visitor>,
        /// A full join, or a resume.
        how: Entrance,
        /// To its socket.
        out: mpsc::Sender<Out>,
        /// Whether it may.
        answer: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A binary frame of a signalling socket; `None`: a frame that is not binary.
    SignalFrame {
        /// From whom.
        conn: Conn,
        /// What.
        frame: Option<Bytes>,
    },
    /// A socket is gone.
    Closed {
        /// Which, of either kind.
        conn: Conn,
    },
    /// A question of the host's owner or an administrator, answered by the closure.
    Ask(Box<dyn FnOnce(&mut Desk<'_>) + Send>),
    /// The host stops.
    Stop {
        /// When everyone was told.
        done: oneshot::Sender<()>,
    },
}

/// Both machines and the time, for a question.
pub struct Desk<'a> {
    /// Who is in.
    pub office: &'a mut Authority,
    /// Who speaks.
    pub signal: &'a mut Switchboard,
    /// The moment.
    pub now: Now,
}

/// How a signalling socket opens.
#[derive(Debug)]
pub enum Entrance {
    /// A full join.
    Join(Greeting),
    /// Back after a lost socket.
    Resume(Resume),
}

/// The way to the actor.
#[derive(Clone)]
pub struct Reception {
    inputs: mpsc::Sender<Input>,
    next: Arc<std::sync::atomic::AtomicU64>,
}

impl Reception {
    /// A number for a new socket.
    #[must_use]
    pub fn number(&self) -> Conn {
        Conn(self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    /// Hands an input over, waiting for room. `false`: the building is closed.
    pub async fn send(&self, input: Input) -> bool {
        self.inputs.send(input).await.is_ok()
    }

    /// Asks both machines something. `None`: the building is closed.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Desk<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, answer) = oneshot::channel();
        let ask = Input::Ask(Box::new(move |desk| {
            // Whoever asked may be gone.
            tell.send(question(desk)).ok();
        }));
        if !self.send(ask).await {
            return None;
        }
        answer.await.ok()
    }
}

/// Everything the actor is built from.
pub struct Parts {
    /// Office rules with what was saved.
    pub office: Authority,
    /// What lasts.
    pub store: Store,
    /// For tokens of participants.
    pub tokens: Tokens,
    /// Where media goes.
    pub media: Arc<dyn MediaPlane>,
    /// And comes from.
    pub events: mpsc::Receiver<SfuEvent>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Ends everything at once.
    pub abort: CancellationToken,
}

/// Starts the actor.
pub fn start(parts: Parts) -> (Reception, tokio::task::JoinHandle<()>) {
    let (inputs, receiver) = mpsc::channel(INPUTS);
    let building = Building {
        parts,
        signal: Switchboard::new(Box::new(random)),
        inputs: receiver,
        outboxes: HashMap::new(),
        offices: std::collections::HashSet::new(),
        began: Instant::now(),
        disk_slow: false,
        media_lives: true,
    };
    let task = tokio::spawn(building.run());
    (Reception { inputs, next: Arc::default() }, task)
}

/// Fills with random bytes.
///
/// # Panics
/// When the system has no randomness: nothing safe can be done then.
pub fn random(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the system has randomness");
}

/// Randomness, signatures and marks for the office.
pub struct Seal {
    /// Signs join tokens.
    pub tokens: Tokens,
    /// Makes marks.
    pub keys: HostKeys,
}

impl Mint for Seal {
    fn random(&mut self, bytes: &mut [u8]) {
        random(bytes);
    }

    fn token(&mut self, user: &UserId, name: &DisplayName, room: &RoomId, role: Role) -> String {
        self.tokens.mint(user, name.as_str(), room, role)
    }

    fn mark(&mut self, user: &UserId, room: &RoomId) -> MarkCells {
        let key = self.keys.marks(room);
        key.cells(key.viewer(user))
    }
}

struct Building {
    parts: Parts,
    signal: Switchboard,
    inputs: mpsc::Receiver<Input>,
    outboxes: HashMap<Conn, mpsc::Sender<Out>>,
    offices: std::collections::HashSet<Conn>,
    began: Instant,
    disk_slow: bool,
    media_lives: bool,
}

impl Building {
    async fn run(mut self) {
        let abort = self.parts.abort.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // An interval's first tick is at once: what ended while the host was off is forgotten then.
        loop {
            tokio::select! {
                () = abort.cancelled() => return,
                input = self.inputs.recv() => match input {
                    Some(Input::Stop { done }) => {
                        self.on_stop().await;
                        // Whoever asked may be gone.
                        done.send(()).ok();
                        return;
                    }
                    Some(input) => self.on_input(input),
                    None => return,
                },
                event = self.parts.events.recv(), if self.media_lives => self.on_media(event),
                _ = tick.tick() => self.on_tick(),
                _ = refresh.tick() => self.on_refresh(),
            }
            self.carry_out().await;
        }
    }

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Now { up: self.began.elapsed(), unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX) }
    }

    fn on_input(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::OfficeOpen { conn, from, out } => {
                self.outboxes.insert(conn, out);
                self.offices.insert(conn);
                self.parts.office.opened(conn, from);
            }
            Input::OfficeFrame { conn, text } => match text.as_deref().map(ToHost::parse) {
                Some(Ok(message)) => self.parts.office.handle(conn, message, now.seconds()),
                // The parser's error can quote the message: it is counted, not logged.
                Some(Err(_)) | None => {
                    self.parts.metrics.messages_refused_total.up();
                    self.parts.office.malformed(conn, now.seconds());
                }
            },
            Input::OfficeSilent { conn } => self.parts.office.silent(conn),
            Input::SignalOpen { conn, visitor, how, out, answer } => {
                let allowed = self.on_signal_open(conn, *visitor, how, out, now);
                if answer.send(allowed).is_err() {
                    self.on_closed(conn, now);
                }
            }
            Input::SignalFrame { conn, frame } => {
                let read = frame
                    .as_deref()
                    .map_or(Err(protocol::signal::ParseSignal::TooLong(0)), protocol::signal::parse_request);
                self.signal.receive(conn, read, now);
            }
            Input::Closed { conn } => self.on_closed(conn, now),
            Input::Ask(question) => {
                question(&mut Desk { office: &mut self.parts.office, signal: &mut self.signal, now });
            }
            Input::Stop { .. } => unreachable!("the loop takes it"),
        }
    }

    fn on_signal_open(
        &mut self,
        conn: Conn,
        visitor: Visitor,
        how: Entrance,
        out: mpsc::Sender<Out>,
        now: Now,
    ) -> Result<(), Refusal> {
        if !self.media_lives {
            return Err(Refusal::Closing);
        }
        self.outboxes.insert(conn, out);
        match how {
            Entrance::Resume(resume) => {
                // One that is not here is told so over its socket, as the official server does.
                if self.signal.resume(conn, &visitor, &resume, now).is_err() {
                    tracing::info!("resume_unknown");
                }
            }
            Entrance::Join(greeting) => {
                let admitted =
                    self.parts.office.admit(&visitor.room, &visitor.user, &visitor.name, visitor.role, now.seconds());
                match admitted {
                    Ok(admission) => {
                        let key = self.signal.join(conn, visitor, greeting, admission, now);
                        tracing::info!(session = key.0, "joined");
                    }
                    Err(why) => {
                        self.outboxes.remove(&conn);
                        return Err(why);
                    }
                }
            }
        }
        Ok(())
    }

    fn on_closed(&mut self, conn: Conn, now: Now) {
        self.outboxes.remove(&conn);
        if self.offices.remove(&conn) {
            self.parts.office.closed(conn, now.seconds());
        } else {
            self.signal.closed(conn, now);
        }
    }

    fn on_media(&mut self, event: Option<SfuEvent>) {
        match event {
            Some(event) => {
                let now = self.now();
                self.signal.media(event, now);
            }
            None => {
                // Only a bug ends the media plane early. Nobody is left in a call that is silent for ever.
                tracing::error!("media_ended");
                self.media_lives = false;
                self.signal.media_ended();
            }
        }
    }

    fn on_tick(&mut self) {
        let now = self.now();
        self.signal.tick(now);
        self.parts.office.tick(now.seconds());
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let metrics = &self.parts.metrics;
        metrics.people.set(count(self.parts.office.people()));
        metrics.sessions.set(count(self.signal.len()));
        metrics.tracks.set(count(self.signal.live_tracks()));
        metrics.store_failures_total.set(self.parts.store.failures());
        let tally = self.signal.tally();
        metrics.joins_total.add(tally.joins);
        metrics.resumes_total.add(tally.resumes);
        metrics.tracks_refused_total.add(tally.refused_tracks);
        metrics.messages_refused_total.add(tally.refused_messages);
    }

    fn on_refresh(&mut self) {
        let now = self.now();
        self.parts.office.refresh(now.seconds());
        self.signal.refresh();
    }

    async fn on_stop(&mut self) {
        self.signal.stop();
        self.parts.office.stop();
        self.carry_out().await;
        tracing::info!("host_closed");
    }

    /// Does what both machines want until neither wants anything.
    async fn carry_out(&mut self) {
        loop {
            let office = self.parts.office.drain();
            let signal = self.signal.drain();
            if office.is_empty() && signal.is_empty() {
                return;
            }
            // Signalling first: a lock that closes must not wait for anything the office wants to write.
            for effect in signal {
                self.signal_effect(effect);
            }
            for effect in office {
                self.office_effect(effect).await;
            }
        }
    }

    async fn office_effect(&mut self, effect: office::Effect) {
        match effect {
            office::Effect::Send { conn, message } => {
                if let protocol::office::ToClient::Refused { why, .. } = &*message {
                    self.parts.metrics.entries_refused_total.up();
                    tracing::info!(?why, "entry_refused");
                }
                self.post(conn, Out::Text(message.to_text()));
            }
            office::Effect::Close { conn } => self.hang_up(conn),
            office::Effect::Keep(write) => self.keep(write).await,
            office::Effect::Regrant { room, user, role, grants } => {
                self.signal.regrant(&room, &user, role, grants);
                self.signal_effects();
            }
            office::Effect::Pictures { room, user, on } => {
                self.signal.show_pictures(&room, &user, on);
                self.signal_effects();
            }
            office::Effect::Note { room, user, what } => crate::log::note(&room, &user, &what),
        }
    }

    fn signal_effects(&mut self) {
        for effect in self.signal.drain() {
            self.signal_effect(effect);
        }
    }

    fn signal_effect(&mut self, effect: signal::Effect) {
        match effect {
            signal::Effect::Send { conn, frame } => self.post(conn, Out::Binary(frame)),
            signal::Effect::Close { conn } => self.hang_up(conn),
            signal::Effect::Media(command) => self.parts.media.send(command),
            signal::Effect::Refresh { conn, visitor, role } => {
                let token = self.parts.tokens.renew(&visitor, role);
                let refresh = livekit_protocol::signal_response::Message::RefreshToken(token);
                self.post(conn, Out::Binary(protocol::signal::response(refresh).into()));
            }
            signal::Effect::Left { room, user } => self.parts.office.departed(&room, &user),
        }
    }

    fn post(&mut self, conn: Conn, out: Out) {
        let Some(outbox) = self.outboxes.get(&conn) else { return };
        if outbox.try_send(out).is_err() {
            // Too slow, or gone: the socket closes, and its end comes in as an input like every other.
            tracing::warn!(conn = conn.0, "outbox_full");
            self.outboxes.remove(&conn);
        }
    }

    fn hang_up(&mut self, conn: Conn) {
        self.post(conn, Out::Close);
        self.outboxes.remove(&conn);
    }

    /// Keeps something, patiently once: a disk that hangs must not slow down the meeting again and again.
    async fn keep(&mut self, write: Write) {
        if self.disk_slow && self.parts.store.is_busy() {
            self.parts.store.keep_later(write);
            return;
        }
        let result = self.parts.store.keep(write).await;
        self.disk_slow = result == Err(StoreError::Slow);
    }
}

impl Reception {
    /// Makes a room and an owner invitation, or another invitation for a room that is here.
    pub(crate) async fn owner_invite(&self, room: OwnRoom, verifier: Hash) -> Option<Result<OwnerInvite, Refusal>> {
        self.ask(move |desk| match room {
            OwnRoom::New(title) => desk.office.open_room(&title, verifier, desk.now.seconds()),
            OwnRoom::Old(room) => {
                desk.office.owner_invite(&room, verifier, desk.now.seconds()).ok_or(Refusal::NoSuchPerson)
            }
        })
        .await
    }
}

pub(crate) enum OwnRoom {
    New(String),
    Old(RoomId),
}
