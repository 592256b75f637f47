//! WebKitGTK: without a GPU its accelerated renderer costs three times the processor time (39 against 11 ms per 720p
//! picture), so it is switched off where there is none. The page cannot know: WebGL hides the renderer's name.
//!
//! The page runs without a just-in-time compiler: its scripts move pictures from a channel to a decoder, which an
//! interpreter does as well with 26 MB less in a call of four and no writable code in the process that shows what
//! strangers send.

use std::ffi::OsStr;
use std::path::Path;

/// Where the kernel lists graphics devices.
const DEVICES: &str = "/dev/dri";

/// Variables to set where they are not set yet.
pub(super) fn wanted() -> Vec<(&'static str, &'static str)> {
    // One heap for the few threads of a page: they seldom allocate at the same time.
    let mut wanted = vec![("JSC_useJIT", "0"), ("MALLOC_ARENA_MAX", "1")];
    if !has_gpu(Path::new(DEVICES)) {
        wanted.push(("WEBKIT_DISABLE_DMABUF_RENDERER", "1"));
    }
    wanted
}

/// A GPU that can render has a render node (`renderD128`); a plain frame buffer has only `card0`.
fn has_gpu(devices: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(devices) else { return false };
    entries.flatten().any(|entry| is_render_node(&entry.file_name()))
}

fn is_render_node(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("renderD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_render_node_counts_as_a_gpu() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_gpu(&folder.path().join("missing")));
        std::fs::write(folder.path().join("card0"), "").unwrap();
        assert!(!has_gpu(folder.path()));
        std::fs::write(folder.path().join("renderD128"), "").unwrap();
        assert!(has_gpu(folder.path()));
    }
}
