//! Who may do what, and the only place a [`Permit`] is born.
//! Values only. The client's session and the host's office both decide with these rules; devices open only with a permit.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person is in a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the meeting: changes rights and roles, invites.
    Owner,
    /// Belongs to the house.
    Member,
    /// Came by a guest invitation.
    Guest,
}

impl Role {
    /// Every role, highest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Guest];
}

/// A thing that needs a right of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Speak.
    Microphone,
    /// Be seen.
    Camera,
    /// Show a screen, with its sound.
    ScreenShare,
    /// Speak to everyone on the host, whatever room they are in.
    Megaphone,
}

impl Capability {
    /// Every capability, in the order the rights panel shows them.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::ScreenShare, Self::Megaphone];

    const fn bit(self) -> u8 {
        match self {
            Self::Microphone => 1,
            Self::Camera => 2,
            Self::ScreenShare => 4,
            Self::Megaphone => 8,
        }
    }
}

/// What a track claims to be (LiveKit `TrackSource`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackSource {
    /// LiveKit's UNKNOWN; with us the megaphone and nothing else.
    Megaphone,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A screen or window.
    ScreenShare,
    /// The sound of a shared screen.
    ScreenShareAudio,
}

/// Sound or picture (LiveKit `TrackType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

impl TrackSource {
    /// The right a track of this source **and** kind needs. `None`: the pair makes no sense and is always refused,
    /// so that a microphone right cannot smuggle a video and a camera cannot hide in an audio source.
    #[must_use]
    pub const fn capability(self, kind: TrackKind) -> Option<Capability> {
        match (self, kind) {
            (Self::Microphone, TrackKind::Audio) => Some(Capability::Microphone),
            (Self::Camera, TrackKind::Video) => Some(Capability::Camera),
            (Self::ScreenShare, TrackKind::Video) | (Self::ScreenShareAudio, TrackKind::Audio) => {
                Some(Capability::ScreenShare)
            }
            (Self::Megaphone, TrackKind::Audio) => Some(Capability::Megaphone),
            (Self::Microphone | Self::ScreenShareAudio | Self::Megaphone, TrackKind::Video)
            | (Self::Camera | Self::ScreenShare, TrackKind::Audio) => None,
        }
    }
}

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Grants(u8);

impl Grants {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything.
    pub const ALL: Self = Self(15);

    /// The set of exactly these.
    #[must_use]
    pub fn of(capabilities: &[Capability]) -> Self {
        Self(capabilities.iter().fold(0, |set, c| set | c.bit()))
    }

    /// Is it in the set?
    #[must_use]
    pub const fn allows(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// The set with one capability added or taken away.
    #[must_use]
    pub const fn with(self, capability: Capability, allowed: bool) -> Self {
        if allowed { Self(self.0 | capability.bit()) } else { Self(self.0 & !capability.bit()) }
    }

    /// The capabilities in the set, in the order of [`Capability::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |c| self.allows(*c))
    }
}

impl Serialize for Grants {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Grants {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let list = Vec::<Capability>::deserialize(from)?;
        Ok(Self::of(&list))
    }
}

/// Role x capability: what the owner edits in the rights panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    owner: Grants,
    member: Grants,
    guest: Grants,
}

/// Why a change of the matrix is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeMatrix {
    /// Someone must always be able to run the meeting.
    #[error("the owner keeps every right")]
    OwnerKeepsAll,
}

impl Default for Matrix {
    /// Members speak, show themselves and share; guests speak and show themselves; the megaphone is the owner's.
    fn default() -> Self {
        use Capability::{Camera, Microphone, ScreenShare};
        Self {
            owner: Grants::ALL,
            member: Grants::of(&[Microphone, Camera, ScreenShare]),
            guest: Grants::of(&[Microphone, Camera]),
        }
    }
}

impl Matrix {
    /// What a role may do. The owner's row is everything, whatever a file or a peer says.
    #[must_use]
    pub const fn grants(&self, role: Role) -> Grants {
        match role {
            Role::Owner => Grants::ALL,
            Role::Member => self.member,
            Role::Guest => self.guest,
        }
    }

    /// Allows or forbids one capability for one role.
    ///
    /// # Errors
    /// The owner's row cannot be changed.
    pub const fn set(&mut self, role: Role, capability: Capability, allowed: bool) -> Result<(), ChangeMatrix> {
        match role {
            Role::Owner => return Err(ChangeMatrix::OwnerKeepsAll),
            Role::Member => self.member = self.member.with(capability, allowed),
            Role::Guest => self.guest = self.guest.with(capability, allowed),
        }
        Ok(())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A capability as a type, so that a camera cannot be opened with a microphone's permit.
pub trait Right: sealed::Sealed + Send + Sync + 'static {
    /// The capability this type stands for.
    const CAPABILITY: Capability;
}

macro_rules! right {
    ($($(#[$doc:meta])* $name:ident => $cap:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Right for $name {
            const CAPABILITY: Capability = Capability::$cap;
        }
    )*};
}

right! {
    /// [`Capability::Microphone`] as a type.
    Mic => Microphone,
    /// [`Capability::Camera`] as a type.
    Camera => Camera,
    /// [`Capability::ScreenShare`] as a type.
    Screen => ScreenShare,
    /// [`Capability::Megaphone`] as a type.
    Megaphone => Megaphone,
}

/// Leave to use one capability, until it is revoked. Only [`Gate`] makes one.
///
/// Pipelines keep it and ask [`Permit::is_live`] for every block or frame.
#[derive(Debug)]
pub struct Permit<R: Right> {
    live: Arc<AtomicBool>,
    right: PhantomData<fn() -> R>,
}

impl<R: Right> Permit<R> {
    /// Still allowed? A lock-free load, fit for a real-time thread.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.live.load(Ordering::Acquire)
    }
}

impl<R: Right> Clone for Permit<R> {
    fn clone(&self) -> Self {
        Self { live: Arc::clone(&self.live), right: PhantomData }
    }
}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not allowed for this person in this meeting")]
pub struct NotAllowed(pub Capability);

/// Hands out permits by the grants it was last told, and takes them back.
///
/// A new gate allows nothing; so does one that was closed.
#[derive(Debug, Default)]
pub struct Gate {
    grants: Grants,
    live: [Arc<AtomicBool>; 4],
}

impl Gate {
    /// A gate that allows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it allows now.
    #[must_use]
    pub const fn grants(&self) -> Grants {
        self.grants
    }

    /// Takes new grants. Permits for what is no longer allowed die at once; the capabilities that fell are returned.
    pub fn set(&mut self, grants: Grants) -> Vec<Capability> {
        let mut fallen = Vec::new();
        for (slot, capability) in Capability::ALL.into_iter().enumerate() {
            let (was, is) = (self.grants.allows(capability), grants.allows(capability));
            if was && !is {
                self.live[slot].store(false, Ordering::Release);
                fallen.push(capability);
            }
            if is && !was {
                // A fresh flag: a permit that died stays dead when the right comes back.
                self.live[slot] = Arc::new(AtomicBool::new(true));
            }
        }
        self.grants = grants;
        fallen
    }

    /// The meeting is over: nothing is allowed any more.
    pub fn close(&mut self) {
        self.set(Grants::NONE);
    }

    /// Leave to use a capability.
    ///
    /// # Errors
    /// The grants do not hold it.
    pub fn permit<R: Right>(&self) -> Result<Permit<R>, NotAllowed> {
        let slot = Capability::ALL.iter().position(|c| *c == R::CAPABILITY);
        match slot {
            Some(slot) if self.grants.allows(R::CAPABILITY) => {
                Ok(Permit { live: Arc::clone(&self.live[slot]), right: PhantomData })
            }
            Some(_) | None => Err(NotAllowed(R::CAPABILITY)),
        }
    }

    /// Leave to try one's own device before a meeting: the sound and picture go nowhere but to this screen.
    #[must_use]
    pub fn preview<R: Right>() -> Permit<R> {
        Permit { live: Arc::new(AtomicBool::new(true)), right: PhantomData }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Fail closed: without a gate nobody could take a permit back.
        self.close();
    }
}

#[cfg(test)]
mod tests;
