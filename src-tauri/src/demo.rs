//! The demo: started with `SHOJI_DEMO=1` and its stdout on a pipe, the program hosts a meeting by itself and writes an
//! invitation there, for whoever started it and lets simulated colleagues join (`npm start -- --demo`).
//! The invitation goes to that pipe and nowhere else; without a pipe nothing happens.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use client::Client;
use protocol::bridge::{Code, CreateInvite, Failure, HostMeeting};
use protocol::ids::DisplayName;
use protocol::policy::Role;

const VARIABLE: &str = "SHOJI_DEMO";

/// Was the program started for the demo?
pub(crate) fn wanted() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| value == "1") && !std::io::stdout().is_terminal()
}

/// Hosts and invites. Logs what did not work; the window is there either way.
pub(crate) async fn host(client: Client) {
    if let Err(failure) = open(&client).await {
        tracing::error!(code = ?failure.code, "the demo meeting did not open");
    }
}

async fn open(client: &Client) -> Result<(), Failure> {
    let name = DisplayName::parse("Demo").expect("a constant that is a name");
    let meeting = HostMeeting { title: "Shoji demo".to_owned(), name, microphone: true, camera: true };
    client.host_meeting(meeting).await?;
    let link = loop {
        match client.create_invite(CreateInvite { role: Role::Member, hours: 12 }).await {
            Ok(made) => break made.link,
            // On the way in. Leaving before that ends the demo by closing the window.
            Err(failure) if failure.code == Code::NotInMeeting => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(failure) => return Err(failure),
        }
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{link}").and_then(|()| out.flush()).map_err(|e| Failure::of(Code::Internal, e.kind()))
}
