//! The window: plugs real devices, the keyring and the host into the client, and shows the page.
//!
//! This room touches windows, keyring, screenshot shield and installers. It decides nothing about meetings and does no
//! media work. Its map:
//!
//! | module | what |
//! |---|---|
//! | [`environment`] | what must be set before the first thread starts |
//! | [`launch`], [`profile`] | the command line; the folder and the names of one person's data |
//! | `app`, `desk` | start to end of the program; what the commands reach |
//! | `commands` | one function of three lines per command of the page |
//! | `events`, [`frames`] | the two doors downwards |
//! | `windows`, `watchdog` | the window; a page that stopped answering is loaded again |
//! | `outside`, `hotkeys`, `tray`, `words` | title, system-wide shortcuts and tray, and their few words |
//! | [`control`] | `shoji --mute` asks the window that is open |
//! | [`vault`], `shield`, `local_host` | keyring, screenshot shield, the host inside this app |
//! | `mark` | `shoji --read-mark` says whose window a leaked picture was drawn for |
//! | `demo` | hosts by itself for `npm start -- --demo` |
//! | `person` | what the system calls the person here |
//! | `log` | stderr and files that rotate |

mod app;
mod commands;
pub mod control;
mod demo;
mod desk;
pub mod environment;
mod events;
pub mod frames;
mod hotkeys;
pub mod launch;
mod local_host;
mod log;
mod mark;
mod outside;
mod person;
pub mod profile;
mod shield;
mod tray;
pub mod vault;
mod watchdog;
mod windows;
mod words;

pub use app::run;
