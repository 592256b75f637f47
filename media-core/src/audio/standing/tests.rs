//! Nobody who speaks is left out, nobody takes turns with another, and nobody gains by lying.

use super::*;

/// A room, one block after the other.
struct Room(Vec<Standing>);

impl Room {
    fn of(people: usize) -> Self {
        Self(vec![Standing::new(false); people])
    }

    /// A packet of each says and its sound is so loud, in dBov.
    fn block(&mut self, says: impl Fn(usize) -> Option<f32>, is: impl Fn(usize) -> f32) {
        for (n, standing) in self.0.iter_mut().enumerate() {
            standing.says(says(n).map(|level| AudioLevel { below_full: -level as u8, voice: false }));
        }
        let mut bar = Ranks::of(self.0.iter().filter_map(Standing::promise)).bar(DECODED);
        for (n, standing) in self.0.iter_mut().enumerate() {
            standing.step(&mut bar);
            if standing.is_decoded() {
                standing.hears(is(n));
            }
        }
        let mut bar = Ranks::of(self.0.iter().filter_map(Standing::loudness)).bar(MIXED);
        self.0.iter_mut().for_each(|standing| standing.seat(&mut bar));
    }

    fn mixed(&self) -> Vec<usize> {
        (0..self.0.len()).filter(|n| self.0[*n].is_mixed()).collect()
    }

    fn decoded(&self) -> usize {
        self.0.iter().filter(|s| s.is_decoded()).count()
    }
}

#[test]
fn a_small_room_hears_everybody() {
    let mut room = Room::of(MIXED);
    room.block(|_| Some(-60.0), |_| -60.0);
    assert_eq!(room.mixed().len(), MIXED);
    assert_eq!(room.decoded(), MIXED);
}

#[test]
fn who_says_that_nothing_can_be_heard_is_not_decoded_until_something_can() {
    let mut room = Room::of(3);
    for _ in 0..500 {
        room.block(|n| Some(if n == 0 { -30.0 } else { -90.0 }), |n| if n == 0 { -30.0 } else { -90.0 });
    }
    assert_eq!((room.decoded(), room.mixed()), (1, vec![0]));
    room.block(|_| Some(-30.0), |_| -30.0);
    assert_eq!((room.decoded(), room.mixed()), (3, vec![0, 1, 2]));
    // Who says nothing of its loudness may be heard at any time.
    room.block(|_| None, |_| -90.0);
    assert_eq!(room.decoded(), 3);
}

#[test]
fn only_the_loudest_of_those_who_are_heard_are_enhanced() {
    let mut room = Room::of(20);
    for _ in 0..10 {
        room.block(|n| Some(-20.0 - n as f32), |n| -20.0 - n as f32);
    }
    let mut bar = Ranks::of(room.0.iter().filter_map(Standing::loudness)).bar(ENHANCED);
    let enhanced: Vec<_> = (0..20).filter(|n| room.0[*n].is_enhanced(&mut bar)).collect();
    assert_eq!(enhanced, [0, 1]);
}

#[test]
fn of_a_full_room_the_loudest_are_heard_and_few_more_decoded() {
    let mut room = Room::of(50);
    let level = |n: usize| if n.is_multiple_of(5) && n < 40 { -30.0 } else { -60.0 };
    for _ in 0..3 {
        room.block(|n| Some(level(n)), level);
    }
    assert_eq!(room.mixed(), [0, 5, 10, 15, 20, 25, 30, 35]);
    assert_eq!(room.decoded(), DECODED);
}

#[test]
fn who_begins_to_speak_is_heard_in_the_same_block() {
    let mut room = Room::of(50);
    for _ in 0..500 {
        room.block(|_| Some(-60.0), |_| -60.0);
    }
    assert!(!room.mixed().contains(&49));
    let level = |n: usize| if n == 49 { -30.0 } else { -60.0 };
    room.block(|n| Some(level(n)), level);
    assert!(room.mixed().contains(&49));
    // Even five at once, when the first packets are there before their sound.
    let level = |n: usize| if n >= 45 { -30.0 } else { -60.0 };
    room.block(|n| Some(level(n)), |_| -60.0);
    room.block(|n| Some(level(n)), level);
    assert!((45..50).all(|n| room.mixed().contains(&n)), "{:?}", room.mixed());
}

#[test]
fn two_voices_do_not_take_turns() {
    let mut room = Room::of(MIXED + 1);
    let mut changes = 0;
    let mut before = Vec::new();
    for block in 0..1000 {
        // All equally loud, now one, now another a little louder.
        let level = |n: usize| -30.0 - ((block / 7 + n) % 4) as f32;
        room.block(|n| Some(level(n)), level);
        changes += usize::from(block > 0 && room.mixed() != before);
        before = room.mixed();
    }
    assert_eq!(changes, 0);
    assert_eq!(before.len(), MIXED);
}

#[test]
fn a_place_is_kept_between_words() {
    let mut room = Room::of(20);
    for block in 0..600 {
        // One speaks a second and pauses half a second, all others hiss.
        let level = |n: usize| if n == 19 && block % 150 < 100 { -30.0 } else { -55.0 };
        room.block(|n| Some(level(n)), level);
        assert!(room.mixed().contains(&19), "block {block}");
    }
}

#[test]
fn who_claims_to_be_the_loudest_and_is_not_is_believed_less() {
    let mut room = Room::of(40);
    let mut looked_at = 0;
    for block in 0..6000 {
        // Twelve claim everything, the others speak a little, which they say.
        let says = |n: usize| Some(if n < 12 { 0.0 } else { -40.0 });
        let is = |n: usize| if n < 12 { -100.0 } else { -40.0 };
        room.block(says, is);
        if block > 1000 {
            looked_at += (0..12).filter(|n| room.0[*n].is_decoded()).count();
            assert!(room.mixed().iter().all(|n| *n >= 12), "{:?}", room.mixed());
            assert_eq!(room.mixed().len(), MIXED);
        }
    }
    // Now and then they get another chance, which costs little.
    assert!(looked_at < 5000 * DECODED / 4, "{looked_at}");
}

#[test]
fn a_sender_that_measures_a_little_louder_is_no_liar() {
    let mut room = Room::of(30);
    for _ in 0..2000 {
        let level = |n: usize| if n == 7 { -40.0 } else { -45.0 };
        room.block(|n| Some(level(n) + 9.0), level);
        assert!(room.mixed().contains(&7));
    }
}

#[test]
fn sound_that_comes_long_after_its_packets_is_no_lie() {
    let mut room = Room::of(30);
    for block in 0..3000_i32 {
        // One speaks a second and is silent two; the jitter buffer holds all back by 400 ms.
        let speaks = |block: i32| block.rem_euclid(300) < 100;
        let level = |n: usize, speaks: bool| if n == 3 && speaks { -20.0 } else { -60.0 };
        room.block(|n| Some(level(n, speaks(block))), |n| level(n, speaks(block - 40)));
        assert!(!speaks(block - 40) || room.mixed().contains(&3), "block {block}");
    }
    assert_eq!(room.0[3].doubt, 0.0);
}

#[test]
fn who_says_nothing_of_its_loudness_is_judged_by_ear() {
    let mut room = Room::of(30);
    for _ in 0..10 {
        room.block(|_| None, |n| if n >= 22 { -20.0 } else { -50.0 });
    }
    assert_eq!(room.decoded(), 30);
    assert_eq!(room.mixed(), (22..30).collect::<Vec<_>>());
}

#[test]
fn a_megaphone_takes_nobodys_place() {
    let mut room = Room::of(20);
    room.0[0] = Standing::new(true);
    for _ in 0..10 {
        room.block(|_| Some(-30.0), |n| if n == 0 { -127.0 } else { -30.0 });
    }
    assert!(room.0[0].is_decoded() && room.0[0].is_mixed());
    assert_eq!(room.mixed().len(), MIXED + 1);
    assert_eq!(room.decoded(), DECODED + 1);
}

#[test]
fn who_is_turned_down_gives_the_place_to_others() {
    let mut room = Room::of(30);
    for n in 0..10 {
        room.0[n].volume(0.0);
    }
    for _ in 0..10 {
        room.block(|n| Some(if n < 10 { -10.0 } else { -50.0 }), |n| if n < 10 { -10.0 } else { -50.0 });
    }
    assert!(room.mixed().iter().all(|n| *n >= 10), "{:?}", room.mixed());
}
