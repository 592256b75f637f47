//! The secrets that invitations carry for the people of a room and that no host needs: for its media and for megaphones.
//! Made at start and printed in the links, and kept only in a file the operator names. Never given to the host itself.

use std::path::Path;

use anyhow::{Context, bail};
use protocol::pii::Secret;
use zeroize::Zeroizing;

use crate::keys::{read_private, write_private};

/// First byte of a file of this kind.
const FORMAT: u8 = 1;
const LENGTH: usize = 1 + 32 + 16;

/// What everyone invited to the room shares.
pub(crate) struct Seals {
    /// For voices and pictures of the room.
    pub(crate) media: Secret<32>,
    /// For megaphones.
    pub(crate) broadcast: Secret<16>,
}

impl Seals {
    /// New ones, or those of a private file, which is made if missing: then links of an earlier start still open what
    /// people with newer links say.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else { return Ok(Self::make()) };
        if path.exists() {
            return Self::from_bytes(&read_private(path)?).with_context(|| format!("in {}", path.display()));
        }
        let seals = Self::make();
        write_private(path, &seals.to_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(seals)
    }

    fn make() -> Self {
        Self { media: Secret::new(random()), broadcast: Secret::new(random()) }
    }

    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH));
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.media.expose());
        bytes.extend_from_slice(self.broadcast.expose());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> anyhow::Result<Self> {
        let Some((&FORMAT, rest)) = bytes.split_first() else { bail!("not a file of seals") };
        let (media, broadcast) = rest.split_at_checked(32).context("too short for a file of seals")?;
        Ok(Self {
            media: Secret::new(media.try_into()?),
            broadcast: Secret::new(broadcast.try_into().context("not the length of a file of seals")?),
        })
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    host::building::random(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_gives_the_same_seals_at_the_next_start() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("seals");
        let first = Seals::load(Some(&path))?;
        let second = Seals::load(Some(&path))?;
        assert_eq!(first.media.expose(), second.media.expose());
        assert_eq!(first.broadcast.expose(), second.broadcast.expose());
        assert_ne!(first.media.expose(), Seals::load(None)?.media.expose());
        Ok(())
    }

    #[test]
    fn another_file_is_refused_and_left_as_it_is() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("seals");
        for bytes in [&[][..], &[2; LENGTH], &[FORMAT; 20], &[FORMAT; LENGTH + 1]] {
            std::fs::remove_file(&path).ok();
            write_private(&path, bytes)?;
            assert!(Seals::load(Some(&path)).is_err());
            assert_eq!(std::fs::read(&path)?, bytes);
        }
        Ok(())
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_refused() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("seals");
        Seals::load(Some(&path))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        assert!(Seals::load(Some(&path)).is_err());
        Ok(())
    }
}
