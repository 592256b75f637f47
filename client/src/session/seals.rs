//! Which key seals and opens what in a call: media of the room under one key, megaphones under another that every room
//! of the host has. Part of the session; holds keys, decides nothing about rights.
//!
//! | frames | sealed with | opened with |
//! |---|---|---|
//! | microphone, camera, screen, data | room key, slot 0 | room key, slot 0 |
//! | megaphone on a host of ours | broadcast key, slot 1 | slot 1; slot 0 from people of the room who have no other |
//! | megaphone on a foreign server | room key, slot 0 | room key, slot 0 |
//!
//! Two rings instead of one with both keys: what opens the media of a room holds nothing in slot 1, so a megaphone's
//! frame that somebody passes off as a voice of the room does not open, and neither room's key is in the other's ring.

use bytes::Bytes;
use media_core::e2ee::{DeriveKey, FrameKey, KeyRing, Opener, SealFrame, Sealer};
use protocol::policy::TrackSource;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::transport::Lane;

/// LiveKit's key index of the room's media: what official SDKs use unless told otherwise.
const ROOM: u8 = 0;
/// Key index of megaphones.
const BROADCAST: u8 = 1;

/// The keys of one call. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Seals {
    /// Opens and seals what stays in the room.
    room: KeyRing,
    /// Opens megaphones, and seals ours with the key it got last.
    megaphone: KeyRing,
}

impl Seals {
    /// Of these passphrases; without one for `broadcast` megaphones have the room's key. The keys take tens of
    /// milliseconds and are made on a blocking thread while the network is waited for: until the task answers `true`
    /// nothing is sealed or opened, and with `false` nothing ever will be.
    pub(crate) fn derive(room: Zeroizing<String>, broadcast: Option<Zeroizing<String>>) -> (Self, JoinHandle<bool>) {
        let seals = Self::default();
        let filled = seals.clone();
        let task = tokio::task::spawn_blocking(move || {
            let done = filled.fill(&room, broadcast.as_ref().map(|text| text.as_str()));
            done.inspect_err(|error| tracing::error!(%error, "no media key")).is_ok()
        });
        (seals, task)
    }

    fn fill(&self, room: &str, broadcast: Option<&str>) -> Result<(), DeriveKey> {
        // Both, or none: a megaphone must not go out under the room's key because the other one failed.
        let broadcast = broadcast.map(FrameKey::from_passphrase).transpose()?;
        let room = FrameKey::from_passphrase(room)?;
        self.megaphone.set(ROOM, room.clone());
        if let Some(broadcast) = broadcast {
            self.megaphone.set(BROADCAST, broadcast);
        }
        self.room.set(ROOM, room);
        Ok(())
    }

    /// Seals what one of our tracks sends.
    ///
    /// # Errors
    /// The system gave no randomness.
    pub(crate) fn sealer(&self, lane: Lane) -> Result<Sealer, SealFrame> {
        Sealer::new(match lane {
            Lane::Microphone | Lane::Camera | Lane::Screen | Lane::ScreenSound => self.room.clone(),
            Lane::Megaphone => self.megaphone.clone(),
        })
    }

    /// Opens what someone's track brings. `server_mark`: as in [`Opener::new`].
    pub(crate) fn opener(&self, source: TrackSource, server_mark: Bytes) -> Opener {
        let ring = match source {
            TrackSource::Microphone
            | TrackSource::Camera
            | TrackSource::ScreenShare
            | TrackSource::ScreenShareAudio => self.room.clone(),
            TrackSource::Megaphone => self.megaphone.clone(),
        };
        Opener::new(ring, server_mark)
    }

    /// Opens data packets, which stay in the room.
    pub(crate) fn data_opener(&self) -> Opener {
        Opener::new(self.room.clone(), Bytes::new())
    }
}

#[cfg(test)]
mod tests {
    use media_core::e2ee::OpenFrame;
    use media_core::frame::Codec;

    use super::*;

    const FRAME: [u8; 60] = [0x78; 60];

    fn seals(room: &str, broadcast: Option<&str>) -> Seals {
        let seals = Seals::default();
        seals.fill(room, broadcast).unwrap();
        seals
    }

    fn sent(by: &Seals, lane: Lane) -> Bytes {
        by.sealer(lane).unwrap().seal(Codec::Opus, &FRAME).unwrap()
    }

    fn opened(by: &Seals, source: TrackSource, frame: &[u8]) -> Result<(), OpenFrame> {
        by.opener(source, Bytes::new()).open(Codec::Opus, frame).map(|plain| assert_eq!(plain, &FRAME[..]))
    }

    #[test]
    fn a_megaphone_opens_in_every_room_of_the_host_and_nothing_else_does() {
        let (one, two) = (seals("room one", Some("host")), seals("room two", Some("host")));
        let megaphone = sent(&one, Lane::Megaphone);
        assert_eq!(megaphone.last(), Some(&BROADCAST));
        assert_eq!(opened(&one, TrackSource::Megaphone, &megaphone), Ok(()));
        assert_eq!(opened(&two, TrackSource::Megaphone, &megaphone), Ok(()));
        for lane in [Lane::Microphone, Lane::Camera, Lane::Screen, Lane::ScreenSound] {
            let voice = sent(&one, lane);
            assert_eq!(voice.last(), Some(&ROOM));
            assert_eq!(opened(&one, TrackSource::Microphone, &voice), Ok(()));
            // Whatever it is announced as.
            for source in [TrackSource::Microphone, TrackSource::Megaphone] {
                assert_eq!(opened(&two, source, &voice), Err(OpenFrame::WrongKey));
            }
        }
    }

    #[test]
    fn what_is_sealed_for_everyone_is_no_voice_of_the_room() {
        let one = seals("room one", Some("host"));
        let megaphone = sent(&one, Lane::Megaphone);
        for source in
            [TrackSource::Microphone, TrackSource::Camera, TrackSource::ScreenShare, TrackSource::ScreenShareAudio]
        {
            assert_eq!(opened(&one, source, &megaphone), Err(OpenFrame::NoKey(BROADCAST)));
        }
        let data = one.sealer(Lane::Megaphone).unwrap().seal_data(b"hello").unwrap();
        let opened = one.data_opener().open_data(u32::from(data.key_index), &data.iv, &data.value);
        assert_eq!(opened, Err(OpenFrame::NoKey(BROADCAST)));
    }

    #[test]
    fn without_the_broadcast_key_only_megaphones_of_the_room_open() {
        let (ours, theirs) = (seals("room", Some("host")), seals("room", None));
        assert_eq!(opened(&theirs, TrackSource::Megaphone, &sent(&ours, Lane::Megaphone)), Err(OpenFrame::NoKey(1)));
        let of_the_room = sent(&theirs, Lane::Megaphone);
        assert_eq!(of_the_room.last(), Some(&ROOM));
        assert_eq!(opened(&ours, TrackSource::Megaphone, &of_the_room), Ok(()));
        let next_door = seals("room two", Some("host"));
        assert_eq!(opened(&next_door, TrackSource::Megaphone, &of_the_room), Err(OpenFrame::WrongKey));
    }

    #[test]
    fn before_the_keys_are_made_nothing_is_sealed() {
        let seals = Seals::default();
        for lane in [Lane::Microphone, Lane::Megaphone] {
            assert_eq!(seals.sealer(lane).unwrap().seal(Codec::Opus, &FRAME), Err(SealFrame::NoKey));
        }
        assert_eq!(seals.fill("room", Some("")), Err(DeriveKey::Empty));
        assert_eq!(seals.sealer(Lane::Megaphone).unwrap().seal(Codec::Opus, &FRAME), Err(SealFrame::NoKey));
    }
}
