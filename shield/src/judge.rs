//! Who is suspicious, and for how long the cover stays. Pure: time and what was noticed come in, whether to cover comes
//! out. In doubt it covers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::requests::Method;

/// The first moments, in which nobody has been looked at.
pub(crate) const START: Duration = Duration::from_millis(1500);
/// After a key that takes pictures: until the tool that it starts has come and been noticed.
pub(crate) const KEY: Duration = Duration::from_secs(4);
/// A stranger that showed a window of its own is no screenshot tool, which take their picture first.
pub(crate) const SHOWED_A_WINDOW: Duration = Duration::from_millis(150);
/// A stranger that does nothing of note for so long is taken for ordinary.
pub(crate) const QUIET: Duration = Duration::from_secs(2);
/// After a stranger left: another connection of it may follow.
pub(crate) const STRANGER_LEFT: Duration = Duration::from_millis(20);
/// After a capturer left: tools come twice.
pub(crate) const CAPTURER_LEFT: Duration = Duration::from_millis(200);

/// What is known about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody looked yet.
    Unknown,
    /// Looked at; no reason to trust it.
    Stranger,
    /// A program of the system that takes no pictures on its own.
    Ordinary,
    /// A window manager or compositor of the system.
    Manager,
    /// This very process.
    Ours,
}

/// What holds the cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Lost,
    Client(u32),
    Key,
    Focus,
    Start,
}

struct Held {
    method: Method,
    /// `None`: until it is let go.
    until: Option<Instant>,
}

struct Client {
    standing: Standing,
    /// Has it shown what it is, or is the cover there for its coming?
    new: bool,
    /// The worst it did; managing only as long as it does nothing else.
    did: Option<Method>,
    /// Top-level windows it made.
    tops: HashSet<u32>,
    last: Instant,
}

/// A client may make as many windows as it likes; so many are remembered.
const TOPS: usize = 64;

/// The judge.
pub(crate) struct Judge {
    clients: HashMap<u32, Client>,
    /// Clients that are window manager or compositor at the moment.
    managers: HashSet<u32>,
    holds: BTreeMap<Hold, Held>,
}

impl Judge {
    pub(crate) fn new() -> Self {
        Self { clients: HashMap::new(), managers: HashSet::new(), holds: BTreeMap::new() }
    }

    /// The gravest reason to cover, and the client behind it; `None`: no reason.
    pub(crate) fn cause(&self) -> Option<(Method, Option<u32>)> {
        let (hold, held) = self.holds.iter().min_by_key(|(_, held)| held.method)?;
        let client = match hold {
            Hold::Client(base) => Some(*base),
            Hold::Lost | Hold::Key | Hold::Focus | Hold::Start => None,
        };
        Some((held.method, client))
    }

    /// The watch is over.
    pub(crate) fn lose(&mut self) {
        self.hold(Hold::Lost, Method::WatchLost, None);
    }

    /// The first moments begin; until they are over, if that is known yet.
    pub(crate) fn start(&mut self, until: Option<Instant>) {
        self.hold(Hold::Start, Method::Start, until);
    }

    /// A key that takes pictures.
    pub(crate) fn key(&mut self, now: Instant) {
        self.hold(Hold::Key, Method::PrintKey, Some(now + KEY));
    }

    /// One of our windows has the keyboard, or none has.
    pub(crate) fn focus(&mut self, ours: bool) {
        if ours {
            self.holds.remove(&Hold::Focus);
        } else {
            self.hold(Hold::Focus, Method::FocusLost, None);
        }
    }

    /// Is the cover there, too, because another window has the keyboard? That is meant for eyes, not for captures.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.holds.contains_key(&Hold::Focus)
    }

    /// A client that was there before us. It is not suspicious for that.
    pub(crate) fn was_there(&mut self, base: u32, standing: Standing, now: Instant) {
        self.client(base, now).standing = standing;
    }

    /// Who is window manager and compositor now.
    pub(crate) fn managed_by(&mut self, managers: HashSet<u32>, now: Instant) {
        self.managers = managers;
        let known: Vec<u32> = self.clients.keys().copied().collect();
        for base in known {
            self.settle(base, now);
        }
    }

    /// A client connected.
    pub(crate) fn came(&mut self, base: u32, now: Instant) {
        let client = Client { standing: Standing::Unknown, new: true, did: None, tops: HashSet::new(), last: now };
        self.clients.insert(base, client);
        // Numbers are used again: what is left of an earlier client is not this one's doing.
        self.holds.remove(&Hold::Client(base));
        self.hold(Hold::Client(base), Method::NewProgram, None);
    }

    /// Somebody looked who it is. Asked again, the first answer about the process stands, unless it was none.
    pub(crate) fn known(&mut self, base: u32, standing: Standing, now: Instant) {
        // It may have left meanwhile.
        let Some(client) = self.clients.get_mut(&base) else { return };
        client.standing = standing;
        self.settle(base, now);
    }

    /// Must somebody look who it is?
    pub(crate) fn is_unknown(&self, base: u32) -> bool {
        self.clients.get(&base).is_none_or(|c| c.standing == Standing::Unknown)
    }

    /// It makes a top-level window.
    pub(crate) fn creates(&mut self, base: u32, window: u32, now: Instant) {
        // Of clients that were there before it says nothing.
        let Some(client) = self.clients.get_mut(&base).filter(|c| c.new) else { return };
        client.last = now;
        if client.tops.len() < TOPS {
            client.tops.insert(window);
        }
    }

    /// It shows a window.
    pub(crate) fn maps(&mut self, base: u32, window: u32, now: Instant) {
        let Some(client) = self.clients.get_mut(&base).filter(|c| c.new) else { return };
        client.last = now;
        if client.did.is_none() && client.tops.contains(&window) {
            client.new = false;
            self.let_go(base, now + SHOWED_A_WINDOW);
        }
    }

    /// It reads a protected window, or asks to.
    pub(crate) fn captures(&mut self, base: u32, method: Method, now: Instant) {
        let client = self.client(base, now);
        client.last = now;
        let graver = match client.did {
            None => true,
            // What managers may do must not hide what they may not.
            Some(before) => (method.is_managing(), method) < (before.is_managing(), before),
        };
        if graver {
            client.did = Some(method);
        }
        self.settle(base, now);
    }

    /// It disconnected.
    pub(crate) fn left(&mut self, base: u32, now: Instant) {
        let Some(client) = self.clients.remove(&base) else { return };
        self.managers.remove(&base);
        self.let_go(base, now + if client.did.is_some() { CAPTURER_LEFT } else { STRANGER_LEFT });
    }

    /// Time goes by.
    pub(crate) fn pass(&mut self, now: Instant) {
        let mut quiet = Vec::new();
        for (base, client) in &mut self.clients {
            if client.new && client.did.is_none() && client.last + QUIET <= now {
                client.new = false;
                quiet.push(*base);
            }
        }
        for base in quiet {
            self.let_go(base, now);
        }
        self.holds.retain(|_, held| held.until.is_none_or(|until| until > now));
    }

    /// When time matters next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let quiet = self.clients.values().filter(|c| c.new && c.did.is_none()).map(|c| c.last + QUIET);
        self.holds.values().filter_map(|h| h.until).chain(quiet).min()
    }

    fn client(&mut self, base: u32, now: Instant) -> &mut Client {
        self.clients.entry(base).or_insert_with(|| Client {
            standing: Standing::Unknown,
            new: false,
            did: None,
            tops: HashSet::new(),
            last: now,
        })
    }

    /// What is known of a client, held against what it did.
    fn settle(&mut self, base: u32, now: Instant) {
        let Some(client) = self.clients.get_mut(&base) else { return };
        let excused = match client.standing {
            Standing::Ours => true,
            // Desktops watch for their keys so (KDE's kglobalaccel): it shows no pixels.
            Standing::Ordinary | Standing::Manager if client.did == Some(Method::Record) => true,
            Standing::Manager => self.managers.contains(&base) && client.did.is_some_and(Method::is_managing),
            Standing::Ordinary | Standing::Stranger | Standing::Unknown => false,
        };
        if excused {
            client.did = None;
        }
        let trusted = matches!(client.standing, Standing::Ours | Standing::Ordinary | Standing::Manager);
        match client.did {
            Some(method) => self.hold(Hold::Client(base), method, None),
            None if trusted => {
                client.new = false;
                self.let_go(base, now);
            }
            None => {}
        }
    }

    /// Holds on; a hold that is there already never ends earlier for it, nor for less.
    fn hold(&mut self, hold: Hold, method: Method, until: Option<Instant>) {
        let mut new = Held { method, until };
        if let Some(old) = self.holds.get(&hold) {
            new.method = new.method.min(old.method);
            new.until = match (old.until, until) {
                (Some(old), Some(new)) => Some(old.max(new)),
                // Held again without end; or let go by whoever may (the first moments learn their end later).
                (_, until) => until,
            };
        }
        self.holds.insert(hold, new);
    }

    fn let_go(&mut self, base: u32, at: Instant) {
        if let Some(held) = self.holds.get_mut(&Hold::Client(base)) {
            held.until = Some(held.until.map_or(at, |until| until.min(at)));
        }
    }
}

#[cfg(test)]
mod tests;
