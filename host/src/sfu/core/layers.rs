//! The simulcast layers of one track: which are sent now and how many bits they take, which one a subscriber's wish asks for,
//! which one of those that flow it gets, and which ones the publisher should send at all. Pure.

use std::time::{Duration, Instant};

use crate::sfu::contract::{Layer, TrackWish};

/// A layer without a packet for this long is not sent now.
pub(super) const SILENT: Duration = Duration::from_millis(1500);

/// The bits of a layer are averaged over this.
const AVERAGED: Duration = Duration::from_millis(1000);

/// A layer nobody looks at any more is sent on for this long: people click to and fro, and starting costs a key frame.
const LINGERS: Duration = Duration::from_secs(5);

/// What flows of one layer.
#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    heard: Option<Instant>,
    since: Option<Instant>,
    bytes: u64,
    bits: u64,
}

/// Layers of a track by ascending quality; a place among them is a rank. The numbers they go by are indices into what the
/// offer announced.
#[derive(Debug, Default)]
pub(super) struct Layers {
    ascending: Vec<(Layer, u8)>,
    flows: [Flow; 8],
}

impl Layers {
    /// `announced` are the control plane's layers, `rids` the offer's, in its order.
    pub(super) fn new(announced: &[Layer], rids: &[String]) -> Self {
        let index = |rid: &str| rids.iter().position(|known| known == rid).and_then(|at| u8::try_from(at).ok());
        let mut ascending: Vec<(Layer, u8)> =
            announced.iter().filter_map(|layer| index(&layer.rid).map(|at| (layer.clone(), at))).collect();
        ascending.sort_by_key(|(layer, _)| layer.quality);
        if ascending.is_empty() {
            // Announced without layers: q, h, f (or 0, 1, 2) ascend by LiveKit's convention.
            let rank = |rid: &str| "q0h1f2".find(rid).unwrap_or(usize::MAX);
            let mut order: Vec<&String> = rids.iter().collect();
            order.sort_by_key(|rid| rank(rid));
            for (quality, rid) in order.into_iter().enumerate() {
                if let (Some(at), Ok(quality)) = (index(rid), u8::try_from(quality)) {
                    ascending.push((Layer { quality, width: 0, height: 0, rid: rid.clone() }, at));
                }
            }
        }
        Self { ascending, flows: [Flow::default(); 8] }
    }

    /// A packet of a layer came; answers whether it had been silent.
    pub(super) fn heard(&mut self, layer: u8, bytes: usize, now: Instant) -> bool {
        let woke = !self.sent_now(layer, now);
        let Some(flow) = self.flows.get_mut(usize::from(layer)) else { return false };
        if woke {
            *flow = Flow::default();
        }
        flow.heard = Some(now);
        flow.bytes += bytes as u64;
        let passed = now.saturating_duration_since(*flow.since.get_or_insert(now));
        if passed >= AVERAGED {
            flow.bits = (flow.bytes as f64 * 8.0 / passed.as_secs_f64()) as u64;
            (flow.bytes, flow.since) = (0, Some(now));
        }
        woke
    }

    fn sent_now(&self, layer: u8, now: Instant) -> bool {
        let flow = self.flows.get(usize::from(layer)).copied().unwrap_or_default();
        flow.heard.is_some_and(|at| now.saturating_duration_since(at) < SILENT)
    }

    /// The best layer announced.
    pub(super) fn top(&self) -> u8 {
        self.ascending.last().map_or(0, |(_, at)| *at)
    }

    /// How many there are to choose from.
    pub(super) fn count(&self) -> usize {
        self.ascending.len().max(1)
    }

    /// The rank a wish asks for; `None` if nothing is wanted.
    pub(super) fn asked_for(&self, wish: TrackWish) -> Option<usize> {
        if wish.disabled {
            return None;
        }
        let mut top = self.count() - 1;
        if let Some((width, height)) = wish.size.filter(|(width, height)| *width > 0 && *height > 0) {
            let enough = |layer: &Layer| {
                layer.width.max(layer.height) >= width.max(height) && layer.width.min(layer.height) >= width.min(height)
            };
            top = self.ascending.iter().position(|(layer, _)| enough(layer)).unwrap_or(top);
        }
        if let Some(quality) = wish.quality {
            let allowed = self.ascending.iter().rposition(|(layer, _)| layer.quality <= quality).unwrap_or(0);
            top = top.min(allowed);
        }
        Some(top)
    }

    /// The layer to forward for a rank: itself, or what flows beside it: a lower one, or a higher one if that may be.
    pub(super) fn choose(&self, rank: usize, may_rise: bool, now: Instant) -> u8 {
        let Some((_, at)) = self.ascending.get(rank) else { return self.ascending.first().map_or(0, |(_, at)| *at) };
        let below = self.ascending[..=rank].iter().rev();
        let above = self.ascending[rank + 1..].iter().filter(|_| may_rise);
        below.chain(above).find(|(_, at)| self.sent_now(*at, now)).map_or(*at, |(_, at)| *at)
    }

    /// Bits a second of a rank: as they flow, or as a layer of its size usually has.
    pub(super) fn bits(&self, rank: usize, now: Instant) -> u64 {
        let at = self.ascending.get(rank).map_or(0, |(_, at)| *at);
        let flow = self.flows.get(usize::from(at)).copied().unwrap_or_default();
        if flow.bits > 0 && self.sent_now(at, now) {
            return flow.bits;
        }
        match self.ascending.get(rank).map(|(layer, _)| layer.width.min(layer.height)) {
            _ if self.ascending.len() < 2 => 0,
            None | Some(0) => [160_000, 450_000, 1_700_000][rank.min(2)],
            Some(1..=240) => 160_000,
            Some(241..=480) => 450_000,
            Some(481..) => 1_700_000,
        }
    }

    /// LiveKit's qualities that these ranks stand for. A track of one stream is wanted or not, by whatever name.
    pub(super) fn qualities(&self, ranks: impl Iterator<Item = usize>) -> [bool; 3] {
        let mut wanted = [false; 3];
        for rank in ranks {
            match self.ascending.get(rank).filter(|_| self.ascending.len() > 1) {
                Some((layer, _)) => wanted[usize::from(layer.quality.min(2))] = true,
                None => wanted = [true; 3],
            }
        }
        wanted
    }
}

/// What the publisher was told to send.
#[derive(Debug)]
pub(super) struct Told {
    qualities: [bool; 3],
    wanted: [Instant; 3],
}

impl Told {
    /// A publisher that was told nothing sends everything.
    pub(super) const fn new(now: Instant) -> Self {
        Self { qualities: [true; 3], wanted: [now; 3] }
    }

    /// What it should be told now, if that is news: more at once, less after a while.
    pub(super) fn news(&mut self, wanted: [bool; 3], now: Instant) -> Option<[bool; 3]> {
        for (at, on) in self.wanted.iter_mut().zip(wanted) {
            if on {
                *at = now;
            }
        }
        let lingers = |at: Instant| now.saturating_duration_since(at) < LINGERS;
        let should = std::array::from_fn(|q| wanted[q] || (self.qualities[q] && lingers(self.wanted[q])));
        (std::mem::replace(&mut self.qualities, should) != should).then_some(should)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Layers {
        let layer = |quality, width, height, rid: &str| Layer { quality, width, height, rid: rid.into() };
        let announced = [layer(2, 1280, 720, "f"), layer(0, 320, 180, "q"), layer(1, 640, 360, "h")];
        Layers::new(&announced, &["f".into(), "h".into(), "q".into()])
    }

    impl Layers {
        fn given(&self, wish: TrackWish, now: Instant) -> Option<u8> {
            self.asked_for(wish).map(|rank| self.choose(rank, true, now))
        }
    }

    #[test]
    fn the_best_layer_that_flows_and_is_wanted_is_chosen() {
        let now = Instant::now();
        let mut layers = camera();
        let any = TrackWish::default();
        assert_eq!(layers.given(any, now), Some(0), "f, even before anything flows");
        layers.heard(2, 100, now);
        assert_eq!(layers.given(any, now), Some(2), "only q flows");
        for layer in 0..3 {
            layers.heard(layer, 100, now);
        }
        assert_eq!(layers.given(any, now), Some(0));
        assert_eq!(layers.given(TrackWish { quality: Some(1), ..any }, now), Some(1));
        assert_eq!(layers.given(TrackWish { size: Some((300, 170)), ..any }, now), Some(2));
        assert_eq!(layers.given(TrackWish { size: Some((400, 300)), ..any }, now), Some(1));
        assert_eq!(layers.given(TrackWish { size: Some((4000, 3000)), ..any }, now), Some(0));
        assert_eq!(layers.given(TrackWish { disabled: true, ..any }, now), None);
        layers.heard(2, 100, now + SILENT);
        assert_eq!(layers.given(any, now + SILENT), Some(2), "the others fell silent");
    }

    #[test]
    fn a_track_without_layers_has_one() {
        let now = Instant::now();
        assert_eq!(Layers::new(&[], &[]).given(TrackWish::default(), now), Some(0));
        let plain = Layers::new(&[], &["q".into(), "f".into()]);
        assert_eq!(plain.given(TrackWish::default(), now), Some(1));
    }

    #[test]
    fn bits_are_measured_or_as_usual() {
        let (mut layers, now) = (camera(), Instant::now());
        assert_eq!([0, 1, 2].map(|rank| layers.bits(rank, now)), [160_000, 450_000, 1_700_000]);
        // `q` is the third of the offer.
        for n in 0..=100 {
            layers.heard(2, 1250, now + Duration::from_millis(n * 20));
        }
        let later = now + Duration::from_secs(2);
        assert!(layers.bits(0, later).abs_diff(500_000) < 20_000, "{}", layers.bits(0, later));
        assert_eq!(layers.bits(0, later + SILENT), 160_000);
        assert_eq!(Layers::new(&[], &[]).bits(0, now), 0, "what has no choice is not counted before it flows");
    }

    #[test]
    fn a_publisher_hears_of_more_at_once_and_of_less_later() {
        let now = Instant::now();
        let mut told = Told::new(now);
        assert_eq!(told.news([true, false, true], now), None, "not yet");
        let later = now + LINGERS;
        assert_eq!(told.news([true, false, true], later), Some([true, false, true]));
        assert_eq!(told.news([true, false, true], later), None, "said once");
        assert_eq!(told.news([true, true, false], later), Some([true, true, true]));
        assert_eq!(told.news([true, true, true], later + LINGERS), None, "looked at again meanwhile");
        assert_eq!(told.news([false; 3], later + LINGERS * 3), Some([false; 3]));
    }

    #[test]
    fn ranks_are_told_by_quality() {
        let layers = camera();
        assert_eq!(layers.qualities([2, 0].into_iter()), [true, false, true]);
        assert_eq!(layers.qualities(std::iter::empty()), [false; 3]);
        assert_eq!(Layers::new(&[], &[]).qualities([0].into_iter()), [true; 3]);
    }
}
