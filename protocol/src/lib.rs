//! The words and the rules: values that client, host and page share.
//!
//! This room touches values only: no clock, socket, disk, thread or operating system. Whoever runs it passes time and
//! bytes in. Its map:
//!
//! | module | what |
//! |---|---|
//! | [`ids`] | names of people, rooms, tracks, devices, each a type |
//! | [`policy`] | roles, capabilities, the matrix, [`policy::Gate`] and its [`policy::Permit`]s |
//! | [`invite`] | the invitation link |
//! | [`office`] | messages of the office channel |
//! | [`signal`] | LiveKit's wire: reading it with limits, and words in between |
//! | [`bridge`] | the contract with the page |
//! | [`shortcut`] | key combinations that work while another program has the keyboard |
//! | [`shield`] | what is known about screenshot protection |
//! | [`watermark`] | what is drawn over pictures at each viewer |
//! | [`backoff`], [`pii`] | retry arithmetic; what keeps people's data out of logs |

#![forbid(unsafe_code)]

pub mod backoff;
pub mod bridge;
pub mod ids;
pub mod invite;
pub mod office;
pub mod pii;
pub mod policy;
pub mod shield;
pub mod shortcut;
pub mod signal;
pub mod watermark;
