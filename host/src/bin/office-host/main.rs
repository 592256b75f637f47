//! The host alone: a server for an office without the app. Reads options, starts a host, prints one line of JSON with
//! what guests need, and waits for SIGTERM or Ctrl-C. It decides nothing itself.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use host::host::{Host, HostConfig, Opened};
use host::keys::DEFAULT_API_KEY;
use host::mdns::Interfaces;
use protocol::ids::RoomId;
use protocol::invite::{HostAddress, Invite, InviteSecret};
use protocol::policy::Role;
use zeroize::Zeroizing;

mod keys;
mod mark;
mod seals;

use seals::Seals;

/// Runs a Shoji host.
#[derive(Debug, Parser)]
#[command(name = "office-host", version, about, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    instead: Option<Instead>,

    /// Address and port to listen on, or only a port; 0: 7880 or one of the next.
    #[arg(long, default_value = "0", value_parser = listen)]
    listen: Listen,

    /// Folder for rooms, roles and invitations. Without it nothing lasts.
    #[arg(long)]
    data: Option<PathBuf>,

    /// Where the host's keys are: `memory` (new at each start), `file:PATH` (made if missing, mode 0600) or `keyring`.
    #[arg(long, default_value = "memory", value_parser = keys::parse)]
    keys: keys::Keys,

    /// What a room opened at start is called.
    #[arg(long, default_value = "Shoji")]
    title: String,

    /// Room for `--invite`, kept over restarts with `--data`; without it a new one is made.
    #[arg(long)]
    room: Option<String>,

    /// Print an invitation to that room: role and hours, for example `--invite owner 8`. May be repeated.
    #[arg(long, num_args = 2, value_names = ["ROLE", "HOURS"], action = clap::ArgAction::Append)]
    invite: Vec<String>,

    /// File with what seals the room's media, shared by its invitations (made if missing, mode 0600). Without it each
    /// start makes new seals, and people with links of different starts do not hear each other.
    #[arg(long, requires = "room")]
    seals: Option<PathBuf>,

    /// API key that join tokens of the office's own backend name.
    #[arg(long, default_value = DEFAULT_API_KEY)]
    api_key: String,

    /// File with the API secret for those tokens (0600); without it the host's own is used.
    #[arg(long)]
    api_secret_file: Option<PathBuf>,

    /// A name or address guests should use, told to them first. May be repeated.
    #[arg(long)]
    advertise: Vec<String>,

    /// Do not announce the host on the local network.
    #[arg(long)]
    no_mdns: bool,

    /// Announce it only on this interface. May be repeated.
    #[arg(long)]
    mdns_interface: Vec<String>,

    /// Let other machines read /metrics.
    #[arg(long)]
    public_metrics: bool,

    /// Write the host's CA certificate (PEM, public) to this file, for software that needs to trust it.
    #[arg(long)]
    ca_out: Option<PathBuf>,

    /// Logs as one JSON object per line.
    #[arg(long)]
    json_logs: bool,
}

/// What is done instead of running a host.
#[derive(Debug, Subcommand)]
enum Instead {
    /// Say whose window a picture that leaked was drawn for: one line of JSON.
    ReadMark(mark::ReadMark),
}

#[derive(Debug, Clone, Copy)]
struct Listen {
    ip: Option<IpAddr>,
    port: u16,
}

/// Roles by their names on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Word {
    Owner,
    Member,
    Guest,
}

fn listen(text: &str) -> Result<Listen, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(Listen { ip: None, port });
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Listen { ip: Some(ip), port: 0 });
    }
    let address: SocketAddr = text.parse().map_err(|_| "expected PORT, IP or IP:PORT".to_owned())?;
    Ok(Listen { ip: Some(address.ip()), port: address.port() })
}

fn main() -> ExitCode {
    let options = Options::parse();
    host::log::start(options.json_logs);
    let result = match &options.instead {
        Some(Instead::ReadMark(wish)) => wish.run().and_then(|line| print_line(&line)),
        None => serve(options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "host_failed");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("office-host").build();
    runtime.context("no runtime")?.block_on(run(options))
}

async fn run(options: Options) -> anyhow::Result<()> {
    let mut keys = keys::load(&options.keys)?;
    if let Some(path) = &options.api_secret_file {
        let secret = Zeroizing::new(
            String::from_utf8(keys::read_private(path)?.to_vec()).context("the API secret is not text")?,
        );
        keys = keys.with_api_secret(secret.trim()).context("the API secret must have 16 to 1024 bytes")?;
    }
    let mut config = HostConfig::new(keys);
    config.bind = options.listen.ip;
    config.port = options.listen.port;
    config.data.clone_from(&options.data);
    config.api_key.clone_from(&options.api_key);
    config.advertise = !options.no_mdns;
    if !options.mdns_interface.is_empty() {
        config.interfaces = Interfaces::Only(options.mdns_interface.clone());
    }
    config.public.clone_from(&options.advertise);
    config.public_metrics = options.public_metrics;
    let host = Host::start(config).await?;
    if let Some(path) = &options.ca_out {
        std::fs::write(path, host.ca_pem()).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let links = invitations(&host, &options).await?;
    announce(&host, &links)?;
    wait_for_end().await?;
    host.stop().await;
    Ok(())
}

/// The line that scripts read. It holds the invitations' secrets: it goes to standard output and nowhere else.
fn announce(host: &Host, links: &[(RoomId, String)]) -> anyhow::Result<()> {
    let addresses: Vec<String> = host.addresses().iter().map(SocketAddr::to_string).collect();
    let line = serde_json::json!({
        "listening": addresses,
        "port": host.port(),
        "fingerprint": host.fingerprint().encode(),
        "room": links.first().map(|(room, _)| room.as_str()),
        "invite": links.first().map(|(_, link)| link.as_str()),
        "invites": links.iter().map(|(_, link)| link.as_str()).collect::<Vec<_>>(),
    });
    print_line(&line)
}

fn print_line(line: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("nobody reads standard output")
}

async fn invitations(host: &Host, options: &Options) -> anyhow::Result<Vec<(RoomId, String)>> {
    let mut links = Vec::new();
    if options.invite.is_empty() {
        return Ok(links);
    }
    // Everyone invited here opens the same seals.
    let seals = Seals::load(options.seals.as_deref())?;
    let room = match &options.room {
        Some(name) => {
            let room = RoomId::parse(name.clone()).context("--room is not a room name")?;
            host.ensure_room(&room, &options.title).await?;
            room
        }
        None => host.open_room(&options.title).await?.room,
    };
    for pair in options.invite.chunks(2) {
        let [role, hours] = pair else { bail!("--invite needs a role and hours") };
        let role = match Word::from_str(role, true).map_err(anyhow::Error::msg)? {
            Word::Owner => Role::Owner,
            Word::Member => Role::Member,
            Word::Guest => Role::Guest,
        };
        let hours: u32 = hours.parse().context("--invite needs hours as a number")?;
        let made = host.invite(&room, role, hours.saturating_mul(3600)).await?.context("the room is gone")?;
        links.push((room.clone(), link(host, made, &seals)?));
    }
    Ok(links)
}

fn link(host: &Host, made: Opened, seals: &Seals) -> anyhow::Result<String> {
    let addresses: Vec<HostAddress> = host
        .told_addresses()
        .iter()
        .filter_map(|text| match text.parse::<SocketAddr>() {
            Ok(address) => Some(HostAddress::Ip(address)),
            Err(_) => {
                let (name, port) = text.rsplit_once(':')?;
                Some(HostAddress::Name(name.to_owned(), port.parse().ok()?))
            }
        })
        .collect();
    if addresses.is_empty() {
        bail!("this machine has no address that guests could use; give one with --advertise");
    }
    let invite = Invite {
        room: made.room,
        addresses,
        id: made.invite,
        host: host.fingerprint(),
        expires_at: made.expires_at,
        secret: InviteSecret { entry: made.entry, media: seals.media.clone(), broadcast: seals.broadcast.clone() },
    };
    Ok(invite.to_link())
}

#[cfg(unix)]
async fn wait_for_end() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        result = tokio::signal::ctrl_c() => result.context("no signals"),
    }
}

#[cfg(not(unix))]
async fn wait_for_end() -> anyhow::Result<()> {
    tokio::signal::ctrl_c().await.context("no signals")
}
