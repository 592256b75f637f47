//! Our camera's pictures with a blurred background, where the person wishes that. Runs on the camera's encode thread before
//! anything else looks at a picture. Fail closed: what cannot be blurred goes nowhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use media_core::frame::Picture;
use media_core::video::background::{Background, BlurBackground};

/// Whether the background is blurred. Set by the session, looked at by every encode thread of our camera. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlurWish(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    on: AtomicBool,
    failed: AtomicBool,
}

impl BlurWish {
    /// From the next picture on.
    pub(crate) fn set(&self, on: bool) {
        self.0.on.store(on, Ordering::Release);
        if !on {
            self.0.failed.store(false, Ordering::Release);
        }
    }

    /// It is wished, and cannot be: the camera shows nothing.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }

    fn is_on(&self) -> bool {
        self.0.on.load(Ordering::Acquire)
    }
}

/// Blurs the pictures of one camera.
pub(super) struct Veil {
    wish: BlurWish,
    make: fn() -> Result<Background, BlurBackground>,
    state: State,
}

enum State {
    Off,
    On(Box<Background>),
    /// Until it is no more wished.
    Failed,
}

impl Veil {
    /// One that does as wished.
    pub(super) const fn new(wish: BlurWish) -> Self {
        Self { wish, make: Background::new, state: State::Off }
    }

    /// What may be seen of a picture. `None`: nothing.
    pub(super) fn over(&mut self, picture: Picture) -> Option<Picture> {
        if !self.wish.is_on() {
            self.state = State::Off;
            return Some(picture);
        }
        if matches!(self.state, State::Off) {
            match (self.make)() {
                Ok(background) => self.state = State::On(Box::new(background)),
                Err(error) => self.fail(error),
            }
        }
        let State::On(background) = &mut self.state else { return None };
        match background.blur(&picture) {
            Ok(blurred) => Some(blurred),
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    fn fail(&mut self, error: BlurBackground) {
        tracing::error!(%error, "the background is not blurred: the camera shows nothing");
        self.state = State::Failed;
        self.wish.0.failed.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use media_core::frame::Size;
    use media_core::time::MediaTime;

    use super::*;

    fn stripes() -> Picture {
        let size = Size::even(320, 180).unwrap();
        let data: Vec<u8> = (0..size.i420_len()).map(|n| if n % 8 < 4 { 90 } else { 180 }).collect();
        Picture::new(size, data.into(), MediaTime::from_micros(0)).unwrap()
    }

    #[test]
    fn it_follows_the_wish_from_the_next_picture_on() {
        let wish = BlurWish::default();
        let mut veil = Veil::new(wish.clone());
        assert_eq!(veil.over(stripes()).unwrap().data(), stripes().data(), "not wished: as it came");
        wish.set(true);
        assert_ne!(veil.over(stripes()).unwrap().data(), stripes().data(), "wished: blurred");
        assert!(!wish.has_failed());
        wish.set(false);
        assert_eq!(veil.over(stripes()).unwrap().data(), stripes().data());
    }

    #[test]
    fn what_cannot_be_blurred_is_not_seen_until_it_is_no_more_wished() {
        let wish = BlurWish::default();
        let mut veil = Veil { make: || Err(BlurBackground::Network), ..Veil::new(wish.clone()) };
        wish.set(true);
        for _ in 0..3 {
            assert!(veil.over(stripes()).is_none(), "no picture leaves as it came");
            assert!(wish.has_failed(), "and the person is told");
        }
        wish.set(false);
        assert!(veil.over(stripes()).is_some() && !wish.has_failed());
    }
}
