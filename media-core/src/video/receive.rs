//! One remote picture track: order, assemble, open; asks for key frames when the chain is broken.
//! Pure: packets and time go in, [`VideoOutput`] comes out. The page decodes; [`super::h264::Decoder`] where it cannot.

use std::collections::VecDeque;
use std::time::Duration;

use crate::e2ee::{OpenFrame, Opening};
use crate::frame::{Codec, EncodedFrame};
use crate::receive::TrackState;
use crate::receive::assemble::{Assembled, Assembler};
use crate::rtp::Packet;
use crate::time::MediaTime;

/// Key frames are asked for at most this often.
pub const REQUEST_INTERVAL: Duration = Duration::from_millis(400);
/// Frames kept for a reader that does not poll; beyond that the chain is cut and a key frame asked for.
const MAX_READY: usize = 64;

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoOutput {
    /// One whole frame, in the clear and in order; the first is a key frame.
    Frame(EncodedFrame),
    /// Send a PLI.
    RequestKeyFrame,
    /// The track changed its state.
    State(TrackState),
}

/// Counters of one remote picture track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VideoStats {
    /// Packets taken.
    pub packets: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Frames given out.
    pub frames: u64,
    /// Frames thrown away: incomplete, too large, or without their reference.
    pub dropped: u64,
    /// Frames that did not open.
    pub unopened: u64,
}

/// Receives one picture track.
pub struct VideoReceiver {
    codec: Codec,
    opening: Opening,
    assembler: Assembler,
    ready: VecDeque<VideoOutput>,
    state: TrackState,
    needs_key: bool,
    asked: Option<MediaTime>,
    stats: VideoStats,
}

impl VideoReceiver {
    /// A receiver for H.264 or VP8.
    #[must_use]
    pub fn new(codec: Codec, opening: Opening) -> Self {
        Self {
            codec,
            opening,
            assembler: Assembler::new(codec),
            ready: VecDeque::new(),
            state: TrackState::Waiting,
            needs_key: true,
            asked: None,
            stats: VideoStats::default(),
        }
    }

    /// A packet came.
    pub fn packet(&mut self, packet: Packet, now: MediaTime) {
        self.stats.packets += 1;
        self.assembler.insert(packet, now);
        self.advance(now);
    }

    /// Time passed: gives up on packets that are late. Call every 20 ms or so while packets are awaited.
    pub fn tick(&mut self, now: MediaTime) {
        self.advance(now);
    }

    /// The reader dropped frames or its decoder failed: only a key frame helps.
    pub fn cut(&mut self, now: MediaTime) {
        self.needs_key = true;
        self.ready.retain(|out| !matches!(out, VideoOutput::Frame(_)));
        self.ask(now);
    }

    /// The next thing to do, until `None`.
    pub fn poll(&mut self) -> Option<VideoOutput> {
        self.ready.pop_front()
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> VideoStats {
        VideoStats { lost: self.assembler.lost(), ..self.stats }
    }

    fn advance(&mut self, now: MediaTime) {
        while let Some(assembled) = self.assembler.poll(now) {
            match assembled {
                Assembled::Frame { rtp_time, data } => self.frame(rtp_time, &data, now),
                Assembled::Broken => {
                    self.stats.dropped += 1;
                    self.needs_key = true;
                }
            }
        }
        if self.needs_key && self.stats.packets > 0 {
            self.ask(now);
        }
    }

    fn frame(&mut self, rtp_time: u32, data: &bytes::Bytes, now: MediaTime) {
        let data = match self.opening.open(self.codec, data) {
            Ok(data) => data,
            Err(error) => return self.unopened(error),
        };
        if data.is_empty() {
            return;
        }
        let key = super::receive::is_key(self.codec, &data);
        if self.needs_key && !key {
            self.stats.dropped += 1;
            return;
        }
        if self.ready.len() >= MAX_READY {
            self.stats.dropped += 1;
            return self.cut(now);
        }
        self.needs_key = false;
        self.set_state(TrackState::Playing);
        self.stats.frames += 1;
        self.ready.push_back(VideoOutput::Frame(EncodedFrame { codec: self.codec, rtp_time, key, data }));
    }

    fn unopened(&mut self, error: OpenFrame) {
        self.stats.unopened += 1;
        match error {
            // The server's own blank frames mean "muted" and break no chain.
            OpenFrame::ServerInjected => return,
            OpenFrame::NotSealed => self.set_state(TrackState::NotSealed),
            OpenFrame::WrongKey | OpenFrame::NoKey(_) => self.set_state(TrackState::WrongKey),
            OpenFrame::Malformed | OpenFrame::TooLarge(_) => {}
        }
        self.needs_key = true;
    }

    fn set_state(&mut self, state: TrackState) {
        if self.state != state {
            self.state = state;
            self.ready.push_back(VideoOutput::State(state));
        }
    }

    fn ask(&mut self, now: MediaTime) {
        if self.asked.is_none_or(|at| now.since(at) >= REQUEST_INTERVAL) {
            self.asked = Some(now);
            self.ready.push_back(VideoOutput::RequestKeyFrame);
        }
    }
}

/// Whether an opened frame can be decoded alone.
fn is_key(codec: Codec, data: &[u8]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::H264 => super::annexb::is_key(data),
        Codec::Vp8 => data.first().is_some_and(|b| b & 1 == 0),
    }
}

#[cfg(test)]
mod tests;
