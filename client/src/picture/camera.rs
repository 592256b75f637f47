//! The encode thread of our camera in a meeting: which of its layers are encoded follows from what the server says is looked
//! at, what the link carries, and our own page. Touches no device and no socket.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use media_core::channel::{LatestReader, Taken};
use media_core::e2ee::Sealing;
use media_core::frame::Picture;
use media_core::time::Bitrate;
use media_core::video::codec::CodecError;
use media_core::video::ladder::Allowed;
use media_core::video::layers::{LAYERS, share};
use media_core::video::lens::LensWatch;
use media_core::video::send::SendPicture;
use media_core::video::simulcast::{CameraSender, LayerFrame};
use protocol::policy::{Camera, Permit};

use super::{IDLE, OwnPicture, Surroundings, Veil};
use crate::frames::Handed;
use crate::transport::{Lane, Room};

/// Pictures a second.
const FPS: u32 = 30;
/// What all layers take where the link is wide: what the rungs of the ladder halve.
const EVERYTHING: u32 = 2_310_000;
/// Encoded for our own page alone, where nobody else looks: the middle one.
const OWN: usize = 1;

/// What is wanted of our camera. Set by the session, looked at by the encode thread. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct CameraWishes(Arc<Wishes>);

#[derive(Debug)]
struct Wishes {
    /// Layers somebody looks at, one bit each.
    wanted: AtomicU8,
    /// Layers a key frame is needed of.
    keys: AtomicU8,
}

const ALL: u8 = (1 << LAYERS) - 1;

impl Default for CameraWishes {
    /// A server that says nothing wants everything.
    fn default() -> Self {
        Self(Arc::new(Wishes { wanted: AtomicU8::new(ALL), keys: AtomicU8::new(0) }))
    }
}

impl CameraWishes {
    /// Everything again: a new server, which says what it wants.
    pub(crate) fn want_all(&self) {
        self.0.wanted.store(ALL, Ordering::Release);
    }

    /// These layers are looked at, the smallest first.
    pub(crate) fn want(&self, layers: [bool; LAYERS]) {
        let mask = layers.iter().enumerate().fold(0, |mask, (layer, on)| mask | (u8::from(*on) << layer));
        self.0.wanted.store(mask, Ordering::Release);
    }

    /// Someone needs a key frame of a layer.
    pub(crate) fn need_key(&self, layer: u8) {
        self.0.keys.fetch_or(1_u8.checked_shl(u32::from(layer)).unwrap_or(0), Ordering::AcqRel);
    }

    /// The same of all of them.
    pub(crate) fn need_keys(&self) {
        self.0.keys.fetch_or(ALL, Ordering::AcqRel);
    }

    fn wanted(&self) -> [bool; LAYERS] {
        let mask = self.0.wanted.load(Ordering::Acquire);
        std::array::from_fn(|layer| mask & (1 << layer) != 0)
    }

    fn take_keys(&self) -> u8 {
        self.0.keys.swap(0, Ordering::AcqRel)
    }
}

impl OwnPicture {
    /// Starts the thread of our camera in a meeting; `name` is its track's on the door. `ended` is called once when it stops
    /// by itself, with whether the right was taken away.
    ///
    /// # Errors
    /// The thread did not start.
    pub(crate) fn start_camera(
        around: Surroundings,
        name: &'static str,
        pictures: LatestReader<Picture>,
        (permit, sealing): (Permit<Camera>, Sealing),
        ended: impl FnOnce(bool) + Send + 'static,
    ) -> Result<Self, SendPicture> {
        let sender = CameraSender::new(permit, sealing, FPS, around.rtp_start);
        let own = Self { stop: Arc::default(), key: Arc::default(), nudge: pictures.nudge() };
        let stop = Arc::clone(&own.stop);
        let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let work = || Studio { around: &around, name, sender, shown: None, whole: false }.run(&pictures, &stop);
            let revoked = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                tracing::error!("the camera's encode thread panicked");
                false
            });
            around.door.end(name);
            if !stop.load(Ordering::Acquire) {
                ended(revoked);
            }
        });
        match spawned {
            Ok(_) => Ok(own),
            Err(error) => Err(CodecError::Failed(error.to_string()).into()),
        }
    }
}

struct Studio<'a> {
    around: &'a Surroundings,
    name: &'a str,
    sender: CameraSender,
    /// The layer our own page sees.
    shown: Option<usize>,
    /// It has seen a key frame of that.
    whole: bool,
}

impl Studio<'_> {
    /// Answers whether it ended because the right was taken away.
    fn run(mut self, pictures: &LatestReader<Picture>, stop: &AtomicBool) -> bool {
        let mut watch = LensWatch::default();
        let mut veil = Veil::new(self.around.blur.clone());
        while !stop.load(Ordering::Acquire) {
            let picture = match pictures.take(IDLE) {
                Taken::Value(picture) => picture,
                Taken::Nothing => continue,
                Taken::Ended => return false,
            };
            self.around.lens.set(watch.look(&picture));
            if !self.sender.is_allowed() {
                return true;
            }
            let Some(picture) = veil.over(picture) else { continue };
            match self.picture(&picture) {
                Ok(()) => {}
                Err(SendPicture::Revoked) => return true,
                Err(error) => tracing::warn!(%error, "a picture was not sent"),
            }
            if self.around.watchers.any(self.name) {
                self.around.watchers.show(self.name, picture);
            }
        }
        false
    }

    fn picture(&mut self, picture: &Picture) -> Result<(), SendPicture> {
        let wishes = &self.around.camera;
        let rung = |rung: u8| Bitrate(EVERYTHING >> rung.min(31));
        // Where the link itself is measured, it says more than the ladder, which sees everybody's: only what is narrow
        // already climbs down further, and only what carries nothing but the voice is left.
        let (wanted, link) = match (self.around.outlet.room(Lane::Camera), self.around.share.allowed()) {
            (_, Allowed::Nothing) | (Room::Unknown, Allowed::Waits) => ([false; LAYERS], None),
            // A queue has to go: nothing is encoded that would only wait.
            (Room::Wait, Allowed::Waits | Allowed::Rung(_)) => return Ok(()),
            (Room::Unknown, Allowed::Rung(0)) => (wishes.wanted(), None),
            (Room::Unknown, Allowed::Rung(on)) => (wishes.wanted(), Some(rung(on))),
            (Room::Bits { bits, limited: true }, Allowed::Rung(on)) => (wishes.wanted(), Some(bits.min(rung(on)))),
            (Room::Bits { bits, .. }, Allowed::Waits | Allowed::Rung(_)) => (wishes.wanted(), Some(bits)),
        };
        let mut shares = share(link, wanted);
        let sent = shares.map(|share| share.is_some());
        let page = self.around.door.is_looked_at(self.name);
        let own = page.then(|| sent.iter().rposition(|on| *on).unwrap_or(OWN));
        if let Some(own) = own.filter(|own| !sent[*own]) {
            shares[own] = share(None, std::array::from_fn(|layer| layer == own))[own];
        }
        self.sender.set_shares(shares)?;
        let keys = wishes.take_keys();
        for layer in (0..LAYERS).filter(|layer| keys & (1 << layer) != 0) {
            self.sender.request_key_frame(layer);
        }
        if own != self.shown {
            self.shown = own;
            self.whole = false;
            if let Some(own) = own {
                self.sender.request_key_frame(own);
            }
        }
        for LayerFrame { layer, frame } in self.sender.send(picture, self.around.clock.now())? {
            if self.shown == Some(layer) {
                self.whole |= frame.clear.key;
                if self.whole && self.around.door.encoded(self.name, &frame.clear) == Handed::NeedKey {
                    self.sender.request_key_frame(layer);
                }
            }
            let number = u8::try_from(layer).unwrap_or(u8::MAX);
            if sent[layer] && !self.around.outlet.send_layer(Lane::Camera, number, frame.sealed) {
                tracing::trace!(layer, "a picture was lost");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_says_nothing_gets_every_layer() {
        let wishes = CameraWishes::default();
        assert_eq!(wishes.wanted(), [true; LAYERS]);
        wishes.want([true, false, true]);
        assert_eq!(wishes.wanted(), [true, false, true]);
        wishes.want_all();
        assert_eq!(wishes.wanted(), [true; LAYERS]);
    }

    #[test]
    fn a_key_frame_is_asked_for_once_and_nonsense_is_none() {
        let wishes = CameraWishes::default();
        wishes.need_key(2);
        wishes.need_key(200);
        assert_eq!(wishes.take_keys(), 0b100);
        assert_eq!(wishes.take_keys(), 0);
    }
}
