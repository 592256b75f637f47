//! Where one person's data lies: a folder for settings, logs and the host's store, and a name for their secrets.
//! Makes the folder so that nobody else can look into it. Never a place for a secret.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

/// As in `tauri.conf.json`.
pub const IDENTIFIER: &str = "jp.shoji.desktop";
/// Hex digits of the folder's hash that tell profiles apart.
const DIGITS: usize = 12;

/// One person's data on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    folder: PathBuf,
    namespace: String,
    own_folder: bool,
}

impl Profile {
    /// The folder asked for, or else `usual` (the system's place for this program's data). It is made if it is missing.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(asked: Option<&Path>, usual: &Path) -> io::Result<Self> {
        let folder = asked.unwrap_or(usual);
        make(folder)?;
        let folder = folder.canonicalize()?;
        let namespace = match asked {
            None => IDENTIFIER.to_owned(),
            Some(_) => format!("{IDENTIFIER}.p{}", short_hash(&folder)),
        };
        Ok(Self { folder, namespace, own_folder: asked.is_some() })
    }

    /// The same, if it is there; nothing is made.
    #[must_use]
    pub fn existing(asked: Option<&Path>, usual: &Path) -> Option<Self> {
        asked.unwrap_or(usual).is_dir().then(|| Self::open(asked, usual).ok()).flatten()
    }

    /// Names this profile on the whole machine, whoever else uses it; letters, digits and dots.
    #[must_use]
    pub fn machine_name(&self) -> String {
        format!("{IDENTIFIER}.{}", short_hash(&self.folder))
    }

    /// Where everything lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names the secrets in the keyring and the running instance; letters, digits and dots.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Was the folder asked for on the command line?
    #[must_use]
    pub const fn is_own_folder(&self) -> bool {
        self.own_folder
    }

    /// Takes the profile for this process until the file is dropped; `None`: another process has it.
    ///
    /// # Errors
    /// The lock file cannot be made, or the file system has no locks.
    pub fn lock(&self) -> io::Result<Option<File>> {
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Where log files lie.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// What a web view keeps, where it does keep something.
    #[must_use]
    pub fn page_data(&self) -> PathBuf {
        self.folder.join("page")
    }

    /// The folder of the host inside this app.
    #[must_use]
    pub fn host_data(&self) -> PathBuf {
        self.folder.join("host")
    }
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn short_hash(folder: &Path) -> String {
    let hash = digest::digest(&digest::SHA256, folder.as_os_str().as_encoded_bytes());
    hash.as_ref().iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_profiles_share_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let usual = folder.path().join("usual");
        let names = [Some(a.as_path()), Some(b.as_path()), None].map(|p| Profile::open(p, &usual).unwrap());
        assert_ne!(names[0].namespace(), names[1].namespace());
        assert_eq!(names[2].namespace(), IDENTIFIER);
        // A bus name part must not start with a digit and holds no dash.
        assert!(names[0].namespace().chars().all(|c| c.is_ascii_alphanumeric() || c == '.'));
        // The same folder by another way is the same profile.
        let again = Profile::open(Some(&folder.path().join("b/../a")), &usual).unwrap();
        assert_eq!(again, names[0]);
    }

    #[test]
    fn one_profile_has_one_user_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(folder.path()), folder.path()).unwrap();
        let held = profile.lock().unwrap();
        assert!(held.is_some());
        assert!(profile.lock().unwrap().is_none());
        drop(held);
        assert!(profile.lock().unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_look_into_a_profile() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::open(Some(&folder.path().join("p")), folder.path()).unwrap();
        assert_eq!(std::fs::metadata(profile.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
