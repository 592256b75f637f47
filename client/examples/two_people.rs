//! Two people with synthetic devices join a host by an invitation and say what they hear and see. For trouble-shooting
//! by hand: `cargo run -p host --bin office-host`, then `cargo run -p client --example two_people -- LINK`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client::ports::{Ports, Vault, VaultError};
use client::{Client, MeetingHappening};
use media_core::channel::Taken;
use media_core::testing::{FakeDevices, FakeSetup};
use protocol::bridge::{Code, JoinInvite, Nothing, Switch, VaultView};
use protocol::ids::DisplayName;
use protocol::policy::TrackKind;
use protocol::shield::ShieldStatus;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

#[derive(Default)]
struct Memory(Mutex<HashMap<String, Vec<u8>>>);

impl Vault for Memory {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), VaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }

    fn view(&self) -> VaultView {
        VaultView::MemoryOnly { code: Code::KeyringMissing }
    }
}

fn person(seed: u64) -> (Client, FakeDevices) {
    let devices = FakeDevices::new(FakeSetup { seed, ..FakeSetup::default() });
    let ports = Ports {
        devices: Arc::new(devices.clone()),
        vault: Arc::new(Memory::default()),
        host: None,
        profile: None,
        shield: ShieldStatus::default(),
        person: None,
    };
    (Client::start(ports, &Handle::current()), devices)
}

fn ask(link: &str, name: &str, on: bool) -> JoinInvite {
    let name = DisplayName::parse(name).expect("a constant that is a name");
    JoinInvite { link: link.to_owned(), name, microphone: on, camera: on }
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_env_filter(tracing_subscriber::EnvFilter::from_default_env()).init();
    let Some(link) = std::env::args().nth(1) else {
        tracing::error!("an invitation link is needed");
        return;
    };
    let (speaker, _devices) = person(1);
    if let Err(failure) = speaker.join_invite(ask(&link, "Speaker", true)).await {
        tracing::error!(%failure, "the first person cannot join");
        return;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (listener, ears) = person(2);
    let mut happenings = listener.observe().await;
    let start = Instant::now();
    let joined = listener.join_invite(ask(&link, "Listener", true)).await;
    tracing::info!(took = ?start.elapsed(), ?joined, "joined");
    let end = tokio::time::sleep(Duration::from_secs(8));
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => break,
            Some(what) = happenings.recv() => {
                tracing::info!(after = ?start.elapsed(), ?what, "happened");
                if let MeetingHappening::TrackPlaying { kind: TrackKind::Video, track, .. } = &what {
                    let pictures = listener.watch_pictures(track.as_str());
                    tokio::task::spawn_blocking(move || {
                        let mut seen = 0;
                        while let Taken::Value(_) = pictures.take(Duration::from_secs(2)) {
                            seen += 1;
                            if seen % 30 == 1 {
                                tracing::info!(seen, "pictures");
                            }
                        }
                    });
                }
            }
        }
    }
    let heard = ears.played().iter().filter(|s| s.abs() > 0.01).count();
    tracing::info!(heard, "audible samples");
    if let Some((snapshot, _)) = listener.subscribe().await {
        tracing::info!(?snapshot, "at the end");
    }
    let off = speaker.set_microphone(Switch { on: false }).await;
    tracing::info!(?off, "the speaker is silent");
    let left = listener.leave(Nothing {}).await;
    tracing::info!(?left, "left");
    speaker.shutdown().await;
    listener.shutdown().await;
}
