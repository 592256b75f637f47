//! The walls: which crate may use which, and what never enters a room.
//! Asks `cargo metadata`; a new arrow is a decision and is made here and in `ARCHITECTURE.md` together.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::tree::{has_extension, sources, top};

/// Who may use whom among our own crates; nobody else may.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("peer", &["protocol"]),
    ("watermark", &["protocol"]),
    ("libopus", &[]),
    ("libopenh264", &[]),
    ("media-core", &["protocol", "libopus", "libopenh264"]),
    ("media-devices", &["protocol", "media-core"]),
    ("client", &["protocol", "peer", "watermark", "media-core"]),
    ("host", &["protocol", "peer", "watermark"]),
    ("shield", &["protocol"]),
    ("app", &["protocol", "client", "host", "media-core", "media-devices", "shield"]),
    ("inspection", &["protocol", "peer", "watermark", "media-core", "media-devices", "client", "host"]),
];

/// What a room must never touch, by the crates that would touch it, however deep they hide.
/// A name that ends in `*` stands for every crate that starts so.
const NEVER: &[(&str, &[&str])] = &[
    ("protocol", &["tokio", "mio", "socket2", "tauri", "rusqlite", "rustls", "cpal", "nokhwa", "x11rb"]),
    ("peer", &["tokio", "mio", "tauri", "rusqlite", "cpal", "nokhwa", "x11rb"]),
    ("watermark", &["tokio", "mio", "socket2", "tauri", "rusqlite", "rustls", "rtc", "cpal", "nokhwa", "x11rb"]),
    ("media-core", &["tokio", "mio", "tauri", "rusqlite", "rustls", "rtc", "cpal", "nokhwa", "x11rb"]),
    ("media-devices", &["tauri", "rustls", "rtc", "rusqlite", "tungstenite"]),
    ("client", &["tauri", "gtk", "webkit2gtk", "wry", "cpal", "alsa", "nokhwa", "x11rb", "keyring-core", "rusqlite"]),
    ("host", &["tauri", "gtk", "webkit2gtk", "wry", "cpal", "alsa", "nokhwa", "x11rb", "libopus", "openh264"]),
    ("shield", &["tokio", "tauri", "gtk", "rusqlite", "rustls", "rtc", "cpal", "nokhwa"]),
    ("inspection", &["tauri", "gtk", "webkit2gtk", "wry", "cpal", "alsa", "nokhwa", "x11rb", "keyring-core"]),
];

fn metadata(arguments: &[&str]) -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(arguments)
        .current_dir(top())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn only_the_drawn_arrows_exist() {
    let data = metadata(&["--no-deps"]);
    let ours: BTreeSet<&str> = list(&data["packages"]).iter().map(|p| text(&p["name"])).collect();
    let drawn: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, drawn, "a crate came or went: draw its arrows");
    for package in list(&data["packages"]) {
        let name = text(&package["name"]);
        let allowed = ARROWS.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, to)| to);
        for dependency in list(&package["dependencies"]) {
            let to = text(&dependency["name"]);
            if ours.contains(to) {
                assert!(allowed.contains(&to), "{name} must not use {to}: no such arrow is drawn");
            }
        }
    }
}

#[test]
fn only_peer_names_the_webrtc_stack() {
    let data = metadata(&["--no-deps"]);
    for package in list(&data["packages"]) {
        let name = text(&package["name"]);
        for dependency in list(&package["dependencies"]) {
            let to = text(&dependency["name"]);
            let stack = to == "rtc" || to == "webrtc" || to.starts_with("rtc-") || to.starts_with("webrtc-");
            assert!(!stack || name == "peer", "{name} names {to}; only `peer` may");
        }
    }
}

#[test]
fn nothing_forbidden_hides_below_a_room() {
    let data = metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let names: BTreeMap<&str, &str> =
        list(&data["packages"]).iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
    let edges: BTreeMap<&str, Vec<&str>> = list(&data["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let normal =
                list(&node["deps"]).iter().filter(|d| list(&d["dep_kinds"]).iter().any(|k| k["kind"].is_null()));
            (text(&node["id"]), normal.map(|d| text(&d["pkg"])).collect())
        })
        .collect();
    for (room, never) in NEVER {
        let start = names.iter().find(|(_, n)| n == &room).map(|(id, _)| *id).expect("the room exists");
        let mut seen = BTreeMap::from([(start, None)]);
        let mut todo = vec![start];
        while let Some(at) = todo.pop() {
            for next in edges.get(at).into_iter().flatten() {
                if !seen.contains_key(next) {
                    seen.insert(next, Some(at));
                    todo.push(next);
                }
            }
        }
        for id in seen.keys() {
            let name = names[id];
            let hit = never.iter().any(|n| n.strip_suffix('*').map_or(name == *n, |start| name.starts_with(start)));
            assert!(!hit, "{room} reaches {name} by {}", path(id, &seen, &names));
        }
    }
}

fn path<'a>(from: &'a str, seen: &BTreeMap<&'a str, Option<&'a str>>, names: &BTreeMap<&str, &str>) -> String {
    let mut way = vec![names[from]];
    let mut at = from;
    while let Some(Some(before)) = seen.get(at) {
        way.push(names[before]);
        at = before;
    }
    way.reverse();
    way.join(" -> ")
}

#[test]
fn versions_stand_once_in_the_workspace() {
    let mut section = String::new();
    for source in sources().iter().filter(|s| s.path.ends_with("/Cargo.toml")) {
        for line in source.text.lines().map(str::trim) {
            if line.starts_with('[') {
                section = line.to_owned();
                continue;
            }
            let pins = section == "[workspace.dependencies]";
            if !pins
                && section.trim_end_matches(']').ends_with("dependencies")
                && !line.is_empty()
                && !line.starts_with('#')
            {
                assert!(
                    line.contains("workspace = true"),
                    "{}: `{line}` carries a version of its own; pins live in the workspace",
                    source.path
                );
            }
        }
    }
}

#[test]
fn the_pins_that_were_measured_stay() {
    let root = sources().iter().find(|s| s.path == "Cargo.toml").expect("there is a workspace");
    let line = |name: &str| {
        let start = format!("{name} =");
        root.text.lines().find(|l| l.starts_with(&start)).unwrap_or_else(|| panic!("no line for {name}"))
    };
    assert!(line("rtc").contains("\"=0.21.1\""), "the WebRTC stack is measured at one version: {}", line("rtc"));
    assert!(line("tauri").contains("\"2\""), "tauri stays at 2: {}", line("tauri"));
}

#[test]
fn everything_comes_from_the_registry() {
    for source in sources().iter().filter(|s| s.path.ends_with("Cargo.toml")) {
        for line in source.text.lines().map(str::trim).filter(|l| !l.starts_with('#')) {
            assert!(!line.contains("git ="), "{}: `{line}`: no git dependencies", source.path);
            assert!(!line.starts_with("[patch"), "{}: no patched dependencies", source.path);
        }
    }
    for source in sources().iter().filter(|s| has_extension(&s.path, &["lock"])) {
        for line in source.text.lines().filter(|l| l.starts_with("source = ")) {
            assert!(line.contains("registry+https://github.com/rust-lang/crates.io-index"), "{line}");
        }
    }
}
