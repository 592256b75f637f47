//! `visitor` as a process of its own, with everything it says. For tests and benches; stops it when dropped.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::person::PATIENCE;

/// A running visitor.
pub struct Visitor {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Visitor {
    /// Starts one; `secret` (a link or token) goes in by stdin, where an argument says `-`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(words: &[&str], secret: &str, environment: &[(&str, &Path)]) -> anyhow::Result<Self> {
        let mut command = Command::new(crate::office::binary("inspection", "visitor")?);
        command.args(words).envs(environment.iter().copied());
        let mut visitor = Self::of(command)?;
        visitor.tell(secret).await?;
        // Its stdin ends here: it reads one line.
        visitor.stdin = None;
        Ok(visitor)
    }

    /// Another program that says what happens as JSON lines, as the visitor does.
    ///
    /// # Errors
    /// It does not start.
    pub fn of(mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines();
        Ok(Self { child, stdin, lines })
    }

    /// One line to its stdin.
    ///
    /// # Errors
    /// It listens no more.
    pub async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let stdin = self.stdin.as_mut().context("its stdin is closed")?;
        Ok(stdin.write_all(format!("{line}\n").as_bytes()).await?)
    }

    /// Reads until it says what is looked for.
    ///
    /// # Errors
    /// It ended or fell silent before.
    pub async fn until(&mut self, what: &str, check: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let mut said = Vec::new();
        let search = async {
            while let Some(line) = self.lines.next_line().await? {
                let event: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
                if check(&event) {
                    return Ok(Some(event));
                }
                said.push(line);
            }
            anyhow::Ok(None)
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found?.with_context(|| format!("the visitor ended before {what}; it said {said:#?}")),
            Err(_) => anyhow::bail!("the visitor never said {what}; it said {said:#?}"),
        }
    }

    /// Waits for its own end; answers whether it was content.
    ///
    /// # Errors
    /// It does not end.
    pub async fn ended(&mut self) -> anyhow::Result<bool> {
        Ok(tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it does not end")??.success())
    }
}
