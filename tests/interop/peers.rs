//! Participants on official SDKs as processes, with everything they say; and a stage for them: a host, tokens, a CA.
//! Every process ends with the test, however that ends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use anyhow::Context;
use inspection::person::PATIENCE;
use inspection::world::World;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Mutex, MutexGuard, watch};

/// A browser, three codecs and a host fill a small machine: one scenario at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// A host on loopback and what strangers need to find it.
pub(crate) struct Stage {
    /// The host, and people of ours.
    pub(crate) world: World,
    python: PathBuf,
    node: PathBuf,
    ca: PathBuf,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Where `npm test` put a peer's interpreter.
fn installed(variable: &str) -> anyhow::Result<PathBuf> {
    std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from).with_context(|| {
        format!("{variable} is not set: these tests need the official SDKs; run `npm test -- --only interop`")
    })
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(name)
}

impl Stage {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        Self::around(World::open()).await
    }

    /// All media crosses a relay that can lose some of it.
    pub(crate) async fn open_behind_a_relay() -> anyhow::Result<Self> {
        Self::around(World::open_behind_a_relay()).await
    }

    async fn around(world: impl Future<Output = anyhow::Result<World>>) -> anyhow::Result<Self> {
        let (python, node) = (installed("SHOJI_PEER_PYTHON")?, installed("SHOJI_PEER_NODE")?);
        let turn = TURN.lock().await;
        let world = world.await?;
        let folder = tempfile::tempdir()?;
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, world.host()?.ca_pem())?;
        Ok(Self { world, python, node, ca, folder, _turn: turn })
    }

    /// What an office's own backend would be configured with.
    fn url(&self) -> String {
        format!("wss://{}", self.world.at())
    }

    fn command(&self, interpreter: &Path, name: &str) -> Command {
        let (key, secret) = self.world.api();
        let mut command = Command::new(interpreter);
        command
            .arg(script(name))
            .env("SSL_CERT_FILE", &self.ca)
            .env("NODE_EXTRA_CA_CERTS", &self.ca)
            .env("LIVEKIT_API_KEY", key)
            .env("LIVEKIT_API_SECRET", secret)
            .env("TMPDIR", self.folder.path())
            .kill_on_drop(true);
        command
    }

    /// Asks a server SDK something: JSON in, one line out.
    async fn server_sdk(&self, interpreter: &Path, name: &str, ask: &Value) -> anyhow::Result<String> {
        let mut command = self.command(interpreter, name);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().context("stdin is a pipe")?;
        stdin.write_all(ask.to_string().as_bytes()).await?;
        drop(stdin);
        let answer = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.context("it hangs")??;
        let said = String::from_utf8_lossy(&answer.stderr);
        anyhow::ensure!(answer.status.success(), "{name} failed: {said}");
        Ok(String::from_utf8(answer.stdout)?.trim().to_owned())
    }

    /// Who is in the room, as the official Node server SDK is told by our host.
    pub(crate) async fn listed(&self) -> anyhow::Result<Vec<String>> {
        let ask = json!({ "room": self.world.room.as_str(), "url": format!("https://{}", self.world.at()) });
        let answer = self.server_sdk(&self.node, "mint.mjs", &ask).await?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn ask(&self, identity: &str, sources: Option<&[&str]>) -> Value {
        json!({ "room": self.world.room.as_str(), "identity": identity, "sources": sources })
    }

    /// Someone on the Python SDK with a token of the Python server SDK.
    pub(crate) async fn python(&self, name: &str, options: &str) -> anyhow::Result<Peer> {
        self.python_with(name, None, options).await
    }

    /// The same, with a token that names what may be published.
    pub(crate) async fn python_with(
        &self,
        name: &str,
        sources: Option<&[&str]>,
        options: &str,
    ) -> anyhow::Result<Peer> {
        let token = self.server_sdk(&self.python, "mint.py", &self.ask(name, sources)).await?;
        self.peer(name, self.command(&self.python, "sdk_peer.py"), &token, options)
    }

    /// Someone in Chromium with a token of the Node server SDK.
    pub(crate) async fn chromium(&self, name: &str, options: &str) -> anyhow::Result<Peer> {
        self.chromium_with(name, None, options).await
    }

    /// The same, with a token that names what may be published.
    pub(crate) async fn chromium_with(
        &self,
        name: &str,
        sources: Option<&[&str]>,
        options: &str,
    ) -> anyhow::Result<Peer> {
        let token = self.server_sdk(&self.node, "mint.mjs", &self.ask(name, sources)).await?;
        self.peer(name, self.command(&self.node, "browser_peer.mjs"), &token, options)
    }

    fn peer(&self, name: &str, mut command: Command, token: &str, options: &str) -> anyhow::Result<Peer> {
        command.args(["--url", &self.url(), "--token", token]).args(options.split_whitespace());
        Peer::start(name, command, self.folder.path())
    }

    /// Our own client as a process of its own, with a token of our own: it trusts what this test's CA signs.
    pub(crate) async fn ours(&self, name: &str, options: &str) -> anyhow::Result<Peer> {
        let token = self.world.token(name, protocol::policy::Role::Member)?;
        let mut command = Command::new(inspection::office::binary("inspection", "visitor")?);
        command.args(["--url", &self.url(), "--token", "-", "--name", name]).args(options.split_whitespace());
        // Its log says how the sound of others fares.
        command.env("SSL_CERT_FILE", &self.ca).env("SHOJI_LOG", "warn,client::sound=debug").kill_on_drop(true);
        let mut peer = Peer::start(name, command, self.folder.path())?;
        peer.tell(&token).await?;
        Ok(peer)
    }
}

/// A running participant.
pub(crate) struct Peer {
    name: String,
    child: Child,
    stdin: ChildStdin,
    said: Arc<Lock<Vec<Value>>>,
    news: watch::Receiver<usize>,
    /// Events before this one are old news.
    since: usize,
    log: PathBuf,
}

impl Peer {
    fn start(name: &str, mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?);
        let mut child = command.spawn().with_context(|| format!("{name} does not start"))?;
        let stdin = child.stdin.take().context("stdin is a pipe")?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines();
        let said = Arc::new(Lock::new(Vec::new()));
        let (tell, news) = watch::channel(0);
        let write = Arc::clone(&said);
        // Ends with the process; the channel's end tells whoever waits.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                let mut said = write.lock().unwrap_or_else(PoisonError::into_inner);
                said.push(event);
                tell.send_replace(said.len());
            }
        });
        Ok(Self { name: name.to_owned(), child, stdin, said, news, since: 0, log })
    }

    /// One line to its stdin.
    pub(crate) async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(self.stdin.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// From here on only what it says next counts.
    pub(crate) fn forget(&mut self) {
        self.since = self.events().len();
    }

    fn events(&self) -> Vec<Value> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it said that counts.
    pub(crate) fn said(&self, check: impl Fn(&Value) -> bool) -> Option<Value> {
        self.events().into_iter().skip(self.since).find(check)
    }

    /// Waits until it said what is looked for, in whatever order.
    pub(crate) async fn until(&self, what: &str, check: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut news = self.news.clone();
        let search = async {
            loop {
                news.borrow_and_update();
                if let Some(found) = self.said(&check) {
                    return Ok(found);
                }
                anyhow::ensure!(news.changed().await.is_ok(), "{} ended before {what}", self.name);
            }
        };
        let found = tokio::time::timeout(PATIENCE, search).await;
        let found = found.unwrap_or_else(|_| Err(anyhow::anyhow!("{} never said {what}", self.name)));
        found.with_context(|| self.story())
    }

    /// All it said, and the end of its log.
    pub(crate) fn story(&self) -> String {
        let said: Vec<String> = self.events().iter().map(Value::to_string).collect();
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let end: Vec<&str> = log.lines().rev().take(12).collect();
        format!("it said:\n{}\nits log, newest first:\n{}", said.join("\n"), end.join("\n"))
    }

    /// Waits until it is in the meeting.
    pub(crate) async fn until_in(&self) -> anyhow::Result<()> {
        self.until("that it is connected", |e| e["event"] == "connected").await.map(|_| ())
    }

    /// Waits until something of its own is published.
    pub(crate) async fn until_published(&self, source: &str) -> anyhow::Result<()> {
        let what = format!("that its {source} is published");
        self.until(&what, |e| e["event"] == "published" && e["source"] == source).await.map(|_| ())
    }

    /// Waits until it hears this note from someone.
    pub(crate) async fn until_hears(&self, sender: &str, hz: u32) -> anyhow::Result<()> {
        let what = format!("that it hears {hz} Hz of {sender}");
        self.until(&what, |e| e["event"] == "heard" && e["sender"] == sender && e["hz"] == hz).await.map(|_| ())
    }

    /// Waits until it hears this note for three seconds without a gap, counted from now.
    pub(crate) async fn until_steady(&mut self, sender: &str, hz: u32) -> anyhow::Result<()> {
        self.forget();
        let steady = |e: &Value| e["event"] == "steady" && e["sender"] == sender && e["hz"] == hz;
        // The first may have begun before.
        self.until(&format!("that {hz} Hz of {sender} stays"), steady).await?;
        self.forget();
        self.until(&format!("that {hz} Hz of {sender} stays for longer"), steady).await.map(|_| ())
    }

    /// Of our own client: the newest that its log says of a measure of remote sound, of each sound.
    pub(crate) fn measured(&self, what: &str) -> Vec<u64> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        // It tells of everybody every few seconds, after a line about itself.
        let Some(newest) = log.rfind(": sound skipped_blocks") else { return Vec::new() };
        let word = format!(" {what}: ");
        let of = |line: &str| {
            let (_, rest) = line.split_once("RemoteStats")?.1.split_once(&word)?;
            rest.split([',', ' ']).next()?.parse().ok()
        };
        log[newest..].lines().filter_map(of).collect()
    }

    /// Waits until it hears that note no more.
    pub(crate) async fn until_silent(&self, sender: &str, hz: u32) -> anyhow::Result<()> {
        let what = format!("that {sender} is silent at {hz} Hz");
        self.until(&what, |e| e["event"] == "silent" && e["sender"] == sender && e["hz"] == hz).await.map(|_| ())
    }

    /// Waits until it saw ten pictures of one size with something on them; `mime` is what they travelled as.
    pub(crate) async fn until_sees(&self, sender: &str, source: &str, mime: &str) -> anyhow::Result<Value> {
        self.until_seen(sender, source, mime, |_| true).await
    }

    /// The same, of this width.
    pub(crate) async fn until_sees_wide(&self, sender: &str, source: &str, width: u32) -> anyhow::Result<()> {
        self.until_seen(sender, source, "video/VP8", |e| e["width"] == width).await.map(|_| ())
    }

    async fn until_seen(
        &self,
        sender: &str,
        source: &str,
        mime: &str,
        and: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        self.until(&format!("that it sees the {source} of {sender} as {mime}"), |e| {
            e["event"] == "seen"
                && e["sender"] == sender
                && e["source"] == source
                && e["frames"].as_u64() >= Some(10)
                && e["contrast"].as_u64() >= Some(60)
                && e["mime"].as_str().is_some_and(|m| m.eq_ignore_ascii_case(mime))
                && and(e)
        })
        .await
    }

    /// Waits for these words on both kinds of channel, and that it knows which was which.
    pub(crate) async fn until_reads(&self, sender: &str, text: &str) -> anyhow::Result<()> {
        self.until_read(sender, text, |e| e["reliable"] == (e["topic"] == "test")).await
    }

    /// The same for sealed words; livekit-client calls all of those reliable.
    pub(crate) async fn until_reads_sealed(&self, sender: &str, text: &str) -> anyhow::Result<()> {
        self.until_read(sender, text, |_| true).await
    }

    async fn until_read(&self, sender: &str, text: &str, and: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        for topic in ["test", "lossy"] {
            let what = format!("that it read {text:?} of {sender} about {topic}");
            let read = |e: &Value| e["event"] == "data" && e["sender"] == sender && e["text"] == text;
            self.until(&what, |e| read(e) && e["topic"] == topic && and(e)).await?;
        }
        Ok(())
    }

    /// Waits for an event about someone's track, or about someone.
    pub(crate) async fn until_told(&self, event: &str, who: &str, source: &str) -> anyhow::Result<()> {
        let what = format!("{event} of {who} {source}");
        let about = |e: &Value| e["sender"] == who || e["identity"] == who;
        let check = |e: &Value| e["event"] == event && about(e) && (source.is_empty() || e["source"] == source);
        self.until(&what, check).await.map(|_| ())
    }

    /// Ends it as Ctrl-C would.
    #[cfg(unix)]
    pub(crate) async fn interrupt(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("it runs")?.to_string();
        anyhow::ensure!(Command::new("kill").args(["-INT", &id]).status().await?.success(), "no signal for {id}");
        Ok(())
    }

    /// It leaves with a goodbye.
    pub(crate) async fn leave(mut self) -> anyhow::Result<()> {
        self.tell("leave").await?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let ended = ended.context("it does not end").with_context(|| self.story())??;
        anyhow::ensure!(ended.success(), "{} ended with {ended}; {}", self.name, self.story());
        Ok(())
    }
}
