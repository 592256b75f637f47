//! `visitor`: a headless client for scripts, load and trouble-shooting. Joins a meeting, speaks and shows what it is
//! told to, and says what happens as JSON, one object per line, the last one the summary. Logs go to stderr.
//! Keeps its secrets in memory for this run only and writes nothing to disk.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use inspection::hands::Hands;
use inspection::mirror::Mirror;
use inspection::person::{Person, people};
use inspection::vault::OpenVault;
use inspection::wav;
use media_core::channel::{LatestReader, Taken};
use media_core::device::Devices;
use media_core::frame::Picture;
use media_core::testing::{FakeDevices, FakeSetup, read_counter, tone, tone_power};
use protocol::bridge::{Failure, JoinServer, Phase, StartShare, Switch, SwitchState};
use protocol::policy::{Capability, TrackKind};
use serde_json::{Value, json};

/// Where a kind of sound or picture comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// Made up.
    Synthetic,
    /// This machine's (needs a build with `--features real-devices`).
    Real,
    /// Nothing is sent.
    None,
}

/// A headless participant of a meeting.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    /// Invitation link; `-` reads it from stdin, where no other program can see it.
    #[arg(long, required_unless_present = "url", conflicts_with_all = ["url", "token"])]
    invite: Option<String>,
    /// A LiveKit server: wss://…
    #[arg(long, requires = "token")]
    url: Option<String>,
    /// Access token for it; `-` reads it from stdin.
    #[arg(long)]
    token: Option<String>,
    /// End-to-end passphrase for it; without one the meeting is not sealed.
    // It may begin with a hyphen, as random ones do.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    passphrase: String,
    /// Name in the meeting.
    #[arg(long, default_value = "Visitor")]
    name: String,
    /// Microphone.
    #[arg(long, value_enum, default_value_t = From::Synthetic)]
    microphone: From,
    /// Speaker: what is heard is played on this machine (`real`), measured (`synthetic`) or left (`none`).
    #[arg(long, value_enum, default_value_t = From::Synthetic)]
    speaker: From,
    /// What the synthetic microphone says: a 16 bit WAV file, over and over.
    #[arg(long, conflicts_with = "tone")]
    wav: Option<PathBuf>,
    /// What the synthetic microphone says: one note of so many hertz.
    #[arg(long)]
    tone: Option<f64>,
    /// Say in the summary how much of what was heard is this note (hertz); may be repeated.
    #[arg(long)]
    listen: Vec<f64>,
    /// Camera.
    #[arg(long, value_enum, default_value_t = From::None)]
    camera: From,
    /// Shared screen.
    #[arg(long, value_enum, default_value_t = From::None)]
    screen: From,
    /// Speak to everyone on the host.
    #[arg(long)]
    megaphone: bool,
    /// Leave after so many seconds; otherwise when told to (Ctrl-C) or when the meeting is over.
    #[arg(long = "for")]
    seconds: Option<u64>,
}

fn say(event: &str, fields: Value) {
    let mut line = json!({ "event": event });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    let mut out = std::io::stdout().lock();
    // Whoever listened is gone: the meeting goes on without them.
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        tracing::debug!("nobody reads stdout");
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("SHOJI_LOG").unwrap_or_else(|_| "warn".into()))
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = runtime.context("the network threads").and_then(|runtime| runtime.block_on(visit(args)));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say("failed", json!({ "code": "internal", "detail": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}

fn from_stdin(given: String) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("stdin")?;
    Ok(line.trim().to_owned())
}

fn synthetic(args: &Args) -> anyhow::Result<FakeDevices> {
    let sound = match (&args.wav, args.tone) {
        (Some(path), _) => {
            let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
            Some(wav::read(&bytes).with_context(|| path.display().to_string())?)
        }
        (None, Some(hertz)) => Some(tone(hertz.round(), 48_000, 48_000)),
        (None, None) => None,
    };
    let seed = args.name.bytes().fold(1_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Ok(FakeDevices::new(FakeSetup { seed, sound: sound.map(Into::into), ..FakeSetup::default() }))
}

#[cfg(feature = "real-devices")]
fn real() -> anyhow::Result<Arc<dyn Devices>> {
    Ok(Arc::new(media_devices::SystemDevices::new(Instant::now())))
}

#[cfg(not(feature = "real-devices"))]
fn real() -> anyhow::Result<Arc<dyn Devices>> {
    anyhow::bail!("this visitor was built without real devices; build it with --features real-devices")
}

async fn visit(args: Args) -> anyhow::Result<bool> {
    let fake = synthetic(&args)?;
    let pick = |from: From| -> anyhow::Result<Arc<dyn Devices>> {
        match from {
            From::Real => real(),
            From::Synthetic | From::None => Ok(Arc::new(fake.clone())),
        }
    };
    let hands = Hands {
        microphone: pick(args.microphone)?,
        speaker: pick(args.speaker)?,
        camera: pick(args.camera)?,
        screen: pick(args.screen)?,
    };
    if args.speaker == From::None {
        fake.set_fault(media_core::testing::DeviceKind::Speaker, Some(media_core::testing::Fault::Missing));
    }
    let person = Person::start(&args.name, Arc::new(hands), Arc::new(OpenVault::default()), None).await?;
    let mut visit =
        Visit { started: Instant::now(), tally: Tally::default(), shown: Shown::default(), watched: Vec::new() };
    if let Err(failure) = enter(&person, &args).await {
        say("failed", json!({ "code": failure.code, "detail": failure.detail, "retry": failure.retry }));
        return Ok(false);
    }
    visit.stay(&person, &args).await?;
    visit.summary(&person, &args, &fake);
    person.client.shutdown().await;
    Ok(visit.tally.was_in)
}

async fn enter(person: &Person, args: &Args) -> Result<(), Failure> {
    let (microphone, camera) = (args.microphone != From::None, args.camera != From::None);
    let bad = |error: anyhow::Error| Failure::of(protocol::bridge::Code::BadInput, error);
    if let Some(url) = &args.url {
        let name = protocol::bridge::SettingsChange {
            name: protocol::ids::DisplayName::parse(args.name.clone()).ok(),
            ..Default::default()
        };
        person.client.change_settings(name).await?;
        let token = from_stdin(args.token.clone().unwrap_or_default()).map_err(bad)?;
        let ask = JoinServer { url: url.clone(), token, passphrase: args.passphrase.clone(), microphone, camera };
        return person.client.join_server(ask).await;
    }
    let link = from_stdin(args.invite.clone().unwrap_or_default()).map_err(bad)?;
    person.join(&link, microphone, camera).await
}

/// What has been said already, so that only changes are.
#[derive(Default)]
struct Shown {
    phase: Option<Phase>,
    people: Value,
    seal: Value,
    own: Value,
    notices: u32,
}

#[derive(Default)]
struct Tally {
    was_in: bool,
    reconnects: u32,
    most_people: usize,
    screen_asked: bool,
    megaphone_asked: bool,
}

struct Watched {
    track: String,
    name: String,
    pictures: LatestReader<Picture>,
    seen: u64,
    counter: Option<u16>,
}

struct Visit {
    started: Instant,
    tally: Tally,
    shown: Shown,
    watched: Vec<Watched>,
}

impl Visit {
    async fn stay(&mut self, person: &Person, args: &Args) -> anyhow::Result<()> {
        let mut mirror = person.mirror();
        let end = args.seconds.map(|s| tokio::time::Instant::now() + Duration::from_secs(s));
        let mut beat = tokio::time::interval(Duration::from_millis(40));
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            let now = mirror.borrow_and_update().clone();
            self.tell(&now);
            self.act(person, args, &now).await;
            if self.tally.was_in && now.snapshot.phase == Phase::Home {
                say("over", json!({}));
                return Ok(());
            }
            tokio::select! {
                changed = mirror.changed() => changed.context("the client ended")?,
                _ = beat.tick() => self.look(),
                _ = &mut interrupted => return Ok(()),
                () = sleep_until(end) => return Ok(()),
            }
        }
    }

    /// Starts what needs the meeting to be there.
    async fn act(&mut self, person: &Person, args: &Args, now: &Mirror) {
        let Some(meeting) = &now.snapshot.meeting else { return };
        if now.snapshot.phase != Phase::InMeeting {
            return;
        }
        if args.screen != From::None && !self.tally.screen_asked && meeting.allowed.contains(&Capability::ScreenShare) {
            self.tally.screen_asked = true;
            let screens = &now.snapshot.devices.screens;
            let screen = screens.iter().find(|s| s.is_primary).or_else(|| screens.first());
            match screen {
                Some(screen) => {
                    let asked = person.client.start_share(StartShare { screen: screen.id.clone(), sound: false }).await;
                    told("share", asked);
                }
                None => say("failed", json!({ "what": "share", "code": now.snapshot.devices.screens_blocked })),
            }
        }
        if args.megaphone && !self.tally.megaphone_asked && meeting.allowed.contains(&Capability::Megaphone) {
            self.tally.megaphone_asked = true;
            told("megaphone", person.client.set_megaphone(Switch { on: true }).await);
        }
        for who in meeting.people.iter().filter(|p| !p.is_me) {
            for track in who.tracks.iter().filter(|t| t.kind == TrackKind::Video) {
                let id = track.id.as_str();
                if self.watched.iter().all(|w| w.track != id) {
                    let pictures = person.client.watch_pictures(id);
                    let name = format!("{} {}", who.name, word(&track.source));
                    self.watched.push(Watched { track: id.to_owned(), name, pictures, seen: 0, counter: None });
                }
            }
        }
    }

    /// Counts pictures.
    fn look(&mut self) {
        for watched in &mut self.watched {
            if let Taken::Value(picture) = watched.pictures.take(Duration::ZERO) {
                watched.seen += 1;
                watched.counter = read_counter(&picture).or(watched.counter);
                if watched.seen == 1 {
                    let size = picture.size();
                    let at = json!({ "of": watched.name, "width": size.width, "height": size.height });
                    say("first_picture", at);
                }
            }
        }
    }

    /// Says what changed.
    fn tell(&mut self, now: &Mirror) {
        let s = &now.snapshot;
        if self.shown.phase.as_ref() != Some(&s.phase) {
            if matches!(s.phase, Phase::Reconnecting { .. })
                && !matches!(self.shown.phase, Some(Phase::Reconnecting { .. }))
            {
                self.tally.reconnects += 1;
            }
            self.tally.was_in |= s.phase == Phase::InMeeting;
            self.shown.phase = Some(s.phase.clone());
            say("phase", json!({ "phase": s.phase, "after_ms": self.started.elapsed().as_millis() as u64 }));
        }
        self.tally.most_people = self.tally.most_people.max(people(now).len());
        if let Some(meeting) = &s.meeting {
            changed(&mut self.shown.people, "people", json!(meeting.people));
            changed(&mut self.shown.seal, "seal", json!(meeting.seal));
            let own = json!({
                "microphone": meeting.microphone, "camera": meeting.camera, "share": meeting.share,
                "megaphone": meeting.megaphone, "allowed": meeting.allowed, "role": meeting.role,
            });
            changed(&mut self.shown.own, "own", own);
        }
        for notice in s.notices.iter().filter(|n| n.id > self.shown.notices) {
            say("notice", json!({ "code": notice.code, "about": notice.about, "severity": notice.severity }));
        }
        self.shown.notices = s.notices.iter().map(|n| n.id).max().unwrap_or(self.shown.notices).max(self.shown.notices);
    }

    fn summary(&self, person: &Person, args: &Args, fake: &FakeDevices) {
        let now = person.now();
        let played = fake.played();
        let power = played.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / (played.len().max(1)) as f64;
        let notes: Vec<Value> = args
            .listen
            .iter()
            .map(|hertz| {
                // The clearest fifth of a second counts: joins and pauses are silent, and a longer piece would be too
                // sharp a filter for sound that was stretched by a hair to keep up with its clock.
                let share = played.chunks(9_600).map(|s| heard(s, *hertz)).fold(0.0, f64::max);
                json!({ "hertz": hertz, "share": share })
            })
            .collect();
        let pictures: Vec<Value> =
            self.watched.iter().map(|w| json!({ "of": w.name, "seen": w.seen, "counter": w.counter })).collect();
        let meeting = now.snapshot.meeting.as_ref();
        say(
            "summary",
            json!({
                "joined": self.tally.was_in,
                "seconds": self.started.elapsed().as_secs(),
                "reconnects": self.tally.reconnects,
                "most_people": self.tally.most_people,
                "heard_dbfs": (power > 0.0).then(|| 10.0 * power.log10()),
                "notes": notes,
                "pictures": pictures,
                "microphone_on": meeting.is_some_and(|m| matches!(m.microphone, SwitchState::On { .. })),
                "seal": meeting.map(|m| json!(m.seal)),
                "link": meeting.map(|m| json!(m.link)),
            }),
        );
    }
}

fn heard(sound: &[f32], hertz: f64) -> f64 {
    let power: f64 = sound.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / sound.len().max(1) as f64;
    if power < 1e-7 { 0.0 } else { tone_power(sound, hertz, 48_000) }
}

fn changed(shown: &mut Value, what: &str, now: Value) {
    if *shown != now {
        say(what, json!({ "value": now }));
        *shown = now;
    }
}

fn told(what: &str, result: Result<(), Failure>) {
    if let Err(failure) = result {
        say("failed", json!({ "what": what, "code": failure.code, "detail": failure.detail }));
    }
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn sleep_until(end: Option<tokio::time::Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
