//! ScreenCaptureKit (macOS 12.3 and later; its sound 13): one stream of a display's pictures or of what other programs
//! play. Starting and ending run on a thread that may wait; what the stream brings comes on a queue of the system.
//!
//! Everything here that touches Objective-C is in this file and its two children, behind safe functions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use block2::RcBlock;
use dispatch2::{DispatchQueue, DispatchRetained};
use media_core::device::{OpenDevice, StreamEvent};
use media_core::frame::Size;
use objc2::rc::Retained;
use objc2::runtime::{NSObject, NSObjectProtocol, ProtocolObject};
use objc2::{AnyThread, DefinedClass, define_class, msg_send};
use objc2_core_graphics::{CGPreflightScreenCaptureAccess, CGRequestScreenCaptureAccess};
use objc2_core_media::{CMSampleBuffer, CMTime};
use objc2_core_video::kCVPixelFormatType_32BGRA;
use objc2_foundation::{NSArray, NSError};
use objc2_screen_capture_kit::{
    SCContentFilter, SCDisplay, SCShareableContent, SCStream, SCStreamConfiguration, SCStreamDelegate,
    SCStreamErrorCode, SCStreamOutput, SCStreamOutputType,
};

pub(crate) mod picture;
pub(crate) mod sound;

/// A system that takes longer to answer does not.
const ANSWER: Duration = Duration::from_secs(5);
/// What a stream may take to start, all its answers together.
pub(crate) const OPENING: Duration = Duration::from_secs(15);

/// What is wanted of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// What other programs play.
    Sound,
    /// A display, scaled by the system.
    Pictures {
        /// Its `CGDirectDisplayID`.
        display: u32,
        /// Of the pictures.
        size: Size,
        /// Pictures a second, at most.
        fps: u32,
    },
}

impl Wanted {
    const fn kind(self) -> SCStreamOutputType {
        match self {
            Self::Sound => SCStreamOutputType::Audio,
            Self::Pictures { .. } => SCStreamOutputType::Screen,
        }
    }
}

/// Takes what a stream brings, on the stream's queue.
pub(crate) type Sink = Box<dyn FnMut(&CMSampleBuffer) + Send>;

/// Where the end of a stream is told.
pub(crate) type Ended = SyncSender<Option<StreamEvent>>;

/// A running stream; dropping it ends it.
pub(crate) struct Stream {
    stream: Retained<SCStream>,
    output: Retained<Output>,
    queue: DispatchRetained<DispatchQueue>,
}

impl Stream {
    /// Starts one.
    ///
    /// # Errors
    /// [`OpenDevice::Denied`] where the user has not allowed it: the system asks, and the answer comes with the next
    /// attempt. See [`OpenDevice`] for the rest.
    pub(crate) fn start(wanted: Wanted, sink: Sink, ended: Ended) -> Result<Self, OpenDevice> {
        if !CGPreflightScreenCaptureAccess() {
            CGRequestScreenCaptureAccess();
            return Err(OpenDevice::Denied);
        }
        let display = display(wanted)?;
        let settings = settings(wanted);
        let output = Output::new(Taking { kind: wanted.kind(), sink: Mutex::new(Some(sink)), ended });
        let queue = DispatchQueue::new("jp.shoji.capture", None);
        // SAFETY: the display lives; nothing is left out of its picture.
        let filter = unsafe {
            SCContentFilter::initWithDisplay_excludingWindows(SCContentFilter::alloc(), &display, &NSArray::new())
        };
        let delegate = ProtocolObject::from_ref(&*output);
        // SAFETY: the delegate is not kept alive by the stream: it lives beside it in what this returns.
        let stream = unsafe {
            SCStream::initWithFilter_configuration_delegate(SCStream::alloc(), &filter, &settings, Some(delegate))
        };
        let taker = ProtocolObject::from_ref(&*output);
        // SAFETY: the output may be called on any thread: what it holds is behind a lock.
        unsafe { stream.addStreamOutput_type_sampleHandlerQueue_error(taker, wanted.kind(), Some(&queue)) }
            .map_err(|error| refused(&error))?;
        let stream = Self { stream, output, queue };
        // SAFETY: the block may be called on any thread, once.
        answer(|done| unsafe { stream.stream.startCaptureWithCompletionHandler(Some(done)) })?;
        Ok(stream)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // First of all nothing passes any more, whatever the system does.
        self.output.close();
        // SAFETY: the block may be called on any thread, once. A stream that ended by itself answers with an error.
        if let Err(error) = answer(|done| unsafe { self.stream.stopCaptureWithCompletionHandler(Some(done)) }) {
            tracing::debug!(%error, "the stream was gone before it was ended");
        }
        // Whatever is in the middle of being brought is waited for.
        self.queue.exec_sync(|| {});
    }
}

/// What [`Output`] works with.
struct Taking {
    kind: SCStreamOutputType,
    /// Locked by the queue for as long as it brings something, and by whoever closes.
    sink: Mutex<Option<Sink>>,
    ended: Ended,
}

define_class!(
    // SAFETY: NSObject asks nothing of what inherits from it, and `Output` does not implement `Drop`.
    #[unsafe(super(NSObject))]
    #[name = "ShojiCaptureOutput"]
    #[ivars = Taking]
    struct Output;

    // SAFETY: asks nothing more than to be an object.
    unsafe impl NSObjectProtocol for Output {}

    // SAFETY: the method has the protocol's signature.
    unsafe impl SCStreamOutput for Output {
        #[unsafe(method(stream:didOutputSampleBuffer:ofType:))]
        fn brought(&self, _stream: &SCStream, sample: &CMSampleBuffer, kind: SCStreamOutputType) {
            self.take(sample, kind);
        }
    }

    // SAFETY: the method has the protocol's signature.
    unsafe impl SCStreamDelegate for Output {
        #[unsafe(method(stream:didStopWithError:))]
        fn stopped(&self, _stream: &SCStream, error: &NSError) {
            self.end(error.localizedDescription().to_string());
        }
    }
);

impl Output {
    fn new(taking: Taking) -> Retained<Self> {
        let this = Self::alloc().set_ivars(taking);
        // SAFETY: NSObject's initializer, which takes nothing and always answers with the object.
        unsafe { msg_send![super(this), init] }
    }

    fn take(&self, sample: &CMSampleBuffer, kind: SCStreamOutputType) {
        if kind != self.ivars().kind {
            return;
        }
        let mut sink = self.ivars().sink.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = sink.as_mut() else { return };
        // Nothing may unwind into the system's frames.
        if catch_unwind(AssertUnwindSafe(|| open(sample))).is_err() {
            *sink = None;
            self.end("capture panicked".into());
        }
    }

    fn end(&self, why: String) {
        // Only the first end counts.
        drop(self.ivars().ended.try_send(Some(StreamEvent::Lost(why))));
    }

    fn close(&self) {
        *self.ivars().sink.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The display that is wanted; sound belongs to none, but the system wants to hear of one.
fn display(wanted: Wanted) -> Result<Retained<SCDisplay>, OpenDevice> {
    let (tell, told) = sync_channel(1);
    let done = RcBlock::new(move |content: *mut SCShareableContent, error: *mut NSError| {
        // SAFETY: either nothing or an object that lives as long as this call.
        let (content, error) = unsafe { (Retained::retain(content), error.as_ref()) };
        let answer = content.ok_or_else(|| error.map_or_else(no_reason, refused));
        drop(tell.try_send(answer));
    });
    // SAFETY: the block may be called on any thread, once. What it hands to this thread is a list that never changes.
    unsafe { SCShareableContent::getShareableContentWithCompletionHandler(&done) };
    let content = told.recv_timeout(ANSWER).map_err(|_| no_answer())??;
    // SAFETY: reads the list.
    let displays = unsafe { content.displays() };
    let is_wanted = |one: &Retained<SCDisplay>| match wanted {
        Wanted::Sound => true,
        Wanted::Pictures { display, .. } => {
            // SAFETY: reads a number.
            display == unsafe { one.displayID() }
        }
    };
    displays.iter().find(is_wanted).ok_or(OpenDevice::Missing)
}

fn settings(wanted: Wanted) -> Retained<SCStreamConfiguration> {
    // SAFETY: a fresh object and its setters, with numbers in the ranges they document.
    unsafe {
        let settings = SCStreamConfiguration::new();
        match wanted {
            Wanted::Sound => {
                settings.setCapturesAudio(true);
                // The others would hear themselves.
                settings.setExcludesCurrentProcessAudio(true);
                settings.setSampleRate(sound::RATE as isize);
                settings.setChannelCount(sound::CHANNELS as isize);
                // Pictures are made all the same, and thrown away: small and few.
                settings.setWidth(2);
                settings.setHeight(2);
                settings.setMinimumFrameInterval(CMTime::new(1, 1));
            }
            Wanted::Pictures { size, fps, .. } => {
                settings.setWidth(size.width as usize);
                settings.setHeight(size.height as usize);
                settings.setScalesToFit(true);
                settings.setPixelFormat(kCVPixelFormatType_32BGRA);
                settings.setShowsCursor(true);
                settings.setMinimumFrameInterval(CMTime::new(1, i32::try_from(fps.max(1)).unwrap_or(i32::MAX)));
            }
        }
        settings
    }
}

/// Asks for something and waits for the system's word.
fn answer(ask: impl FnOnce(&RcBlock<dyn Fn(*mut NSError)>)) -> Result<(), OpenDevice> {
    let (tell, told) = sync_channel(1);
    let done = RcBlock::new(move |error: *mut NSError| {
        // SAFETY: either nothing or an object that lives as long as this call.
        let error = unsafe { error.as_ref() }.map(refused);
        drop(tell.try_send(error));
    });
    ask(&done);
    told.recv_timeout(ANSWER).map_err(|_| no_answer())?.map_or(Ok(()), Err)
}

fn no_answer() -> OpenDevice {
    OpenDevice::Failed("the system does not answer".into())
}

fn no_reason() -> OpenDevice {
    OpenDevice::Failed("the system gives no reason".into())
}

fn refused(error: &NSError) -> OpenDevice {
    match SCStreamErrorCode(error.code()) {
        SCStreamErrorCode::UserDeclined | SCStreamErrorCode::MissingEntitlements => OpenDevice::Denied,
        SCStreamErrorCode::NoDisplayList | SCStreamErrorCode::NoCaptureSource => OpenDevice::Missing,
        // The system's list is open-ended.
        _ => OpenDevice::Failed(error.localizedDescription().to_string()),
    }
}
