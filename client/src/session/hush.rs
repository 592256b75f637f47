//! Notices a microphone that is open and hears nothing: muted at the device, turned down, or not the one that is spoken into.
//! A value; time and levels come in. Part of the session.

use std::time::{Duration, Instant};

use media_core::frame::AudioLevel;

/// Silence for so long is no pause any more.
const SILENT_FOR: Duration = Duration::from_secs(10);
/// Before anything was said: a room is louder than this through a microphone that works. dB below full scale.
const ROOM: u8 = 70;
/// What is louder is somebody speaking.
const SPEECH: u8 = 45;
/// Nothing at all. After something was said only this counts: headsets that close between sentences leave a trace of noise,
/// a switch on the cable leaves none.
const NOTHING: u8 = 120;

/// What the person should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hushed {
    /// The microphone has become silent.
    Silent,
    /// It is heard again, or not used any more.
    Over,
}

/// One use of the microphone, from unmuting to muting.
#[derive(Debug, Default)]
pub(super) struct Hush {
    heard: Option<Instant>,
    spoke: bool,
    told: bool,
}

impl Hush {
    /// One look, several a second. `level` is what the device delivers, before any processing; `None`: the microphone is
    /// closed, muted or not in use.
    pub(super) fn look(&mut self, now: Instant, level: Option<AudioLevel>) -> Option<Hushed> {
        let Some(level) = level else {
            let told = self.told;
            *self = Self::default();
            return told.then_some(Hushed::Over);
        };
        self.spoke |= level.below_full < SPEECH;
        let least = if self.spoke { NOTHING } else { ROOM };
        let heard = *self.heard.get_or_insert(now);
        if level.below_full < least {
            self.heard = Some(now);
            return std::mem::take(&mut self.told).then_some(Hushed::Over);
        }
        if self.told || now.saturating_duration_since(heard) < SILENT_FOR {
            return None;
        }
        self.told = true;
        Some(Hushed::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(below_full: u8) -> Option<AudioLevel> {
        Some(AudioLevel { below_full, voice: false })
    }

    /// So many seconds of one level, ten looks each; what was said, and in which second.
    fn seconds(hush: &mut Hush, from: Instant, range: std::ops::Range<u64>, below_full: u8) -> Vec<(u64, Hushed)> {
        range
            .flat_map(|s| (0..10).map(move |t| (s, t)))
            .filter_map(|(s, t)| {
                let now = from + Duration::from_millis(s * 1000 + t * 100);
                hush.look(now, level(below_full)).map(|what| (s, what))
            })
            .collect()
    }

    #[test]
    fn a_microphone_that_hears_nothing_is_told_once_and_taken_back_by_the_first_sound() {
        let (mut hush, start) = (Hush::default(), Instant::now());
        assert_eq!(seconds(&mut hush, start, 0..10, 127), []);
        assert_eq!(seconds(&mut hush, start, 10..60, 127), [(10, Hushed::Silent)]);
        assert_eq!(seconds(&mut hush, start, 60..61, 30), [(60, Hushed::Over)]);
        // And again, from the beginning, when it is switched off at the cable.
        assert_eq!(seconds(&mut hush, start, 61..70, 127), []);
        assert_eq!(seconds(&mut hush, start, 70..75, 127), [(70, Hushed::Silent)]);
    }

    #[test]
    fn a_quiet_room_is_no_silent_microphone_but_one_turned_down_is() {
        let (mut hush, start) = (Hush::default(), Instant::now());
        assert_eq!(seconds(&mut hush, start, 0..120, 62), []);
        let mut hush = Hush::default();
        assert_eq!(seconds(&mut hush, start, 0..20, 80), [(10, Hushed::Silent)]);
    }

    #[test]
    fn who_listens_after_speaking_through_a_headset_that_closes_is_left_alone() {
        let (mut hush, start) = (Hush::default(), Instant::now());
        assert_eq!(seconds(&mut hush, start, 0..3, 25), []);
        assert_eq!(seconds(&mut hush, start, 3..300, 95), []);
    }

    #[test]
    fn muting_takes_it_back_and_starts_anew() {
        let (mut hush, start) = (Hush::default(), Instant::now());
        seconds(&mut hush, start, 0..11, 127);
        let later = start + Duration::from_secs(11);
        assert_eq!(hush.look(later, None), Some(Hushed::Over));
        assert_eq!(hush.look(later, None), None);
        assert_eq!(seconds(&mut hush, start, 12..22, 127), [], "ten seconds of its own");
        assert_eq!(seconds(&mut hush, start, 22..23, 127), [(22, Hushed::Silent)]);
    }
}
