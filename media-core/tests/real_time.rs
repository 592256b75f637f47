//! The ends of a ring that a device callback holds never allocate, whatever state the ring is in.
//! An integration test: the guard must be the allocator of the whole program.

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use media_core::channel::ring;

#[global_allocator]
static GUARD: AllocDisabler = AllocDisabler;

#[test]
fn a_device_callback_never_allocates() {
    let (mut write, mut read) = ring(1000);
    let samples = [0.5; 480];
    let mut out = [0.0; 700];
    assert_no_alloc(|| {
        for _ in 0..10 {
            // Fits, wraps, overflows, runs dry.
            write.write(&samples);
            write.write(&samples);
            write.write(&samples);
            read.read(&mut out);
            read.read(&mut out);
            read.read(&mut out);
        }
        assert!(read.lost() > 0 && write.room() == 1000 && read.waiting() == 0 && write.waiting() == 0);
        assert!(!write.is_abandoned() && !read.is_abandoned());
    });
}
