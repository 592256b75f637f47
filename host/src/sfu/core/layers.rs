//! Which simulcast layer a subscriber gets. Pure.

use std::time::{Duration, Instant};

use crate::sfu::contract::{Layer, TrackWish};

/// A layer without a packet for this long is not sent now.
pub(super) const SILENT: Duration = Duration::from_millis(1500);

/// Layers of a track by ascending quality, as indices into what the offer announced.
#[derive(Debug, Default)]
pub(super) struct Layers {
    ascending: Vec<(Layer, u8)>,
    heard: [Option<Instant>; 8],
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
        Self { ascending, heard: [None; 8] }
    }

    pub(super) fn heard(&mut self, layer: u8, now: Instant) {
        if let Some(slot) = self.heard.get_mut(usize::from(layer)) {
            *slot = Some(now);
        }
    }

    fn sent_now(&self, layer: u8, now: Instant) -> bool {
        let heard = self.heard.get(usize::from(layer)).copied().flatten();
        heard.is_some_and(|at| now.saturating_duration_since(at) < SILENT)
    }

    /// The best layer announced.
    pub(super) fn top(&self) -> u8 {
        self.ascending.last().map_or(0, |(_, at)| *at)
    }

    /// The layer to forward; `None` if nothing is wanted.
    pub(super) fn choose(&self, wish: TrackWish, now: Instant) -> Option<u8> {
        if wish.disabled {
            return None;
        }
        if self.ascending.len() < 2 {
            return Some(self.ascending.first().map_or(0, |(_, at)| *at));
        }
        let mut top = self.ascending.len() - 1;
        if let Some((width, height)) = wish.size.filter(|(width, height)| width * height > 0) {
            let enough = |layer: &Layer| {
                layer.width.max(layer.height) >= width.max(height) && layer.width.min(layer.height) >= width.min(height)
            };
            top = self.ascending.iter().position(|(layer, _)| enough(layer)).unwrap_or(top);
        }
        if let Some(quality) = wish.quality {
            let allowed = self.ascending.iter().rposition(|(layer, _)| layer.quality <= quality).unwrap_or(0);
            top = top.min(allowed);
        }
        let below = self.ascending[..=top].iter().rev();
        let above = self.ascending[top + 1..].iter();
        let live = below.chain(above).find(|(_, at)| self.sent_now(*at, now));
        Some(live.map_or(self.ascending[top].1, |(_, at)| *at))
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

    #[test]
    fn the_best_layer_that_flows_and_is_wanted_is_chosen() {
        let now = Instant::now();
        let mut layers = camera();
        let any = TrackWish::default();
        assert_eq!(layers.choose(any, now), Some(0), "f, even before anything flows");
        layers.heard(2, now);
        assert_eq!(layers.choose(any, now), Some(2), "only q flows");
        for layer in 0..3 {
            layers.heard(layer, now);
        }
        assert_eq!(layers.choose(any, now), Some(0));
        assert_eq!(layers.choose(TrackWish { quality: Some(1), ..any }, now), Some(1));
        assert_eq!(layers.choose(TrackWish { size: Some((300, 170)), ..any }, now), Some(2));
        assert_eq!(layers.choose(TrackWish { size: Some((400, 300)), ..any }, now), Some(1));
        assert_eq!(layers.choose(TrackWish { size: Some((4000, 3000)), ..any }, now), Some(0));
        assert_eq!(layers.choose(TrackWish { disabled: true, ..any }, now), None);
        layers.heard(2, now + SILENT);
        assert_eq!(layers.choose(any, now + SILENT), Some(2), "the others fell silent");
    }

    #[test]
    fn a_track_without_layers_has_one() {
        let now = Instant::now();
        assert_eq!(Layers::new(&[], &[]).choose(TrackWish::default(), now), Some(0));
        let plain = Layers::new(&[], &["q".into(), "f".into()]);
        assert_eq!(plain.choose(TrackWish::default(), now), Some(1));
    }
}
