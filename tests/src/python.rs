//! Python environments in `target/`, made once per list of packages, as `npm test` makes them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

/// The interpreter of `target/python-NAME` with the packages of this list.
///
/// # Errors
/// Python is missing, or the packages cannot be had.
pub fn environment(name: &str, list: &Path) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../target/python-{name}"));
    let python = folder.join("bin/python");
    let mark = folder.join(".shoji-list");
    let wanted = std::fs::read(list).with_context(|| list.display().to_string())?;
    if std::fs::read(&mark).ok().as_ref() != Some(&wanted) {
        eprintln!("installing the packages of {} into target/python-{name} (once)", list.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(list))?;
        std::fs::write(&mark, wanted)?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdout(Stdio::null()).status().context("python3 is missing")?;
    anyhow::ensure!(status.success(), "{command:?} failed");
    Ok(())
}
