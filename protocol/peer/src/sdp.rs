//! The facts of a session description that we act on, read line by line with limits: sections, directions, msids,
//! SSRCs, rids, payload types, header extension ids. The library negotiates; this only tells who sends what.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use crate::config::{Codec, Kind};
use crate::error::PeerError;

/// Bytes a description may have.
pub const MAX_SDP: usize = 512 * 1024;

/// Sections a description may have; a subscriber of 200 people's sound and picture needs 401.
pub const MAX_SECTIONS: usize = 512;

/// Rids, SSRCs and formats one section may have; Chromium needs 3, 6 and about 45.
const MAX_PER_SECTION: usize = 128;

const URI_MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const URI_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const URI_REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const URI_AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
const URI_TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// The header extensions we use, for registration with the library.
pub(crate) const EXTENSIONS: [(&str, bool, bool); 5] = [
    // (URI, on audio, on video)
    (URI_MID, true, true),
    (URI_RID, false, true),
    (URI_REPAIRED_RID, false, true),
    (URI_AUDIO_LEVEL, true, false),
    (URI_TRANSPORT_CC, false, true),
];

/// Ids of RFC 8285 header extensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    /// RFC 9143.
    pub mid: Option<u8>,
    /// RFC 8852.
    pub rid: Option<u8>,
    /// RFC 8852, on retransmissions.
    pub repaired_rid: Option<u8>,
    /// RFC 6464.
    pub audio_level: Option<u8>,
    /// Transport-wide sequence number.
    pub transport_cc: Option<u8>,
}

impl ExtensionIds {
    fn learn(&mut self, id: u8, uri: &str) {
        let slot = match uri {
            URI_MID => &mut self.mid,
            URI_RID => &mut self.rid,
            URI_REPAIRED_RID => &mut self.repaired_rid,
            URI_AUDIO_LEVEL => &mut self.audio_level,
            URI_TRANSPORT_CC => &mut self.transport_cc,
            _ => return,
        };
        slot.get_or_insert(id);
    }
}

/// One payload type of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// 0..=127.
    pub payload_type: u8,
    /// If it is one of ours.
    pub codec: Option<Codec>,
    /// If it is a retransmission format: of which payload type (RFC 4588 `apt`).
    pub repairs: Option<u8>,
    /// H.264 only: packetization-mode 1.
    pub non_interleaved: bool,
    /// It is RED (RFC 2198).
    pub red: bool,
    /// RED only: payload type of the newest block (first of its `fmtp`).
    pub around: Option<u8>,
    /// What is lost of it may be asked for again (RFC 4585).
    pub nack: bool,
}

impl Format {
    const fn new(payload_type: u8) -> Self {
        Self { payload_type, codec: None, repairs: None, non_interleaved: false, red: false, around: None, nack: false }
    }
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// RFC 9143; empty only on a rejected section.
    pub mid: String,
    /// Sound or picture; `None` is the data section.
    pub kind: Option<Kind>,
    /// Port 0.
    pub rejected: bool,
    /// The describing side sends.
    pub sends: bool,
    /// The describing side receives.
    pub receives: bool,
    /// Stream and track id.
    pub msid: Option<(String, String)>,
    /// Media SSRCs (retransmission SSRCs are in `repairs`).
    pub ssrcs: Vec<u32>,
    /// (primary, retransmission) pairs, RFC 5576 FID.
    pub repairs: Vec<(u32, u32)>,
    /// Rids the describing side sends.
    pub rids: Vec<String>,
    /// In order of preference.
    pub formats: Vec<Format>,
}

impl Section {
    fn new(kind: Option<Kind>, rejected: bool, payload_types: impl Iterator<Item = u8>) -> Self {
        let formats = payload_types.take(MAX_PER_SECTION).map(Format::new).collect();
        Self {
            mid: String::new(),
            kind,
            rejected,
            sends: true,
            receives: true,
            msid: None,
            ssrcs: vec![],
            repairs: vec![],
            rids: vec![],
            formats,
        }
    }

    /// The payload type to send `codec` with to the side that wrote this section.
    #[must_use]
    pub fn payload_type(&self, codec: Codec) -> Option<u8> {
        let mut usable = self.formats.iter().filter(|format| format.codec == Some(codec));
        match codec {
            Codec::H264 => usable.find(|format| format.non_interleaved),
            Codec::Opus | Codec::Vp8 => usable.next(),
        }
        .map(|format| format.payload_type)
    }

    /// The payload type of RED around this section's Opus.
    #[must_use]
    pub fn red_payload_type(&self) -> Option<u8> {
        let opus = self.payload_type(Codec::Opus)?;
        let red = self.formats.iter().find(|format| format.red && format.around == Some(opus))?;
        Some(red.payload_type)
    }

    fn has_nack(&self, payload_type: u8) -> bool {
        self.formats.iter().any(|format| format.payload_type == payload_type && format.nack)
    }

    fn format(&mut self, value: &str) -> Option<(&mut Format, usize)> {
        let (payload_type, rest) = value.split_once(' ')?;
        let offset = value.len() - rest.len();
        let payload_type: u8 = payload_type.parse().ok()?;
        self.formats.iter_mut().find(|format| format.payload_type == payload_type).map(|format| (format, offset))
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "mid" if value.len() <= 64 => self.mid = value.to_owned(),
            "sendrecv" => (self.sends, self.receives) = (true, true),
            "sendonly" => (self.sends, self.receives) = (true, false),
            "recvonly" => (self.sends, self.receives) = (false, true),
            "inactive" => (self.sends, self.receives) = (false, false),
            "msid" => {
                let mut words = value.split(' ');
                if let (Some(stream), Some(track)) = (words.next(), words.next()) {
                    self.msid = Some((stream.to_owned(), track.to_owned()));
                }
            }
            "ssrc" => self.ssrc(value),
            "ssrc-group" => self.ssrc_group(value),
            "rid" => {
                let mut words = value.split(' ');
                if let (Some(rid), Some("send")) = (words.next(), words.next())
                    && self.rids.len() < 8
                    && rid.len() <= 16
                {
                    self.rids.push(rid.to_owned());
                }
            }
            "rtpmap" => {
                if let Some((format, offset)) = self.format(value) {
                    let name = value[offset..].split('/').next().unwrap_or_default();
                    format.codec = Codec::from_name(name);
                    format.red = name.eq_ignore_ascii_case("red");
                }
            }
            "rtcp-fb" => {
                if let Some((format, offset)) = self.format(value) {
                    format.nack |= value[offset..].trim() == "nack";
                }
            }
            "fmtp" => {
                if let Some((format, offset)) = self.format(value) {
                    format.around = value[offset..].split('/').next().and_then(|first| first.trim().parse().ok());
                    for parameter in value[offset..].split(';') {
                        match parameter.trim().split_once('=') {
                            Some(("apt", apt)) => format.repairs = apt.parse().ok(),
                            Some(("packetization-mode", "1")) => format.non_interleaved = true,
                            Some(_) | None => {}
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn ssrc(&mut self, value: &str) {
        let mut words = value.splitn(2, ' ');
        let Some(ssrc) = words.next().and_then(|ssrc| ssrc.parse().ok()) else { return };
        if self.ssrcs.len() < MAX_PER_SECTION && !self.ssrcs.contains(&ssrc) {
            self.ssrcs.push(ssrc);
        }
        // Plan B's spelling, which Chromium still writes beside a=msid.
        if self.msid.is_none()
            && let Some(msid) = words.next().and_then(|rest| rest.strip_prefix("msid:"))
            && let Some((stream, track)) = msid.split_once(' ')
        {
            self.msid = Some((stream.to_owned(), track.to_owned()));
        }
    }

    fn ssrc_group(&mut self, value: &str) {
        let mut words = value.split(' ');
        if words.next() == Some("FID")
            && let (Some(primary), Some(repair)) =
                (words.next().and_then(|ssrc| ssrc.parse().ok()), words.next().and_then(|ssrc| ssrc.parse().ok()))
            && self.repairs.len() < MAX_PER_SECTION
        {
            self.repairs.push((primary, repair));
        }
    }
}

/// A whole description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// In order.
    pub sections: Vec<Section>,
    /// First ICE username fragment.
    pub ufrag: String,
    /// One id per extension for the whole bundle, as BUNDLE demands.
    pub extensions: ExtensionIds,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// Too long, too many sections, no ICE credentials, a section without or with a repeated mid.
    pub fn parse(sdp: &str) -> Result<Self, PeerError> {
        if sdp.len() > MAX_SDP {
            return Err(PeerError::TooLarge);
        }
        let mut found = Self { sections: vec![], ufrag: String::new(), extensions: ExtensionIds::default() };
        for line in sdp.lines() {
            let Some((kind, value)) = line.trim_end().split_once('=') else { continue };
            match kind {
                "m" => found.section(value)?,
                "a" => found.attribute(value),
                _ => {}
            }
        }
        found.check()
    }

    fn section(&mut self, value: &str) -> Result<(), PeerError> {
        if self.sections.len() == MAX_SECTIONS {
            return Err(PeerError::TooLarge);
        }
        let mut words = value.split(' ');
        let kind = match words.next() {
            Some("audio") => Some(Kind::Audio),
            Some("video") => Some(Kind::Video),
            Some("application") => None,
            Some(_) | None => return Err(PeerError::Description("a section of an unknown kind")),
        };
        let rejected = words.next() == Some("0");
        let payload_types = words.skip(1).filter_map(|word| word.parse().ok()).filter(|pt: &u8| *pt < 128);
        self.sections.push(Section::new(kind, rejected, payload_types));
        Ok(())
    }

    fn attribute(&mut self, attribute: &str) {
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        match name {
            "ice-ufrag" if self.ufrag.is_empty() => value.clone_into(&mut self.ufrag),
            "extmap" => {
                let mut words = value.split(' ');
                let id = words.next().and_then(|id| id.split('/').next()).and_then(|id| id.parse().ok());
                if let (Some(id @ 1..=14), Some(uri)) = (id, words.next()) {
                    self.extensions.learn(id, uri);
                }
            }
            _ => {
                if let Some(section) = self.sections.last_mut() {
                    section.attribute(name, value);
                }
            }
        }
    }

    fn check(mut self) -> Result<Self, PeerError> {
        if self.sections.is_empty() {
            return Err(PeerError::Description("no section"));
        }
        if self.ufrag.is_empty() || self.ufrag.len() > 256 {
            return Err(PeerError::Description("no ICE username fragment"));
        }
        let mut mids = HashSet::new();
        for section in &mut self.sections {
            if section.mid.is_empty() {
                return Err(PeerError::Description("a section without mid"));
            }
            if !mids.insert(section.mid.clone()) {
                return Err(PeerError::Description("a repeated mid"));
            }
            let repairs = &section.repairs;
            section.ssrcs.retain(|ssrc| !repairs.iter().any(|(_, repair)| repair == ssrc));
        }
        Ok(self)
    }

    /// The section with this mid.
    #[must_use]
    pub fn by_mid(&self, mid: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}

/// What the other side is asked to send in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// With this codec.
    pub codec: Codec,
    /// In RED, if it offers that.
    pub red: bool,
}

/// A description in which every section's Opus has `nack`.
pub(crate) fn with_sound_nack(description: &Description, sdp: &str) -> String {
    let (mut read, mut at) = (String::with_capacity(sdp.len() + 256), 0);
    let mut opus = None;
    for line in sdp.split_inclusive('\n') {
        read.push_str(line);
        if line.starts_with("m=") {
            let section = description.sections.get(at);
            opus =
                section.and_then(|section| section.payload_type(Codec::Opus).filter(|opus| !section.has_nack(*opus)));
            at += 1;
        }
        let of = line.strip_prefix("a=rtpmap:").and_then(|map| map.split(' ').next()).and_then(|of| of.parse().ok());
        if let Some(payload_type) = opus.filter(|opus| of == Some(*opus)) {
            read.push_str(&format!("a=rtcp-fb:{payload_type} nack\r\n"));
            opus = None;
        }
    }
    read
}

/// The answer with the formats of each section in the offer's order (RFC 3264 section 6.1), the wanted codec before all:
/// a browser sends the first one it finds, so that the library's own order would take away the choice of a codec.
pub(crate) fn ordered(offer: &Description, answer: &str, wanted: &dyn Fn(&Section) -> Option<Wanted>) -> String {
    let mut sections = offer.sections.iter();
    let mut ordered = String::with_capacity(answer.len());
    for line in answer.split_inclusive('\n') {
        let section = line.strip_prefix("m=").and_then(|_| sections.next());
        let Some(section) = section.filter(|section| section.kind.is_some()) else {
            ordered.push_str(line);
            continue;
        };
        let end = line.trim_end().len();
        let mut words: Vec<&str> = line[..end].split(' ').collect();
        let wanted = wanted(section);
        let red = wanted.filter(|wanted| wanted.red).and_then(|_| section.red_payload_type());
        let place = |word: &&str| {
            let payload_type = word.parse().ok();
            let place = section.formats.iter().position(|f| Some(f.payload_type) == payload_type);
            // A browser offers a codec in several profiles, of which the library answered one.
            let has = |place: usize, wanted: Wanted| section.formats[place].codec == Some(wanted.codec);
            let is_wanted = place.zip(wanted).is_some_and(|(place, wanted)| has(place, wanted));
            let is_red = payload_type.is_some() && payload_type == red;
            (!is_red, !is_wanted, place.unwrap_or(usize::MAX))
        };
        if let Some(formats) = words.get_mut(3..) {
            formats.sort_by_key(place);
        }
        ordered.push_str(&words.join(" "));
        ordered.push_str(&line[end..]);
    }
    ordered
}

/// Where a remote candidate (`candidate:…` line, SDP attribute or `candidateInit` JSON) can be dialled over TCP.
#[must_use]
pub fn tcp_passive(candidate: &str) -> Option<SocketAddr> {
    let start = candidate.find("candidate:")?;
    let words: Vec<&str> = candidate[start..].split(['"', '\r', '\n']).next()?.split(' ').take(32).collect();
    let ([_, _, transport, _, ip, port, ..], true) = (words.as_slice(), words.len() >= 8) else { return None };
    let passive = words.windows(2).any(|pair| pair == ["tcptype", "passive"]);
    if !transport.eq_ignore_ascii_case("tcp") || !passive {
        return None;
    }
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port.parse().ok().filter(|port| *port != 0)?))
}

#[cfg(test)]
mod tests;
