//! The X11 shield without administrator's rights against every screenshot tool that is installed, in a private Xvfb; then
//! the administrator's module in a private Xorg; the same window without either as a control; how fast the cover comes, and
//! what watching costs. Needs root (the tools run as another user), Xvfb, the tools, and what the tests of the Xorg module
//! need. Lasts an hour with 20 trials; with `SHIELD_JOURNAL=FILE` it goes on where an earlier run ended.
//!
//! The trials themselves are `tests/shield/matrix.py`, because the tools and how they are called are the module's tests'.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// Prints a line per tool and layer, and the summary.
///
/// # Errors
/// Something that is needed is missing.
pub fn measure(trials: usize, only: &str) -> anyhow::Result<()> {
    anyhow::ensure!(cfg!(target_os = "linux"), "X11 is a thing of Linux");
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies one folder below the top")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "-p", "shield", "--example", "protected"]).current_dir(top);
    anyhow::ensure!(build.status()?.success(), "the protected window does not build");
    // What the trials with and without the module share, and the module itself where its server's headers are.
    let mut module = Command::new("make");
    module.args(["--silent", "-C", "xorg-shield", "all", "build/owner", "build/prober"]).current_dir(top);
    anyhow::ensure!(module.stdout(std::process::Stdio::null()).status()?.success(), "the module does not build");
    // Where this program lies, there lie the examples.
    let exe = std::env::current_exe()?;
    let target = exe.ancestors().nth(2).context("the bench lies in target/release")?;
    let program = target.join("release").join("examples").join("protected");
    let mut matrix = Command::new("/usr/bin/python3");
    matrix.arg(top.join("tests/shield/matrix.py")).arg(program).args(["--trials", &trials.to_string()]);
    if !only.is_empty() {
        matrix.args(["--tools", only]);
    }
    anyhow::ensure!(matrix.status().context("python3 is missing")?.success(), "the trials could not be made");
    Ok(())
}
