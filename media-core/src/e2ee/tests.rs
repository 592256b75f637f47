//! The frame format against an independent implementation, and that everything else fails closed.

use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn ring() -> KeyRing {
    KeyRing::with(FrameKey::from_bytes(&[7; 16]).unwrap())
}

fn pair() -> (Sealer, Opener) {
    let ring = ring();
    (Sealer::new(ring.clone()).unwrap(), Opener::new(ring, Bytes::from_static(b"made by the server")))
}

fn h264(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0x67, 0x42, 0xC0, 0x1F, 0, 0, 0, 1, 0x68, 0xCE, 0, 0, 0, 1, 0x65, 0xB8];
    frame.extend_from_slice(payload);
    frame
}

#[test]
fn frames_of_an_independent_implementation_open() {
    let mut seen = 0;
    for line in include_str!("../../tests/vectors/sealed-frames.txt").lines().filter(|l| !l.starts_with('#')) {
        let [kind, how, secret, slot, frame, sealed] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("six fields: {line}")
        };
        let secret = bytes(secret);
        let key = match how {
            "pbkdf2" => FrameKey::from_passphrase(std::str::from_utf8(&secret).unwrap()).unwrap(),
            _ => FrameKey::from_material(&secret).unwrap(),
        };
        let ring = KeyRing::new();
        ring.set(slot.parse().unwrap(), key);
        let opener = Opener::new(ring, Bytes::new());
        let (frame, sealed) = (bytes(frame), bytes(sealed));
        let opened = match kind {
            "opus" => opener.open(Codec::Opus, &sealed),
            "vp8" => opener.open(Codec::Vp8, &sealed),
            "h264" => opener.open(Codec::H264, &sealed),
            _ => opener.open_data(slot.parse().unwrap(), &sealed[..12], &sealed[12..]),
        };
        assert_eq!(opened.as_deref(), Ok(&frame[..]), "{line}");
        seen += 1;
    }
    assert_eq!(seen, 8, "every vector was tried");
}

#[test]
fn what_we_seal_opens_and_stays_clear_only_where_it_must() {
    let (mut sealer, opener) = pair();
    let key_frame = h264(&[5; 500]);
    for (codec, frame, clear) in [
        (Codec::Opus, vec![0x78; 60], 1),
        (Codec::Vp8, vec![0x10; 300], 10),
        (Codec::Vp8, vec![0x31; 300], 3),
        (Codec::H264, key_frame, 20),
    ] {
        let sealed = sealer.seal(codec, &frame).unwrap();
        assert_eq!(&sealed[..clear], &frame[..clear]);
        assert!(sealed.windows(16).all(|w| w != &frame[frame.len() - 16..]), "{codec:?} left plaintext behind");
        assert_eq!(opener.open(codec, &sealed).unwrap(), frame);
    }
}

#[test]
fn sealed_h264_never_looks_like_another_start_code() {
    let (mut sealer, opener) = pair();
    for n in 0..2000_u32 {
        let frame = h264(&(n | 0x4040_4000).to_be_bytes().repeat(20));
        let sealed = sealer.seal(Codec::H264, &frame).unwrap();
        assert_eq!(crate::video::annexb::nals(&sealed).count(), 3);
        assert_eq!(opener.open(Codec::H264, &sealed).unwrap(), frame);
    }
}

#[test]
fn short_start_codes_are_made_long_before_they_are_authenticated() {
    let (mut sealer, opener) = pair();
    let sealed = sealer.seal(Codec::H264, &[0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 0xB8, 9, 9, 9]).unwrap();
    let opened = opener.open(Codec::H264, &sealed).unwrap();
    assert_eq!(&opened[..], [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x65, 0xB8, 9, 9, 9]);
}

#[test]
fn an_iv_is_never_used_twice() {
    let ring = ring();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let mut sealer = Sealer::new(ring.clone()).unwrap();
        for _ in 0..500 {
            let iv = sealer.next_iv().unwrap();
            assert!(!iv.contains(&0), "escaping would change it: {iv:?}");
            assert!(seen.insert(iv));
        }
        sealer.counter = LAST_COUNT;
        assert!(seen.insert(sealer.next_iv().unwrap()));
        assert!(seen.insert(sealer.next_iv().unwrap()), "a new prefix after the counter wraps");
        assert_eq!(sealer.counter, 1);
    }
}

#[test]
fn plaintext_is_refused() {
    let (_, opener) = pair();
    assert_eq!(opener.open(Codec::Opus, &[0x78; 60]), Err(OpenFrame::NotSealed));
    assert_eq!(opener.open(Codec::Vp8, &[0x31; 60]), Err(OpenFrame::NotSealed));
    assert_eq!(opener.open(Codec::H264, &h264(&[1; 60])), Err(OpenFrame::NotSealed));
    // Ends like a seal by chance.
    let mut unlucky = vec![0x78; 60];
    unlucky[58..].copy_from_slice(&[12, 0]);
    assert_eq!(opener.open(Codec::Opus, &unlucky), Err(OpenFrame::WrongKey));
}

#[test]
fn another_key_or_a_changed_byte_does_not_open() {
    let (mut sealer, opener) = pair();
    let sealed = sealer.seal(Codec::Opus, &[0x78; 60]).unwrap();
    let stranger = Opener::new(KeyRing::with(FrameKey::from_bytes(&[8; 16]).unwrap()), Bytes::new());
    assert_eq!(stranger.open(Codec::Opus, &sealed), Err(OpenFrame::WrongKey));
    let keyless = Opener::new(KeyRing::new(), Bytes::new());
    assert_eq!(keyless.open(Codec::Opus, &sealed), Err(OpenFrame::NoKey(0)));
    for at in 0..sealed.len() {
        let mut changed = sealed.to_vec();
        changed[at] ^= 1;
        assert!(opener.open(Codec::Opus, &changed).is_err(), "byte {at} is not protected");
    }
}

#[test]
fn frames_the_server_made_are_dropped() {
    let (_, opener) = pair();
    let mut blank = vec![0xF8, 0xFF, 0xFE];
    blank.extend_from_slice(b"made by the server");
    assert_eq!(opener.open(Codec::Opus, &blank), Err(OpenFrame::ServerInjected));
}

#[test]
fn without_a_key_nothing_is_sealed() {
    let mut sealer = Sealer::new(KeyRing::new()).unwrap();
    assert_eq!(sealer.seal(Codec::Opus, &[0x78; 60]), Err(SealFrame::NoKey));
    assert_eq!(FrameKey::from_passphrase("").unwrap_err(), DeriveKey::Empty);
    let ring = ring();
    ring.clear(0);
    assert_eq!(Sealer::new(ring).unwrap().seal_data(b"x"), Err(SealFrame::NoKey));
}

#[test]
fn a_new_key_takes_over_and_the_old_one_still_opens() {
    let (mut sealer, opener) = pair();
    let old = sealer.seal(Codec::Opus, &[0x78; 60]).unwrap();
    opener.ring.set(5, FrameKey::from_bytes(&[9; 16]).unwrap());
    let new = sealer.seal(Codec::Opus, &[0x78; 60]).unwrap();
    assert_eq!((old[old.len() - 1], new[new.len() - 1]), (0, 5));
    assert!(opener.open(Codec::Opus, &old).is_ok());
    assert!(opener.open(Codec::Opus, &new).is_ok());
}

#[test]
fn data_packets_are_sealed_too() {
    let (mut sealer, opener) = pair();
    let sealed = sealer.seal_data(b"hello").unwrap();
    assert_eq!(&opener.open_data(0, &sealed.iv, &sealed.value).unwrap()[..], b"hello");
    assert_eq!(opener.open_data(0, &sealed.iv[..11], &sealed.value), Err(OpenFrame::Malformed));
    assert_eq!(opener.open_data(300, &sealed.iv, &sealed.value), Err(OpenFrame::Malformed));
    assert_eq!(opener.open_data(0, &sealed.iv, &sealed.value[1..]), Err(OpenFrame::WrongKey));
}

#[test]
fn every_length_survives() {
    let (mut sealer, opener) = pair();
    let whole = sealer.seal(Codec::H264, &h264(&[0; 200])).unwrap();
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
        for len in 0..=300 {
            for fill in [0_u8, 1, 0x65, 0x10, 0xFF] {
                let frame = vec![fill; len];
                if let Ok(sealed) = sealer.seal(codec, &frame) {
                    assert_eq!(opener.open(codec, &sealed).unwrap(), frame);
                }
                let mut tail = frame.clone();
                tail.extend_from_slice(&[12, 0]);
                assert_ne!(opener.open(codec, &tail).ok().as_deref(), Some(&tail[..]), "never passed on as it is");
            }
        }
        for len in 0..whole.len() {
            assert!(len == 0 || opener.open(codec, &whole[..len]).is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_h264_payload_comes_back(payload in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(3), any::<u8>()], 0..400)) {
        let (mut sealer, opener) = pair();
        let frame = h264(&payload);
        let long = frame::with_long_start_codes(&frame).unwrap_or(frame);
        let sealed = sealer.seal(Codec::H264, &long).unwrap();
        prop_assert_eq!(opener.open(Codec::H264, &sealed).unwrap(), long);
    }

    #[test]
    fn junk_never_opens(junk in proptest::collection::vec(any::<u8>(), 1..200)) {
        let (_, opener) = pair();
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
            prop_assert!(opener.open(codec, &junk).is_err());
        }
    }
}
