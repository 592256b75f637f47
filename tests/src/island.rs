//! Network namespaces: a test runs itself again on a machine that has no way out, where cables can be pulled for real.
//! Linux only; needs root or unprivileged user namespaces. Touches nothing outside the namespace it made.

use std::path::Path;
use std::process::{Command, Stdio};

/// Set inside, so that the inner half of a test does nothing when it is run by itself.
const INSIDE: &str = "SHOJI_ISLAND";

/// Are we inside?
#[must_use]
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Why there is no island here; `None`: there is.
#[must_use]
pub fn unavailable() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("network namespaces exist on Linux only".into());
    }
    if !Path::new("/sbin/ip").exists() && !Path::new("/usr/sbin/ip").exists() && !Path::new("/bin/ip").exists() {
        return Some("`ip` is missing: apt-get install iproute2".into());
    }
    let tried = unshare().arg("true").stdout(Stdio::null()).stderr(Stdio::piped()).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--mount"]);
    let root = std::fs::read_to_string("/proc/self/status")
        .is_ok_and(|s| s.lines().any(|l| l.starts_with("Uid:") && l.split_whitespace().nth(2) == Some("0")));
    if !root {
        command.args(["--user", "--map-root-user"]);
    }
    command
}

/// Runs the ignored test of this name, of this very program, on an island.
///
/// # Errors
/// It failed; its output is in the error.
pub fn run(test: &str) -> anyhow::Result<()> {
    if let Some(why) = unavailable() {
        // `npm test` looks for this beforehand and counts it as skipped.
        eprintln!("SKIPPED {test}: {why}");
        return Ok(());
    }
    let output = unshare()
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(
        output.status.success() && said.contains("1 passed"),
        "on the island:\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Runs `ip` with words.
///
/// # Errors
/// It failed.
pub fn ip(words: &str) -> anyhow::Result<String> {
    let output = Command::new("ip").args(words.split_whitespace()).output()?;
    anyhow::ensure!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Packets that left by an interface so far.
///
/// # Errors
/// There is no such interface.
pub fn packets_out(interface: &str) -> anyhow::Result<u64> {
    let said: serde_json::Value = serde_json::from_str(&ip(&format!("-json -stats link show {interface}"))?)?;
    said[0]["stats64"]["tx"]["packets"].as_u64().ok_or_else(|| anyhow::anyhow!("no counter in {said}"))
}

/// Here and over there, and a cable between: two machines on one network, and no other.
pub struct Island {
    _netns: tempfile::TempDir,
}

const HERE: &str = "192.0.2.1";
const THERE: &str = "192.0.2.2";
/// Where the default route leads when there is a pretended way out.
const OUT: &str = "shoji-out";
const LINK: &str = "shoji-here";

impl Island {
    /// Makes both ends. Only on the inside.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn raise() -> anyhow::Result<Self> {
        anyhow::ensure!(inside(), "only on an island");
        let netns = tempfile::tempdir()?;
        // Namespaces are named by files; ours must not be seen outside, so their folder is our own mount.
        std::fs::create_dir_all("/run/netns").ok();
        let mounted = Command::new("mount").args(["--bind"]).arg(netns.path()).arg("/run/netns").status()?;
        anyhow::ensure!(mounted.success(), "mount");
        ip("link set lo up")?;
        ip("netns add there")?;
        ip(&format!("link add {LINK} type veth peer name shoji-there"))?;
        ip("link set shoji-there netns there")?;
        ip(&format!("addr add {HERE}/24 dev {LINK}"))?;
        ip(&format!("link set {LINK} up"))?;
        ip("-n there link set lo up")?;
        ip(&format!("-n there addr add {THERE}/24 dev shoji-there"))?;
        ip("-n there link set shoji-there up")?;
        // Rules are asked before the table of own addresses, so that what comes in can be swallowed.
        ip("rule add pref 100 table local")?;
        ip("rule del pref 0")?;
        Ok(Self { _netns: netns })
    }

    /// An address of this end.
    #[must_use]
    pub fn here(&self, port: u16) -> String {
        format!("{HERE}:{port}")
    }

    /// A visitor over there; ends with the answer.
    ///
    /// # Errors
    /// It does not start.
    pub fn visitor(&self, link: &str, words: &[&str]) -> anyhow::Result<Visitor> {
        use std::io::Write;
        let program = crate::office::binary("inspection", "visitor")?;
        let mut child = Command::new("ip")
            .args(["netns", "exec", "there"])
            .arg(program)
            .args(["--invite", "-"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut stdin = child.stdin.take().ok_or_else(|| anyhow::anyhow!("stdin is a pipe"))?;
        writeln!(stdin, "{link}")?;
        Ok(Visitor(child))
    }

    /// UDP that comes in by the cable is dropped without a word.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn swallow_udp(&self) -> anyhow::Result<()> {
        ip(&format!("rule add pref 50 iif {LINK} ipproto udp blackhole")).map(|_| ())
    }

    /// And no more.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn let_udp_through(&self) -> anyhow::Result<()> {
        ip("rule del pref 50").map(|_| ())
    }

    /// A default route and a name server beyond it, so that whatever wants to leave has a way to be counted on.
    ///
    /// # Errors
    /// `ip` or `mount` failed.
    pub fn pretend_a_way_out(&self) -> anyhow::Result<()> {
        ip(&format!("link add {OUT} type veth peer name shoji-sink"))?;
        for name in [OUT, "shoji-sink"] {
            // The kernel's own IPv6 chatter is not ours to count.
            ip(&format!("link set {name} addrgenmode none"))?;
            ip(&format!("link set {name} up"))?;
        }
        ip(&format!("addr add 198.51.100.2/32 dev {OUT}"))?;
        // A neighbour with a known address: packets leave at once instead of asking who is there.
        ip(&format!("neigh add 198.51.100.1 lladdr 02:00:00:00:00:01 dev {OUT}"))?;
        ip(&format!("route add 198.51.100.1 dev {OUT}"))?;
        ip("route add default via 198.51.100.1")?;
        let file = self._netns.path().join("resolv");
        std::fs::write(&file, "nameserver 203.0.113.53\noptions timeout:1 attempts:1\n")?;
        let mounted = Command::new("mount").arg("--bind").arg(&file).arg("/etc/resolv.conf").status()?;
        anyhow::ensure!(mounted.success(), "mount over resolv.conf");
        Ok(())
    }

    /// Packets that took the pretended way out.
    ///
    /// # Errors
    /// `ip` failed.
    pub fn packets_that_left(&self) -> anyhow::Result<u64> {
        packets_out(OUT)
    }
}

/// A visitor over there; gone when dropped.
pub struct Visitor(std::process::Child);

impl Drop for Visitor {
    fn drop(&mut self) {
        // Gone already is fine; nothing else can be done about it.
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}
