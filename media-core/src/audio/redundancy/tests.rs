//! What is wrapped comes out again, and junk harms nobody.

use proptest::prelude::*;

use super::*;
use crate::audio::opus::{Decoder, Encoder};
use crate::receive::loss::Loss;
use crate::testing::Speech;

const FAR: Conditions = Conditions { loss: Loss { share: 0.3, burst: 1.4 }, budget: Bitrate::kbps(91), near: false };

fn packets(settings: EncoderSettings) -> Vec<Bytes> {
    let said = Speech::new(3, 48_000).take(48_000);
    let mut encoder = Encoder::new(settings).unwrap();
    said.chunks_exact(PACKET_SAMPLES).map(|f| encoder.encode(f).unwrap().unwrap()).collect()
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
fn every_copy_is_the_packet_that_was_sent() {
    let plan = Plan::of(FAR);
    let sent = packets(plan.settings(Bitrate::kbps(64), false));
    let mut redundancy = Redundancy::new(plan);
    let start = u32::MAX - 3000;
    for (n, packet) in sent.iter().enumerate() {
        let wrapped = redundancy.wrap(packet.clone(), start.wrapping_add(n as u32 * 960));
        let copies: Vec<Copy<'_>> = carried(&wrapped).collect();
        assert_eq!(copies.len(), n.min(usize::from(plan.copies)));
        for copy in copies {
            assert_eq!(copy.earlier, u32::from(copy.back) * 960);
            assert_eq!(packet::strip(&sent[n - usize::from(copy.back)]).as_deref(), Some(copy.packet));
        }
        assert_eq!(Decoder::samples(&wrapped), Some(960));
    }
}

#[test]
fn copies_stand_as_far_apart_as_losses_are_long() {
    let bursts = Plan::of(Conditions { loss: Loss { share: 0.2, burst: 5.0 }, ..FAR });
    assert_eq!((bursts.apart, bursts.copies), (5, 2));
    assert_eq!(bursts.dred, 0);
    let roomy = Conditions { loss: Loss { share: 0.2, burst: 5.0 }, budget: Bitrate::kbps(140), near: true };
    assert!(Plan::of(roomy).dred > 0);
    let chance = Plan::of(Conditions { loss: Loss { share: 0.5, burst: 2.0 }, ..FAR });
    assert_eq!((chance.apart, chance.copies), (1, 4));
}

#[test]
fn whatever_the_budget_it_is_kept() {
    for kbps in 13..=140 {
        for share in [0.0, 0.02, 0.1, 0.2, 0.3, 0.5, 0.9] {
            for near in [false, true] {
                let loss = Loss { share, burst: 1.0 };
                let plan = Plan::of(Conditions { loss, budget: Bitrate::kbps(kbps), near });
                let frames = 48_000 / plan.frame as u32;
                let each = plan.bitrate * (u32::from(plan.copies) + 1) + u32::from(plan.dred) * DRED_BITS;
                assert!(each + frames * OVERHEAD <= kbps * 1000, "{kbps} {loss:?}: {plan:?}");
                assert!(plan.bitrate >= 6000 && [480, 960, 1920, 2880, 5760].contains(&plan.frame));
            }
        }
    }
}

#[test]
fn only_a_short_way_that_loses_nothing_gets_packets_of_10_ms() {
    let near = Conditions { loss: Loss::default(), budget: Bitrate::kbps(140), near: true };
    assert_eq!(Plan::of(near).frame, 480);
    assert_eq!(Plan::of(Conditions { near: false, ..near }).frame, 960);
    assert_eq!(Plan::of(Conditions { loss: Loss { share: 0.05, burst: 1.0 }, ..near }).frame, 960);
    assert_eq!(Plan::of(Conditions { budget: Bitrate::kbps(91), ..near }).frame, 960);
}

#[test]
fn a_pause_is_counted_in_time_not_in_packets() {
    let mut redundancy =
        Redundancy::new(Plan { frame: 960, bitrate: 16_000, copies: 1, apart: 1, dred: 0, loss_percent: 5 });
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
