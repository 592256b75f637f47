//! Who is heard (RFC 6464 levels of microphones), and which microphones are worth forwarding. Pure; `now` is an argument.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A speaker list is made this often (LiveKit's clients expect about 400 ms).
pub const INTERVAL: Duration = Duration::from_millis(400);

/// Louder than this (-dBov) counts as speech.
const SPEECH: u8 = 35;

/// Share of the interval somebody must be louder, in packets of 20 ms.
const SPEECH_PACKETS: u32 = 8;

/// A microphone keeps its place this long after it was last loud, so that turns do not cut first syllables.
const HOLD: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
struct Voice {
    loud_packets: u32,
    loudest: u8,
    sum: u32,
    last_loud: Option<Instant>,
    /// Smoothed 127 - level.
    score: u32,
}

/// The voices of one room, by the track they come from.
#[derive(Debug)]
pub struct Speakers<K> {
    voices: HashMap<K, Voice>,
    forwarded: HashSet<K>,
    limit: usize,
    reported: Vec<(K, u8)>,
    since: Option<Instant>,
}

impl<K: Copy + Eq + Hash + Ord> Speakers<K> {
    /// At most `limit` microphones are forwarded.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { voices: HashMap::new(), forwarded: HashSet::new(), limit, reported: vec![], since: None }
    }

    /// A microphone is there (silent).
    pub fn add(&mut self, key: K) {
        self.voices.entry(key).or_default();
        if self.forwarded.len() < self.limit {
            self.forwarded.insert(key);
        }
    }

    /// It is gone or muted.
    pub fn remove(&mut self, key: K) {
        self.voices.remove(&key);
        self.forwarded.remove(&key);
    }

    /// One packet's level; true if the microphone is to be forwarded.
    pub fn heard(&mut self, key: K, level: Option<u8>, now: Instant) -> bool {
        let Some(voice) = self.voices.get_mut(&key) else { return false };
        // A client that sends no levels cannot be ranked; treat it as quiet speech.
        let level = level.unwrap_or(SPEECH);
        voice.score = (voice.score * 7 + u32::from(127 - level.min(127)) * 8) / 8;
        if level <= SPEECH {
            voice.loud_packets += 1;
            voice.sum += u32::from(level);
            voice.loudest = voice.loudest.max(127 - level);
            voice.last_loud = Some(now);
        }
        if self.forwarded.contains(&key) {
            return true;
        }
        if self.forwarded.len() < self.limit {
            return self.forwarded.insert(key);
        }
        level <= SPEECH && self.replace_quietest(key, now)
    }

    fn replace_quietest(&mut self, key: K, now: Instant) -> bool {
        let score = self.voices.get(&key).map_or(0, |voice| voice.score);
        let quietest = self
            .forwarded
            .iter()
            .filter_map(|member| self.voices.get(member).map(|voice| (member, voice)))
            .filter(|(_, voice)| voice.last_loud.is_none_or(|at| now.saturating_duration_since(at) > HOLD))
            .min_by_key(|(member, voice)| (voice.score, **member))
            .map(|(member, voice)| (*member, voice.score));
        match quietest {
            Some((member, least)) if least < score => {
                self.forwarded.remove(&member);
                self.forwarded.insert(key)
            }
            Some(_) | None => false,
        }
    }

    /// The speakers (loudest first, 0.0..=1.0 in eighths) if they changed since the last list.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<(K, f32)>> {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < INTERVAL {
            return None;
        }
        self.since = Some(now);
        let mut speakers: Vec<(K, u8)> = self
            .voices
            .iter()
            .filter(|(_, voice)| voice.loud_packets >= SPEECH_PACKETS)
            .map(|(key, voice)| (*key, eighths(voice.sum / voice.loud_packets)))
            .collect();
        for voice in self.voices.values_mut() {
            (voice.loud_packets, voice.sum, voice.loudest) = (0, 0, 0);
        }
        speakers.sort_by_key(|(key, level)| (std::cmp::Reverse(*level), *key));
        if speakers == self.reported {
            return None;
        }
        self.reported.clone_from(&speakers);
        Some(speakers.into_iter().map(|(key, level)| (key, f32::from(level) / 8.0)).collect())
    }

    /// When [`Speakers::poll`] may have something.
    #[must_use]
    pub fn due(&self, now: Instant) -> Option<Instant> {
        if self.voices.is_empty() && self.reported.is_empty() {
            return None;
        }
        Some(self.since.map_or(now, |since| since + INTERVAL))
    }
}

/// -dBov to eighths of full scale, louder speech being nearer 1: 0 dBov = 8, -35 dBov = 1.
fn eighths(level: u32) -> u8 {
    u8::try_from(8 - (level.min(35) * 7).div_ceil(35)).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speak(room: &mut Speakers<u32>, who: u32, level: u8, start: Instant, time: Duration) -> bool {
        let mut passed = Duration::ZERO;
        let mut forwarded = false;
        while passed < time {
            forwarded = room.heard(who, Some(level), start + passed);
            passed += Duration::from_millis(20);
        }
        forwarded
    }

    #[test]
    fn speech_is_reported_once_and_its_end_too() {
        let now = Instant::now();
        let mut room = Speakers::new(12);
        room.add(1);
        room.add(2);
        assert!(room.poll(now).is_none());
        speak(&mut room, 1, 20, now, INTERVAL);
        speak(&mut room, 2, 60, now, INTERVAL);
        let speakers = room.poll(now + INTERVAL).expect("a change");
        assert_eq!(speakers, [(1, 0.5)]);
        speak(&mut room, 1, 20, now + INTERVAL, INTERVAL);
        assert!(room.poll(now + INTERVAL * 2).is_none(), "nothing changed");
        assert_eq!(room.poll(now + INTERVAL * 3), Some(vec![]), "silence");
    }

    #[test]
    fn a_click_is_not_a_speaker() {
        let now = Instant::now();
        let mut room = Speakers::new(12);
        room.add(1);
        assert!(room.poll(now).is_none());
        speak(&mut room, 1, 5, now, Duration::from_millis(60));
        assert!(room.poll(now + INTERVAL).is_none());
    }

    #[test]
    fn only_the_loudest_are_forwarded_and_a_new_voice_gets_in_at_once() {
        let now = Instant::now();
        let mut room = Speakers::new(3);
        for who in 0..30 {
            room.add(who);
        }
        let second = Duration::from_secs(1);
        let forwarded = (0..30).filter(|who| speak(&mut room, *who, 70, now, second)).count();
        assert_eq!(forwarded, 3);
        assert!(room.heard(29, Some(15), now + second), "its first loud packet passes");
        assert_eq!(room.forwarded.len(), 3);
        room.remove(29);
        assert!(!room.heard(29, Some(0), now + second), "what was removed is not heard");
    }
}
