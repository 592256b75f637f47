//! The inspection: the whole product from outside. Used by its own tests, benches and the `visitor`; nothing depends on it.
//! Its map:
//!
//! | module | what |
//! |---|---|
//! | [`world`] | a host and any number of people in one process, on loopback |
//! | [`person`] | one headless client with synthetic devices, and what it can be waited for |
//! | [`mirror`] | what a page would know: the snapshot with every event applied |
//! | [`hands`] | devices put together from several sources |
//! | [`vault`] | secrets in memory, to be looked through afterwards |
//! | [`cable`] | a TCP connection that can be cut |
//! | [`relay`] | weather between people and their host's media |
//! | [`urgent`] | real-time priority for what is measured |
//! | [`island`] | network namespaces without a way out |
//! | [`office`] | `office-host` as a process that can be killed |
//! | [`visitors`] | `visitor` as a process |
//! | [`python`] | Python environments for peers and scorers |
//! | [`bench`] | what `npm run bench` measures |
//! | [`wav`] | a recording as a voice |

#![forbid(unsafe_code)]

pub mod bench;
pub mod cable;
pub mod hands;
pub mod island;
pub mod mirror;
pub mod office;
pub mod person;
pub mod python;
pub mod relay;
pub mod urgent;
pub mod vault;
pub mod visitors;
pub mod wav;
pub mod world;
