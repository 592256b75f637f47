//! Software nobody here wrote joins our host: the official Python SDK (PyPI `livekit`) and the official browser SDK (npm
//! `livekit-client`, in headless Chromium), with tokens of the official server SDKs, together with our own client.
//! Run by `npm test`, which installs them and says where they are; a plain `cargo test` fails here and names it.

mod meeting;
mod peers;
mod pictures;
mod redundancy;
mod rights;
mod sealed;
