//! A named pipe. Only this person's programs and the system may write to it: that is a pipe's own default.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

use super::{HEARING, LINE};
use crate::profile::Profile;

fn name(profile: &Profile) -> String {
    format!(r"\\.\pipe\{}.control", profile.machine_name())
}

/// Sends a line and answers the line that comes back. May wait for as long as the other side likes.
pub(super) fn ask(profile: &Profile, line: &str) -> io::Result<String> {
    let mut pipe = OpenOptions::new().read(true).write(true).open(name(profile))?;
    pipe.write_all(line.as_bytes())?;
    pipe.write_all(b"\n")?;
    let mut answer = String::new();
    BufReader::new(pipe.take(LINE)).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

fn server(profile: &Profile, first: bool) -> io::Result<NamedPipeServer> {
    ServerOptions::new().first_pipe_instance(first).reject_remote_clients(true).create(name(profile))
}

/// Answers until the end of the program.
pub(super) async fn serve<F>(profile: &Profile, answer: impl Fn(String) -> F) -> io::Result<()>
where
    F: Future<Output = &'static str> + Send + 'static,
{
    let mut next = server(profile, true)?;
    loop {
        next.connect().await?;
        let mut pipe = std::mem::replace(&mut next, server(profile, false)?);
        let talk = async {
            let mut line = String::new();
            tokio::io::BufReader::new((&mut pipe).take(LINE)).read_line(&mut line).await?;
            let words = answer(line).await;
            pipe.write_all(words.as_bytes()).await?;
            pipe.write_all(b"\n").await?;
            pipe.flush().await
        };
        match tokio::time::timeout(HEARING, talk).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(kind = ?error.kind(), "a caller went"),
            Err(_) => tracing::debug!("a caller said nothing"),
        }
    }
}
