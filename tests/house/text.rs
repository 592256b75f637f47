//! What must not stand in the tree: the bridge outside its folder, channels without a bound, work left undone, paths
//! of somebody's machine; and what must agree: the two languages, the window's permissions.
//! Reads the working tree.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::tree::{has_extension, is_test, rust, sources};

/// A word that this file must be able to name without holding it.
fn word(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn only_the_bridge_talks_to_the_window() {
    let import = word(&["@tauri", "-apps/"]);
    for source in sources().iter().filter(|s| has_extension(&s.path, &["ts", "tsx", "js", "mjs", "jsx"])) {
        let may = source.path.starts_with("ui/src/bridge/");
        assert!(may || !source.text.contains(&import), "{}: only ui/src/bridge imports {import}", source.path);
    }
}

#[test]
fn the_page_asks_nobody_but_rust() {
    let banned =
        ["fetch(", "XMLHttpRequest", "new WebSocket(", "sendBeacon(", "RTCPeerConnection", "localStorage", "innerHTML"];
    let page = sources().iter().filter(|s| s.path.starts_with("ui/src/") && has_extension(&s.path, &["ts", "tsx"]));
    for source in page.filter(|s| !is_test(&s.path)) {
        for line in
            source.text.lines().filter(|l| !l.trim_start().starts_with("//") && !l.trim_start().starts_with('*'))
        {
            for word in banned {
                assert!(!line.contains(word), "{}: `{word}` has no place in the page", source.path);
            }
        }
    }
}

#[test]
fn every_channel_has_a_bound() {
    let banned = [
        word(&["unbounded", "_channel("]),
        word(&["mpsc::", "unbounded("]),
        word(&["flume::", "unbounded("]),
        word(&["crossbeam_channel::", "unbounded("]),
        word(&["mpsc::", "channel()"]),
    ];
    for source in rust() {
        for ban in &banned {
            assert!(!source.text.contains(ban.as_str()), "{}: {ban} has no bound", source.path);
        }
    }
}

#[test]
fn nothing_is_left_undone() {
    let banned = [
        word(&["TO", "DO"]),
        word(&["FIX", "ME"]),
        word(&["XX", "X:"]),
        word(&["to", "do!("]),
        word(&["unimplemen", "ted!("]),
        word(&["not imple", "mented"]),
    ];
    let code =
        sources().iter().filter(|s| has_extension(&s.path, &["rs", "ts", "tsx", "css", "mjs", "sh", "py", "toml"]));
    for source in code {
        for ban in &banned {
            let found = source.text.lines().position(|l| l.contains(ban.as_str()));
            assert_eq!(found, None, "{}: {ban} (line counted from 0)", source.path);
        }
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let banned = [
        word(&["/wo", "rk/"]),
        word(&["/ro", "ot/"]),
        word(&["/ho", "me/runner"]),
        word(&["/tmp/sho", "ji"]),
        word(&["HOUSE ", "section"]),
        word(&["LAB ", "section"]),
        word(&["LIVEKIT ", "section"]),
        word(&["HOUSE", ".md"]),
        word(&["LAB", ".md"]),
    ];
    for source in sources() {
        for ban in &banned {
            let found = source.text.lines().position(|l| l.contains(ban.as_str()));
            assert_eq!(found, None, "{}: {ban} (line counted from 0)", source.path);
        }
    }
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&format!("{prefix}.{key}"), value, into);
            }
        }
        Value::String(text) => {
            into.insert(prefix.to_owned(), text.clone());
        }
        other => panic!("{prefix}: {other} is not a text"),
    }
}

fn language(name: &str) -> BTreeMap<String, String> {
    let path = format!("ui/src/i18n/{name}.json");
    let source = sources().iter().find(|s| s.path == path).unwrap_or_else(|| panic!("{path} is gone"));
    let value: Value = serde_json::from_str(&source.text).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut texts = BTreeMap::new();
    flatten("", &value, &mut texts);
    texts
}

/// English counts, Japanese does not: `x_one` and `x_other` are one text.
fn without_plural(key: &str) -> &str {
    ["_zero", "_one", "_two", "_few", "_many", "_other"].iter().find_map(|p| key.strip_suffix(p)).unwrap_or(key)
}

fn placeholders(text: &str) -> BTreeSet<String> {
    text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim().to_owned()).collect()
}

#[test]
fn both_languages_say_the_same_things() {
    let (ja, en) = (language("ja"), language("en"));
    let keys = |texts: &BTreeMap<String, String>| -> BTreeSet<String> {
        texts.keys().map(|k| without_plural(k).to_owned()).collect()
    };
    let (ja_keys, en_keys) = (keys(&ja), keys(&en));
    assert_eq!(ja_keys.difference(&en_keys).collect::<Vec<_>>(), Vec::<&String>::new(), "only Japanese");
    assert_eq!(en_keys.difference(&ja_keys).collect::<Vec<_>>(), Vec::<&String>::new(), "only English");
    for (key, text) in ja.iter().chain(&en) {
        assert!(!text.trim().is_empty(), "{key} is empty");
    }
    for (key, text) in &ja {
        if let Some(english) = en.get(key) {
            assert_eq!(placeholders(text), placeholders(english), "{key}: the languages fill in different things");
        }
    }
}

#[test]
fn every_failure_has_words_in_both_languages() {
    for name in ["ja", "en"] {
        let keys = language(name);
        for code in protocol::bridge::Code::ALL {
            let code = serde_json::to_value(code).expect("a code is a word");
            let code = code.as_str().expect("a code is a word").to_owned();
            let found = keys.keys().any(|k| k.split('.').any(|part| part == code));
            assert!(found, "{name}.json has no words for the failure `{code}`");
        }
    }
}

#[test]
fn a_window_may_only_what_is_named() {
    let files =
        sources().iter().filter(|s| s.path.starts_with("src-tauri/capabilities/") && has_extension(&s.path, &["json"]));
    let mut seen = 0;
    for source in files {
        seen += 1;
        let value: Value = serde_json::from_str(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
        assert!(value["remote"].is_null(), "{}: no remote page gets a command", source.path);
        for list in [&value["windows"], &value["permissions"], &value["webviews"]] {
            for entry in list.as_array().into_iter().flatten() {
                let name = entry.as_str().unwrap_or_else(|| panic!("{}: {entry} is not a plain name", source.path));
                assert!(!name.contains('*'), "{}: `{name}` names more than one thing", source.path);
            }
        }
    }
    assert!(seen > 0, "there is a capability file for every window");
}

#[test]
fn the_window_loads_nothing_from_elsewhere() {
    let path = "src-tauri/tauri.conf.json";
    let source = sources().iter().find(|s| s.path == path).unwrap_or_else(|| panic!("{path} is gone"));
    let value: Value = serde_json::from_str(&source.text).expect("the window's configuration is JSON");
    let security = &value["app"]["security"];
    let csp = security["csp"].to_string();
    assert!(csp.contains("default-src"), "the page has a content security policy");
    for banned in ["https:", "http://*", "ws:", "wss:", "'unsafe-eval'", "*"] {
        let local = csp.replace("http://ipc.localhost", "");
        assert!(!local.contains(banned), "the content security policy lets `{banned}` in: {csp}");
    }
    assert_eq!(security["freezePrototype"], Value::Bool(true), "prototypes are frozen");
}
