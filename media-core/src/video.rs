//! Pictures: from the camera's or screen's slot to sealed H.264, and from packets to frames for the page.
//!
//! Sending: one thread per source takes pictures from its [`Latest`](crate::channel::latest) and calls
//! [`send::VideoSender::send`], or [`send::VideoSender::idle`] when none came for a tenth of a second.
//! A camera goes through [`simulcast::CameraSender`], which makes up to three [`layers`] of it.
//! [`background::Background`] blurs what is behind a person first, where that is wished.
//! [`lens::LensWatch`] notices a camera that shows nothing.
//! [`ladder::Ladder`] says what pictures may take of a link without costing the voice.
//! Receiving: [`receive::VideoReceiver`] per remote track, fed with packets; whole opened frames come out for the page,
//! or for [`h264::Decoder`] where the page lacks the codec.

pub mod annexb;
pub mod background;
pub mod codec;
pub mod convert;
pub mod encoders;
pub mod h264;
pub mod ladder;
pub mod layers;
pub mod lens;
pub mod receive;
pub mod scale;
pub mod screen;
pub mod send;
pub mod simulcast;
pub mod sps;
