//! Guards the house itself: who may use whom, how long a file may be, what every file opens with, what must not be
//! in the tree. Runs as a test of its own and reads only the working tree and `cargo metadata`.

#[path = "house/arrows.rs"]
mod arrows;
#[path = "house/files.rs"]
mod files;
#[path = "house/text.rs"]
mod text;
#[path = "house/tree.rs"]
mod tree;
