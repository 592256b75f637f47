//! Offers, answers and candidates of a [`Peer`], and what they say about its tracks and senders.

use std::time::Instant;

use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::RTCIceCandidateInit;

use super::{Negotiation, Peer, build, senders};
use crate::config::Codec;
use crate::error::PeerError;
use crate::media::{Event, LocalCandidate};
use crate::sdp::{Description, Section, Wanted};

/// Remote candidates accepted in all; a real client sends a dozen.
const MAX_REMOTE_CANDIDATES: usize = 64;

impl Peer {
    /// Makes an offer and applies it locally. With `ice_restart` the path is chosen anew (new ufrag).
    ///
    /// # Errors
    /// [`PeerError::State`] while an offer is outstanding or if there is nothing to offer.
    pub fn create_offer(&mut self, ice_restart: bool, now: Instant) -> Result<String, PeerError> {
        if self.negotiation != Negotiation::Stable {
            return Err(PeerError::State);
        }
        if self.senders.is_empty() && self.channels.is_empty() && !self.described {
            return Err(PeerError::State);
        }
        let offer = self.guarded(|rtc| {
            if ice_restart {
                rtc.restart_ice();
            }
            let offer = rtc.create_offer(None)?;
            rtc.set_local_description(now, offer.clone())?;
            Ok(offer)
        })?;
        self.negotiation = Negotiation::OfferOut;
        self.wants_negotiation = false;
        self.asked_for_negotiation = false;
        self.learn_ufrag(&offer.sdp);
        Ok(offer.sdp)
    }

    /// Applies the answer to our offer.
    ///
    /// # Errors
    /// [`PeerError::State`] without an offer; [`PeerError::Description`]/[`PeerError::TooLarge`] change nothing (the
    /// offer stays outstanding); [`PeerError::Library`] needs a new peer.
    pub fn set_answer(&mut self, sdp: &str, now: Instant) -> Result<(), PeerError> {
        if self.negotiation != Negotiation::OfferOut {
            return Err(PeerError::State);
        }
        let description = Description::parse(sdp)?;
        let read = self.read_as(sdp, &description);
        self.guarded(|rtc| rtc.set_remote_description(now, RTCSessionDescription::answer(read)?))?;
        self.negotiation = Negotiation::Stable;
        self.described(&description)
    }

    /// Applies an offer and makes the answer.
    ///
    /// # Errors
    /// As [`Peer::set_answer`].
    pub fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, PeerError> {
        self.accept_offer_wanting(sdp, &|_| None, now)
    }

    /// The same; the other side is asked to send each section with the codec that is wanted for it, if it offers that.
    ///
    /// # Errors
    /// As [`Peer::set_answer`].
    pub fn accept_offer_wanting(
        &mut self,
        sdp: &str,
        wanted: &dyn Fn(&Section) -> Option<Wanted>,
        now: Instant,
    ) -> Result<String, PeerError> {
        if self.negotiation != Negotiation::Stable {
            return Err(PeerError::State);
        }
        let description = Description::parse(sdp)?;
        let read = self.read_as(sdp, &description);
        let answer = self.guarded(|rtc| {
            rtc.set_remote_description(now, RTCSessionDescription::offer(read)?)?;
            let answer = rtc.create_answer(None)?;
            rtc.set_local_description(now, answer.clone())?;
            Ok(answer)
        })?;
        self.learn_ufrag(&answer.sdp);
        self.described(&description)?;
        Ok(crate::sdp::ordered(&description, &answer.sdp, wanted))
    }

    /// Our ufrag of the newest local description: first half of the USERNAME in binding requests to us. Empty before
    /// the first description.
    #[must_use]
    pub fn local_ufrag(&self) -> &str {
        &self.local_ufrag
    }

    /// Adds a way we can be reached and answers LiveKit's `candidateInit` JSON to tell the other side.
    ///
    /// # Errors
    /// An unspecified address, or the library refuses it.
    pub fn add_local_candidate(&mut self, candidate: LocalCandidate) -> Result<String, PeerError> {
        let init = build::candidate(candidate)?;
        let json = serde_json::to_string(&init).map_err(|_| PeerError::Candidate)?;
        self.guarded(|rtc| rtc.add_local_candidate(init))?;
        Ok(json)
    }

    /// A candidate of the other side (`candidateInit` JSON); kept if its description has not come yet. Host names
    /// (`.local` and others) are ignored: this product asks no resolver.
    ///
    /// # Errors
    /// Not a candidate, or more than a connection needs.
    pub fn add_remote_candidate(&mut self, json: &str) -> Result<(), PeerError> {
        if self.candidates >= MAX_REMOTE_CANDIDATES || json.len() > 4096 {
            return Err(PeerError::Candidate);
        }
        let init: RTCIceCandidateInit = serde_json::from_str(json).map_err(|_| PeerError::Candidate)?;
        if init.candidate.is_empty() || !build::is_numeric(&init.candidate) {
            return Ok(());
        }
        self.candidates += 1;
        if !self.described {
            self.early_candidates.push(init);
            return Ok(());
        }
        self.guarded(|rtc| rtc.add_remote_candidate(init)).map_err(candidate_error)
    }

    /// The other side's words as the library gets to read them.
    fn read_as(&self, sdp: &str, description: &Description) -> String {
        if self.config.assume_sound_nack {
            return crate::sdp::with_sound_nack(description, sdp);
        }
        sdp.to_owned()
    }

    fn described(&mut self, description: &Description) -> Result<(), PeerError> {
        self.described = true;
        self.candidates = 0;
        for candidate in std::mem::take(&mut self.early_candidates) {
            // One bad candidate does not spoil the others.
            if let Err(PeerError::Dead) = self.guarded(|rtc| rtc.add_remote_candidate(candidate)) {
                return Err(PeerError::Dead);
            }
        }
        let changes = self.plane.lock().describe(description);
        self.events.extend(changes.removed.into_iter().map(Event::TrackRemoved));
        self.events.extend(changes.added.into_iter().map(Event::TrackAdded));
        self.extensions_level = description.extensions.audio_level;
        for sender in self.senders.values_mut() {
            let mid = self.rtc.rtp_transceiver(build::transceiver(sender.rtc)).and_then(|t| t.mid().clone());
            sender.names = senders::names(mid.as_deref(), &description.extensions).filter(|_| sender.layers.len() > 1);
            self.plane.lock().repair_names.extend(senders::repair_names(sender, &description.extensions));
            let section = mid.and_then(|mid| description.by_mid(&mid));
            let section = section.filter(|section| section.receives && !section.rejected);
            sender.payload_type = section.and_then(|section| section.payload_type(sender.codec));
            let red = section.filter(|_| self.config.red && sender.codec == Codec::Opus);
            sender.red = red.and_then(Section::red_payload_type);
            sender.audio_level = description.extensions.audio_level;
        }
        Ok(())
    }

    fn learn_ufrag(&mut self, sdp: &str) {
        let ufrag = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        ufrag.unwrap_or_default().trim_end().clone_into(&mut self.local_ufrag);
    }

    pub(super) fn ask_for_negotiation(&mut self) -> Option<Event> {
        let ask = self.wants_negotiation
            && !self.asked_for_negotiation
            && self.negotiation == Negotiation::Stable
            && !self.dead;
        self.asked_for_negotiation |= ask;
        ask.then_some(Event::NegotiationNeeded)
    }
}

fn candidate_error(error: PeerError) -> PeerError {
    match error {
        PeerError::Dead => PeerError::Dead,
        PeerError::Description(_)
        | PeerError::TooLarge
        | PeerError::Library(_)
        | PeerError::Candidate
        | PeerError::State
        | PeerError::Unknown(_)
        | PeerError::NotNegotiated
        | PeerError::NotConnected
        | PeerError::Congested => PeerError::Candidate,
    }
}
