//! WebKitGTK: without a GPU its accelerated renderer costs three times the processor time (39 against 11 ms per 720p
//! picture), so it is switched off where there is none. The page cannot know: WebGL hides the renderer's name.

use std::ffi::OsStr;
use std::path::Path;

/// Where the kernel lists graphics devices.
const DEVICES: &str = "/dev/dri";

/// Variables to set where they are not set yet.
pub(super) fn wanted() -> Vec<(&'static str, &'static str)> {
    if has_gpu(Path::new(DEVICES)) { Vec::new() } else { vec![("WEBKIT_DISABLE_DMABUF_RENDERER", "1")] }
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
