//! The delay in virtual time: after hold-ups, spikes, and through a whole day of everything.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::audio::level::Meter;
use crate::receive::jitter::MAX_PACKETS;
use crate::testing::{LossyNetwork, Seeded, Speech, Weather};

/// Packet numbers in, speech out: what was said at that time.
struct Tape {
    said: Vec<f32>,
    out: Vec<f32>,
}

impl Tape {
    fn new(said: Vec<f32>) -> Self {
        Self { said, out: vec![0.0; LONGEST_FRAME] }
    }
}

const FRAME: usize = 2 * BLOCK;

impl Decode for Tape {
    fn decode(&mut self, packet: &[u8]) -> Result<&[f32], OpusError> {
        let number = packet.try_into().map(u64::from_be_bytes).map_err(|_| OpusError::Failed("no number"))?;
        let from = usize::try_from(number).unwrap_or(0) * FRAME % (self.said.len() - FRAME);
        Ok(&self.said[from..from + FRAME])
    }

    fn restore(&mut self, _: &[u8], _: usize, samples: usize) -> Result<&[f32], OpusError> {
        self.conceal(samples)
    }

    fn conceal(&mut self, samples: usize) -> Result<&[f32], OpusError> {
        Ok(&self.out[..samples])
    }

    fn enhance(&mut self, _: bool) -> Result<(), OpusError> {
        Ok(())
    }
}

/// Somebody who speaks, a network, and somebody who hears.
struct Line {
    network: LossyNetwork<u64>,
    /// Until then the network lets nothing through.
    held_until: MediaTime,
    /// How much the speaker's clock is ahead, in parts per million.
    ppm: f64,
    sent: u64,
    /// When the next packet is sent: between our ticks.
    due: MediaTime,
    player: Player<Tape>,
    meter: Meter,
    now: MediaTime,
    longest: usize,
}

impl Line {
    fn new(said: Vec<f32>) -> Self {
        Self {
            network: LossyNetwork::new(5, Weather::CLEAR),
            held_until: MediaTime::ZERO,
            ppm: 0.0,
            sent: 0,
            due: MediaTime::from_micros(1_003_000),
            player: Player::new(Tape::new(said)),
            meter: Meter::new(),
            now: MediaTime::from_micros(1_000_000),
            longest: 0,
        }
    }

    fn speech() -> Self {
        Self::new(Speech::new(2, 48_000).take(60 * 48_000))
    }

    fn hold_up(&mut self, time: Duration) {
        self.held_until = self.now + time;
    }

    /// 10 ms of the network, and of the speaker at its own pace.
    fn pass(&mut self) {
        self.now = self.now + Duration::from_millis(10);
        while self.due <= self.now {
            self.network.send(self.sent, self.due.max(self.held_until));
            self.sent += 1;
            self.due = self.due + Duration::from_secs_f64(0.020 / (1.0 + self.ppm / 1e6));
        }
        while let Some((at, n)) = self.network.receive(self.now) {
            let payload = Bytes::copy_from_slice(&n.to_be_bytes());
            self.player.jitter.insert(n as u16, (n * FRAME as u64) as u32, FRAME, payload, at);
        }
        assert!(self.player.jitter.held() <= MAX_PACKETS);
    }

    /// 10 ms of everything.
    fn tick(&mut self) -> AudioBlock {
        self.pass();
        let mut out = [0.0; BLOCK];
        self.player.block(self.now, self.meter.hears_voice(), &mut out);
        self.meter.push(&out);
        self.longest = self.longest.max(self.player.waiting());
        out
    }

    fn run(&mut self, time: Duration) -> Vec<f32> {
        (0..time.as_millis() / 10).flat_map(|_| self.tick()).collect()
    }

    fn delay(&self) -> Duration {
        self.player.jitter.delay(self.now, self.player.waiting() + BLOCK)
    }

    /// How long it takes until the delay stays below this.
    fn settles(&mut self, below: Duration, within: Duration) -> Duration {
        let mut settled = Duration::ZERO;
        for tick in 1..=within.as_millis() / 10 {
            self.tick();
            if self.delay() > below {
                settled = Duration::from_millis(10) * u32::try_from(tick).unwrap_or(u32::MAX);
            }
        }
        settled
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn steepest(sound: &[f32]) -> f32 {
    sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn a_quiet_network_is_played_sample_by_sample() {
    let said = Speech::new(2, 48_000).take(10 * 48_000);
    let mut line = Line::new(said.clone());
    let heard = line.run(Duration::from_secs(5));
    let lag = (0..4_800)
        .find(|lag| heard[lag + 9_600..lag + 14_400] == said[9_600..14_400])
        .expect("it is heard as it was said");
    // But for the fade at the very beginning.
    let wrong = (FADE..heard.len() - lag).find(|n| heard[lag + n] != said[*n]);
    assert_eq!(wrong, None, "behind {lag}, {:?}", line.player.done());
    assert_eq!(line.player.done(), Played::default());
}

#[test]
fn sound_that_waits_and_is_no_help_against_late_packets_is_left_out() {
    // Packets are there 1.2 ms before the tick that looks for them; 8 ms of them wait for the next one.
    let mut line = Line::speech();
    line.due = MediaTime::from_micros(1_008_800);
    line.run(Duration::from_secs(5));
    let before = line.delay();
    assert!(before < ms(2), "{before:?}");
    line.player.pcm.extend([0.0; 8 * 48]);
    line.run(Duration::from_secs(5));
    assert!(line.delay() < before + ms(4), "{:?} after {before:?}", line.delay());
    assert_eq!(line.player.done().concealed, 0);
}

#[test]
fn after_two_blocks_were_made_up_the_delay_comes_back() {
    for speech in [true, false] {
        let mut line = if speech { Line::speech() } else { Line::new(vec![0.0; 96_000]) };
        line.run(Duration::from_secs(5));
        let before = line.delay();
        line.hold_up(ms(40));
        let worst = (0..10).map(|_| (line.tick(), line.delay()).1).max();
        assert!(line.player.done().concealed >= 2);
        assert!(worst > Some(before + ms(8)), "{worst:?} after {before:?}");
        let settled = line.settles(before + ms(5), Duration::from_secs(10));
        assert!(settled <= Duration::from_secs(3), "{settled:?} speech {speech}, {before:?} {:?}", line.delay());
    }
}

#[test]
fn after_a_spike_the_delay_is_back_within_three_seconds() {
    let mut line = Line::speech();
    line.run(Duration::from_secs(10));
    let before = line.delay();
    line.network.set_weather(Weather { jitter: ms(300), ..Weather::CLEAR });
    line.run(Duration::from_secs(2));
    assert!(line.player.jitter.target() > ms(150), "{:?}", line.player.jitter.target());
    line.network.set_weather(Weather::CLEAR);
    let settled = line.settles(before + ms(6), Duration::from_secs(15));
    assert!(settled <= Duration::from_secs(3), "{settled:?}, {before:?} {:?}", line.delay());
}

#[test]
fn a_hundred_milliseconds_too_much_are_gone_in_three_seconds_without_a_cut() {
    let said = Speech::new(2, 48_000).take(60 * 48_000);
    let steep = steepest(&said);
    let mut line = Line::new(said);
    line.run(Duration::from_secs(4));
    let before = line.delay();
    line.hold_up(ms(110));
    line.run(ms(130));
    assert!(line.delay() > before + ms(60), "{:?}", line.delay());
    let mut heard = Vec::new();
    let mut settled = 0;
    for tick in 0..600 {
        heard.extend(line.tick());
        if line.delay() > before + ms(6) {
            settled = tick;
        }
    }
    assert!(settled < 300, "{settled} ticks, {before:?} {:?}", line.delay());
    assert_eq!(line.player.done().dropped, 0);
    assert!(steepest(&heard[FRAME..]) < 1.3 * steep, "{} where {steep} was", steepest(&heard[FRAME..]));
}

#[test]
fn clocks_that_differ_cost_a_period_now_and_then() {
    for ppm in [200.0, -200.0] {
        let mut line = Line::speech();
        line.ppm = ppm;
        line.run(Duration::from_secs(20));
        let settled = line.settles(ms(25), Duration::from_secs(600));
        assert_eq!(settled, Duration::ZERO, "{ppm} ppm: {:?}", line.delay());
        // 120 ms in ten minutes.
        let done = line.player.done();
        assert!((8..60).contains(&done.stretched), "{ppm} ppm: {done:?}");
        assert_eq!((done.concealed, done.dropped), (0, 0), "{ppm} ppm");
    }
}

/// What happens now and then.
fn event(line: &mut Line, random: &mut Seeded) {
    let some = Duration::from_secs_f64(random.between(0.2, 3.0));
    match random.bits() % 6 {
        0 => {
            line.network.set_weather(Weather { jitter: ms(300), ..Weather::CLEAR });
            line.run(some);
        }
        1 => {
            line.hold_up(some);
            line.run(some);
        }
        // Ours: the network goes on, nobody plays.
        2 => (0..some.as_millis() / 10).for_each(|_| line.pass()),
        3 => {
            line.network.set_weather(Weather { loss: 0.2, burst: 3.0, jitter: ms(40), ..Weather::CLEAR });
            line.run(some * 10);
        }
        // Another way.
        4 => {
            line.network.set_weather(Weather { delay: ms(80), ..Weather::CLEAR });
            line.run(some * 10);
        }
        _ => line.ppm = random.between(-200.0, 200.0),
    }
    line.network.set_weather(Weather::CLEAR);
}

#[test]
fn a_day_of_drift_spikes_and_stalls_leaves_no_delay_behind() {
    let mut random = Seeded::new(24);
    let mut line = Line::new(Speech::new(2, 48_000).take(10 * 48_000));
    line.ppm = 200.0;
    let day = line.now + Duration::from_secs(24 * 3600);
    let (mut events, room) = (0, line.player.pcm.capacity());
    while line.now < day {
        line.run(Duration::from_secs_f64(random.between(1.0, 240.0)));
        event(&mut line, &mut random);
        events += 1;
        // Ten seconds are remembered, and then it is as if nothing had been.
        line.run(Duration::from_secs(14));
        assert!(line.delay() < ms(25), "{:?} at {:?} after {events} events", line.delay(), line.now);
        assert!(line.player.jitter.target() < ms(15), "{:?} at {:?}", line.player.jitter.target(), line.now);
    }
    assert!(events > 400, "{events}");
    assert!(line.longest < WANTED + FRAME, "{} samples", line.longest);
    assert_eq!(line.player.pcm.capacity(), room, "nothing was allocated for it");
    assert!(line.player.done().stretched > 1_000, "{:?}", line.player.done());
}
