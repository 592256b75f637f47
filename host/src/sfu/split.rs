//! How the link of one subscriber is shared out among the pictures it looks at. Pure.
//!
//! First everything gets its smallest layer, the most important first; then they grow, in the same order. What has no
//! layers to choose from is not taken away: a shared screen that is too much for somebody is still better than none.

/// One picture somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Screens come before everything else.
    pub screen: bool,
    /// Pixels it is shown at; more is more important.
    pub area: u64,
    /// Bits a second of its layers from the smallest up to the one that was asked for; never empty.
    pub bits: Vec<u64>,
}

/// The rank each picture may have; `None`: nothing of it. `link` in bit/s.
#[must_use]
pub fn split(link: u64, pictures: &[Picture]) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    order.sort_by_key(|at| (!pictures[*at].screen, u64::MAX - pictures[*at].area, *at));
    let mut left = link;
    let mut ranks = vec![None; pictures.len()];
    for (place, at) in order.iter().copied().enumerate() {
        let least = pictures[at].bits.first().copied().unwrap_or(0);
        // The most important one is there whatever it takes.
        if least <= left || pictures[at].bits.len() == 1 || place == 0 {
            ranks[at] = Some(0);
            left = left.saturating_sub(least);
        }
    }
    for at in order {
        let bits = &pictures[at].bits;
        let Some(rank) = &mut ranks[at] else { continue };
        while let Some(more) = bits.get(*rank + 1).map(|next| next.saturating_sub(bits[*rank])) {
            if more > left {
                break;
            }
            left -= more;
            *rank += 1;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMERA: [u64; 3] = [160, 450, 1700];

    fn camera(area: u64) -> Picture {
        Picture { screen: false, area, bits: CAMERA.to_vec() }
    }

    fn screen(bits: u64) -> Picture {
        Picture { screen: true, area: 0, bits: vec![bits] }
    }

    #[test]
    fn a_wide_link_gives_what_was_asked_for() {
        let small = Picture { bits: vec![160], ..camera(10) };
        assert_eq!(split(10_000, &[camera(100), small]), [Some(2), Some(0)]);
        assert_eq!(split(0, &[]), []);
    }

    #[test]
    fn everybody_is_seen_before_anybody_is_large_and_the_largest_tile_grows_first() {
        let three = [camera(10), camera(500), camera(20)];
        assert_eq!(split(500, &three), [Some(0), Some(0), Some(0)]);
        assert_eq!(split(800, &three), [Some(0), Some(1), Some(0)]);
        assert_eq!(split(2100, &three), [Some(0), Some(2), Some(0)]);
        assert_eq!(split(330, &three), [None, Some(0), Some(0)]);
        assert_eq!(split(0, &three), [None, Some(0), None], "the most important one is there whatever it takes");
    }

    #[test]
    fn a_screen_comes_first_and_is_never_taken_away() {
        assert_eq!(split(1700, &[camera(100), screen(1500)]), [Some(0), Some(0)]);
        assert_eq!(split(1000, &[camera(100), screen(1500)]), [None, Some(0)]);
        let layered = Picture { screen: true, area: 5, bits: vec![500, 1500] };
        assert_eq!(split(2000, &[camera(100), layered]), [Some(1), Some(1)]);
    }

    #[test]
    fn a_layer_that_takes_less_than_the_one_below_is_no_trouble() {
        let odd = Picture { screen: false, area: 1, bits: vec![900, 100, 200] };
        assert_eq!(split(1000, &[odd]), [Some(2)]);
    }
}
