//! The size of a window, kept for the next time. A small file; whatever is in it, the window that opens is a usable one.

use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// In the profile's folder.
pub(super) const FILE: &str = "stage.json";
/// A file of two numbers.
const LONGEST: u64 = 256;
/// Logical pixels; more than any screen has.
const LARGEST: f64 = 8000.0;

#[derive(Serialize, Deserialize)]
struct Kept {
    width: f64,
    height: f64,
}

/// What was kept, in logical pixels and not below `smallest`; `None` where there is nothing to go by.
pub(super) fn read(file: &Path, smallest: (f64, f64)) -> Option<(f64, f64)> {
    let mut text = String::new();
    std::fs::File::open(file).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    let Kept { width, height } = serde_json::from_str(&text).ok()?;
    let usable = |length: f64, least: f64| length.is_finite().then(|| length.clamp(least, LARGEST));
    Some((usable(width, smallest.0)?, usable(height, smallest.1)?))
}

/// Keeps it.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(file: &Path, (width, height): (f64, f64)) -> io::Result<()> {
    let text = serde_json::to_string(&Kept { width, height })?;
    std::fs::write(file, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: (f64, f64) = (400.0, 300.0);

    #[test]
    fn a_size_comes_back_and_what_is_none_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(read(&file, SMALLEST), None);
        write(&file, (1280.0, 720.5)).unwrap();
        assert_eq!(read(&file, SMALLEST), Some((1280.0, 720.5)));
        write(&file, (1.0, 1e300)).unwrap();
        assert_eq!(read(&file, SMALLEST), Some((400.0, LARGEST)));
        for junk in ["", "{}", "[1]", "{\"width\":\"x\",\"height\":1}", &"{".repeat(10_000)] {
            std::fs::write(&file, junk).unwrap();
            assert_eq!(read(&file, SMALLEST), None, "{junk:.20}");
        }
    }
}
