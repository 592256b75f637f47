//! Many people at once, and where they are heard.

use super::*;
use crate::audio::{Encoder, EncoderSettings, Pan, RemoteAudio};
use crate::rtp::Packet;
use crate::testing::tone;

/// A person with a tone of one's own, all packets at hand.
struct Person {
    id: RemoteId,
    hertz: f32,
    packets: Vec<Option<Packet>>,
}

impl Person {
    /// Begins after so many ticks, with this amplitude, and a hiss before; says so when `says`.
    fn new(number: u64, ticks: usize, begins: usize, loud: f32, says: Option<u8>) -> Self {
        let hertz = 300.0 + 100.0 * number as f32;
        let mut encoder = Encoder::new(EncoderSettings::default()).unwrap();
        let voice = tone(hertz.into(), 48_000, ticks * BLOCK);
        let packets = (0..ticks).map(|tick| {
            if tick % 2 == 1 {
                return None;
            }
            let speaks = tick >= begins;
            let gain = if speaks { loud } else { 0.002 };
            let sound: Vec<f32> = voice[tick * BLOCK..].iter().take(2 * BLOCK).map(|s| s * 2.0 * gain).collect();
            let payload = encoder.encode(&sound).unwrap()?;
            let said = says.map(|loud| if speaks { loud } else { 57 });
            let level = said.map(|below_full| crate::frame::AudioLevel { below_full, voice: false });
            let (sequence, rtp_time) = ((tick / 2) as u16, (tick * BLOCK) as u32);
            Some(Packet { sequence, rtp_time, marker: false, level, payload })
        });
        Self { id: RemoteId(number), hertz, packets: packets.collect() }
    }
}

/// What is heard of them, left and right.
fn heard(people: &[Person], channels: u16, pans: &[(usize, u64, Pan)]) -> (Vec<f32>, Vec<f32>) {
    let mut hears = side();
    let mut ear = hears.speaker(StreamFormat { rate: 48_000, channels });
    for person in people {
        let kind = RemoteAudio::Microphone;
        hears.tell(AudioInput::AddRemote { id: person.id, kind, opening: Opening::Plain });
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for tick in 0..people[0].packets.len() {
        for (_, id, pan) in pans.iter().filter(|(when, ..)| *when == tick) {
            hears.tell(AudioInput::SetPan(RemoteId(*id), *pan));
        }
        for person in people {
            if let Some(packet) = person.packets[tick].clone() {
                hears.tell(AudioInput::Packet { id: person.id, packet, at: at(tick as u64) });
            }
        }
        hears.outputs(at(tick as u64));
        let mut out = vec![0.0; BLOCK * usize::from(channels)];
        ear.read(&mut out);
        for frame in out.chunks_exact(usize::from(channels)) {
            left.push(frame[0]);
            right.push(frame[usize::from(channels) - 1]);
        }
    }
    (left, right)
}

#[test]
fn of_many_people_the_loudest_are_heard_and_a_new_voice_from_its_first_moment() {
    const TICKS: usize = 240;
    let alone = [Person::new(19, TICKS, 100, 0.2, Some(17))];
    let (just, _) = heard(&alone, 1, &[]);
    for says in [Some(17), None] {
        let mut room: Vec<Person> = (0..19)
            .map(|n| Person::new(n, TICKS, 0, if n < 8 { 0.08 } else { 0.004 }, Some(if n < 8 { 25 } else { 51 })))
            .collect();
        room.push(Person::new(19, TICKS, 100, 0.2, says));
        let (all, _) = heard(&room, 1, &[]);
        let before = &all[24_000..48_000];
        for person in &room[..8] {
            assert!(loudness(before, person.hertz) > 0.06, "{}: {}", person.hertz, loudness(before, person.hertz));
        }
        let hum: f32 = room[8..19].iter().map(|person| loudness(before, person.hertz)).sum();
        assert!(hum < 0.005, "what nobody could hear is left out: {hum}");
        // The newcomer, 10 ms by 10 ms from where it is heard when alone.
        let hertz = room[19].hertz;
        let onset = just.chunks_exact(480).position(|block| loudness(block, hertz) > 0.1).unwrap();
        for n in onset + 1..onset + 20 {
            let (is, was) = (&all[n * 480..(n + 1) * 480], &just[n * 480..(n + 1) * 480]);
            let (is, was) = (loudness(is, hertz), loudness(was, hertz));
            assert!(is > was * 0.7, "block {n} after {onset}, {says:?}: {is} of {was}");
        }
        let quietest = room[..8].iter().map(|p| loudness(&all[96_000..], p.hertz)).fold(1.0, f32::min);
        assert!(quietest < 0.01, "and takes the place of one");
    }
}

#[test]
fn a_person_is_heard_where_they_are_and_moves_without_a_click() {
    const TICKS: usize = 200;
    let people = [Person::new(1, TICKS, 0, 0.1, Some(23)), Person::new(5, TICKS, 0, 0.1, Some(23))];
    let pans = [(50, 1, Pan::LEFT), (100, 1, Pan::RIGHT), (150, 1, Pan::CENTRE)];
    let (left, right) = heard(&people, 2, &pans);
    let (mono, _) = heard(&people, 1, &pans);
    let (plain, same) = heard(&people, 2, &[]);
    assert_eq!(plain, same, "both sides are alike while nobody stands aside");
    let sides = |from: usize, hertz: f32| {
        let piece = |side: &[f32]| loudness(&side[from * BLOCK..(from + 25) * BLOCK], hertz);
        (piece(&left), piece(&right))
    };
    let (moves, stays) = (people[0].hertz, people[1].hertz);
    for (from, louder_left, louder_right) in [(20, 1.0, 1.0), (70, 1.414, 0.0), (120, 0.0, 1.414), (170, 1.0, 1.0)] {
        let level = loudness(&plain[from * BLOCK..(from + 25) * BLOCK], moves);
        assert!(level > 0.07, "{from}: {level}");
        let (l, r) = sides(from, moves);
        assert!((l / level - louder_left).abs() < 0.1 && (r / level - louder_right).abs() < 0.1, "{from}: {l} {r}");
        let (l, r) = sides(from, stays);
        assert!((l - r).abs() < 0.005 && l > 0.07, "the other one stays: {l} {r}");
    }
    let steepest = |sound: &[f32]| sound.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    // Two tones at +3 dB are as steep as this; a step would be steeper.
    let allowed = 1.5 * steepest(&plain[4800..]);
    assert!(steepest(&left[4800..]) < allowed && steepest(&right[4800..]) < allowed);
    // On one channel everybody is as loud as ever.
    assert_eq!(mono, plain);
}

#[test]
fn the_echo_canceller_is_told_what_both_sides_together_play() {
    let person = Person::new(1, 60, 0, 0.1, Some(23));
    let mut hears = side();
    let mut ear = hears.speaker(StreamFormat { rate: 48_000, channels: 2 });
    hears.tell(AudioInput::AddRemote { id: person.id, kind: RemoteAudio::Microphone, opening: Opening::Plain });
    hears.tell(AudioInput::SetPan(person.id, Pan::LEFT));
    let (mut told, mut played) = (Vec::new(), Vec::new());
    for tick in 0..60 {
        if let Some(packet) = person.packets[tick].clone() {
            hears.tell(AudioInput::Packet { id: person.id, packet, at: at(tick as u64) });
        }
        hears.outputs(at(tick as u64));
        told.extend_from_slice(&hears.engine.played);
        let mut out = [0.0; 2 * BLOCK];
        ear.read(&mut out);
        played.extend(out.chunks_exact(2).map(|frame| 0.5 * (frame[0] + frame[1])));
    }
    let (_, alike) = correlation(&told[9600..19_200], &played[9600..], 4800);
    assert!(alike > 0.999, "{alike}");
    let (told, played) = (loudness(&told[9600..24_000], person.hertz), loudness(&played[9600..24_000], person.hertz));
    assert!((told - played).abs() < 0.002 && told > 0.05, "{told} {played}");
}
