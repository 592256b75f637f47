//! The building: signalling, forwarding and rights of a meeting. It runs inside the app and alone as `office-host`,
//! touches its own sockets and store, and never a device, a window or the client. Its map:
//!
//! | module | what |
//! |---|---|
//! | [`host`] | start, stop, addresses, rooms of one host |
//! | [`keys`], [`tls`], [`token`] | its identity, its TLS 1.3, LiveKit join tokens |
//! | [`listener`] | the one TCP port: TLS or ICE-TCP, HTTP heads, limits, routes, WebSockets |
//! | [`building`] | the one actor: carries out what the two machines below decide |
//! | [`office`] | who comes in and who may do what (pure) |
//! | [`signal`] | LiveKit signalling (pure) |
//! | [`sfu`] | forwarding of sealed media; its seam to the rest is [`sfu::contract`] |
//! | [`store`] | what lasts |
//! | [`leak`] | whose window a picture that leaked was drawn for |
//! | [`mdns`], [`metrics`], [`log`], [`media`] | being found, being measured, being read, the seam's trait |

#![forbid(unsafe_code)]

pub mod building;
pub mod host;
pub mod keys;
pub mod leak;
pub mod listener;
pub mod log;
pub mod mdns;
pub mod media;
pub mod metrics;
pub mod office;
pub mod sfu;
pub mod signal;
pub mod store;
pub mod tls;
pub mod token;
