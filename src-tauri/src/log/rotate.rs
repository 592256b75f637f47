//! A log file that moves aside when it is full; the oldest goes.
//! Written under the logger's lock; one write is one line and never split over two files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Bytes a file may have.
const FULL: u64 = 2 * 1024 * 1024;
/// Files kept besides the current one.
const KEPT: u32 = 3;

/// The current file and where it lies.
pub(super) struct Rotating {
    folder: PathBuf,
    file: File,
    length: u64,
    full: u64,
}

impl Rotating {
    /// Opens `shoji.log` in the folder, at its end.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Self::with_size(folder, FULL)
    }

    fn with_size(folder: &Path, full: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = append(&name(folder, 0))?;
        let length = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), file, length, full })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for age in (0..KEPT).rev() {
            let from = name(&self.folder, age);
            if from.exists() {
                std::fs::rename(from, name(&self.folder, age + 1))?;
            }
        }
        self.file = append(&name(&self.folder, 0))?;
        self.length = 0;
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.length + line.len() as u64 > self.full && self.length > 0 {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.length += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn name(folder: &Path, age: u32) -> PathBuf {
    if age == 0 { folder.join("shoji.log") } else { folder.join(format!("shoji.{age}.log")) }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_never_grow_beyond_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rotating::with_size(folder.path(), 100).unwrap();
        for line in 0..200 {
            log.write_all(format!("{line:039}\n").as_bytes()).unwrap();
        }
        let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
        files.sort_by_key(|f| f.file_name());
        assert_eq!(files.len(), 1 + KEPT as usize);
        assert!(files.iter().all(|f| f.metadata().unwrap().len() <= 100));
        let newest = std::fs::read_to_string(folder.path().join("shoji.log")).unwrap();
        assert!(newest.ends_with("199\n"), "the newest line is in the current file");
    }

    #[test]
    fn a_line_longer_than_a_file_is_still_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rotating::with_size(folder.path(), 10).unwrap();
        log.write_all(&[b'x'; 50]).unwrap();
        assert_eq!(std::fs::metadata(folder.path().join("shoji.log")).unwrap().len(), 50);
    }
}
