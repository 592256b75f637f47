//! The lists of commands agree: the contract, the handler, the permission list and the window's capability file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

const CAPABILITY: &str = include_str!("../../capabilities/main.json");
const STAGE: &str = include_str!("../../capabilities/stage.json");
const CONFIGURATION: &str = include_str!("../../tauri.conf.json");

/// The doors themselves.
const DOORS: [&str; 3] = ["subscribe", "open_frames", "ack_frames"];

#[test]
fn every_command_of_the_contract_is_answered_and_nothing_else() {
    let contract: Vec<&str> = protocol::bridge::COMMANDS.iter().copied().chain(DOORS).collect();
    assert_eq!(names::NAMES, contract, "src/commands/names.rs and protocol::bridge::COMMANDS differ");
    assert_eq!(ANSWERED, contract, "the handler and protocol::bridge::COMMANDS differ");
}

#[test]
fn the_main_window_is_allowed_exactly_these_commands() {
    let capability: Value = serde_json::from_str(CAPABILITY).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert!(capability["remote"].is_null(), "no remote page may call anything");
    let list = capability["permissions"].as_array().unwrap();
    let allowed: BTreeSet<String> = list.iter().map(|p| p.as_str().unwrap().to_owned()).collect();
    let wanted: BTreeSet<String> =
        names::NAMES.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    assert_eq!(allowed, wanted, "capabilities/main.json must name every command once, and nothing of Tauri's own");
}

#[test]
fn the_window_of_a_shared_screen_may_only_look() {
    let capability: Value = serde_json::from_str(STAGE).unwrap();
    assert_eq!(capability["windows"], serde_json::json!(["stage"]));
    assert!(capability["remote"].is_null(), "no remote page may call anything");
    let wanted =
        ["close-stage", "look-at", "subscribe", "open-frames", "ack-frames"].map(|name| format!("allow-{name}"));
    assert_eq!(capability["permissions"], serde_json::json!(wanted));
}

#[test]
fn the_configuration_keeps_the_page_alone() {
    let configuration: Value = serde_json::from_str(CONFIGURATION).unwrap();
    let security = &configuration["app"]["security"];
    assert_eq!(security["freezePrototype"], true);
    assert_eq!(security["assetProtocol"]["enable"], false);
    assert_eq!(security["dangerousDisableAssetCspModification"], false);
    assert_eq!(configuration["app"]["withGlobalTauri"], false);
    assert_eq!(configuration["identifier"], crate::profile::IDENTIFIER);
    for (directive, sources) in security["csp"].as_object().unwrap() {
        for source in sources.as_str().unwrap().split_whitespace() {
            let own = ["'self'", "'none'", "ipc:", "http://ipc.localhost", "data:", "blob:"].contains(&source);
            assert!(own, "{directive} lets {source} in");
            let picture = directive == "img-src" || !["data:", "blob:"].contains(&source);
            assert!(picture, "{directive} lets {source} in");
        }
    }
}
