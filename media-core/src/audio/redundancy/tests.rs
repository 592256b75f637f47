//! What is wrapped comes out again, and junk harms nobody.

use proptest::prelude::*;

use super::*;
use crate::audio::opus::{Decoder, Encoder};
use crate::audio::parity::Mender;
use crate::receive::loss::Loss;
use crate::testing::{Seeded, Speech};

const FAR: Conditions = Conditions {
    loss: Loss { share: 0.3, burst: 1.4 },
    budget: Bitrate::kbps(91),
    near: false,
    thin: false,
    foreign: false,
};

fn packets(settings: EncoderSettings) -> Vec<Bytes> {
    packets_of(PACKET_SAMPLES, settings)
}

fn packets_of(frame: usize, settings: EncoderSettings) -> Vec<Bytes> {
    let said = Speech::new(3, 48_000).take(96_000);
    let mut encoder = Encoder::new(settings).unwrap();
    said.chunks_exact(frame).map(|f| encoder.encode(f).unwrap().unwrap()).collect()
}

#[test]
fn without_loss_nothing_is_added() {
    let calm = Conditions { loss: Loss::default(), ..FAR };
    let mut redundancy = Redundancy::new(Plan::of(calm));
    for (n, packet) in packets(EncoderSettings::default()).into_iter().enumerate() {
        assert_eq!(redundancy.wrap(packet.clone(), n as u32 * 960), packet);
    }
}

#[test]
fn every_copy_is_the_packet_that_was_sent_however_long_packets_are() {
    let of = |budget: u32, share: f32, burst: f32| {
        Plan::of(Conditions { loss: Loss { share, burst }, budget: Bitrate::kbps(budget), ..FAR })
    };
    let plans = [of(94, 0.05, 1.0), of(94, 0.2, 9.0), of(44, 0.2, 1.2), of(44, 0.05, 1.0), of(27, 0.1, 1.0)];
    assert_eq!(plans.map(|plan| plan.frame), [960, 960, 2880, 1920, 5760]);
    for plan in plans {
        assert!(plan.copies > 0, "{plan:?}");
        let sent = packets_of(plan.frame, plan.settings(Bitrate::kbps(64), false));
        let mut redundancy = Redundancy::new(plan);
        let start = u32::MAX - 3000;
        for (n, packet) in sent.iter().enumerate() {
            let wrapped = redundancy.wrap(packet.clone(), start.wrapping_add((n * plan.frame) as u32));
            let copies: Vec<Copy<'_>> = carried(&wrapped).collect();
            assert_eq!(copies.len(), (n / usize::from(plan.apart)).min(usize::from(plan.copies)), "{plan:?}");
            for copy in copies {
                assert_eq!(copy.earlier, u32::from(copy.back) * plan.frame as u32);
                assert_eq!(packet::strip(&sent[n - usize::from(copy.back)]).as_deref(), Some(copy.packet));
            }
            assert_eq!(Decoder::samples(&wrapped), Some(plan.frame));
        }
    }
}

#[test]
fn copies_stand_as_far_apart_as_losses_are_long() {
    let runs = |burst| Plan::of(Conditions { loss: Loss { share: 0.2, burst }, ..FAR });
    assert_eq!((runs(5.0).apart, runs(5.0).copies, runs(5.0).frame), (5, 2, 960));
    assert_eq!(runs(20.0).apart, 6, "later ones would not be waited for");
    assert_eq!(runs(5.0).dred, 0);
    let roomy = Conditions { loss: Loss { share: 0.2, burst: 5.0 }, budget: Bitrate::kbps(140), near: true, ..FAR };
    assert!(Plan::of(roomy).dred > 0);
}

/// What of a minute is not made good where so much is lost by chance, and kilobits a second on the wire.
fn left_over(share: f32) -> (f64, f64) {
    let plan = Plan::of(Conditions { loss: Loss { share, burst: 1.0 }, budget: Bitrate::kbps(94), ..FAR });
    assert!(plan.sums.0 > 0 && plan.copies == 0, "{plan:?}");
    let said = packets_of(plan.frame, plan.settings(Bitrate::kbps(64), false));
    let (mut redundancy, mut mender, mut chance) = (Redundancy::new(plan), Mender::default(), Seeded::new(5));
    let count = 60 * 48_000 / plan.frame;
    let sent = |n: usize| &said[n % said.len()];
    let (mut came, mut bits) = (vec![false; count], 0);
    for n in 0..count {
        let wrapped = redundancy.wrap(sent(n).clone(), (n * plan.frame) as u32);
        assert!(wrapped.len() <= MAX_PACKET + 10, "{} bytes", wrapped.len());
        bits += 8 * wrapped.len() + OVERHEAD as usize;
        if chance.unit() < f64::from(share) {
            continue;
        }
        came[n] = true;
        let mut found = mender.packet(n as i64, packet::strip(&wrapped).unwrap());
        for (frame, sum) in sums(&wrapped) {
            assert_eq!(frame as usize, plan.frame);
            found.extend(mender.sum(n as i64, &sum));
        }
        for (sequence, bytes) in found {
            let lost = usize::try_from(sequence).unwrap();
            assert_eq!(packet::strip(sent(lost)).as_deref(), Some(&bytes[..]), "byte for byte");
            if n - lost <= usize::from(plan.sums.1) {
                came[lost] = true;
            }
        }
    }
    let lost = came.iter().filter(|came| !**came).count();
    (lost as f64 / count as f64, bits as f64 / 60_000.0)
}

#[test]
fn what_chance_takes_sums_bring_back_for_no_more_than_others_spend() {
    for (share, most) in [(0.1, 0.006), (0.2, 0.008), (0.3, 0.008), (0.5, 0.03)] {
        let (lost, kbps) = left_over(share);
        assert!(lost < most, "{lost} of {share} is lost");
        assert!(kbps < 91.5, "{kbps} kbit/s at {share}");
    }
}

#[test]
fn a_pause_ends_the_line_of_packets_in_a_sum() {
    let plan = Plan::of(Conditions { loss: Loss { share: 0.2, burst: 1.0 }, budget: Bitrate::kbps(94), ..FAR });
    let sent = packets_of(plan.frame, plan.settings(Bitrate::kbps(64), false));
    let mut redundancy = Redundancy::new(plan);
    let packets = |wrapped: &Bytes| sums(wrapped).next().map(|(_, sum)| sum.packets);
    let times = [0, 960, 1920, 9600, 10_560];
    let seen: Vec<_> =
        times.iter().zip(&sent).map(|(at, packet)| packets(&redundancy.wrap(packet.clone(), *at))).collect();
    assert_eq!(seen, [None, Some(1), Some(2), None, Some(1)]);
}

#[test]
fn in_band_correction_is_for_those_who_know_no_copies() {
    let settings = |share, foreign| {
        let loss = Loss { share, burst: 1.0 };
        Plan::of(Conditions { loss, foreign, ..FAR }).settings(Bitrate::kbps(64), false)
    };
    assert!(!settings(0.1, false).fec, "whole copies are worth more than rough ones");
    assert!(settings(0.1, true).fec);
    assert!(!settings(0.0, true).fec, "nothing is lost");
}

#[test]
fn on_a_thin_link_all_packets_are_of_one_length() {
    let thin = Conditions { loss: Loss::default(), budget: Bitrate::kbps(42), thin: true, ..FAR };
    let plan = Plan::of(thin);
    let lengths: Vec<usize> =
        packets_of(plan.frame, plan.settings(Bitrate::kbps(64), false)).iter().map(Bytes::len).collect();
    let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
    assert!(most - least <= 2, "{lengths:?}");
    assert!(*most as u32 * 8 * 25 <= plan.bitrate + 400, "{most} bytes, {plan:?}");
}

#[test]
fn where_headers_would_take_most_two_packets_share_them() {
    let of = |budget, thin, foreign| {
        let loss = Loss::default();
        Plan::of(Conditions { loss, budget: Bitrate(budget), near: true, thin, foreign })
    };
    let plan = of(10_500, true, false);
    assert!(plan.pairs && plan.frame == 5760 && plan.bitrate >= 7000, "{plan:?}");
    assert!(!of(10_500, true, true).pairs, "others would hear every other packet");
    assert!(!of(20_000, true, false).pairs);
}

#[test]
fn whatever_the_budget_it_is_kept() {
    for kbps in 9..=140 {
        for share in [0.0, 0.02, 0.1, 0.2, 0.3, 0.5, 0.9] {
            for (near, thin) in [(false, false), (true, false), (false, true)] {
                if kbps < 13 && !thin {
                    continue;
                }
                let loss = Loss { share, burst: 1.0 };
                let plan = Plan::of(Conditions { loss, budget: Bitrate::kbps(kbps), near, thin, foreign: false });
                let frames = 48_000 / plan.frame as u32;
                let each = plan.bitrate * (u32::from(plan.copies) + 1)
                    + plan.bitrate * u32::from(plan.sums.0) / u32::from(WHOLE)
                    + u32::from(plan.dred) * DRED_BITS;
                // Long packets of speech do not spend all they may, where they may be of any length.
                let long = plan.frame > 960 && !plan.constant && kbps >= 60;
                let spent = if long { each / 100 * LONG_SPEND } else { each };
                let around = if plan.pairs { (OVERHEAD + PAIR_OVERHEAD) / 2 } else { OVERHEAD };
                assert!(spent + frames * around <= kbps * 1000, "{kbps} {loss:?}: {plan:?}");
                assert!(plan.bitrate >= 5000 && [480, 960, 1920, 2880, 5760].contains(&plan.frame));
            }
        }
    }
}

#[test]
fn only_a_short_way_that_loses_nothing_gets_packets_of_10_ms() {
    let near = Conditions { loss: Loss::default(), budget: Bitrate::kbps(140), near: true, ..FAR };
    assert_eq!(Plan::of(near).frame, 480);
    assert_eq!(Plan::of(Conditions { near: false, ..near }).frame, 960);
    assert_eq!(Plan::of(Conditions { loss: Loss { share: 0.05, burst: 1.0 }, ..near }).frame, 960);
    assert_eq!(Plan::of(Conditions { budget: Bitrate::kbps(91), ..near }).frame, 960);
}

#[test]
fn a_pause_is_counted_in_time_not_in_packets() {
    let mut redundancy = Redundancy::new(Plan {
        frame: 960,
        bitrate: 16_000,
        pairs: false,
        copies: 1,
        apart: 1,
        sums: (0, 0),
        dred: 0,
        loss_percent: 5,
        constant: false,
        foreign: false,
    });
    let sent = packets(EncoderSettings::default());
    redundancy.wrap(sent[0].clone(), 0);
    let wrapped = redundancy.wrap(sent[1].clone(), 960 * 30);
    let copy = carried(&wrapped).next().unwrap();
    assert_eq!((copy.earlier, copy.back), (960 * 30, 1));
    redundancy.forget();
    assert_eq!(carried(&redundancy.wrap(sent[2].clone(), 960 * 31)).count(), 0);
}

proptest! {
    #[test]
    fn junk_in_sums_is_bounded(junk in proptest::collection::vec(any::<u8>(), 0..600)) {
        let packet = packet::extend(&[0x48, 1, 2, 3], EXTENSION, &[&SUMS[..], &junk].concat()).unwrap();
        let mut mender = Mender::default();
        for (frame, sum) in sums(&packet).chain(sums(&junk)) {
            prop_assert!((480..=5760).contains(&frame) && sum.bytes.len() <= MAX_PACKET);
            mender.sum(40, &sum);
        }
    }

    #[test]
    fn junk_carries_nothing_that_is_not_bounded(junk in proptest::collection::vec(any::<u8>(), 0..400)) {
        let packet = packet::extend(&[0x48, 1, 2, 3], EXTENSION, &[&MARK[..], &junk].concat()).unwrap();
        for copy in carried(&packet).chain(carried(&junk)) {
            prop_assert!(!copy.packet.is_empty() && copy.packet.len() <= MAX_COPY);
            prop_assert!(copy.earlier > 0 && copy.back > 0);
        }
    }

    #[test]
    fn lengths_come_back(len in 0_usize..1275) {
        let mut out = BytesMut::new();
        put_length(&mut out, len);
        prop_assert_eq!(take_length(&out), Some((len, &[][..])));
    }
}
