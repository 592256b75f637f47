//! Packets in, whole frames out: order, jitter, assembly.
//! Pure and bounded: whatever arrives, memory stays within the limits said in each file.

pub mod assemble;
mod copies;
pub mod jitter;
pub mod loss;
mod peaks;
mod queue;
pub mod reorder;
mod resends;

/// How a remote track is doing, for the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackState {
    /// Nothing usable has come yet.
    Waiting,
    /// It plays.
    Playing,
    /// It sends plaintext in a sealed meeting: refused.
    NotSealed,
    /// It is sealed with a key we do not have.
    WrongKey,
}
