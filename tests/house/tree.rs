//! The files of the repository as git would commit them: tracked or new, without what `.gitignore` names.
//! Reads; never writes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One text file of ours.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies one folder below the top").to_path_buf()
}

/// Every text file, read once.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let top = top();
        paths(&top)
            .into_iter()
            .filter_map(|path| {
                // Binary files (icons, clips) are not text and have no rules here.
                let text = std::fs::read_to_string(top.join(&path)).ok()?;
                Some(Source { path, text })
            })
            .collect()
    })
}

/// Every Rust file of ours.
pub(crate) fn rust() -> impl Iterator<Item = &'static Source> {
    sources().iter().filter(|s| has_extension(&s.path, &["rs"]))
}

/// Does a path end in one of these?
pub(crate) fn has_extension(path: &str, extensions: &[&str]) -> bool {
    Path::new(path).extension().and_then(|e| e.to_str()).is_some_and(|e| extensions.contains(&e))
}

/// Test code: not counted as long, free of some rules.
pub(crate) fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.contains(".test.")
        || path.contains("/testing/")
        || path.contains("/benches/")
}

fn paths(top: &Path) -> Vec<String> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(top)
        .output()
        .expect("git lists the files of the repository");
    assert!(git.status.success(), "git ls-files: {}", String::from_utf8_lossy(&git.stderr));
    let mut paths: Vec<String> = String::from_utf8(git.stdout)
        .expect("file names here are UTF-8")
        .split('\0')
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    paths
}
