//! From a client of the server to the program behind it: the server says the process (XRes), the kernel its file.
//! Run by the desk, and once by whoever raises the shield. It reads `/proc` and file attributes, and opens nothing.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use x11rb::protocol::res::{ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

use crate::judge::Standing;
use crate::programs::{MANAGERS, ORDINARY};

/// Where only root installs programs.
const SYSTEM: &[&str] =
    &["/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/usr/games/", "/opt/", "/bin/"];

/// Somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) pid: Option<u32>,
    pub(crate) program: Option<String>,
}

/// Knows people.
pub(crate) struct Directory {
    allow: Vec<String>,
    /// Under test, a connection of this process is a stranger's. Those that were there before are ours even so: whoever
    /// shares their screen captures all the time.
    tested: bool,
}

impl Directory {
    pub(crate) const fn new(allow: Vec<String>, tested: bool) -> Self {
        Self { allow, tested }
    }

    /// Everybody who is connected now.
    pub(crate) fn everybody(&self, connection: &RustConnection) -> Vec<(u32, Standing, Person)> {
        let clients = connection.res_query_clients().ok().and_then(|c| c.reply().ok()).map(|r| r.clients);
        let bases: Vec<u32> = clients.unwrap_or_default().iter().map(|c| c.resource_base).collect();
        bases
            .into_iter()
            .map(|base| {
                let (standing, person) = self.look_up(connection, base);
                let ours = person.pid == Some(std::process::id());
                (base, if ours { Standing::Ours } else { standing }, person)
            })
            .collect()
    }

    /// Who it is. A client whose process is not known (it came over a network, or is gone) is a stranger.
    pub(crate) fn look_up(&self, connection: &RustConnection, base: u32) -> (Standing, Person) {
        let spec = ClientIdSpec { client: base, mask: ClientIdMask::LOCAL_CLIENT_PID };
        let reply = connection.res_query_client_ids(&[spec]).ok().and_then(|cookie| cookie.reply().ok());
        let pid = reply.and_then(|r| r.ids.first()?.value.first().copied());
        let Some(pid) = pid else { return (Standing::Stranger, Person::default()) };
        if pid == std::process::id() {
            let standing = if self.tested { Standing::Stranger } else { Standing::Ours };
            return (standing, Person { pid: Some(pid), program: Some("this program".into()) });
        }
        let link = PathBuf::from(format!("/proc/{pid}/exe"));
        let Ok(file) = std::fs::read_link(&link) else {
            // Another user's, or already gone: what it calls itself is better than nothing, and no reason to trust.
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
            return (Standing::Stranger, Person { pid: Some(pid), program: name.map(|n| n.trim().to_owned()) });
        };
        let program = file.file_name().map(|n| n.to_string_lossy().into_owned());
        (self.standing(&link, &file), Person { pid: Some(pid), program: script(pid, program) })
    }

    fn standing(&self, link: &Path, file: &Path) -> Standing {
        let (Some(path), Some(name)) = (file.to_str(), file.file_name().and_then(|n| n.to_str())) else {
            return Standing::Stranger;
        };
        let manager = MANAGERS.contains(&name);
        let listed = manager || ORDINARY.contains(&name) || self.allow.iter().any(|a| a == name || a == path);
        match (listed && is_of_the_system(link, file), manager) {
            (true, true) => Standing::Manager,
            (true, false) => Standing::Ordinary,
            (false, _) => Standing::Stranger,
        }
    }
}

/// Is the running file one that only root can have put there, and is it still? `link`: the kernel's way to the very file.
fn is_of_the_system(link: &Path, file: &Path) -> bool {
    if !SYSTEM.iter().any(|folder| file.starts_with(folder)) {
        return false;
    }
    // In a mount namespace of one's own anything can have any name: it has to be the same file here as well.
    let (Ok(running), Ok(here)) = (std::fs::metadata(link), std::fs::symlink_metadata(file)) else { return false };
    let same = running.dev() == here.dev() && running.ino() == here.ino();
    same && here.is_file() && here.uid() == 0 && here.mode() & 0o022 == 0
}

/// An interpreter says less than what it runs: `python3 (shot.py)`.
fn script(pid: u32, program: Option<String>) -> Option<String> {
    let program = program?;
    if !["python", "perl", "ruby", "node", "bash", "sh", "dash", "gjs", "java"].iter().any(|i| program.starts_with(i)) {
        return Some(program);
    }
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = line.split(|b| *b == 0).skip(1).map(String::from_utf8_lossy);
    let script = words.into_iter().find(|w| !w.is_empty() && !w.starts_with('-') && w.len() < 256);
    let script = script.as_deref().and_then(|w| Path::new(w).file_name()).map(|n| n.to_string_lossy().into_owned());
    Some(script.map_or(program.clone(), |script| format!("{program} ({script})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(allow: &[&str], file: &Path) -> Standing {
        let allow = allow.iter().map(|&s| s.to_owned()).collect();
        Directory::new(allow, false).standing(file, file)
    }

    #[test]
    fn only_files_of_root_in_system_folders_are_ordinary() {
        let shell = std::fs::canonicalize("/usr/bin/env").unwrap();
        assert_eq!(standing(&["env"], &shell), Standing::Ordinary);
        assert_eq!(standing(&[shell.to_str().unwrap()], &shell), Standing::Ordinary);
        assert_eq!(standing(&["en", "/usr/local/bin/env"], &shell), Standing::Stranger);
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("xterm");
        std::fs::copy(&shell, &copy).unwrap();
        assert_eq!(standing(&[copy.to_str().unwrap()], &copy), Standing::Stranger, "in a folder of anybody's");
        assert_eq!(standing(&[], Path::new("/usr/bin/no-such-thing/xterm")), Standing::Stranger);
    }

    #[test]
    fn another_file_under_a_system_name_is_a_stranger() {
        let shell = std::fs::canonicalize("/usr/bin/env").unwrap();
        let other = std::fs::canonicalize("/bin/sh").unwrap();
        let directory = Directory::new(vec!["env".into()], false);
        assert_eq!(directory.standing(&other, &shell), Standing::Stranger);
    }

    #[test]
    fn nothing_that_captures_or_runs_scripts_is_listed() {
        let never = [
            "scrot",
            "maim",
            "import",
            "xwd",
            "ffmpeg",
            "obs",
            "vlc",
            "mpv",
            "python3",
            "perl",
            "bash",
            "sh",
            "node",
            "xdotool",
            "flameshot",
            "spectacle",
            "ksnip",
            "gnome-screenshot",
            "xfce4-screenshooter",
            "x11vnc",
            "gjs-console",
            "xrdp",
            "peek",
            "kazam",
            "simplescreenrecorder",
            "gimp",
            "gpick",
            "display",
            "convert",
            "magick",
        ];
        for name in never {
            assert!(!ORDINARY.contains(&name) && !MANAGERS.contains(&name), "{name} is no ordinary program");
        }
    }
}
