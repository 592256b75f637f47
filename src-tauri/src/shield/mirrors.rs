//! When a mirrored screen is told of: once, when it begins, on systems that have to be asked again and again. Pure.

use std::time::{Duration, Instant};

use protocol::shield::{CaptureMethod, ShieldIncident};

/// Monitors come and go for a moment while they wake up or change their resolution; what is back sooner was never away.
const AWAY: Duration = Duration::from_secs(5);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// When a mirror was last seen.
    seen: Option<Instant>,
}

impl Mirrors {
    /// A look at the monitors; `None`: the system did not say, and what was known stays. Answers what is to be told.
    pub(super) fn look(&mut self, mirrored: Option<bool>, now: Instant) -> Option<ShieldIncident> {
        match mirrored {
            Some(true) => {
                let news = self.seen.replace(now).is_none();
                let method = CaptureMethod::Mirroring;
                news.then_some(ShieldIncident { program: None, pid: None, method, seconds: 0, covered: false })
            }
            Some(false) => {
                self.seen = self.seen.filter(|seen| now.duration_since(*seen) < AWAY);
                None
            }
            None => {
                self.seen = self.seen.map(|_| now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: [usize; 0] = [];

    /// The seconds at which something is told, with one look a second.
    fn told(looks: &[Option<bool>]) -> Vec<usize> {
        let (start, mut mirrors) = (Instant::now(), Mirrors::default());
        let mut look = |at: usize, seen| mirrors.look(seen, start + Duration::from_secs(at as u64)).is_some();
        looks.iter().enumerate().filter_map(|(at, seen)| look(at, *seen).then_some(at)).collect()
    }

    #[test]
    fn a_mirror_is_told_once_for_as_long_as_it_lasts() {
        assert_eq!(told(&[Some(false); 60]), NEVER);
        assert_eq!(told(&[Some(true); 60]), [0], "one that was there before protection began, too");
        assert_eq!(told(&[&[Some(false); 3][..], &[Some(true); 60]].concat()), [3]);
    }

    #[test]
    fn one_that_flickers_is_the_same_and_one_that_comes_back_is_another() {
        let flicker = [&[Some(true); 2][..], &[Some(false); 4], &[Some(true); 2]].concat();
        assert_eq!(told(&flicker), [0]);
        let again = [&[Some(true); 2][..], &[Some(false); 5], &[Some(true); 2]].concat();
        assert_eq!(told(&again), [0, 7]);
    }

    #[test]
    fn a_system_that_does_not_say_changes_nothing() {
        assert_eq!(told(&[None; 60]), NEVER);
        assert_eq!(told(&[&[Some(true)][..], &[None; 60], &[Some(true)]].concat()), [0]);
        assert_eq!(told(&[&[None; 9][..], &[Some(true)]].concat()), [9]);
    }

    #[test]
    fn it_claims_no_cover_and_no_program() {
        let incident = Mirrors::default().look(Some(true), Instant::now());
        let method = CaptureMethod::Mirroring;
        assert_eq!(incident, Some(ShieldIncident { program: None, pid: None, method, seconds: 0, covered: false }));
    }
}
