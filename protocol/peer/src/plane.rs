//! State shared by a peer and its interceptors: which RTP belongs to which remote track, what waits to be sent or
//! read, and what the reports said. Only `Peer`, `Wire` and `Tap` of one peer touch it; the lock is never contended.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp::header::Header;

use crate::bandwidth::Estimator;
use crate::config::Codec;
use crate::media::{Quality, RemoteTrack, RtpIn, TrackKey};
use crate::sdp::{Description, ExtensionIds};

/// SSRCs a peer may make us learn from header extensions.
const MAX_LEARNT: usize = 1024;

/// Sender reports remembered for the round trip: one per stream and second.
const MAX_REPORTS: usize = 256;

/// A shared [`Plane`].
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedPlane(Arc<Mutex<Plane>>);

impl SharedPlane {
    /// A panic elsewhere in the library does not make the plane wrong: every update below is complete in itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Plane> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct PayloadUse {
    codec: Option<Codec>,
    repairs: Option<u8>,
    red: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Plane {
    /// RED is negotiated here.
    pub(crate) takes_red: bool,
    tracks: Vec<RemoteTrack>,
    next_key: u32,
    /// Media SSRC -> (track, layer).
    routes: HashMap<u32, (TrackKey, u8)>,
    /// Retransmission SSRC -> media SSRC.
    repairs: HashMap<u32, u32>,
    declared: Vec<u32>,
    payloads: HashMap<u8, PayloadUse>,
    extensions: ExtensionIds,

    pub(crate) inbound: VecDeque<RtpIn>,
    pub(crate) outbound: VecDeque<(Instant, rtc::rtp::Packet)>,
    /// Our SSRCs that carry pictures: they are numbered for feedback, and what is sent again of them is bounded.
    pub(crate) pictures: HashSet<u32>,
    /// Extensions that say which of our layers a retransmission repairs, by the layer's SSRC.
    pub(crate) repair_names: HashMap<u32, Vec<(u8, Bytes)>>,
    /// What the other side's feedback says about the link.
    pub(crate) estimator: Estimator,
    /// Our SSRCs a key frame was asked for.
    pub(crate) key_frames: Vec<u32>,
    /// RTP that belongs to no announced track.
    pub(crate) unrouted: u64,

    sent_reports: VecDeque<(u32, Instant)>,
    rtt: Option<Duration>,
    /// There and back, as connectivity checks tell, smoothed.
    pub(crate) path: Option<Duration>,
    worst_fraction: u8,
    /// Packets of sound since the last question: sent, and sent again.
    sound_sent: u32,
    sound_resent: u32,
}

/// What a new remote description changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) added: Vec<RemoteTrack>,
    pub(crate) removed: Vec<TrackKey>,
}

impl Plane {
    /// Takes over what the other side now says it sends. Tracks that stay keep their key and their learnt SSRCs:
    /// browsers stop sending mid and rid once the first report arrived, so what was learnt must outlive renegotiation.
    pub(crate) fn describe(&mut self, remote: &Description) -> Changes {
        let mut changes = Changes::default();
        let mut tracks = vec![];
        self.extensions = remote.extensions;
        self.payloads.clear();
        let mut declared = vec![];
        let mut repairs = vec![];
        for section in &remote.sections {
            for format in &section.formats {
                let entry = self.payloads.entry(format.payload_type).or_default();
                entry.codec = entry.codec.or(format.codec);
                entry.repairs = entry.repairs.or(format.repairs);
            }
            if let (true, Some(red)) = (self.takes_red, section.red_payload_type()) {
                let entry = self.payloads.entry(red).or_default();
                (entry.codec, entry.red) = (Some(Codec::Opus), true);
            }
            let (Some(kind), true, false) = (section.kind, section.sends, section.rejected) else { continue };
            let Some((stream_id, track_id)) = section.msid.clone() else { continue };
            let known = self.tracks.iter().find(|track| {
                track.mid == section.mid
                    && track.kind == kind
                    && track.track_id == track_id
                    && track.rids == section.rids
            });
            let track = known.cloned().unwrap_or_else(|| {
                let key = TrackKey(self.next_key);
                self.next_key += 1;
                let track = RemoteTrack {
                    key,
                    mid: section.mid.clone(),
                    stream_id,
                    track_id,
                    kind,
                    rids: section.rids.clone(),
                };
                changes.added.push(track.clone());
                track
            });
            if section.rids.is_empty() {
                declared.extend(section.ssrcs.iter().map(|ssrc| (*ssrc, track.key)));
                repairs.extend(section.repairs.iter().copied());
            }
            tracks.push(track);
        }
        changes.removed.extend(
            self.tracks.iter().map(|track| track.key).filter(|key| !tracks.iter().any(|track| track.key == *key)),
        );
        self.tracks = tracks;
        let old = std::mem::take(&mut self.declared);
        let removed = &changes.removed;
        self.routes.retain(|ssrc, (key, _)| !removed.contains(key) && !old.contains(ssrc));
        self.repairs.retain(|_, media| self.routes.contains_key(media));
        for (ssrc, key) in declared {
            self.routes.insert(ssrc, (key, 0));
            self.declared.push(ssrc);
        }
        self.repairs.extend(repairs.into_iter().map(|(media, repair)| (repair, media)));
        changes
    }

    pub(crate) fn track(&self, key: TrackKey) -> Option<&RemoteTrack> {
        self.tracks.iter().find(|track| track.key == key)
    }

    /// The media SSRC of a layer, once its first packet came.
    pub(crate) fn ssrc_of(&self, key: TrackKey, layer: u8) -> Option<u32> {
        self.routes.iter().find(|(_, route)| **route == (key, layer)).map(|(ssrc, _)| *ssrc)
    }

    pub(crate) fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.payloads.get(&payload_type).and_then(|payload| payload.codec)
    }

    /// The payload type is RED around its codec.
    pub(crate) fn is_red(&self, payload_type: u8) -> bool {
        self.payloads.get(&payload_type).is_some_and(|payload| payload.red)
    }

    pub(crate) fn is_repair(&self, payload_type: u8) -> bool {
        self.repaired_payload_type(payload_type).is_some()
    }

    /// The payload type a retransmission format repairs (`apt`).
    pub(crate) fn repaired_payload_type(&self, payload_type: u8) -> Option<u8> {
        self.payloads.get(&payload_type).and_then(|payload| payload.repairs)
    }

    /// Where a media packet belongs.
    pub(crate) fn route(&mut self, header: &Header) -> Option<(TrackKey, u8)> {
        if let Some(route) = self.routes.get(&header.ssrc) {
            return Some(*route);
        }
        let route = self.place(header, self.extensions.rid)?;
        if self.routes.len() >= MAX_LEARNT {
            return None;
        }
        self.routes.insert(header.ssrc, route);
        Some(route)
    }

    /// The media SSRC a retransmission repairs.
    pub(crate) fn repaired(&mut self, header: &Header) -> Option<u32> {
        if let Some(media) = self.repairs.get(&header.ssrc) {
            return Some(*media);
        }
        let (key, layer) = self.place(header, self.extensions.repaired_rid)?;
        let media = self.ssrc_of(key, layer)?;
        if self.repairs.len() >= MAX_LEARNT {
            return None;
        }
        self.repairs.insert(header.ssrc, media);
        Some(media)
    }

    fn place(&self, header: &Header, rid_extension: Option<u8>) -> Option<(TrackKey, u8)> {
        let mid = extension(header, self.extensions.mid);
        let track = match mid {
            Some(mid) => self.tracks.iter().find(|track| track.mid.as_bytes() == mid)?,
            // Nothing says whose it is: only right if there is no choice.
            None => {
                let kind = self.codec(header.payload_type)?.kind();
                let mut of_kind = self.tracks.iter().filter(|track| track.kind == kind && track.rids.is_empty());
                let only = of_kind.next()?;
                if of_kind.next().is_some() || self.ssrc_of(only.key, 0).is_some() {
                    return None;
                }
                only
            }
        };
        if track.rids.is_empty() {
            return Some((track.key, 0));
        }
        let rid = extension(header, rid_extension)?;
        let layer = track.rids.iter().position(|known| known.as_bytes() == rid)?;
        u8::try_from(layer).ok().map(|layer| (track.key, layer))
    }

    pub(crate) fn audio_level(&self, header: &Header) -> Option<u8> {
        extension(header, self.extensions.audio_level).and_then(|value| value.first()).map(|byte| byte & 0x7f)
    }

    pub(crate) fn transport_cc(&self) -> Option<u8> {
        self.extensions.transport_cc
    }

    /// A sender report left; its middle 32 NTP bits come back in receiver reports.
    pub(crate) fn report_sent(&mut self, ntp: u64, now: Instant) {
        if self.sent_reports.len() == MAX_REPORTS {
            self.sent_reports.pop_front();
        }
        self.sent_reports.push_back((middle(ntp), now));
    }

    /// One block of a receiver report about what we sent (RFC 3550 6.4.1).
    pub(crate) fn report_received(&mut self, fraction: u8, last_report: u32, delay: u32, now: Instant) {
        self.worst_fraction = self.worst_fraction.max(fraction);
        if last_report == 0 {
            return;
        }
        if let Some((_, sent)) = self.sent_reports.iter().find(|(ntp, _)| *ntp == last_report) {
            let held = Duration::from_secs_f64(f64::from(delay) / 65_536.0);
            self.rtt = now.checked_duration_since(*sent).map(|all| all.saturating_sub(held));
        }
    }

    /// A connectivity check was answered after so long.
    pub(crate) fn checked(&mut self, took: Duration) {
        self.path = Some(self.path.map_or(took, |usual| (usual + took) / 2));
    }

    /// A receiver report of ours left.
    pub(crate) fn loss_seen(&mut self, fraction: u8) {
        self.worst_fraction = self.worst_fraction.max(fraction);
    }

    /// A packet left, for the first time or again.
    pub(crate) fn sent(&mut self, payload_type: u8, again: bool) {
        if self.codec(payload_type) == Some(Codec::Opus) {
            *(if again { &mut self.sound_resent } else { &mut self.sound_sent }) += 1;
        }
    }

    /// How media fared since the last question, and the newest round trip.
    pub(crate) fn take_quality(&mut self) -> Quality {
        let percent = u16::from(std::mem::take(&mut self.worst_fraction)) * 100 / 256;
        let (sent, resent) = (std::mem::take(&mut self.sound_sent), std::mem::take(&mut self.sound_resent));
        let resent = (u64::from(resent) * 100).checked_div(u64::from(sent)).unwrap_or(0);
        Quality {
            loss_percent: u8::try_from(percent).unwrap_or(100),
            rtt: self.rtt,
            resent_percent: u8::try_from(resent).unwrap_or(u8::MAX),
        }
    }
}

fn middle(ntp: u64) -> u32 {
    u32::try_from((ntp >> 16) & u64::from(u32::MAX)).unwrap_or(0)
}

fn extension(header: &Header, id: Option<u8>) -> Option<&[u8]> {
    let id = id?;
    header.extensions.iter().find(|extension| extension.id == id).map(|extension| extension.payload.as_ref())
}
