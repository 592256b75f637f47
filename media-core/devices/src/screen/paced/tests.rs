//! A monitor of numbers: which of its frames become pictures, and how looking ends.

use media_core::channel::{LatestReader, Taken, latest};
use media_core::frame::Size;
use protocol::policy::{Capability, Gate, Grants};

use super::*;

const SIZE: Size = Size { width: 2, height: 2 };

/// What the monitor does at each look; at the end of it, `last` happens.
struct Script {
    /// Bright or not changed, one a look.
    frames: std::vec::IntoIter<Option<u8>>,
    shown: u8,
    made: Vec<u8>,
    gate: Gate,
    last: Last,
    stop: std::sync::Arc<AtomicBool>,
    is_as_it_was: bool,
}

/// How a script ends.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Whoever looks is told to stop, as soon as nothing is left to be shown.
    Stop,
    /// The monitor is gone.
    Gone,
    /// The right is taken away while the picture is made.
    Revoke,
    /// The system says nothing, but the monitor is another.
    Changed,
}

impl Frames for Script {
    fn take(&mut self) -> Result<bool, String> {
        match self.frames.next() {
            Some(Some(light)) => {
                self.shown = light;
                Ok(true)
            }
            Some(None) => Ok(false),
            None if self.last == Last::Gone => Err("unplugged".into()),
            None => Ok(false),
        }
    }

    fn picture(&mut self, at: MediaTime) -> Result<Picture, String> {
        self.made.push(self.shown);
        if self.last == Last::Revoke && self.frames.len() == 0 {
            self.gate.set(Grants::ALL.with(Capability::ScreenShare, false));
        }
        Ok(Picture::new(SIZE, vec![self.shown; SIZE.i420_len()].into(), at).unwrap())
    }

    fn wait(&mut self, longest: Duration) {
        assert!(longest <= LONGEST_SLEEP);
        if self.frames.len() == 0 {
            match self.last {
                Last::Stop => self.stop.store(true, Ordering::Release),
                Last::Changed => {
                    self.is_as_it_was = false;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Last::Gone | Last::Revoke => {}
            }
        }
    }

    fn is_as_it_was(&mut self) -> bool {
        self.is_as_it_was
    }
}

fn run(frames: &[Option<u8>], fps: u32, last: Last) -> (Option<StreamEvent>, Vec<u8>, LatestReader<Picture>) {
    let mut gate = Gate::new();
    gate.set(Grants::ALL);
    let (slot, reader) = latest();
    let showing = Showing { clock: Clock::new(Instant::now()), permit: gate.permit().unwrap(), fps, slot };
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let frames = Vec::from(frames).into_iter();
    let mut script = Script { frames, shown: 0, made: Vec::new(), gate, last, stop: stop.clone(), is_as_it_was: true };
    let end = look(&mut script, &showing, &stop);
    (end, script.made, reader)
}

fn light(reader: &LatestReader<Picture>) -> Option<u8> {
    match reader.take(Duration::ZERO) {
        Taken::Value(picture) => Some(picture.y()[0]),
        Taken::Nothing | Taken::Ended => None,
    }
}

#[test]
fn a_still_monitor_makes_no_pictures() {
    let (end, made, _) = run(&[Some(1), None, None, None, None], 1000, Last::Stop);
    assert_eq!(end, None);
    assert_eq!(made, [1]);
}

#[test]
fn what_changed_too_early_for_its_picture_is_shown_as_soon_as_it_may() {
    // Five changes at once and then nothing: the last of them must be what everybody sees.
    let (end, made, reader) = run(&[Some(1), Some(2), Some(3), Some(4), Some(5)], 20, Last::Stop);
    assert_eq!(end, None);
    assert_eq!(made.last(), Some(&5));
    assert!(made.len() < 5, "the pace is kept: {made:?}");
    assert_eq!(light(&reader), Some(5));
}

#[test]
fn a_picture_made_while_the_right_was_taken_away_is_not_shown() {
    let (end, made, reader) = run(&[Some(9)], 1000, Last::Revoke);
    assert_eq!(end, Some(StreamEvent::Revoked));
    assert_eq!(made, [9]);
    assert_eq!(light(&reader), None);
}

#[test]
fn a_monitor_that_goes_or_changes_is_lost() {
    let (end, ..) = run(&[Some(1)], 1000, Last::Gone);
    assert_eq!(end, Some(StreamEvent::Lost("unplugged".into())));
    let (end, ..) = run(&[Some(1)], 1000, Last::Changed);
    assert!(matches!(end, Some(StreamEvent::Lost(_))), "{end:?}");
}
