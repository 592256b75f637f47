//! Order out of any order, within bounds.

use proptest::prelude::*;

use super::*;

const PATIENCE: Duration = Duration::from_millis(100);

fn ms(n: u64) -> MediaTime {
    MediaTime::from_micros(n * 1000)
}

fn drain(order: &mut Reorder<u16>, now: MediaTime) -> Vec<Ordered<u16>> {
    std::iter::from_fn(|| order.pop(now)).collect()
}

#[test]
fn packets_that_overtake_each_other_come_out_in_order() {
    let mut order = Reorder::new(PATIENCE);
    for n in [65_534, 0, 65_535, 2, 1, 1] {
        order.insert(n, n, ms(0));
    }
    let out = drain(&mut order, ms(1));
    assert_eq!(out, [65_534, 65_535, 0, 1, 2].map(Ordered::Packet));
    assert_eq!(order.waiting(), 0);
}

#[test]
fn a_missing_packet_is_waited_for_and_then_given_up() {
    let mut order = Reorder::new(PATIENCE);
    order.insert(1, 1, ms(0));
    order.insert(4, 4, ms(10));
    assert_eq!(drain(&mut order, ms(50)), [Ordered::Packet(1)]);
    assert_eq!(drain(&mut order, ms(110)), [Ordered::Gap(2), Ordered::Packet(4)]);
    order.insert(2, 2, ms(111));
    assert_eq!((order.lost(), order.late(), order.waiting()), (2, 1, 0));
}

#[test]
fn a_sender_that_starts_anew_is_followed() {
    let mut order = Reorder::new(PATIENCE);
    order.insert(100, 100, ms(0));
    drain(&mut order, ms(0));
    order.insert(30_000, 30_000, ms(1));
    assert_eq!(drain(&mut order, ms(200)), [Ordered::Gap(1), Ordered::Packet(30_000)]);
}

proptest! {
    #[test]
    fn any_numbers_stay_bounded_and_rise(numbers in proptest::collection::vec((any::<u16>(), 0_u64..30), 0..2000)) {
        let mut order = Reorder::new(PATIENCE);
        let mut now = 0;
        for (number, wait) in numbers {
            now += wait;
            order.insert(number, number, ms(now));
            drain(&mut order, ms(now));
            prop_assert!(order.waiting() <= Reorder::<u16>::CAPACITY);
        }
    }

    #[test]
    fn a_shuffled_window_comes_out_whole(start in any::<u16>(), swaps in proptest::collection::vec(0_usize..8, 200)) {
        let mut numbers: Vec<u16> = (0..200).map(|n| start.wrapping_add(n)).collect();
        for (at, by) in swaps.iter().enumerate().skip(1) {
            let other = (at + by).min(199);
            numbers.swap(at, other);
        }
        let mut order = Reorder::new(PATIENCE);
        let mut out = Vec::new();
        for n in numbers {
            order.insert(n, n, ms(0));
            out.extend(drain(&mut order, ms(0)));
        }
        prop_assert_eq!(out, (0..200).map(|n| Ordered::Packet(start.wrapping_add(n))).collect::<Vec<_>>());
    }
}
