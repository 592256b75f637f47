//! What every file must look like: its length, its first line, its name, where `unsafe` may stand.
//! Reads the working tree.

use crate::tree::{has_extension, is_test, rust, sources};

/// Lines a file may have, its tests not counted.
const LONGEST: usize = 800;

/// The crates that may talk to the system beneath Rust's guarantees.
const UNSAFE_ROOMS: &[&str] = &["media-core/devices/", "media-core/libopus/", "media-core/libopenh264/", "src-tauri/"];

/// The lines of a file without the test module at its end.
fn product_lines(text: &str) -> usize {
    text.lines().take_while(|l| !l.starts_with("#[cfg(test)]")).count()
}

#[test]
fn no_file_is_too_long() {
    let code = sources().iter().filter(|s| has_extension(&s.path, &["rs", "ts", "tsx", "mjs", "css"]));
    for source in code.filter(|s| !is_test(&s.path) && !s.path.contains("/generated/")) {
        let lines = product_lines(&source.text);
        assert!(lines <= LONGEST, "{} has {lines} lines; split it before {LONGEST}", source.path);
    }
}

#[test]
fn every_rust_file_opens_with_what_it_is() {
    for source in rust() {
        let first = source.text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 12,
            "{} must open with a `//!` line: what it is, who runs it, what it must not do",
            source.path
        );
        assert!(!first.contains("(map of the room)"), "{} still opens with a placeholder", source.path);
    }
}

#[test]
fn no_file_is_called_mod_rs() {
    for source in rust() {
        assert!(!source.path.ends_with("/mod.rs"), "{}: `foo.rs` beside `foo/`, never `mod.rs`", source.path);
    }
}

#[test]
fn unsafe_stands_only_where_the_system_is_touched() {
    for source in rust() {
        let may = UNSAFE_ROOMS.iter().any(|room| source.path.starts_with(room));
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern "].iter().any(|w| code.contains(w));
            if !opens || code.contains('"') {
                continue;
            }
            assert!(may, "{}:{}: unsafe code outside {UNSAFE_ROOMS:?}", source.path, number + 1);
            let why = lines[number.saturating_sub(6)..=number].iter().any(|l| {
                let l = l.to_ascii_lowercase();
                l.contains("safety:") || l.contains("# safety")
            });
            assert!(why, "{}:{}: unsafe without a `// SAFETY:` comment above it", source.path, number + 1);
        }
    }
}

#[test]
fn the_pure_rooms_forbid_unsafe_code() {
    for path in [
        "protocol/src/lib.rs",
        "media-core/src/lib.rs",
        "client/src/lib.rs",
        "host/src/lib.rs",
        "protocol/peer/src/lib.rs",
        "protocol/watermark/src/lib.rs",
        "shield/src/lib.rs",
    ] {
        let lib = rust().find(|s| s.path == path).unwrap_or_else(|| panic!("{path} is gone"));
        assert!(lib.text.contains("#![forbid(unsafe_code)]"), "{path} must forbid unsafe code");
    }
}
