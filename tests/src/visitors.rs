//! `visitor` as a process of its own, with everything it says. For tests and benches; stops it when dropped.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::person::PATIENCE;

/// A running visitor.
pub struct Visitor {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Visitor {
    /// Starts one; `secret` (a link or token) goes in by stdin, where an argument says `-`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(words: &[&str], secret: &str, environment: &[(&str, &Path)]) -> anyhow::Result<Self> {
        let mut child = Command::new(crate::office::binary("inspection", "visitor")?)
            .args(words)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("stdin is a pipe")?;
        stdin.write_all(format!("{secret}\n").as_bytes()).await?;
        let lines = BufReader::new(child.stdout.take().context("stdout is a pipe")?).lines();
        Ok(Self { child, lines })
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
