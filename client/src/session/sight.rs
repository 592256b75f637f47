//! Who reads the text of a shared screen: every client of ours says so to everybody, by a small data packet (sealed like all
//! data), when it comes and when somebody else comes. A screen is told as text only while everybody does; everyone else
//! gets H.264. Part of the session.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use media_core::e2ee::SealFrame;
use protocol::ids::UserId;

use super::Session;
use super::call::Call;
use super::hearing::data_packet;
use crate::transport::Order;

/// Topic of the data packets.
pub(super) const TOPIC: &str = "shoji.sight";
/// First byte of one: the text codec's version that is read.
const TEXT: u8 = 1;
/// Answer me: the other one has just come and does not know what we read.
const ANSWER: u8 = 1;
/// Who does not answer is asked again after so long: data may be lost, and the way for it opens late.
const AGAIN: Duration = Duration::from_millis(500);
/// Who did not answer so often has another client.
const TRIES: u32 = 20;
/// Who has just come has so long to answer: the picture of everybody else does not change for them meanwhile.
const GRACE: Duration = Duration::from_millis(1500);

/// Who said that they read text.
#[derive(Debug, Default)]
pub(super) struct Sight {
    readers: BTreeSet<UserId>,
    /// Who did not say yet.
    asked: BTreeMap<UserId, Asked>,
}

#[derive(Debug)]
struct Asked {
    since: Instant,
    tries: u32,
    /// The next time.
    due: Instant,
}

impl Sight {
    /// Whom to ask now; `others` is everybody else. Answers whether they all read, too.
    fn settle(&mut self, others: &BTreeSet<UserId>, now: Instant) -> (Vec<UserId>, bool) {
        self.readers.retain(|user| others.contains(user));
        self.asked.retain(|user, _| others.contains(user) && !self.readers.contains(user));
        let mut ask = Vec::new();
        for user in others.difference(&self.readers) {
            let asked = self.asked.entry(user.clone()).or_insert(Asked { since: now, tries: 0, due: now });
            if asked.tries < TRIES && asked.due <= now {
                (asked.tries, asked.due) = (asked.tries + 1, now + AGAIN);
                ask.push(user.clone());
            }
        }
        (ask, self.asked.values().all(|asked| now.duration_since(asked.since) < GRACE))
    }

    /// When somebody is to be asked again.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.asked.values().filter(|asked| asked.tries < TRIES).map(|asked| asked.due).min()
    }
}

/// Bytes of a packet: what is read, and whether an answer is wanted.
const fn encode(answer: bool) -> [u8; 2] {
    [TEXT, if answer { ANSWER } else { 0 }]
}

/// Whether the sender reads what we write, and wants an answer. Longer ones are of later versions.
const fn decode(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [version, flags, ..] if *version >= TEXT => Some(*flags & ANSWER != 0),
        _ => None,
    }
}

impl Session {
    /// Asks who reads text where that is not known, and tells the screen.
    pub(super) fn settle_sight(&mut self, now: Instant) {
        let Some(call) = &mut self.call else { return };
        let Some(crowd) = call.crowd.as_ref().filter(|_| call.up.0) else { return };
        let others = crowd.iter().map(|(user, _)| user).filter(|user| *user != crowd.me()).cloned().collect();
        let (ask, all) = call.sight.settle(&others, now);
        self.around.readership.set(all);
        for user in ask {
            self.tell_sight(&user, true);
        }
    }

    /// Someone tells what they read.
    pub(super) fn on_sight(&mut self, from: &str, payload: &[u8]) {
        let Some(answer) = decode(payload) else {
            tracing::debug!("news of sight that are none");
            return;
        };
        let Some(call) = &mut self.call else { return };
        // Only people of this meeting count, so that the list cannot be filled with names.
        let known = call.crowd.as_ref().and_then(|c| c.iter().map(|(user, _)| user).find(|u| u.as_str() == from));
        let Some(user) = known.cloned() else { return };
        call.sight.readers.insert(user.clone());
        if answer {
            self.tell_sight(&user, false);
        }
    }

    fn tell_sight(&mut self, user: &UserId, answer: bool) {
        let Some(call) = &self.call else { return };
        match packet(call, user, answer) {
            Ok(bytes) => self.order(Order::Data(bytes)),
            Err(error) => tracing::warn!(%error, "what we read was not sealed and is not told"),
        }
    }
}

fn packet(call: &Call, to: &UserId, answer: bool) -> Result<Vec<u8>, SealFrame> {
    data_packet(call, to, TOPIC, encode(answer).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(names: &[&str]) -> BTreeSet<UserId> {
        names.iter().map(|name| UserId::parse(*name).unwrap()).collect()
    }

    #[test]
    fn everybody_reads_once_everybody_said_so_and_whoever_comes_is_asked() {
        let (mut sight, now) = (Sight::default(), Instant::now());
        assert_eq!(sight.settle(&people(&[]), now), (Vec::new(), true), "nobody looks on");
        assert_eq!(sight.settle(&people(&["u_1", "u_2"]), now).0.len(), 2);
        assert_eq!(sight.settle(&people(&["u_1", "u_2"]), now), (Vec::new(), true), "not at once again, and in time");
        assert!(!sight.settle(&people(&["u_1", "u_2"]), now + GRACE).1, "nobody answered");
        sight.readers = people(&["u_1", "u_2"]);
        assert_eq!(sight.settle(&people(&["u_1", "u_2"]), now + AGAIN), (Vec::new(), true));
        assert_eq!(sight.wake(), None, "nothing is left to ask");
        assert_eq!(sight.settle(&people(&["u_1", "u_3"]), now).0.len(), 1, "somebody new");
        assert!(!sight.settle(&people(&["u_1", "u_3"]), now + GRACE).1);
        assert!(!sight.readers.contains(&UserId::parse("u_2").unwrap()), "who went is forgotten");
    }

    #[test]
    fn who_never_answers_is_left_alone_in_the_end() {
        let (mut sight, mut now, mut asked) = (Sight::default(), Instant::now(), 0);
        for _ in 0..100 {
            asked += sight.settle(&people(&["u_1"]), now).0.len();
            now += AGAIN;
        }
        assert_eq!(asked, TRIES as usize);
        assert_eq!(sight.wake(), None);
    }

    #[test]
    fn what_is_told_comes_back_and_junk_is_none() {
        assert_eq!(decode(&encode(true)), Some(true));
        assert_eq!(decode(&encode(false)), Some(false));
        assert_eq!(decode(&[2, 1, 7, 7]), Some(true), "of a later version, which reads ours, too");
        assert_eq!(decode(&[0, 1]), None);
        assert_eq!(decode(&[1]), None);
        assert_eq!(decode(&[]), None);
    }
}
