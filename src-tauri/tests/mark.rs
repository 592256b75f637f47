//! `shoji --read-mark` against a real keyring: the program itself is run, in a session bus, a home and a keyring of its own.
//! Says so and passes where `dbus-run-session` or `gnome-keyring-daemon` is missing.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use app::profile::Profile;
use app::vault::SystemVault;
use client::ports::Vault;
use host::keys::HostKeys;
use host::leak::Tile;
use host::store::{Store, Write};
use protocol::ids::{DisplayName, RoomId, UserId};
use protocol::policy::{Matrix, Role};

/// The folder in which the other process plays the host that once was.
const HOSTED: &str = "SHOJI_MARK_HOSTED";
const UNLOCK: &str = "printf pw | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null";
const SIZE: (usize, usize) = (900, 600);
const USER: &str = "u_2";

/// Not a test: what the other process runs. Leaves keys in the keyring, people in the store and a picture that leaked.
#[tokio::test]
#[ignore = "run by the tests below"]
async fn host_once() {
    let Ok(folder) = std::env::var(HOSTED) else { return };
    let folder = Path::new(&folder);
    let profile = Profile::open(Some(&folder.join("profile")), folder).expect("a profile");
    let keys = HostKeys::generate().expect("keys");
    let vault = SystemVault::open(profile.namespace());
    // As the app itself names them: a change there makes keys of earlier versions unfindable.
    vault.set("host-keys", &keys.to_blob()).expect("the keyring takes them");

    let room = RoomId::parse("r1").expect("a room");
    let (store, _) = Store::open(Some(&profile.host_data())).expect("a store");
    let title = "朝会".to_owned();
    let (matrix, minimum) = (Matrix::default(), Default::default());
    store.keep(Write::Room { room: room.clone(), title, matrix, minimum, created_at: 1 }).await.expect("kept");
    let user = UserId::parse(USER).expect("a user");
    let name = DisplayName::parse("花子").expect("a name");
    let member = Write::Member { room: room.clone(), user: user.clone(), role: Role::Member, name, exempt: false };
    store.keep(member).await.expect("kept");

    let marks = keys.marks(&room);
    let mut page = vec![245; SIZE.0 * SIZE.1 * 4];
    save(&folder.join("bare.png"), &page);
    Tile::draw(&marks.cells(marks.viewer(&user))).cover(&mut page, SIZE.0);
    save(&folder.join("leaked.png"), &page);
    println!("hosted={:?}", vault.view());
}

fn save(path: &Path, rgba: &[u8]) {
    let file = std::fs::File::create(path).expect("there is room");
    let mut encoder = png::Encoder::new(file, SIZE.0 as u32, SIZE.1 as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(rgba)).expect("written");
}

fn has(program: &str) -> bool {
    let found =
        std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|dir| dir.join(program).exists()));
    if !found {
        eprintln!("SKIPPED: {program} is missing");
    }
    found
}

/// Runs shell lines on a bus and in a home of their own. `HOST` in them hosts once, `READ` is the program.
fn session(home: &Path, lines: &str) -> String {
    let me = std::env::current_exe().expect("a test knows its program");
    let host = format!("'{}' --exact host_once --ignored --nocapture", me.display());
    let read = format!("'{}' --profile '{}' --read-mark", env!("CARGO_BIN_EXE_shoji"), home.join("profile").display());
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &lines.replace("HOST", &host).replace("READ", &read)])
        .current_dir(home)
        .env(HOSTED, home)
        .env("HOME", home)
        .env("LANG", "C")
        .env("XDG_DATA_HOME", home)
        .env("XDG_CACHE_HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL")
        .stdin(Stdio::null())
        .output()
        .expect("dbus-run-session was found");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn the_app_reads_marks_of_its_own_meetings_with_the_keys_of_its_keyring() {
    if !["dbus-run-session", "gnome-keyring-daemon"].map(has).iter().all(|found| *found) {
        return;
    }
    let home = tempfile::tempdir().expect("there is room for a folder");
    let said = session(
        home.path(),
        &format!(
            "{UNLOCK}; HOST; echo LEAKED; READ leaked.png; echo BARE; READ bare.png; echo OTHER; READ profile; echo END $?"
        ),
    );
    assert!(said.contains("hosted=Keyring"), "{said}");
    let after = |word: &str| said.split_once(word).map(|(_, rest)| rest.lines().nth(1).unwrap_or_default());
    let found: serde_json::Value = serde_json::from_str(after("LEAKED").unwrap_or_default()).expect(&said);
    assert_eq!(found["found"], true, "{said}");
    assert_eq!((&found["user"], &found["name"], &found["title"]), (&USER.into(), &"花子".into(), &"朝会".into()));
    assert_eq!(after("BARE"), Some(r#"{"found":false}"#), "{said}");
    assert!(said.contains("END 1"), "a folder is no picture, and that is said: {said}");
}

#[test]
fn without_the_keyring_nothing_is_told_and_nothing_made() {
    let home = tempfile::tempdir().expect("there is room for a folder");
    if !has("dbus-run-session") {
        return;
    }
    // Nobody hosted: no folder is made for that.
    let said = session(home.path(), "READ bare.png; echo END $?");
    assert!(said.contains("END 1"), "{said}");
    assert!(!home.path().join("profile").exists());
    // Somebody did, and no keyring runs here.
    let hosted: PathBuf = home.path().join("profile/host");
    std::fs::create_dir_all(&hosted).expect("there is room");
    std::fs::write(hosted.join("host.sqlite"), b"").expect("there is room");
    let said = session(home.path(), "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent READ bare.png; echo END $?");
    assert!(said.contains("END 1") && said.contains("keyring"), "{said}");
    let size = std::fs::metadata(hosted.join("host.sqlite")).map(|data| data.len());
    assert_eq!(size.ok(), Some(0), "nothing was written");
}
