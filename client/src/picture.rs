//! Threads of pictures: one encodes each of our own sources, one puts together each remote track.
//! A thread that panics takes its own tile down, never the meeting. They touch no device and no socket: pictures come
//! from a slot, packets from a mailbox, frames go to the outlet and the door.

mod background;
mod source;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use background::BlurWish;
use background::Veil;
use media_core::channel::{LatestReader, LatestWriter, MailboxReader, Nudge, Taken, latest, mailbox};
use media_core::e2ee::{Opening, Sealing};
use media_core::frame::{Codec, EncodedFrame, Picture, Size};
use media_core::receive::TrackState;
use media_core::rtp::Packet;
use media_core::time::MediaTime;
use media_core::video::codec::Decoder as _;
use media_core::video::h264::Decoder;
use media_core::video::ladder::Allowed;
use media_core::video::lens::{Lens, LensWatch};
use media_core::video::receive::{VideoOutput, VideoReceiver};
use media_core::video::screen::receive::{ScreenReader, Screened};
use media_core::video::send::{SendPicture, ShowPermit, VideoLimits};
pub(crate) use source::Readership;
use source::{Made, Source};

use crate::frames::{Door, Handed};
use crate::sound::MediaClock;
use crate::transport::{Lane, Outlet, Sink};

mod camera;

pub(crate) use camera::CameraWishes;

/// A still source is looked at this often.
const IDLE: Duration = Duration::from_millis(100);
/// Our own page sees our own text this often at most: it is megabytes.
const OWN_TEXT: Duration = Duration::from_millis(250);
/// A receiver without packets is looked at this often.
const RECEIVE_TICK: Duration = Duration::from_millis(20);
/// After so many looks in vain a picture is muted or hidden, and is looked at only so often. A packet wakes it at once.
const STILL: u32 = 50;
const RECEIVE_STILL: Duration = Duration::from_millis(250);
/// Packets waiting for a receiver: two seconds of a good camera.
const PACKETS: usize = 1024;

/// Who, besides the page, looks at pictures decoded in Rust: headless users. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<HashMap<String, LatestWriter<Picture>>>>);

impl Watchers {
    /// Looks at one track from now on, whether it exists already or not. A later watcher of the same takes over.
    pub(crate) fn watch(&self, track: &str) -> LatestReader<Picture> {
        let (writer, reader) = latest();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(track.to_owned(), writer);
        reader
    }

    fn any(&self, track: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(track)
    }

    fn show(&self, track: &str, picture: Picture) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(track).is_some_and(|writer| !writer.put(picture)) {
            all.remove(track);
        }
    }
}

/// What our pictures may take of the link. Set by the session, looked at by every encode thread. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LinkShare(Arc<AtomicU8>);

impl LinkShare {
    const NOTHING: u8 = u8::MAX;
    const WAITS: u8 = u8::MAX - 1;

    /// From now on so much.
    pub(crate) fn set(&self, allowed: Allowed) {
        let rung = match allowed {
            Allowed::Rung(rung) => rung,
            Allowed::Waits => Self::WAITS,
            Allowed::Nothing => Self::NOTHING,
        };
        self.0.store(rung, Ordering::Relaxed);
    }

    fn allowed(&self) -> Allowed {
        match self.0.load(Ordering::Relaxed) {
            Self::NOTHING => Allowed::Nothing,
            Self::WAITS => Allowed::Waits,
            rung => Allowed::Rung(rung),
        }
    }

    /// The rung; `None`: nothing.
    fn rung(&self) -> Option<u8> {
        match self.allowed() {
            Allowed::Rung(rung) => Some(rung),
            Allowed::Waits | Allowed::Nothing => None,
        }
    }
}

/// What a picture thread shares with the rest.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The time line.
    pub(crate) clock: MediaClock,
    /// To the page.
    pub(crate) door: Door,
    /// To headless users.
    pub(crate) watchers: Watchers,
    /// To the network.
    pub(crate) outlet: Outlet,
    /// How much of the network.
    pub(crate) share: LinkShare,
    /// What of our camera.
    pub(crate) camera: CameraWishes,
    /// Who reads the text of our screen.
    pub(crate) readership: Readership,
    /// What our camera shows.
    pub(crate) lens: LensReport,
    /// Where RTP time begins (RFC 3550 5.1: at random), the same for all that is sent after one another in one track: a device
    /// that is opened again goes on where it ended.
    pub(crate) rtp_start: u32,
    /// Whether what is behind us is blurred.
    pub(crate) blur: BlurWish,
}

/// What our camera shows, as its encode thread sees it; looked at by the session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LensReport(Arc<AtomicU8>);

impl LensReport {
    /// From now on this.
    pub(crate) fn set(&self, lens: Lens) {
        let number = match lens {
            Lens::Clear => 0,
            Lens::Dark => 1,
            Lens::Still => 2,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// What it shows.
    pub(crate) fn get(&self) -> Lens {
        match self.0.load(Ordering::Relaxed) {
            1 => Lens::Dark,
            2 => Lens::Still,
            _ => Lens::Clear,
        }
    }
}

/// Where the frames of one of our own sources go.
#[derive(Debug, Clone)]
pub(crate) struct Showing {
    /// Track name on the door.
    pub(crate) name: String,
    /// To the network as what; `None`: only to our own page (preview).
    pub(crate) lane: Option<Lane>,
}

/// A running encode thread. Dropping it stops the thread within a tenth of a second.
pub(crate) struct OwnPicture {
    stop: Arc<AtomicBool>,
    key: Arc<AtomicBool>,
    nudge: Nudge<Picture>,
}

impl OwnPicture {
    /// Starts the thread; `ended` is called once when it stops by itself, with whether the right was taken away.
    ///
    /// # Errors
    /// The encoder or the thread did not start.
    pub(crate) fn start(
        around: Surroundings,
        showing: Showing,
        pictures: LatestReader<Picture>,
        (permit, sealing, limits): (ShowPermit, Sealing, VideoLimits),
        ended: impl FnOnce(bool) + Send + 'static,
    ) -> Result<Self, SendPicture> {
        let mut source = Source::new(permit, sealing, limits, around.readership.clone(), around.rtp_start)?;
        let own = Self { stop: Arc::default(), key: Arc::default(), nudge: pictures.nudge() };
        let (stop, key) = (Arc::clone(&own.stop), Arc::clone(&own.key));
        let spawned = std::thread::Builder::new().name(showing.name.clone()).spawn(move || {
            let mut sent = Sent { limits, rung: Some(0), own_text: None };
            let work = || encode(&around, &showing, &pictures, (&mut source, &mut sent), (&stop, &key));
            let revoked = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
                tracing::error!("an encode thread panicked");
                false
            });
            around.door.end(&showing.name);
            if !stop.load(Ordering::Acquire) {
                ended(revoked);
            }
        });
        match spawned {
            Ok(_) => Ok(own),
            Err(error) => Err(SendPicture::Codec(media_core::video::codec::CodecError::Failed(error.to_string()))),
        }
    }

    /// Someone needs a key frame: at once, also where nothing changes.
    pub(crate) fn need_key(&self) {
        self.key.store(true, Ordering::Release);
        self.nudge.nudge();
    }
}

impl Drop for OwnPicture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// What an encode thread sends with.
struct Sent {
    /// Where the link is wide.
    limits: VideoLimits,
    /// How much of them; `None`: only our own page sees the pictures.
    rung: Option<u8>,
    /// When our own page was last shown text.
    own_text: Option<MediaTime>,
}

impl Sent {
    /// Takes what the link allows.
    fn follow(&mut self, share: &LinkShare, sender: &mut Source) {
        let rung = share.rung();
        if rung == self.rung {
            return;
        }
        match rung {
            Some(rung) => {
                if let Err(error) = sender.set_limits(self.limits.on_rung(rung, sender.content())) {
                    tracing::error!(%error, "a picture does not follow the link");
                }
                // Who saw nothing for a while needs one, also where the encoder is the old one.
                sender.request_key_frame();
                tracing::info!(rung, "a picture is sent on another rung");
            }
            None => tracing::info!("a picture is held back: the link is full"),
        }
        self.rung = rung;
    }
}

/// Answers whether it ended because the right was taken away.
fn encode(
    around: &Surroundings,
    showing: &Showing,
    pictures: &LatestReader<Picture>,
    (sender, sent): (&mut Source, &mut Sent),
    (stop, key): (&AtomicBool, &AtomicBool),
) -> bool {
    let mut watch = LensWatch::default();
    let mut veil = Veil::new(around.blur.clone());
    while !stop.load(Ordering::Acquire) {
        if showing.lane.is_some() {
            sent.follow(&around.share, sender);
        }
        let taken = pictures.take(sender.patience(around.clock.now()));
        if key.swap(false, Ordering::AcqRel) {
            sender.request_key_frame();
        }
        let made = match taken {
            Taken::Value(picture) => {
                let picture = if sender.is_camera() {
                    around.lens.set(watch.look(&picture));
                    veil.over(picture)
                } else {
                    Some(picture)
                };
                let made = sender.make(picture.as_ref(), around.clock.now());
                if let Some(picture) = picture
                    && around.watchers.any(&showing.name)
                {
                    around.watchers.show(&showing.name, picture);
                }
                made
            }
            Taken::Nothing => sender.make(None, around.clock.now()),
            Taken::Ended => return false,
        };
        match made {
            Ok(None) => {}
            Ok(Some(frame)) => {
                let lane = showing.lane.filter(|_| sent.rung.is_some());
                if show(around, &showing.name, lane, frame, sent) {
                    sender.request_key_frame();
                }
            }
            Err(SendPicture::Revoked) => return true,
            Err(error) => tracing::warn!(%error, "a picture was not sent"),
        }
    }
    false
}

/// Answers whether our own page needs a key frame.
fn show(around: &Surroundings, name: &str, lane: Option<Lane>, made: Made, sent: &mut Sent) -> bool {
    let Made { frame, picture } = made;
    if let Some(lane) = lane
        && !around.outlet.send(lane, frame.sealed)
    {
        tracing::trace!(?lane, "a picture was lost");
    }
    let Some(picture) = picture else { return around.door.encoded(name, &frame.clear) == Handed::NeedKey };
    let now = around.clock.now();
    if sent.own_text.is_none_or(|at| now.since(at) >= OWN_TEXT) {
        sent.own_text = Some(now);
        around.door.raw(name, &picture, frame.clear.rtp_time);
    }
    false
}

/// What a remote picture tells the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoteNews {
    /// Its state changed.
    State(TrackState),
    /// Ask for a key frame.
    NeedKey,
    /// Neither the page nor Rust can decode it.
    NoDecoder,
    /// The first picture was decoded in Rust.
    Decoded,
    /// The thread panicked.
    Broken,
}

/// A running receive thread. It ends when its sink is gone from the transport and this is dropped.
pub(crate) struct RemotePicture {
    stop: Arc<AtomicBool>,
    sink: Sink,
}

impl RemotePicture {
    /// Starts the thread for a track of that name; `tell` must not block.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        around: Surroundings,
        name: String,
        opening: Opening,
        tell: impl Fn(RemoteNews) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (inbox, packets) = mailbox::<(Codec, Packet, Instant)>(PACKETS);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::Builder::new().name("picture".to_owned()).spawn(move || {
            let receive = Receive {
                around: &around,
                name: &name,
                tell: &tell,
                text: ScreenReader::new(),
                stale: false,
                decoder: None,
                decoded: false,
                cannot: false,
            };
            if catch_unwind(AssertUnwindSafe(|| receive.run(&opening, &packets, &stopped))).is_err() {
                tracing::error!("a receive thread panicked");
                tell(RemoteNews::Broken);
            }
            around.door.end(&name);
        })?;
        let sink = Sink(Arc::new(move |codec, packet, at| {
            // A full mailbox is a lost packet: the receiver notices and asks for a key frame.
            if inbox.send((codec, packet, at)).is_err() {
                tracing::trace!("a picture packet was lost");
            }
        }));
        Ok(Self { stop, sink })
    }

    /// Where its packets go.
    pub(crate) fn sink(&self) -> Sink {
        self.sink.clone()
    }
}

impl Drop for RemotePicture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

struct Receive<'a> {
    around: &'a Surroundings,
    name: &'a str,
    tell: &'a (dyn Fn(RemoteNews) + Send),
    text: ScreenReader,
    /// The page was too slow for the last picture of text.
    stale: bool,
    decoder: Option<Decoder>,
    decoded: bool,
    cannot: bool,
}

impl Receive<'_> {
    fn run(mut self, opening: &Opening, packets: &MailboxReader<(Codec, Packet, Instant)>, stop: &AtomicBool) {
        let mut receiver: Option<(Codec, VideoReceiver)> = None;
        // Looks in vain, one after the other.
        let mut vain = 0_u32;
        while !stop.load(Ordering::Acquire) {
            let patience = if vain < STILL { RECEIVE_TICK } else { RECEIVE_STILL };
            let taken = packets.take(patience);
            vain = if matches!(taken, Taken::Nothing) { vain.saturating_add(1) } else { 0 };
            match taken {
                Taken::Value((codec, packet, at)) => {
                    // The codec is what arrives, not what was announced; a publisher may change it.
                    if receiver.as_ref().is_none_or(|(known, _)| *known != codec) {
                        if codec == Codec::Opus {
                            continue;
                        }
                        self.decoder = None;
                        receiver = Some((codec, VideoReceiver::new(codec, opening.clone())));
                    }
                    if let Some((_, receiver)) = &mut receiver {
                        receiver.packet(packet, self.around.clock.at(at));
                    }
                }
                Taken::Nothing => {
                    self.freshen();
                    if let Some((_, receiver)) = &mut receiver {
                        receiver.tick(self.around.clock.now());
                    }
                }
                Taken::Ended => return,
            }
            if let Some((_, receiver)) = &mut receiver {
                while let Some(output) = receiver.poll() {
                    match output {
                        VideoOutput::Frame(frame) => {
                            if self.frame(&frame) {
                                receiver.cut(self.around.clock.now());
                            }
                        }
                        VideoOutput::RequestKeyFrame => (self.tell)(RemoteNews::NeedKey),
                        VideoOutput::State(state) => (self.tell)(RemoteNews::State(state)),
                    }
                }
            }
        }
    }

    /// Answers whether only a key frame helps.
    fn frame(&mut self, frame: &EncodedFrame) -> bool {
        match self.text.take(frame) {
            Ok(Screened::Video) => self.video(frame),
            Ok(Screened::Waiting) => false,
            Ok(Screened::Picture(size)) => {
                self.text(frame, size);
                false
            }
            Err(error) => {
                tracing::debug!(%error, "a screen's text was not read");
                true
            }
        }
    }

    /// A still screen comes once: a page that was too slow for it gets it later.
    fn freshen(&mut self) {
        if !self.stale {
            return;
        }
        let now = self.around.clock.now();
        let Some(picture) = self.text.picture(now) else { return };
        self.stale = self.around.door.raw(self.name, &picture, 0) == Handed::Waiting;
    }

    /// Shows what a frame of text made of the screen.
    fn text(&mut self, frame: &EncodedFrame, size: Size) {
        let watched = self.around.watchers.any(self.name);
        let mut page = self.around.door.is_looked_at(self.name);
        if page && let Some(patches) = self.text.patches() {
            // Where the page did not keep up, or was loaded again, a whole picture makes it good.
            page = self.around.door.patched(self.name, size, patches, frame.rtp_time) != Handed::Sent;
        }
        if !watched && !page {
            return;
        }
        let Some(picture) = self.text.picture(self.around.clock.now()) else { return };
        if page {
            self.stale = self.around.door.raw(self.name, &picture, frame.rtp_time) == Handed::Waiting;
        }
        if watched {
            self.around.watchers.show(self.name, picture);
        }
        if !std::mem::replace(&mut self.decoded, true) {
            (self.tell)(RemoteNews::Decoded);
        }
    }

    /// Answers whether only a key frame helps.
    fn video(&mut self, frame: &EncodedFrame) -> bool {
        let raw = self.around.door.wants_raw(self.name, frame.codec);
        let mut cut = false;
        if !raw {
            cut = self.around.door.encoded(self.name, frame) == Handed::NeedKey;
        }
        let watched = self.around.watchers.any(self.name);
        if !raw && !watched {
            self.decoder = None;
            return cut;
        }
        if frame.codec != Codec::H264 {
            if raw && !std::mem::replace(&mut self.cannot, true) {
                (self.tell)(RemoteNews::NoDecoder);
            }
            return cut;
        }
        if self.decoder.is_none() {
            if !frame.key {
                return true;
            }
            match Decoder::new() {
                Ok(decoder) => self.decoder = Some(decoder),
                Err(error) => {
                    tracing::error!(%error, "no decoder");
                    return cut;
                }
            }
        }
        let Some(decoder) = &mut self.decoder else { return cut };
        match decoder.decode(frame, self.around.clock.now()) {
            Ok(Some(picture)) => {
                if raw {
                    self.around.door.raw(self.name, &picture, frame.rtp_time);
                }
                if watched {
                    self.around.watchers.show(self.name, picture);
                }
                if !std::mem::replace(&mut self.decoded, true) {
                    (self.tell)(RemoteNews::Decoded);
                }
                cut
            }
            Ok(None) => cut,
            Err(error) => {
                tracing::debug!(%error, "a picture did not decode");
                self.decoder = None;
                true
            }
        }
    }
}
