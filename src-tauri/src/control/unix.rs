//! A socket in the profile's folder, which nobody else may enter.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::{HEARING, LINE};
use crate::profile::Profile;

fn place(profile: &Profile) -> PathBuf {
    profile.folder().join("control")
}

/// Sends a line and answers the line that comes back. May wait for as long as the other side likes.
pub(super) fn ask(profile: &Profile, line: &str) -> io::Result<String> {
    let mut socket = UnixStream::connect(place(profile))?;
    socket.write_all(line.as_bytes())?;
    socket.write_all(b"\n")?;
    let mut answer = String::new();
    BufReader::new(socket.take(LINE)).read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}

/// Answers until the end of the program. The caller holds the profile's lock, so what lies there is of one that crashed.
pub(super) async fn serve<F>(profile: &Profile, answer: impl Fn(String) -> F) -> io::Result<()>
where
    F: Future<Output = &'static str> + Send + 'static,
{
    let place = place(profile);
    match std::fs::remove_file(&place) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(&place)?;
    loop {
        let (mut socket, _) = listener.accept().await?;
        // One after the other: nobody needs more, and nobody can pile them up.
        let talk = async {
            let mut line = String::new();
            let (read, mut write) = socket.split();
            tokio::io::BufReader::new(read.take(LINE)).read_line(&mut line).await?;
            let words = answer(line).await;
            write.write_all(words.as_bytes()).await?;
            write.write_all(b"\n").await
        };
        match tokio::time::timeout(HEARING, talk).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(kind = ?error.kind(), "a caller went"),
            Err(_) => tracing::debug!("a caller said nothing"),
        }
    }
}
