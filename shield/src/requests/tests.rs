//! Every way a request can be written down is understood, and none can hurt.

use super::*;

fn opcodes() -> Opcodes {
    Opcodes {
        shm: Some(130),
        composite: Some(142),
        render: Some(139),
        dri2: None,
        dri3: Some(149),
        double_buffer: Some(145),
        damage: Some(143),
        record: Some(146),
    }
}

/// A request in either byte order, short or big.
fn request(major: u8, minor: u8, words: &[u32], swapped: bool, big: bool) -> Vec<u8> {
    let u16s = |n: u16| if swapped { n.swap_bytes() } else { n }.to_ne_bytes();
    let u32s = |n: u32| if swapped { n.swap_bytes() } else { n }.to_ne_bytes();
    let mut bytes = vec![major, minor];
    if big {
        bytes.extend(u16s(0));
        bytes.extend(u32s(words.len() as u32 + 2));
    } else {
        bytes.extend(u16s(words.len() as u16 + 1));
    }
    for word in words {
        bytes.extend(u32s(*word));
    }
    bytes
}

#[test]
fn a_capture_is_seen_in_every_byte_order_and_length() {
    for swapped in [false, true] {
        for big in [false, true] {
            let mut bytes = request(CREATE_WINDOW, 24, &[9, 8, 0, 0, 0, 0, 0], swapped, big);
            bytes.extend(request(GET_IMAGE, 2, &[7, 0, 0, 0], swapped, big));
            bytes.extend(request(139, 4, &[1, 7, 2, 0], swapped, big));
            bytes.extend(request(130, 4, &[7, 0, 0, 0, 0, 0, 0], swapped, big));
            let seen: Vec<Asked> = opcodes().read(&bytes, swapped).collect();
            let reads = |method| Asked::Reads { drawable: 7, method };
            let mut words = [0; 16];
            words[if swapped { 3 } else { 0 }] = 7;
            assert_eq!(
                seen,
                [
                    Asked::Creates { window: 9, parent: 8 },
                    Asked::Images { drawable: 7, words },
                    reads(Method::Render),
                    reads(Method::ShmGetImage)
                ],
                "swapped {swapped}, big {big}"
            );
        }
    }
}

#[test]
fn extensions_the_server_has_not_are_not_mistaken_for_others() {
    let bytes = request(0, 5, &[7], false, false);
    assert_eq!(opcodes().read(&bytes, false).count(), 0, "an absent extension has no opcode, not the opcode 0");
    assert!(opcodes().ranges().iter().all(|(major, ..)| *major >= 128));
}

#[test]
fn who_listens_or_meddles_is_seen() {
    let mut bytes = request(146, 5, &[3], false, false);
    bytes.extend(request(146, 7, &[3], false, false));
    bytes.extend(request(142, 7, &[1], false, false));
    let seen: Vec<Asked> = opcodes().read(&bytes, false).collect();
    assert_eq!(seen, [Asked::Listens, Asked::Meddles { context: 3 }, Asked::Overlay { window: 1 }]);
}

#[test]
fn every_length_survives() {
    let mut bytes = Vec::new();
    for major in [1, 8, 62, 63, 73, 130, 139, 142, 143, 145, 146, 149] {
        for minor in 0..9 {
            bytes.extend(request(major, minor, &[7, 8, 9], minor % 2 == 0, minor % 3 == 0));
        }
    }
    for from in 0..16 {
        for to in from..bytes.len() {
            for swapped in [false, true] {
                let seen = opcodes().read(&bytes[from..to], swapped).count();
                assert!(seen <= bytes.len() / 4);
            }
        }
    }
}
