//! How a ring between two clocks is kept steady, in virtual time.

use super::*;

/// Fill after so many blocks, of a ring whose device is so many ppm slow and that begins with `fill`.
fn lives(steady: &mut Steady, fill: f64, ppm: f64, blocks: u32) -> f64 {
    let mut fill = fill;
    for _ in 0..blocks {
        fill -= steady.excess(fill, Some(0.0));
        fill += 0.010 * (ppm / 1e6 - steady.bend());
    }
    fill
}

#[test]
fn what_piled_up_before_a_device_began_is_gone_within_a_second() {
    let mut steady = Steady::new();
    let fill = lives(&mut steady, 0.140, 0.0, 100);
    assert!(fill < 0.020, "{fill} s still wait");
}

#[test]
fn a_later_hold_up_is_bent_away_and_not_cut() {
    let mut steady = Steady::new();
    lives(&mut steady, 0.008, 0.0, 1_000);
    let mut cut = 0.0;
    let mut fill = 0.060;
    for _ in 0..3_000 {
        cut += steady.excess(fill, Some(0.0));
        fill -= 0.010 * steady.bend();
    }
    assert_eq!(cut, 0.0);
    assert!(fill < 0.005, "{fill} s still wait");
}

#[test]
fn clocks_that_differ_by_200_ppm_neither_fill_nor_empty_it() {
    for ppm in [-200.0, 200.0] {
        let mut steady = Steady::new();
        let fill = lives(&mut steady, 0.008, ppm, 360_000);
        assert!((0.0..0.005).contains(&fill), "{fill} s after an hour at {ppm} ppm");
    }
}

#[test]
fn what_was_late_once_may_be_late_again() {
    // Every three seconds a call comes so late that 10 ms are missing for a moment.
    let mut steady = Steady::new();
    let (mut fill, mut lowest) = (0.030, f64::INFINITY);
    for block in 0..10_000 {
        let late = if block % 300 == 0 { 0.010 } else { 0.0 };
        fill -= steady.excess(fill - late, Some(0.0));
        fill -= 0.010 * steady.bend();
        if block > 3_000 {
            lowest = lowest.min(fill - late);
        }
    }
    assert!((0.0..0.004).contains(&lowest), "{lowest} s at the least");
}

#[test]
fn running_dry_adds_what_was_missing_and_gives_it_back_only_later() {
    let mut steady = Steady::new();
    lives(&mut steady, 0.002, 0.0, 3_000);
    let before = steady.margin();
    steady.ran_dry(0.008);
    assert!(steady.margin() > before + 0.008);
    let fill = steady.margin();
    lives(&mut steady, fill, 0.0, 1_500);
    assert!(steady.margin() > before + 0.008);
    let fill = steady.margin();
    lives(&mut steady, fill, 0.0, 6_000);
    assert!(steady.margin() < before + 0.001);
}

#[test]
fn a_block_is_kept_in_reserve_where_call_and_block_nearly_meet() {
    let at = |micros: u64| MediaTime::from_micros(1_000_000 + micros);
    for (apart, wanted) in [(200, true), (9_900, false), (5_000, false), (1_000, true), (3_000, false)] {
        let mut reserve = Reserve::new();
        let kept =
            (0..500).map(|block| reserve.step(at(block * 10_000), at(block * 10_000 + apart), 0.010, false)).last();
        assert_eq!(kept, Some(if wanted { 0.010 } else { 0.0 }), "{apart} us apart");
    }
    // Now before, now after: they meet.
    let mut reserve = Reserve::new();
    for block in 0..500 {
        reserve.step(at(block * 10_000), at(block * 10_000 + if block % 7 == 0 { 100 } else { 9_900 }), 0.010, false);
    }
    assert_eq!(reserve.step(at(0), at(9_900), 0.010, false), 0.010);
}

#[test]
fn of_a_device_that_calls_more_often_than_the_engine_only_a_piece_is_kept() {
    let at = |micros: u64| MediaTime::from_micros(1_000_000 + micros);
    for (every, apart, kept) in [(2_500, 2_000, 0.0), (2_500, 300, 0.002_5), (5_000, 100, 0.005), (500, 400, 0.000_5)] {
        let mut reserve = Reserve::new();
        let piece = every as f64 / 1e6;
        let seconds = (0..500).map(|block| reserve.step(at(block * 10_000), at(block * 10_000 + apart), piece, false));
        assert_eq!(seconds.last(), Some(kept), "calls every {every} us, {apart} us apart");
    }
    // One call that brings what piled up is remembered for ten seconds, and then no more.
    let mut reserve = Reserve::new();
    let mut step = |block: u64, piece| reserve.step(at(block * 10_000), at(block * 10_000 + 100), piece, false);
    let kept = (0..2_500).map(|block| step(block, if block == 150 { 0.008 } else { 0.000_5 })).collect::<Vec<_>>();
    assert_eq!((kept[900], kept[2_400]), (0.008, 0.000_5));
}
