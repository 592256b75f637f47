//! Sound: from the microphone's ring to sealed Opus, and from packets to the speaker's ring.
//!
//! The client makes one [`mailbox`](crate::channel::mailbox) of [`AudioInput`], spawns one thread, and calls
//! [`AudioEngine::tick`] about every 10 ms, then [`AudioEngine::poll`] until it answers `None`. A late tick is made up for.
//! Everything else (attach a device, add a track, a packet came) is a message in the mailbox.
//!
//! Of many people the ten that promise to be the loudest are decoded and the eight that are the loudest are mixed; a
//! megaphone and the sound of a screen always are. Each can be played from a place between left and right
//! ([`AudioInput::SetPan`]): equal power, 0 dB on both sides in the middle, +3 dB and nothing at an end. A device of one
//! channel plays everybody as in the middle.
//!
//! Latency we add: capture 10 ms (one block) + 20 ms (one Opus frame fills) + 6.5 ms (codec look-ahead); playout: jitter
//! target (20 ms on a quiet network) + the speaker's ring (two device periods, at least 20 ms) + under 1 ms resampling.

mod beat;
mod bundle;
mod capture;
mod engine;
mod level;
mod local;
mod mix;
mod opus;
mod pan;
mod parity;
mod player;
mod playout;
mod processing;
mod rate;
mod redundancy;
mod rehearsal;
mod remote;
mod resample;
mod sides;
mod skipped;
mod standing;
mod steady;
mod stretch;
mod tone;

use std::time::Duration;

use protocol::policy::{Megaphone, Mic, Permit, Screen};

use crate::channel::{RingReader, RingWriter};
use crate::device::StreamFormat;
use crate::e2ee::Opening;
use crate::e2ee::Sealing;
use crate::frame::{AudioLevel, SealedFrame};
use crate::receive::TrackState;
use crate::receive::loss::Loss;
use crate::rtp::Packet;
use crate::time::{Bitrate, MediaTime};

pub use engine::AudioEngine;
pub use level::Meter;
pub use opus::{Decoder, Encoder, EncoderSettings, LONGEST_PACKET, OpusError, PACKET_SAMPLES};
pub use pan::Pan;
pub use processing::{NoiseSuppression, Processing};
pub use rate::Report;
pub use resample::Resampler;

/// Samples for the ring of a microphone or speaker: a second of stereo at 48 kHz. Divisible by every usual number of
/// channels, so a full ring never splits a frame.
pub const RING_SAMPLES: usize = 96_000;
/// Messages for the engine's mailbox: packets of 64 talkers for 150 ms.
pub const MAILBOX: usize = 512;
/// Remote tracks taken at most; more are refused. Of the people among them the loudest are decoded and mixed.
pub const MAX_REMOTES: usize = 128;

/// Which of our own sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalAudio {
    /// Speaking in the room.
    Microphone,
    /// Speaking to everyone on the host.
    Megaphone,
    /// What other programs of this machine play, beside a shared screen.
    Screen,
}

/// Leave to send one of our own sounds; asked for every block.
#[derive(Debug, Clone)]
pub enum SpeakPermit {
    /// To the room.
    Microphone(Permit<Mic>),
    /// To everyone.
    Megaphone(Permit<Megaphone>),
    /// The sound of a shared screen.
    Screen(Permit<Screen>),
}

impl SpeakPermit {
    /// Still allowed? A lock-free load.
    #[must_use]
    pub fn is_live(&self) -> bool {
        match self {
            Self::Microphone(permit) => permit.is_live(),
            Self::Megaphone(permit) => permit.is_live(),
            Self::Screen(permit) => permit.is_live(),
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn of(&self) -> LocalAudio {
        match self {
            Self::Microphone(_) => LocalAudio::Microphone,
            Self::Megaphone(_) => LocalAudio::Megaphone,
            Self::Screen(_) => LocalAudio::Screen,
        }
    }
}

/// What a remote sound is; the megaphone lowers the others while it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteAudio {
    /// A person.
    Microphone,
    /// A person speaking to everyone.
    Megaphone,
    /// The sound of a shared screen.
    Screen,
}

/// A remote track as the engine knows it; the client chooses the number and keeps it unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteId(pub u64);

/// To the engine.
#[derive(Debug)]
pub enum AudioInput {
    /// A microphone is open: its ring and what it carries.
    AttachMicrophone(RingReader, StreamFormat),
    /// No microphone any more.
    DetachMicrophone,
    /// The sound of other programs is open: its ring and what it carries. It is sent as it is, without any processing.
    AttachSystem(RingReader, StreamFormat),
    /// No sound of other programs any more.
    DetachSystem,
    /// A speaker is open: its ring and what it must carry.
    AttachSpeaker(RingWriter, StreamFormat),
    /// No speaker any more; remote sound is still decoded, for levels and states.
    DetachSpeaker,
    /// Start sending what the permit allows (replacing an earlier track of that kind).
    StartLocal {
        /// Which, and whether it still may.
        permit: SpeakPermit,
        /// How its frames are protected.
        sealing: Sealing,
        /// Opus bit rate at most; 64 kbit/s is usual, 96 for the sound of a screen.
        bitrate: Bitrate,
        /// Send nothing during silence?
        dtx: bool,
        /// RTP time of its first frame; random.
        rtp_start: u32,
    },
    /// What a receiver or the server tells of what we sent lately: decides how much is spent, and how much of it is sent
    /// twice and more.
    Heard(Report),
    /// Spend at most so much on the wire from now on, headers included, whatever the network could carry.
    Spend(Bitrate),
    /// What is done to the microphone's sound from now on; at first nothing.
    Process(Processing),
    /// Stop sending it.
    StopLocal(LocalAudio),
    /// A muted track sends nothing.
    MuteLocal(LocalAudio, bool),
    /// A remote track will send packets.
    AddRemote {
        /// The client's number for it.
        id: RemoteId,
        /// What it is.
        kind: RemoteAudio,
        /// How its frames must be protected.
        opening: Opening,
    },
    /// It is over.
    RemoveRemote(RemoteId),
    /// How loud to play it: 0.0 silent, 1.0 as it is, at most 4.0.
    SetGain(RemoteId, f32),
    /// Where to play it; at first in the middle.
    SetPan(RemoteId, Pan),
    /// A packet of it came.
    Packet {
        /// Of which track.
        id: RemoteId,
        /// Header fields and payload (Opus, sealed or not as agreed).
        packet: Packet,
        /// When it came.
        at: MediaTime,
    },
    /// Play a short chord on the speaker, to try it.
    TestTone,
    /// Play a short sign on the speaker.
    Cue(Cue),
    /// Keep the next three seconds of the microphone and play them back once.
    Rehearse,
    /// Forget them.
    StopRehearsal,
    /// Answer [`AudioOutput::Levels`] ten times a second, or not.
    WantLevels(bool),
}

/// A short sign for the own ear: what a key did, for whoever looks elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cue {
    /// The microphone is open now: two notes, rising.
    Open,
    /// Nobody hears this person any more: two notes, falling.
    Muted,
}

/// From the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum AudioOutput {
    /// Send this.
    Frame(LocalAudio, SealedFrame),
    /// The permit died: the track is stopped, nothing of it was let out since.
    Revoked(LocalAudio),
    /// A frame could not be sealed or encoded and was not sent (at most one message a second).
    Unsent(LocalAudio, String),
    /// How loud everything is.
    Levels(Levels),
    /// A remote track changed its state.
    State(RemoteId, TrackState),
    /// Packets of a remote track came lately, and so they fare: twice a second, for its sender.
    Hears(RemoteId, Report),
    /// The other end of the microphone's ring is gone.
    MicrophoneEnded,
    /// The other end of the speaker's ring is gone.
    SpeakerEnded,
    /// The test tone is over.
    TestToneEnded,
    /// What was kept of the microphone is played back from now on.
    RehearsalPlays,
    /// It is played, and this was its loudest tenth of a second.
    RehearsalEnded(AudioLevel),
}

/// How loud everything was in the last tenth of a second.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    /// The microphone, before any mute; `None` without one.
    pub microphone: Option<AudioLevel>,
    /// The same as the device delivered it, before any processing.
    pub heard: Option<AudioLevel>,
    /// What goes to the speaker.
    pub speaker: AudioLevel,
    /// Every remote track that is not silent.
    pub remotes: Vec<(RemoteId, AudioLevel)>,
}

/// Counters and measures, for diagnosis.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AudioStats {
    /// Blocks of 10 ms processed.
    pub blocks: u64,
    /// Blocks given up because the engine was not ticked for long.
    pub skipped_blocks: u64,
    /// Sound waiting in the microphone's ring.
    pub capture_waiting: Duration,
    /// Blocks for which the microphone had nothing ready.
    pub capture_underruns: u64,
    /// Samples its ring lost.
    pub capture_lost: u64,
    /// Sound waiting in the speaker's ring.
    pub speaker_waiting: Duration,
    /// Times the speaker's ring was found empty.
    pub speaker_underruns: u64,
    /// Per remote track.
    pub remotes: Vec<(RemoteId, RemoteStats)>,
}

/// Counters and measures of one remote track.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RemoteStats {
    /// Packets taken.
    pub received: u64,
    /// Came after their turn.
    pub late: u64,
    /// Never came in time.
    pub lost: u64,
    /// What the network lost lately, whether or not it was made good.
    pub loss: Loss,
    /// How long even its quickest packets waited lately, beyond what the way takes: a full link.
    pub queued: Duration,
    /// Lost, but carried along by a later packet in time.
    pub carried: u64,
    /// Restored from the next packet's error correction.
    pub restored: u64,
    /// Blocks made up.
    pub concealed: u64,
    /// Frames that did not open.
    pub unopened: u64,
    /// Dropped because too much was waiting.
    pub overflowed: u64,
    /// Blocks cut out to catch up.
    pub dropped_blocks: u64,
    /// Periods of the voice left out or said twice, so that the delay is what it should be.
    pub stretched: u64,
    /// The delay aimed at.
    pub target: Duration,
    /// The delay now.
    pub delay: Duration,
}
