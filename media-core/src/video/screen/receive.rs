//! The receiving end of a shared screen: frames of text in, pictures out. Runs on the track's receive thread; pure, and
//! what comes from outside never panics.

use super::envelope;
use super::patch::Patch;
use super::text::{ReadText, TextReader};
use crate::frame::{EncodedFrame, Picture, Size};
use crate::time::MediaTime;
use crate::video::convert::Pool;

/// Reads the text of one track.
#[derive(Default)]
pub struct ScreenReader {
    reader: TextReader,
    pool: Pool,
    /// What is shown is unbroken text: parts of the next picture may be seen as they come.
    flowing: bool,
    /// Something whole is shown: nothing half takes its place.
    shows: bool,
    /// The picture before was taken out, so that the next may be told by what changed.
    follows: bool,
    /// The same, of the picture before that.
    followed: bool,
}

/// What a frame of text was.
#[derive(Debug)]
pub enum Screened {
    /// No text: a picture for the usual decoder.
    Video,
    /// The picture changed.
    Picture(Size),
    /// The picture is not ready to be looked at.
    Waiting,
}

impl ScreenReader {
    /// Nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a frame in.
    ///
    /// # Errors
    /// Text that was not understood: only a key frame helps.
    pub fn take(&mut self, frame: &EncodedFrame) -> Result<Screened, ReadText> {
        let Some(text) = envelope::unwrap(&frame.data) else {
            // Until the text is whole again the last picture of the film is the better one.
            (self.flowing, self.shows, self.follows) = (false, true, false);
            return Ok(Screened::Video);
        };
        let is_key = TextReader::is_key(&text);
        if is_key {
            self.flowing = false;
        }
        let whole = TextReader::is_whole(&text);
        let size = self.reader.read(&text)?.size();
        self.flowing |= whole;
        self.followed = std::mem::replace(&mut self.follows, false) && !is_key;
        if self.flowing || !self.shows {
            self.shows |= whole;
            return Ok(Screened::Picture(size));
        }
        Ok(Screened::Waiting)
    }

    /// What the last frame did to the picture of the frame before; `None` where that was not taken out.
    pub fn patches(&mut self) -> Option<Vec<Patch>> {
        if !self.followed {
            return None;
        }
        self.follows = true;
        Some(self.reader.patches())
    }

    /// The picture as it is now; `at` is stamped on it.
    pub fn picture(&mut self, at: MediaTime) -> Option<Picture> {
        self.follows = true;
        let page = self.reader.page()?;
        let mut out = self.pool.take(page.size().i420_len());
        page.copy_to(&mut out);
        Picture::new(page.size(), self.pool.keep(out), at)
    }
}

#[cfg(test)]
mod tests;
