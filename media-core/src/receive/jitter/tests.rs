//! Delay, loss and drift in virtual time.

use proptest::prelude::*;

use super::*;
use crate::testing::{LossyNetwork, Weather};

fn ms(n: u64) -> MediaTime {
    MediaTime::from_micros(n * 1000)
}

/// Sends numbered packets through a network and plays; answers what was played, packet numbers or made up.
fn run(weather: Weather, packets: u16) -> (Vec<Next>, Jitter) {
    let mut network = LossyNetwork::new(5, weather);
    let mut jitter = Jitter::new();
    let mut played = Vec::new();
    for tick in 0..u64::from(packets) * 2 + 100 {
        let now = ms(tick * 10);
        if tick.is_multiple_of(2) && tick / 2 < u64::from(packets) {
            let n = (tick / 2) as u16;
            network.send(n, now);
        }
        while let Some((at, n)) = network.receive(now) {
            jitter.insert(n.wrapping_add(65_000), u32::from(n) * 960, 960, Bytes::from(n.to_be_bytes().to_vec()), at);
        }
        if tick.is_multiple_of(2) {
            played.push(jitter.next(now, 0));
        }
        assert!(jitter.held() <= MAX_PACKETS);
    }
    (played, jitter)
}

fn packets(played: &[Next]) -> usize {
    played.iter().filter(|n| matches!(n, Next::Packet(_))).count()
}

#[test]
fn a_quiet_network_costs_the_least_delay_and_nothing_else() {
    let (played, jitter) = run(Weather { delay: Duration::from_millis(40), ..Weather::CLEAR }, 500);
    assert_eq!(packets(&played), 500);
    assert_eq!(jitter.target(), MIN_TARGET);
    assert_eq!(jitter.stats(), JitterStats { received: 500, ..JitterStats::default() });
}

#[test]
fn the_delay_follows_the_jitter() {
    let weather = Weather { jitter: Duration::from_millis(80), ..Weather::CLEAR };
    let (played, jitter) = run(weather, 2000);
    assert!(
        jitter.target() > Duration::from_millis(60) && jitter.target() < Duration::from_millis(110),
        "{:?}",
        jitter.target()
    );
    assert!(packets(&played) > 1850, "{} of 2000 played", packets(&played));
}

/// A packet every 20 ms; in the seconds `held_up` names, whatever was sent in its first 40 ms comes at their end.
fn held_up(seconds: u64, held_up: impl Fn(u64) -> bool) -> Vec<(u64, Next, Duration)> {
    let mut jitter = Jitter::new();
    let mut played = Vec::new();
    for tick in 0..seconds * 100 {
        for n in 0..seconds * 50 {
            let sent = n * 20;
            let comes = if held_up(sent / 1000) && sent % 1000 < 40 { sent / 1000 * 1000 + 40 } else { sent };
            if comes / 10 == tick {
                jitter.insert(n as u16, n as u32 * 960, 960, Bytes::from(n.to_be_bytes().to_vec()), ms(comes));
            }
        }
        if tick.is_multiple_of(2) {
            played.push((tick * 10, jitter.next(ms(tick * 10 + 1), 0), jitter.target()));
        }
    }
    played
}

#[test]
fn one_hold_up_is_not_waited_for() {
    let played = held_up(8, |second| second == 3);
    assert!(played.iter().all(|(_, _, target)| *target < Duration::from_millis(30)));
}

#[test]
fn hold_ups_that_come_again_are_heard_no_more() {
    let played = held_up(30, |second| second % 3 == 1 && second < 14);
    let gaps = |from: u64, to: u64| {
        let mut some = played.iter().filter(|(at, _, _)| *at > from && *at < to);
        some.any(|(_, next, _)| !matches!(next, Next::Packet(_)))
    };
    assert!(gaps(500, 2_000), "the first one nobody expects");
    assert!(!gaps(7_500, 14_000), "those after the second are expected");
    let last = played.last().map(|(_, _, target)| *target);
    assert_eq!(last, Some(MIN_TARGET), "and forgotten when they stop");
}

#[test]
fn a_lost_packet_is_restored_from_the_next() {
    let mut jitter = Jitter::new();
    for n in [0_u16, 1, 3, 4] {
        jitter.insert(n, u32::from(n) * 960, 960, Bytes::from(vec![n as u8]), ms(u64::from(n) * 20));
    }
    let now = ms(100);
    let played: Vec<Next> = (0..5).map(|_| jitter.next(now, 0)).collect();
    let packet = |n: u8| Next::Packet(Bytes::from(vec![n]));
    assert_eq!(
        played,
        [
            packet(0),
            packet(1),
            Next::Restore { next: Bytes::from(vec![3]), before: 960, samples: 960 },
            packet(3),
            packet(4)
        ]
    );
    assert_eq!(jitter.stats().lost, 1);
}

#[test]
fn what_came_together_is_played_one_after_the_other() {
    let mut jitter = Jitter::new();
    let pair = |n: u8| [(5760, Bytes::from(vec![n])), (5760, Bytes::from(vec![n + 1]))];
    for n in 0..3_u8 {
        let at = ms(240 * u64::from(n + 1));
        jitter.insert_together(n.into(), u32::from(n) * 11_520, &pair(2 * n), at);
        // The next pair comes 240 ms later: it must have been waited for from the first one on.
        for (half, wait) in [(0, 10), (1, 130)] {
            let next = jitter.next(ms(240 * u64::from(n + 1) + wait), 0);
            assert_eq!(next, Next::Packet(Bytes::from(vec![2 * n + half])));
        }
    }
    assert_eq!((jitter.stats().received, jitter.stats().lost, jitter.stats().late), (3, 0, 0));
    jitter.insert_together(2, 2 * 11_520, &pair(4), ms(730));
    assert_eq!(jitter.stats().late, 2, "twice the same");
}

#[test]
fn a_pause_is_not_a_loss() {
    let mut jitter = Jitter::new();
    jitter.insert(0, 0, 960, Bytes::from_static(b"a"), ms(0));
    assert_eq!(jitter.next(ms(20), 0), Next::Packet(Bytes::from_static(b"a")));
    // Silence is not sent; the next packet has the next number and a far timestamp.
    let quiet: Vec<Next> = (0..20).map(|n| jitter.next(ms(40 + n * 20), 0)).collect();
    assert!(quiet.iter().filter(|n| matches!(n, Next::Conceal(_))).count() <= 3);
    assert_eq!(quiet.last(), Some(&Next::Silence));
    jitter.insert(1, 48_000, 960, Bytes::from_static(b"b"), ms(1000));
    assert_eq!(jitter.next(ms(1020), 0), Next::Packet(Bytes::from_static(b"b")));
    assert_eq!(jitter.stats().lost, 0);
}

#[test]
fn a_packet_after_its_turn_is_late() {
    let mut jitter = Jitter::new();
    jitter.insert(0, 0, 960, Bytes::from_static(b"a"), ms(0));
    jitter.insert(2, 1920, 960, Bytes::from_static(b"c"), ms(40));
    for _ in 0..3 {
        jitter.next(ms(60), 0);
    }
    jitter.insert(1, 960, 960, Bytes::from_static(b"b"), ms(61));
    assert_eq!(jitter.stats().late, 1);
    assert_eq!(jitter.held(), 0);
}

#[test]
fn a_burst_is_bounded() {
    let mut jitter = Jitter::new();
    for n in 0..5000_u16 {
        jitter.insert(n, u32::from(n) * 960, 960, Bytes::from_static(b"x"), ms(1));
        assert!(jitter.held() <= 51, "{} held", jitter.held());
    }
}

#[test]
fn a_sender_that_starts_anew_is_heard_again() {
    let mut jitter = Jitter::new();
    for n in 0..10_u16 {
        jitter.insert(n, u32::from(n) * 960, 960, Bytes::from_static(b"x"), ms(u64::from(n) * 20));
        jitter.next(ms(u64::from(n) * 20 + 16), 0);
    }
    jitter.insert(40_000, 3_000_000_000, 960, Bytes::from_static(b"new"), ms(300));
    assert_eq!(jitter.next(ms(320), 0), Next::Packet(Bytes::from_static(b"new")));
}

proptest! {
    #[test]
    fn whatever_comes_is_bounded_and_never_panics(
        packets in proptest::collection::vec((any::<u16>(), any::<u32>(), 0_usize..7000, 0_u64..40), 1..400),
    ) {
        let mut jitter = Jitter::new();
        let mut now = 0;
        for (sequence, time, len, wait) in packets {
            now += wait;
            jitter.insert(sequence, time, len, Bytes::from_static(b"x"), ms(now));
            jitter.next(ms(now), 0);
            prop_assert!(jitter.held() <= MAX_PACKETS);
            prop_assert!(jitter.target() >= MIN_TARGET && jitter.target() <= MAX_TARGET);
        }
    }
}

#[test]
fn a_lost_packet_that_a_later_one_carried_is_played_in_its_place() {
    let mut jitter = Jitter::new();
    let (now, packet) = (ms(100), |n: u8| Bytes::from(vec![n]));
    jitter.insert(0, 0, 960, packet(0), now);
    assert_eq!(jitter.next(ms(120), 0), Next::Packet(packet(0)));
    jitter.insert(1, 960, 960, packet(1), now);
    jitter.insert(3, 3 * 960, 960, packet(3), now);
    jitter.insert_carried((3, 3 * 960), Carried { rank: 1, back: 1, earlier: 960 }, 960, packet(2), now);
    // What is here already is not taken twice.
    jitter.insert_carried((3, 3 * 960), Carried { rank: 2, back: 2, earlier: 2 * 960 }, 960, packet(9), now);
    let played: Vec<Next> = (0..3).map(|_| jitter.next(ms(140), 0)).collect();
    assert_eq!(played, [1, 2, 3].map(|n| Next::Packet(packet(n))));
    assert_eq!((jitter.stats().carried, jitter.stats().lost), (1, 0));
}

#[test]
fn copies_that_come_too_late_make_the_buffer_wait_for_the_next() {
    let mut jitter = Jitter::new();
    let before = jitter.target();
    for n in 0..100_u16 {
        let (now, time) = (ms(100 + u64::from(n) * 20), u32::from(n) * 960);
        // Every fourth is lost; its copy comes with the packet two later.
        if n % 4 != 1 {
            jitter.insert(n, time, 960, Bytes::from(vec![1]), now);
            if n % 4 == 3 {
                let carried = Carried { rank: 1, back: 2, earlier: 2 * 960 };
                jitter.insert_carried((n, time), carried, 960, Bytes::from(vec![2]), now);
            }
        }
        jitter.next(ms(116 + u64::from(n) * 20), 0);
    }
    assert!(before < Duration::from_millis(20), "{before:?}");
    assert!(jitter.target() >= Duration::from_millis(40), "{:?}", jitter.target());
}

#[test]
fn what_later_packets_tell_of_is_waited_for() {
    let mut jitter = Jitter::new();
    for n in 0..200_u16 {
        // Little is lost, then nothing: who tells so much has seen more, and the delay stays.
        if n % 20 == 5 && n < 80 {
            continue;
        }
        let (time, now) = (u32::from(n) * 960, ms(1000 + u64::from(n) * 20));
        jitter.insert(n, time, 960, Bytes::from_static(&[1]), now);
        jitter.covered(time, 8 * 960, now);
        if n > 80 {
            // Found out from sums, but much too late: nobody waits for such.
            let late = Carried { rank: 0, back: 16, earlier: 16 * 960 };
            jitter.insert_carried((n, time), late, 960, Bytes::from_static(&[2]), now);
        }
        jitter.next(now, 0);
    }
    let target = jitter.target().as_millis();
    assert!((160..=180).contains(&target), "{target} ms: eight packets and a tick");
}
