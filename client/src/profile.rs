//! What is kept on disk: settings and the list of recent meetings. Never a secret; those go to the `Vault`.
//! Read once at start; written by one task, whole file by whole file, so that a crash leaves the old one or the new one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use media_core::audio::{self, Processing};
use protocol::bridge::{Language, NoiseSuppression, SettingsChange, SettingsView, ShareQuality, Theme};
use protocol::ids::{DeviceId, DisplayName, RoomId};
use protocol::shortcut::Shortcut;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Bytes a file of ours may have; a longer one is not ours.
const MAX_FILE: u64 = 256 * 1024;
/// Meetings remembered.
const MAX_RECENTS: usize = 20;
const SETTINGS: &str = "settings.json";
const RECENTS: &str = "recents.json";

/// `settings.json`. Unknown fields of newer versions are skipped, missing ones have their default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// What this person is called.
    pub(crate) name: Option<DisplayName>,
    /// Language.
    pub(crate) language: Language,
    /// Colours.
    pub(crate) theme: Theme,
    /// Mirror the own picture.
    pub(crate) mirror: bool,
    /// Blur what is behind the person.
    pub(crate) blur_background: bool,
    /// In protected meetings, cover the window while another one has the keyboard.
    pub(crate) cover_unfocused: bool,
    /// Share the sound of other programs beside a screen.
    pub(crate) share_sound: bool,
    pub(crate) share_quality: ShareQuality,
    /// System-wide: mutes and unmutes.
    #[serde(deserialize_with = "known_keys")]
    pub(crate) mute_key: Option<Shortcut>,
    /// System-wide: speaks while held.
    #[serde(deserialize_with = "known_keys")]
    pub(crate) talk_key: Option<Shortcut>,
    /// Keep the microphone open while [`Self::talk_key`] works.
    pub(crate) ready_to_talk: bool,
    /// Tell by a short sound what [`Self::mute_key`] did.
    pub(crate) key_sounds: bool,
    /// Take what the speaker plays out of the microphone.
    pub(crate) echo_cancellation: bool,
    /// Take noise out of the microphone.
    pub(crate) noise_suppression: NoiseSuppression,
    /// Even out the own loudness.
    pub(crate) automatic_gain: bool,
    /// Chosen; `None` follows the default.
    pub(crate) microphone: Option<DeviceId>,
    /// Chosen; `None` follows the default.
    pub(crate) speaker: Option<DeviceId>,
    /// Chosen; `None` follows the default.
    pub(crate) camera: Option<DeviceId>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            language: Language::System,
            theme: Theme::System,
            mirror: true,
            blur_background: false,
            cover_unfocused: false,
            share_sound: false,
            share_quality: ShareQuality::Standard,
            mute_key: None,
            talk_key: None,
            ready_to_talk: true,
            key_sounds: true,
            echo_cancellation: true,
            noise_suppression: NoiseSuppression::Standard,
            automatic_gain: true,
            microphone: None,
            speaker: None,
            camera: None,
        }
    }
}

impl Settings {
    /// Takes over what is given.
    pub(crate) fn change(&mut self, change: SettingsChange) {
        let SettingsChange {
            name,
            language,
            theme,
            mirror,
            blur_background,
            cover_unfocused,
            share_quality,
            ready_to_talk,
            key_sounds,
            echo_cancellation,
            noise_suppression,
            automatic_gain,
        } = change;
        self.name = name.or_else(|| self.name.take());
        self.language = language.unwrap_or(self.language);
        self.theme = theme.unwrap_or(self.theme);
        self.mirror = mirror.unwrap_or(self.mirror);
        self.blur_background = blur_background.unwrap_or(self.blur_background);
        self.cover_unfocused = cover_unfocused.unwrap_or(self.cover_unfocused);
        self.share_quality = share_quality.unwrap_or(self.share_quality);
        self.ready_to_talk = ready_to_talk.unwrap_or(self.ready_to_talk);
        self.key_sounds = key_sounds.unwrap_or(self.key_sounds);
        self.echo_cancellation = echo_cancellation.unwrap_or(self.echo_cancellation);
        self.noise_suppression = noise_suppression.unwrap_or(self.noise_suppression);
        self.automatic_gain = automatic_gain.unwrap_or(self.automatic_gain);
    }

    /// For the page.
    pub(crate) fn view(&self) -> SettingsView {
        SettingsView {
            name: self.name.clone(),
            language: self.language,
            theme: self.theme,
            mirror: self.mirror,
            blur_background: self.blur_background,
            cover_unfocused: self.cover_unfocused,
            share_sound: self.share_sound,
            share_quality: self.share_quality,
            ready_to_talk: self.ready_to_talk,
            key_sounds: self.key_sounds,
            echo_cancellation: self.echo_cancellation,
            noise_suppression: self.noise_suppression,
            automatic_gain: self.automatic_gain,
        }
    }

    /// For the sound engine.
    pub(crate) const fn processing(&self) -> Processing {
        let noise = match self.noise_suppression {
            NoiseSuppression::Off => audio::NoiseSuppression::Off,
            NoiseSuppression::Standard => audio::NoiseSuppression::Standard,
            NoiseSuppression::Strong => audio::NoiseSuppression::Strong,
        };
        Processing { echo: self.echo_cancellation, noise, gain: self.automatic_gain }
    }
}

/// Keys that this version does not take are as if none were chosen; the other settings stay.
fn known_keys<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Shortcut>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|text| text.parse().ok()))
}

/// How a recent meeting is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum Way {
    /// A host of ours.
    Host {
        /// The room.
        room: RoomId,
        /// The host's key, base64url.
        host: String,
        /// Where it was.
        addresses: Vec<String>,
    },
    /// A foreign server.
    Server {
        /// Its URL, without a token.
        url: String,
    },
}

/// One entry of `recents.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    /// Names its secrets in the vault, too.
    pub(crate) id: String,
    /// What it was called.
    pub(crate) title: String,
    /// Unix seconds.
    pub(crate) last_joined: u32,
    /// Hosted by this app.
    pub(crate) own: bool,
    /// How to get there.
    pub(crate) way: Way,
}

/// Puts a meeting at the top of the list, once. Answers the ids that fell off its end.
pub(crate) fn remember(recents: &mut Vec<Recent>, recent: Recent) -> Vec<String> {
    recents.retain(|r| r.id != recent.id);
    recents.insert(0, recent);
    recents.split_off(recents.len().min(MAX_RECENTS)).into_iter().map(|r| r.id).collect()
}

/// Which file to write, whole.
enum Save {
    Settings(Settings),
    Recents(Vec<Recent>),
}

/// The profile folder. Without one nothing is read or written.
#[derive(Debug)]
pub(crate) struct Profile {
    saves: Option<mpsc::Sender<Save>>,
}

impl Profile {
    /// Reads what is there and starts the writer; `failed` is called when a file could not be written.
    pub(crate) fn open(
        folder: Option<PathBuf>,
        tokio: &Handle,
        failed: impl Fn() + Send + 'static,
    ) -> (Self, Settings, Vec<Recent>) {
        let Some(folder) = folder else { return (Self { saves: None }, Settings::default(), Vec::new()) };
        let settings = read(&folder.join(SETTINGS)).unwrap_or_default();
        let mut recents: Vec<Recent> = read(&folder.join(RECENTS)).unwrap_or_default();
        recents.truncate(MAX_RECENTS);
        let (saves, mut inbox) = mpsc::channel(16);
        tokio.spawn(async move {
            while let Some(save) = inbox.recv().await {
                let folder = folder.clone();
                let written = tokio::task::spawn_blocking(move || match save {
                    Save::Settings(settings) => write(&folder, SETTINGS, &settings),
                    Save::Recents(recents) => write(&folder, RECENTS, &recents),
                })
                .await;
                match written {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(kind = ?error.kind(), "a profile file was not written");
                        failed();
                    }
                    Err(error) => {
                        tracing::error!(%error, "writing a profile file panicked");
                        failed();
                    }
                }
            }
        });
        (Self { saves: Some(saves) }, settings, recents)
    }

    /// Queues the settings; `false` when the disk cannot keep up.
    pub(crate) fn save_settings(&self, settings: &Settings) -> bool {
        self.queue(|| Save::Settings(settings.clone()))
    }

    /// Queues the list; `false` when the disk cannot keep up.
    pub(crate) fn save_recents(&self, recents: &[Recent]) -> bool {
        self.queue(|| Save::Recents(recents.to_vec()))
    }

    fn queue(&self, save: impl FnOnce() -> Save) -> bool {
        self.saves.as_ref().is_none_or(|saves| saves.try_send(save()).is_ok())
    }
}

/// A file that is missing, too long or damaged is as if it were not there.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let length = std::fs::metadata(path).ok()?.len();
    if length > MAX_FILE {
        tracing::warn!(length, "a profile file is too long and is not read");
        return None;
    }
    let text = std::fs::read(path).ok()?;
    serde_json::from_slice(&text).inspect_err(|error| tracing::warn!(%error, "a profile file is damaged")).ok()
}

fn write<T: Serialize>(folder: &Path, name: &str, value: &T) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let bytes = serde_json::to_vec_pretty(value)?;
    let fresh = folder.join(format!("{name}.new"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(fresh, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(id: &str) -> Recent {
        Recent {
            id: id.into(),
            title: "t".into(),
            last_joined: 1,
            own: false,
            way: Way::Server { url: "wss://x".into() },
        }
    }

    #[test]
    fn a_written_file_reads_back_and_a_damaged_one_is_as_if_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.change(SettingsChange {
            mirror: Some(false),
            echo_cancellation: Some(false),
            noise_suppression: Some(NoiseSuppression::Strong),
            automatic_gain: Some(false),
            ..SettingsChange::default()
        });
        let wanted = Processing { echo: false, noise: audio::NoiseSuppression::Strong, gain: false };
        assert_eq!(settings.processing(), wanted);
        write(folder.path(), SETTINGS, &settings).unwrap();
        assert_eq!(read::<Settings>(&folder.path().join(SETTINGS)), Some(settings));
        // Of a version that knew less.
        std::fs::write(folder.path().join(SETTINGS), "{\"mirror\": false}").unwrap();
        assert_eq!(read::<Settings>(&folder.path().join(SETTINGS)).unwrap().processing(), Processing::default());
        std::fs::write(folder.path().join(SETTINGS), "{\"mirror\": 7").unwrap();
        assert_eq!(read::<Settings>(&folder.path().join(SETTINGS)), None);
    }

    #[test]
    fn keys_of_another_version_are_dropped_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"mirror": false, "mute_key": "Ctrl+Shift+M", "talk_key": "Hyper+M"}"#;
        std::fs::write(folder.path().join(SETTINGS), text).unwrap();
        let read = read::<Settings>(&folder.path().join(SETTINGS)).unwrap();
        assert!(!read.mirror);
        assert_eq!(read.mute_key.map(|keys| keys.to_string()).as_deref(), Some("Ctrl+Shift+M"));
        assert_eq!(read.talk_key, None);
    }

    #[test]
    fn a_meeting_is_remembered_once_and_the_oldest_fall_off() {
        let mut recents = Vec::new();
        for n in 0..MAX_RECENTS {
            assert!(remember(&mut recents, recent(&n.to_string())).is_empty());
        }
        assert_eq!(remember(&mut recents, recent("new")), vec!["0".to_owned()]);
        assert!(remember(&mut recents, recent("5")).is_empty());
        assert_eq!(recents[0].id, "5");
        assert_eq!(recents.len(), MAX_RECENTS);
    }

    #[tokio::test]
    async fn settings_that_cannot_be_written_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "not a folder").unwrap();
        let (tell, mut told) = mpsc::channel(1);
        let failed = move || tell.try_send(()).expect("asked once");
        let (profile, settings, _) = Profile::open(Some(blocked), &Handle::current(), failed);
        assert!(profile.save_settings(&settings));
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), told.recv()).await;
        assert_eq!(waited.unwrap(), Some(()));
    }
}
