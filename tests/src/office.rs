//! `office-host` as a process of its own: started, killed, started again. For tests; stops it when dropped.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running host with a meeting in it.
pub struct Office {
    child: Child,
    folder: PathBuf,
    listen: String,
    /// How it was started, before its own words: `ip netns exec …`, or nothing.
    before: Vec<String>,
    /// Said on the local link by mDNS.
    announced: bool,
    /// The owner's way in.
    pub invite: String,
    /// A member's.
    pub member: String,
    /// Everything it said at its start.
    pub said: Value,
}

/// A binary of the workspace, built if need be. `npm test` builds them all beforehand; a plain `cargo test` may not.
///
/// # Errors
/// It cannot be built.
pub fn binary(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let exe = std::env::current_exe()?;
    // …/target/debug/deps/scenarios-… or …/target/debug/visitor
    let folder = exe.ancestors().skip(1).find(|f| !f.ends_with("deps")).context("the test program lies in a folder")?;
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    // Cargo builds the binaries of a package before its own tests.
    let ours = package == env!("CARGO_PKG_NAME") && path.exists();
    if !ours && std::env::var_os("SHOJI_BINARIES_BUILT").is_none() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = std::process::Command::new(cargo);
        build.args(["build", "--quiet", "-p", package, "--bin", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        anyhow::ensure!(build.status()?.success(), "{name} does not build");
    }
    anyhow::ensure!(path.exists(), "{} is missing", path.display());
    Ok(path)
}

impl Office {
    /// Starts one on a free port of loopback that keeps everything in `folder`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(folder, &format!("127.0.0.1:{port}"), &[]).await
    }

    /// Starts one at an address; `before` are the words in front of its name.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_at(folder: &Path, listen: &str, before: &[&str]) -> anyhow::Result<Self> {
        Self::launch(folder, listen, before, false).await
    }

    /// Starts one at an address that also announces itself on the local link.
    ///
    /// # Errors
    /// It does not start.
    pub async fn announced_at(folder: &Path, listen: &str) -> anyhow::Result<Self> {
        Self::launch(folder, listen, &[], true).await
    }

    async fn launch(folder: &Path, listen: &str, before: &[&str], announced: bool) -> anyhow::Result<Self> {
        let before: Vec<String> = before.iter().map(|&w| w.to_owned()).collect();
        let (child, said) = launch(folder, listen, &before, announced).await?;
        let link = |n: usize| said["invites"][n].as_str().map(str::to_owned).context("it prints its invitations");
        let (invite, member) = (link(0)?, link(1)?);
        Ok(Self {
            child,
            folder: folder.to_owned(),
            listen: listen.to_owned(),
            before,
            announced,
            invite,
            member,
            said,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// kill -9.
    ///
    /// # Errors
    /// It is gone already.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts it again in the same place with the same keys.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        let (child, said) = launch(&self.folder, &self.listen, &self.before, self.announced).await?;
        self.child = child;
        self.said = said;
        Ok(())
    }
}

async fn launch(folder: &Path, listen: &str, before: &[String], announced: bool) -> anyhow::Result<(Child, Value)> {
    let program = binary("host", "office-host")?;
    let mut words: Vec<std::ffi::OsString> = before.iter().map(Into::into).collect();
    words.push(program.into());
    let mut keys = std::ffi::OsString::from("file:");
    keys.push(folder.join("keys"));
    words.extend(["--listen", listen, "--room", "office"].map(Into::into));
    words.extend((!announced).then(|| "--no-mdns".into()));
    words.push("--data".into());
    words.push(folder.join("data").into());
    words.push("--keys".into());
    words.push(keys);
    words.extend(["--invite", "owner", "1", "--invite", "member", "1"].map(Into::into));
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("host.log"))?;
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .env("SHOJI_LOG", "debug")
        .env("RUST_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?;
    let out = child.stdout.take().context("its stdout is a pipe")?;
    let mut line = String::new();
    let read = tokio::time::timeout(crate::person::PATIENCE, BufReader::new(out).read_line(&mut line)).await;
    anyhow::ensure!(
        matches!(read, Ok(Ok(1..))),
        "office-host did not start:\n{}",
        std::fs::read_to_string(folder.join("host.log")).unwrap_or_default()
    );
    Ok((child, serde_json::from_str(&line)?))
}
