//! One of our own pictures on its encode thread: a camera or a screen, behind the same few calls. Decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use media_core::e2ee::Sealing;
use media_core::frame::Picture;
use media_core::time::MediaTime;
use media_core::video::h264::Content;
use media_core::video::screen::send::ScreenSender;
use media_core::video::send::{SendPicture, SentFrame, ShowPermit, VideoLimits, VideoSender};

/// A still source is looked at this often.
const IDLE: Duration = Duration::from_millis(100);

/// Whether everybody who looks at our screen reads text. Set by the session, looked at by the screen's encode thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readership(Arc<AtomicBool>);

impl Readership {
    /// From now on so.
    pub(crate) fn set(&self, all: bool) {
        self.0.store(all, Ordering::Relaxed);
    }

    fn all(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What makes frames.
pub(super) enum Source {
    Camera(Box<VideoSender>),
    Screen(Box<ScreenSender>, Readership),
}

/// A frame that was made.
pub(super) struct Made {
    pub(super) frame: SentFrame,
    /// What our own page is shown, where it cannot decode the frame.
    pub(super) picture: Option<Picture>,
}

impl Source {
    pub(super) fn new(
        permit: ShowPermit,
        sealing: Sealing,
        limits: VideoLimits,
        readership: Readership,
        rtp_start: u32,
    ) -> Result<Self, SendPicture> {
        Ok(match permit {
            ShowPermit::Camera(_) => Self::Camera(Box::new(VideoSender::new(permit, sealing, limits, rtp_start)?)),
            ShowPermit::Screen(_) => {
                Self::Screen(Box::new(ScreenSender::new(permit, sealing, limits, rtp_start)?), readership)
            }
        })
    }

    /// A picture came, or none did for a while.
    pub(super) fn make(&mut self, picture: Option<&Picture>, now: MediaTime) -> Result<Option<Made>, SendPicture> {
        match self {
            Self::Camera(sender) => {
                let frame = match picture {
                    Some(picture) => sender.send(picture, now),
                    None => sender.idle(now),
                };
                Ok(frame?.map(|frame| Made { frame, picture: None }))
            }
            Self::Screen(sender, readership) => {
                sender.set_all_read(readership.all());
                let made = match picture {
                    Some(picture) => sender.send(picture, now),
                    None => sender.idle(now),
                };
                let Some(made) = made? else { return Ok(None) };
                let picture = made.is_text.then(|| sender.shown().cloned()).flatten();
                Ok(Some(Made { frame: made.frame, picture }))
            }
        }
    }

    pub(super) const fn is_camera(&self) -> bool {
        match self {
            Self::Camera(_) => true,
            Self::Screen(..) => false,
        }
    }

    /// How long to wait for a picture.
    pub(super) fn patience(&self, now: MediaTime) -> Duration {
        match self {
            Self::Camera(_) => IDLE,
            Self::Screen(sender, _) => sender.patience(now),
        }
    }

    pub(super) fn request_key_frame(&mut self) {
        match self {
            Self::Camera(sender) => sender.request_key_frame(),
            Self::Screen(sender, _) => sender.request_key_frame(),
        }
    }

    pub(super) fn set_limits(&mut self, limits: VideoLimits) -> Result<(), SendPicture> {
        match self {
            Self::Camera(sender) => sender.set_limits(limits),
            Self::Screen(sender, _) => sender.set_limits(limits),
        }
    }

    pub(super) const fn content(&self) -> Content {
        match self {
            Self::Camera(sender) => sender.content(),
            Self::Screen(sender, _) => sender.content(),
        }
    }
}
