//! What pages show of others' pictures, and how large; what follows for the server and the frames door. A picture that no
//! page shows is not sent to us at all, and one in a small place comes small. Part of the session; [`Tiles`] is pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use livekit_protocol as lk;
use protocol::bridge::{LookAt, TrackState};
use protocol::ids::TrackSid;
use protocol::policy::{TrackKind, TrackSource};

use super::Session;
use super::call::{RemoteMedia, Stage};
use crate::transport::Order;

/// A picture that went out of sight is received on for so long: people scroll to and fro, and coming back costs a key frame.
const LINGERS: Duration = Duration::from_millis(500);
/// A new track has so long to find its place: a page that is busy draws late.
const FRESH: Duration = Duration::from_millis(1500);
/// Between two looks for pages that have nothing to show of a screen.
const ASKS_AGAIN: Duration = Duration::from_secs(1);
/// A place that changes its size is followed this often: a window's edge is drawn along.
const SETTLES: Duration = Duration::from_millis(200);
/// A shorter side of less than this needs no more than [`FEW`] pictures a second. Pixels.
const SMALL: u16 = 140;
/// Pictures a second of a small one, for servers that can leave some out.
const FEW: u32 = 15;

/// What is wanted of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    /// As large as it comes: a shared screen is read and zoomed into, and who shows nothing wants to have it whole.
    Everything,
    /// Enough for a place of so many pixels.
    Place(u16, u16),
    /// Nothing.
    Hidden,
}

/// A picture's place on a page.
#[derive(Debug, Clone, Copy)]
struct Spot {
    size: (u16, u16),
    /// Since when it is out of sight.
    left: Option<Instant>,
}

/// What the server was told of one track.
#[derive(Debug)]
struct Told {
    wish: Wish,
    /// Since when the track is there.
    since: Instant,
    /// When another size is told.
    due: Option<Instant>,
}

/// What has to be done.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    /// The server is told.
    wishes: BTreeMap<Wish, Vec<TrackSid>>,
    /// The door is told: what of everything a page is given.
    looks: Vec<(String, HashSet<String>)>,
    /// A page that looks again has nothing yet to go on from.
    keys: BTreeSet<TrackSid>,
}

/// What all pages show. A page that said nothing yet is given everything.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    pages: BTreeMap<String, BTreeMap<String, Spot>>,
    given: BTreeMap<String, HashSet<String>>,
    told: BTreeMap<TrackSid, Told>,
    /// When pages that have nothing to show are looked for again.
    ask: Option<Instant>,
}

impl Tiles {
    fn asks_again(&mut self, now: Instant) -> bool {
        let due = self.ask.is_none_or(|at| at <= now);
        if due {
            self.ask = Some(now + ASKS_AGAIN);
        }
        due
    }

    /// A page says what it shows; the whole of it.
    fn show(&mut self, page: &str, shown: LookAt, now: Instant) {
        let spots = self.pages.entry(page.to_owned()).or_default();
        for spot in spots.values_mut() {
            spot.left.get_or_insert(now);
        }
        for picture in shown.pictures {
            let size = (picture.width, picture.height);
            let spot = spots.entry(picture.track).or_insert(Spot { size, left: Some(now) });
            // Twice on one page: the larger one counts.
            let twice = spot.left.is_none();
            spot.size = if twice { (spot.size.0.max(size.0), spot.size.1.max(size.1)) } else { size };
            spot.left = None;
        }
    }

    /// A page that went, or is loaded again: nothing is seen until it says so.
    fn leave(&mut self, page: &str) {
        self.pages.insert(page.to_owned(), BTreeMap::new());
    }

    /// A window was closed for good.
    fn forget(&mut self, page: &str) {
        self.pages.remove(page);
        self.given.remove(page);
    }

    /// Is this one not received because nobody sees it?
    fn hides(&self, sid: &TrackSid) -> bool {
        self.told.get(sid).is_some_and(|told| told.wish == Wish::Hidden)
    }

    /// What follows now; `tracks` are those of others that are there, and whether each is a screen.
    fn settle(&mut self, tracks: &[(TrackSid, bool)], now: Instant) -> News {
        let mut news = News::default();
        for spots in self.pages.values_mut() {
            spots.retain(|_, spot| spot.left.is_none_or(|left| now.saturating_duration_since(left) < LINGERS));
        }
        self.told.retain(|sid, _| tracks.iter().any(|(known, _)| known == sid));
        for (sid, screen) in tracks {
            let told = self.told.entry(sid.clone()).or_insert(Told { wish: Wish::Everything, since: now, due: None });
            let fresh = now.saturating_duration_since(told.since) < FRESH;
            let wish = wanted(&self.pages, sid, *screen);
            if wish == told.wish || (wish == Wish::Hidden && fresh) {
                told.due = None;
                continue;
            }
            if let (Wish::Place(..), Wish::Place(..)) = (told.wish, wish)
                && *told.due.get_or_insert(now + SETTLES) > now
            {
                continue;
            }
            (told.wish, told.due) = (wish, None);
            news.wishes.entry(wish).or_default().push(sid.clone());
        }
        for (page, spots) in &self.pages {
            let fresh = self.told.iter().filter(|(_, told)| now.saturating_duration_since(told.since) < FRESH);
            let mut given: HashSet<String> = fresh.map(|(sid, _)| sid.to_string()).collect();
            given.extend(spots.keys().cloned());
            let before = self.given.get(page);
            if before == Some(&given) {
                continue;
            }
            // Before its first word a page was given everything.
            let new =
                |sid: &&TrackSid| before.is_some_and(|b| !b.contains(sid.as_str())) && given.contains(sid.as_str());
            let known =
                tracks.iter().map(|(sid, _)| sid).filter(|sid| self.told.get(*sid).is_some_and(|t| t.since < now));
            news.keys.extend(known.filter(new).cloned());
            news.looks.push((page.clone(), given.clone()));
            self.given.insert(page.clone(), given);
        }
        news
    }
}

fn wanted(pages: &BTreeMap<String, BTreeMap<String, Spot>>, sid: &TrackSid, screen: bool) -> Wish {
    if pages.is_empty() {
        return Wish::Everything;
    }
    let spots = pages.values().filter_map(|spots| spots.get(sid.as_str()));
    let place = spots.map(|spot| spot.size).reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)));
    match place {
        None => Wish::Hidden,
        Some(_) if screen => Wish::Everything,
        // Shown, and not laid out yet.
        Some((0, _) | (_, 0)) => Wish::Place(1, 1),
        Some((width, height)) => Wish::Place(width, height),
    }
}

impl Wish {
    fn settings(self, sids: &[TrackSid]) -> lk::UpdateTrackSettings {
        let (width, height) = match self {
            Self::Place(width, height) => (u32::from(width), u32::from(height)),
            Self::Everything | Self::Hidden => (0, 0),
        };
        lk::UpdateTrackSettings {
            track_sids: sids.iter().map(ToString::to_string).collect(),
            disabled: self == Self::Hidden,
            quality: lk::VideoQuality::High as i32,
            width,
            height,
            fps: if matches!(self, Self::Place(w, h) if w.min(h) < SMALL) { FEW } else { 0 },
            ..Default::default()
        }
    }
}

impl Session {
    pub(super) fn on_looks(&mut self, page: &str, shown: LookAt) {
        self.tiles.show(page, shown, Instant::now());
    }

    pub(super) fn on_page_blind(&mut self, page: &str) {
        self.tiles.leave(page);
    }

    pub(super) fn on_window_closed(&mut self, page: &str) {
        self.tiles.forget(page);
        self.around.door.detach(page);
        self.close_stage();
    }

    /// Somebody needs a key frame of a remote picture; nobody does of one that is not seen.
    pub(super) fn need_remote_key(&mut self, sid: &TrackSid) {
        if !self.tiles.hides(sid) {
            self.order(Order::NeedKey(sid.clone()));
        }
    }

    /// Tells the server and the door what is seen.
    pub(super) fn settle_tiles(&mut self, now: Instant) {
        let lost = self.call.as_ref().is_some_and(|call| matches!(call.stage, Stage::Lost { .. }));
        if lost && self.call.as_ref().is_some_and(|call| call.signal.is_some()) {
            // The server may take the session back, with all it was told.
            return;
        }
        let remotes = self.call.iter().flat_map(|call| call.remotes.iter());
        let shown = remotes.filter(|(_, remote)| {
            remote.track.kind == TrackKind::Video
                && remote.state != TrackState::RefusedUnsealed
                && matches!(remote.media, Some(RemoteMedia::Picture(..)))
        });
        let tracks: Vec<(TrackSid, bool)> =
            shown.map(|(sid, remote)| (sid.clone(), remote.track.source == TrackSource::ScreenShare)).collect();
        let News { wishes, looks, keys } = self.tiles.settle(&tracks, now);
        for (page, given) in looks {
            self.around.door.look(&page, given);
        }
        if let Some(machine) = self.call.as_mut().and_then(|call| call.signal.as_mut()) {
            for (wish, sids) in wishes {
                tracing::debug!(?wish, tracks = sids.len(), "what is wanted of pictures");
                machine.request(lk::signal_request::Message::TrackSetting(wish.settings(&sids)));
            }
        }
        for sid in keys {
            self.need_remote_key(&sid);
        }
        // A screen that stands still sends nothing by itself, and a request may be lost.
        if self.tiles.asks_again(now) {
            for (sid, _) in tracks.iter().filter(|(_, screen)| *screen) {
                if self.around.door.is_starved(sid.as_str()) {
                    self.need_remote_key(sid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
