//! Log lines: to stderr for whoever started the program in a terminal, and to files that rotate.
//! People's data reach a line only as `Pii`, secrets never; a panic is logged with its place and, in a release, without
//! its words, which may quote data.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

mod rotate;

use rotate::Rotating;

/// Ours in detail, the libraries only when something is wrong.
const USUAL: &str = "warn,app=info,client=info,host=info,media_devices=info,media_core=info,peer=info,protocol=info";
/// Overrides [`USUAL`], in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "SHOJI_LOG";

/// Starts logging. A folder that cannot be written leaves stderr alone.
pub(crate) fn start(folder: &Path) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(USUAL));
    let (file, trouble) = match Rotating::open(folder) {
        Ok(file) => (Some(FileLog(Arc::new(Mutex::new(file)))), None),
        Err(error) => (None, Some(error)),
    };
    let terminal = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(true);
    let lines = file.map(|file| tracing_subscriber::fmt::layer().json().with_ansi(false).with_writer(file));
    // A second call (tests in one process) keeps the first.
    if tracing_subscriber::registry().with(filter).with(terminal).with(lines).try_init().is_err() {
        return;
    }
    if let Some(error) = trouble {
        tracing::warn!(kind = ?error.kind(), "no log file");
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let words = if cfg!(debug_assertions) { panic.payload_as_str().unwrap_or_default() } else { "" };
        tracing::error!(place, thread, words, "panic");
    }));
}

/// The file, shared by the threads that log.
#[derive(Clone)]
struct FileLog(Arc<Mutex<Rotating>>);

impl<'a> MakeWriter<'a> for FileLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for FileLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
