//! The picture in a sample buffer, lent while its memory is held. Runs on the stream's queue.

use objc2_core_media::CMSampleBuffer;
use objc2_core_video::{
    CVPixelBufferGetBaseAddress, CVPixelBufferGetBytesPerRow, CVPixelBufferGetHeight, CVPixelBufferGetPixelFormatType,
    CVPixelBufferGetWidth, CVPixelBufferLockBaseAddress, CVPixelBufferLockFlags, CVPixelBufferUnlockBaseAddress,
    kCVPixelFormatType_32BGRA,
};

/// Lines of BGRA.
pub(crate) struct Lines<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Bytes from one line to the next.
    pub(crate) stride: usize,
    pub(crate) bytes: &'a [u8],
}

/// Lends the picture. `None`: there is none, because nothing changed on the display, or it is blank.
pub(crate) fn lend<T>(sample: &CMSampleBuffer, take: impl FnOnce(&Lines<'_>) -> T) -> Option<T> {
    // SAFETY: reads what the buffer holds, or nothing.
    let image = unsafe { sample.image_buffer() }?;
    if CVPixelBufferGetPixelFormatType(&image) != kCVPixelFormatType_32BGRA {
        return None;
    }
    // SAFETY: held for reading until it is let go below.
    if unsafe { CVPixelBufferLockBaseAddress(&image, CVPixelBufferLockFlags::ReadOnly) } != 0 {
        return None;
    }
    let (width, height) = (CVPixelBufferGetWidth(&image), CVPixelBufferGetHeight(&image));
    let (stride, start) = (CVPixelBufferGetBytesPerRow(&image), CVPixelBufferGetBaseAddress(&image));
    let taken = (!start.is_null()).then(|| {
        // SAFETY: a held buffer of one plane has so many bytes for each of its lines, and nobody writes into it meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), stride * height) };
        take(&Lines { width, height, stride, bytes })
    });
    // SAFETY: held above in the same way, and nothing of it is borrowed any more.
    unsafe { CVPixelBufferUnlockBaseAddress(&image, CVPixelBufferLockFlags::ReadOnly) };
    taken
}
