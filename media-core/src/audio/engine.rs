//! Owns all sound: devices' rings, local and remote tracks, the mix.
//! Runs on the audio engine's one thread; pure: time is passed in, nothing waits, nothing is shared.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::beat::{BLOCK_MICROS, Beat, Follow, Whom};
use super::capture::Capture;
use super::level::Meter;
use super::local::Local;
use super::mix::{Duck, Limiter, Mix};
use super::playout::Playout;
use super::processing::Chain;
use super::rate::{Conditions, Rate, Report};
use super::rehearsal::Rehearsal;
use super::remote::Remote;
use super::standing::{DECODED, ENHANCED, MIXED, Ranks, Standing};
use super::tone::{Chime, Tone};
use super::{AudioInput, AudioOutput, AudioStats, Levels, LocalAudio, MAX_REMOTES, RemoteAudio, RemoteId};
use crate::channel::{MailboxReader, Taken};
use crate::frame::{AudioBlock, BLOCK};
use crate::time::MediaTime;

/// A tick makes up for at most this many blocks; a longer stall is given up.
const MAX_BEHIND: u64 = 10;
/// Levels come every tenth of a second.
const LEVEL_BLOCKS: u64 = 10;
/// How remote sound fares is told every half second.
const REPORT_BLOCKS: u64 = 50;
/// Messages taken per tick at most, so that a flood cannot hold up the sound.
const INPUTS_PER_TICK: usize = 2 * super::MAILBOX;
/// Outputs kept for a client that does not poll; beyond that the oldest are dropped.
const MAX_OUTPUTS: usize = 1024;
/// A device whose pieces are no longer than this, in seconds, is served as well whenever blocks fall.
const SMALL_PIECE: f64 = 0.005;
/// Unsent frames are reported at most this often.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// All sound of one person, driven by [`AudioEngine::tick`].
pub struct AudioEngine {
    inputs: MailboxReader<AudioInput>,
    outputs: VecDeque<AudioOutput>,
    /// When the next block is due.
    due: Option<MediaTime>,
    beat: Beat,
    now: MediaTime,
    microphone: Option<Capture>,
    system: Option<Capture>,
    speaker: Option<Playout>,
    processing: Chain,
    /// The last block that went to the speaker.
    played: AudioBlock,
    locals: BTreeMap<u8, Local>,
    remotes: BTreeMap<RemoteId, Remote>,
    /// One each, in the same order: all are looked at before any is mixed.
    fresh: Vec<AudioBlock>,
    duck: Duck,
    limiter: Limiter,
    tone: Option<Tone>,
    chime: Option<Chime>,
    rehearsal: Option<Rehearsal>,
    microphone_meter: Meter,
    heard_meter: Meter,
    speaker_meter: Meter,
    want_levels: bool,
    rate: Rate,
    blocks: u64,
    skipped: u64,
    reported: Option<MediaTime>,
}

const fn slot(local: LocalAudio) -> u8 {
    match local {
        LocalAudio::Microphone => 0,
        LocalAudio::Megaphone => 1,
        LocalAudio::Screen => 2,
    }
}

const LOCALS: [LocalAudio; 3] = [LocalAudio::Microphone, LocalAudio::Megaphone, LocalAudio::Screen];
/// What hears the microphone.
const VOICES: [LocalAudio; 2] = [LocalAudio::Microphone, LocalAudio::Megaphone];

impl AudioEngine {
    /// An engine with no device and no track, that takes its orders from the mailbox.
    #[must_use]
    pub fn new(inputs: MailboxReader<AudioInput>) -> Self {
        Self {
            inputs,
            outputs: VecDeque::new(),
            due: None,
            beat: Beat::default(),
            now: MediaTime::ZERO,
            microphone: None,
            system: None,
            speaker: None,
            processing: Chain::new(),
            played: [0.0; BLOCK],
            locals: BTreeMap::new(),
            remotes: BTreeMap::new(),
            fresh: Vec::new(),
            duck: Duck::new(),
            limiter: Limiter::new(),
            tone: None,
            chime: None,
            rehearsal: None,
            microphone_meter: Meter::new(),
            heard_meter: Meter::new(),
            speaker_meter: Meter::new(),
            want_levels: false,
            rate: Rate::new(),
            blocks: 0,
            skipped: 0,
            reported: None,
        }
    }

    /// Does what is due at `now`: call about every 10 ms. `false` when every sender of the mailbox is gone.
    pub fn tick(&mut self, now: MediaTime) -> bool {
        self.now = now;
        let open = self.take_inputs();
        let mut due = self.due.unwrap_or(now);
        let behind = u64::try_from(now.since(due).as_millis()).unwrap_or(u64::MAX) / 10;
        if behind > MAX_BEHIND {
            // The machine slept or the thread starved: that sound is over.
            self.skipped += behind;
            // Their time goes on, or receivers would take what follows for late, for ever.
            self.locals.values_mut().for_each(|track| track.skip(behind));
            due = now;
        }
        while due <= now {
            self.block(due);
            let by = self.beat.step(due, self.follow());
            due = MediaTime::from_micros(due.as_micros().saturating_add_signed(BLOCK_MICROS + by));
        }
        self.due = Some(due);
        open
    }

    /// What the blocks follow. The microphone's calls first: what it heard is on its way sooner. But a device that works in
    /// small pieces leaves it open when blocks fall, and then the packets of who is heard alone decide. Of a device that does not
    /// tell when it calls nobody knows that its pieces are small.
    fn follow(&self) -> Option<Follow> {
        let microphone = self.microphone.as_ref().and_then(Capture::last_call).map(|call| (Whom::Microphone, call));
        let speaker = self.speaker.as_ref().and_then(Playout::last_call).map(|call| (Whom::Speaker, call));
        let devices = || [microphone, speaker].into_iter().flatten();
        let large = devices().find(|(_, (_, piece))| *piece > SMALL_PIECE).map(|(whom, (at, _))| Follow(whom, at));
        let first = devices().next().map(|(whom, (at, _))| Follow(whom, at))?;
        Some(large.or_else(|| self.heard_alone()).unwrap_or(first))
    }

    /// When the last packet came of the only person who is there to be heard.
    fn heard_alone(&self) -> Option<Follow> {
        let mut voices = self.remotes.values();
        let (only, None) = (voices.next()?, voices.next()) else { return None };
        only.last_came().map(|at| Follow(Whom::Packets, at))
    }

    /// When the next block is due: sleep until then.
    #[must_use]
    pub fn next_tick(&self) -> Option<MediaTime> {
        self.due
    }

    /// What is to be done outside, until `None`.
    pub fn poll(&mut self) -> Option<AudioOutput> {
        self.outputs.pop_front()
    }

    /// Counters and measures.
    #[must_use]
    pub fn stats(&self) -> AudioStats {
        let (microphone, speaker) = (self.microphone.as_ref(), self.speaker.as_ref());
        AudioStats {
            blocks: self.blocks,
            skipped_blocks: self.skipped,
            capture_waiting: microphone.map(Capture::waiting).unwrap_or_default(),
            capture_underruns: microphone.map(Capture::underruns).unwrap_or_default(),
            capture_lost: microphone.map(Capture::lost).unwrap_or_default(),
            speaker_waiting: speaker.map(Playout::waiting).unwrap_or_default(),
            speaker_underruns: speaker.map(Playout::underruns).unwrap_or_default(),
            remotes: self.remotes.iter().map(|(id, remote)| (*id, remote.stats(self.now))).collect(),
        }
    }

    fn take_inputs(&mut self) -> bool {
        for _ in 0..INPUTS_PER_TICK {
            match self.inputs.take(Duration::ZERO) {
                Taken::Value(input) => self.on_input(input),
                Taken::Nothing => return true,
                Taken::Ended => return false,
            }
        }
        true
    }

    fn on_input(&mut self, input: AudioInput) {
        match input {
            AudioInput::AttachMicrophone(ring, format) => {
                self.microphone = Capture::new(ring, format);
                self.processing.other_device();
                if self.microphone.is_none() {
                    self.emit(AudioOutput::MicrophoneEnded);
                }
            }
            AudioInput::DetachMicrophone => self.microphone = None,
            AudioInput::AttachSystem(ring, format) => {
                self.system = Capture::new(ring, format);
                if self.system.is_none() {
                    tracing::error!(?format, "the sound of other programs has a format we do not take");
                }
            }
            AudioInput::DetachSystem => self.system = None,
            AudioInput::AttachSpeaker(ring, format) => {
                self.speaker = Playout::new(ring, format);
                self.processing.other_device();
                if self.speaker.is_none() {
                    self.emit(AudioOutput::SpeakerEnded);
                }
            }
            AudioInput::DetachSpeaker => self.speaker = None,
            AudioInput::StartLocal { permit, sealing, bitrate, dtx, rtp_start } => {
                let local = permit.of();
                match Local::new(permit, sealing, bitrate, dtx, rtp_start, self.rate.conditions()) {
                    Ok(track) => {
                        self.locals.insert(slot(local), track);
                    }
                    Err(error) => self.emit(AudioOutput::Unsent(local, error.to_string())),
                }
            }
            AudioInput::Process(wanted) => self.processing.set(wanted),
            AudioInput::Heard(report) => self.on_report(report),
            AudioInput::Spend(most) => {
                let conditions = self.rate.spend(most);
                self.adapt(conditions);
            }
            AudioInput::StopLocal(local) => {
                self.locals.remove(&slot(local));
            }
            AudioInput::MuteLocal(local, muted) => {
                if let Some(track) = self.locals.get_mut(&slot(local)) {
                    track.mute(muted);
                }
            }
            AudioInput::AddRemote { id, kind, opening } => self.on_add_remote(id, kind, opening),
            AudioInput::RemoveRemote(id) => {
                self.remotes.remove(&id);
            }
            AudioInput::SetGain(id, gain) => {
                if let Some(remote) = self.remotes.get_mut(&id) {
                    remote.set_gain(gain);
                }
            }
            AudioInput::SetPan(id, pan) => {
                if let Some(remote) = self.remotes.get_mut(&id) {
                    remote.set_pan(pan);
                }
            }
            AudioInput::Packet { id, packet, at } => {
                let changed = self.remotes.get_mut(&id).and_then(|remote| remote.packet(&packet, at));
                if let Some(state) = changed {
                    self.emit(AudioOutput::State(id, state));
                }
            }
            AudioInput::TestTone => self.tone = Some(Tone::new()),
            AudioInput::Cue(cue) => self.chime = Some(Chime::new(cue)),
            AudioInput::Rehearse => self.rehearsal = Some(Rehearsal::new()),
            AudioInput::StopRehearsal => self.rehearsal = None,
            AudioInput::WantLevels(want) => self.want_levels = want,
        }
    }

    fn on_report(&mut self, report: Report) {
        let frame = self.locals.values().map(Local::packet_length).max().unwrap_or_default();
        let conditions = self.rate.on_report(report, frame);
        self.adapt(conditions);
    }

    fn adapt(&mut self, conditions: Conditions) {
        for local in LOCALS {
            if let Some(Err(error)) = self.locals.get_mut(&slot(local)).map(|track| track.adapt(conditions)) {
                tracing::error!(?local, %error, "the encoder does not follow the network");
            }
        }
    }

    fn on_add_remote(&mut self, id: RemoteId, kind: RemoteAudio, opening: crate::e2ee::Opening) {
        if self.remotes.len() >= MAX_REMOTES && !self.remotes.contains_key(&id) {
            tracing::warn!(remotes = self.remotes.len(), "too many remote sounds, one is not played");
            return;
        }
        match Remote::new(kind, opening) {
            Ok(remote) => {
                self.remotes.insert(id, remote);
                self.fresh.resize(self.remotes.len(), [0.0; BLOCK]);
            }
            Err(error) => tracing::error!(%error, "a remote sound cannot be decoded"),
        }
    }

    fn block(&mut self, now: MediaTime) {
        self.blocks += 1;
        self.capture(now);
        self.play(now);
        if self.blocks.is_multiple_of(REPORT_BLOCKS) {
            let reports: Vec<_> = self.remotes.iter_mut().filter_map(|(id, r)| Some((*id, r.report()?))).collect();
            reports.into_iter().for_each(|(id, report)| self.emit(AudioOutput::Hears(id, report)));
        }
        if self.want_levels && self.blocks.is_multiple_of(LEVEL_BLOCKS) {
            self.levels();
        }
    }

    fn capture(&mut self, now: MediaTime) {
        for local in LOCALS {
            if self.locals.get(&slot(local)).is_some_and(|track| !track.is_live()) {
                self.locals.remove(&slot(local));
                self.emit(AudioOutput::Revoked(local));
            }
        }
        self.capture_system(now);
        let mut block = [0.0; BLOCK];
        let Some(microphone) = &mut self.microphone else {
            for voice in VOICES {
                if let Some(track) = self.locals.get_mut(&slot(voice)) {
                    track.skip(1);
                }
            }
            return;
        };
        let delivered = microphone.block(&mut block, self.now, self.beat.moves());
        let over = microphone.is_over();
        self.heard_meter.push(&block);
        self.microphone_meter.push(&block);
        let speaks = self.processing.block(&self.played, &mut block);
        if delivered && self.rehearsal.as_mut().is_some_and(|rehearsal| rehearsal.hear(&block)) {
            self.emit(AudioOutput::RehearsalPlays);
        }
        for voice in VOICES {
            if let (Some(track), Some(speaks)) = (self.locals.get_mut(&slot(voice)), speaks) {
                track.speaks(speaks);
            }
            self.send(voice, &block, now);
        }
        if over {
            self.microphone = None;
            self.emit(AudioOutput::MicrophoneEnded);
        }
    }

    fn capture_system(&mut self, now: MediaTime) {
        let mut block = [0.0; BLOCK];
        // Without sound the track goes on in silence: what is played next is heard at once.
        if let Some(system) = &mut self.system {
            system.block(&mut block, self.now, self.beat.moves());
            if system.is_over() {
                self.system = None;
            }
        }
        self.send(LocalAudio::Screen, &block, now);
    }

    fn send(&mut self, local: LocalAudio, block: &AudioBlock, now: MediaTime) {
        let sent = self.locals.get_mut(&slot(local)).map(|track| track.block(block));
        match sent {
            Some(Ok(Some(frame))) => self.emit(AudioOutput::Frame(local, frame)),
            Some(Ok(None)) | None => {}
            Some(Err(error)) => {
                if self.reported.is_none_or(|at| now.since(at) >= REPORT_EVERY) {
                    self.reported = Some(now);
                    self.emit(AudioOutput::Unsent(local, error.to_string()));
                }
            }
        }
    }

    fn play(&mut self, now: MediaTime) {
        self.decode(now);
        let stereo = self.speaker.as_ref().is_some_and(Playout::is_stereo);
        let mut mix = Mix::new(stereo && self.remotes.values().any(Remote::is_aside));
        let speaks_over = self.remotes.values().any(Remote::speaks_over);
        let duck = self.duck.step(speaks_over);
        for (remote, block) in self.remotes.values_mut().zip(&self.fresh) {
            remote.mix(block, duck, &mut mix);
        }
        self.add_own(&mut mix);
        self.limiter.limit(mix.sides_mut());
        let middle = mix.middle();
        self.speaker_meter.push(&middle);
        self.played = [0.0; BLOCK];
        let Some(speaker) = &mut self.speaker else { return };
        if speaker.is_over() {
            self.speaker = None;
            self.emit(AudioOutput::SpeakerEnded);
            return;
        }
        speaker.block(mix.both(), self.now, self.beat.moves());
        self.played = middle;
    }

    /// The next block of everybody, and who is heard of them.
    fn decode(&mut self, now: MediaTime) {
        let all = || self.remotes.values().map(|remote| &remote.standing);
        let mut bar = Ranks::of(all().filter_map(Standing::promise)).bar(DECODED);
        for (remote, block) in self.remotes.values_mut().zip(&mut self.fresh) {
            remote.standing.step(&mut bar);
            remote.listen(remote.standing.is_decoded());
            remote.block(now, block);
        }
        let all = || self.remotes.values().map(|remote| &remote.standing);
        let mut bar = Ranks::of(all().filter_map(Standing::loudness)).bar(MIXED);
        self.remotes.values_mut().for_each(|remote| remote.standing.seat(&mut bar));
        let all = || self.remotes.values().map(|remote| &remote.standing);
        let mut bar = Ranks::of(all().filter_map(Standing::loudness)).bar(ENHANCED);
        self.remotes.values_mut().for_each(|remote| remote.enhance(remote.standing.is_enhanced(&mut bar)));
    }

    /// What this machine itself makes heard.
    fn add_own(&mut self, mix: &mut Mix) {
        if self.tone.is_none() && self.chime.is_none() && self.rehearsal.is_none() {
            return;
        }
        let mut own = [0.0; BLOCK];
        if let Some(tone) = &mut self.tone
            && !tone.add(&mut own)
        {
            self.tone = None;
            self.emit(AudioOutput::TestToneEnded);
        }
        self.chime.take_if(|chime| !chime.add(&mut own));
        if let Some(loudest) = self.rehearsal.as_mut().and_then(|rehearsal| rehearsal.add(&mut own)) {
            self.rehearsal = None;
            self.emit(AudioOutput::RehearsalEnded(loudest));
        }
        mix.add(&own);
    }

    fn levels(&mut self) {
        let measured = self.microphone_meter.take();
        let raw = self.heard_meter.take();
        let microphone = self.microphone.is_some().then_some(measured);
        let heard = self.microphone.is_some().then_some(raw);
        let remotes = self
            .remotes
            .iter_mut()
            .map(|(id, remote)| (*id, remote.level()))
            .filter(|(_, level)| level.below_full < 127)
            .collect();
        let speaker = self.speaker_meter.take();
        self.emit(AudioOutput::Levels(Levels { microphone, heard, speaker, remotes }));
    }

    fn emit(&mut self, output: AudioOutput) {
        if self.outputs.len() >= MAX_OUTPUTS {
            self.outputs.pop_front();
        }
        self.outputs.push_back(output);
    }
}

#[cfg(test)]
mod tests;
