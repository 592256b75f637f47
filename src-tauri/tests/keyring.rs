//! The vault against the real keyring of a free desktop: unlocked, locked and missing.
//! Each case runs in a session bus, a home and a keyring of its own; nothing of the machine's own keyring is touched.
//! Says so and passes where `dbus-run-session` or `gnome-keyring-daemon` is missing.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use app::vault::SystemVault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use client::ports::Vault;
use tempfile::TempDir;

/// What the other process is asked to do with the vault.
const ACT: &str = "SHOJI_VAULT_ACT";
const SECRET: &[u8] = b"\x00canary\xff";
const UNLOCK: &str = "printf pw | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null";
const START: &str = "gnome-keyring-daemon --start --components=secrets >/dev/null";
/// Ends the daemon of this bus, so that the next one begins locked; it has written its file by then.
const END: &str = "dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.GetConnectionUnixProcessID string:org.freedesktop.secrets | { read -r _ pid; kill \"$pid\"; }";

/// Not a test: what the other process runs.
#[test]
#[ignore = "run by the tests below"]
fn act() {
    let Ok(acts) = std::env::var(ACT) else { return };
    let vault = SystemVault::open("jp.shoji.desktop.test");
    println!("view={:?}", vault.view());
    for act in acts.split(',') {
        match act {
            "set" => println!("set={:?}", vault.set("token", SECRET)),
            "get" => println!("get={}", vault.get("token").is_ok_and(|s| s.is_some_and(|s| *s == SECRET))),
            "forget" => println!("forget={:?}", vault.forget("token")),
            other => panic!("{other}?"),
        }
    }
}

fn has(program: &str) -> bool {
    let found =
        std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|dir| dir.join(program).exists()));
    if !found {
        eprintln!("SKIPPED: {program} is missing");
    }
    found
}

fn can_run() -> bool {
    ["dbus-run-session", "gnome-keyring-daemon", "dbus-send"].map(has).iter().all(|found| *found)
}

/// Runs shell lines on a bus and in a home of their own; `RUN` in them is this program, acting.
fn session(home: &Path, lines: &str) -> String {
    let me = std::env::current_exe().expect("a test knows its program");
    let act = format!("'{}' --exact act --ignored --nocapture --test-threads=1", me.display());
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &lines.replace("RUN", &act)])
        .env("HOME", home)
        .env("XDG_DATA_HOME", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL")
        .stdin(Stdio::null())
        .output()
        .expect("dbus-run-session was found");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn home() -> TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

#[test]
fn a_secret_outlives_the_program_in_an_unlocked_keyring_and_is_not_in_any_file() {
    if !can_run() {
        return;
    }
    let home = home();
    let said = session(home.path(), &format!("{UNLOCK}; {ACT}=set RUN; {ACT}=get RUN; {ACT}=forget,get,set RUN"));
    assert!(said.contains("view=Keyring"), "{said}");
    assert!(said.contains("set=Ok(())") && said.contains("forget=Ok(())"), "{said}");
    let gets: Vec<&str> = said.lines().filter(|l| l.contains("get=true") || l.contains("get=false")).collect();
    assert_eq!(gets.len(), 2, "{said}");
    assert!(gets[0].contains("get=true") && gets[1].contains("get=false"), "{said}");
    let stored = BASE64.encode(SECRET);
    for file in files(home.path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
        assert!(!holds(SECRET) && !holds(stored.as_bytes()), "{} holds the secret", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is ours").flatten();
    entries.flat_map(|e| if e.path().is_dir() { files(&e.path()) } else { vec![e.path()] }).collect()
}

#[test]
fn a_locked_keyring_is_told_and_the_run_goes_on_in_memory() {
    if !can_run() {
        return;
    }
    let home = home();
    let said = session(
        home.path(),
        &format!("{UNLOCK}; {ACT}=set RUN; {END}; sleep 0.5; {START}; echo LOCKED; {ACT}=set,get RUN"),
    );
    let (before, after) = said.split_once("LOCKED").unwrap_or_else(|| panic!("{said}"));
    assert!(before.contains("view=Keyring"), "{said}");
    assert!(after.contains("view=MemoryOnly { code: KeyringLocked }"), "{said}");
    assert!(after.contains("set=Ok(())") && after.contains("get=true"), "{said}");
}

#[test]
fn without_a_bus_the_keyring_is_missing() {
    let home = home();
    let me = std::env::current_exe().unwrap();
    let output = Command::new(me)
        .args(["--exact", "act", "--ignored", "--nocapture"])
        .env(ACT, "set,get")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("view=MemoryOnly { code: KeyringMissing }"), "{said}");
    assert!(said.contains("get=true"), "{said}");
}
