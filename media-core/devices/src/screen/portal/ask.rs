//! `org.freedesktop.portal.ScreenCast`: one session, one dialog, one stream. The portal is another program: it may hang, die,
//! or close the session at any time, which ends the share.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use ashpd::desktop::screencast::{
    CursorMode, OpenPipeWireRemoteOptions, Screencast, SelectSourcesOptions, SourceType, StartCastOptions,
};
use ashpd::desktop::{CreateSessionOptions, PersistMode, ResponseError, Session};
use async_io::Timer;
use futures_util::future::{Either, select};
use futures_util::{FutureExt, Stream, StreamExt};
use media_core::device::OpenDevice;
use zbus::Connection;
use zbus::connection::Builder;

/// How long the portal may take where no person is asked.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take to close a session.
const GOODBYE: Duration = Duration::from_secs(2);
/// How late it is seen that nobody waits for the dialog's answer any more.
const GLANCE: Duration = Duration::from_millis(100);

/// Is the answer still waited for?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Yes.
    Stay,
    /// The right was taken away.
    Revoked,
    /// The person does not want to share any more, or asked again.
    Unwanted,
}

/// What the person gave.
pub(super) struct Given {
    /// A connection to PipeWire that sees nothing but the stream.
    pub(super) remote: OwnedFd,
    /// Of the stream.
    pub(super) node: u32,
    pub(super) session: Held,
}

/// An open session. Dropping it closes it, and with it the dialog or the stream.
pub(super) struct Held {
    session: Arc<Session<Screencast>>,
    ends: Pin<Box<dyn Stream<Item = ()> + Send>>,
    /// The portal closes what belonged to a connection that ended.
    _bus: Connection,
}

impl Held {
    /// Did the desktop close it, or go away? Does not wait.
    pub(super) fn is_over(&mut self) -> bool {
        self.ends.next().now_or_never().is_some()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match async_io::block_on(within(GOODBYE, self.session.close())) {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "the portal closed the session first"),
            None => tracing::warn!("the portal does not close its session"),
        }
    }
}

/// `None`: it took too long.
async fn within<T>(longest: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), Timer::after(longest)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// An answer of the portal where no person is asked.
async fn prompt<T>(future: impl Future<Output = Result<T, ashpd::Error>>) -> Result<T, OpenDevice> {
    match within(ANSWER, future).await {
        Some(answer) => answer.map_err(|error| refused(&error)),
        None => Err(OpenDevice::Failed("the portal does not answer".into())),
    }
}

/// Asks the desktop to ask the person. `leave` is looked at while the dialog is open.
///
/// # Errors
/// [`OpenDevice::Cancelled`]: the person did not choose, or it is not waited for any more; [`OpenDevice::Unsupported`]: there
/// is no such portal.
pub(super) async fn ask(bus: Option<&str>, leave: impl Fn() -> Leave) -> Result<Given, OpenDevice> {
    let bus = match within(ANSWER, connect(bus)).await {
        Some(Ok(bus)) => bus,
        Some(Err(error)) => {
            tracing::info!(%error, "no bus, so no portal");
            return Err(OpenDevice::Unsupported);
        }
        None => return Err(OpenDevice::Failed("the bus does not answer".into())),
    };
    let portal = prompt(Screencast::with_connection(bus.clone())).await?;
    let modes = prompt(portal.available_cursor_modes()).await.unwrap_or_default();
    let session = prompt(portal.create_session(CreateSessionOptions::default())).await?;
    let session = Arc::new(session);
    let watched = Arc::clone(&session);
    let closed = futures_util::stream::once(async move {
        match watched.receive_closed().await {
            Ok(closed) => drop(pin!(closed).next().await),
            Err(error) => tracing::debug!(%error, "the portal went at once"),
        }
    });
    let owner = prompt(async { Ok(portal.receive_owner_changed().await?) }).await?;
    let ends = futures_util::stream::select(closed, owner.map(drop));
    let mut held = Held { session, ends: Box::pin(ends), _bus: bus };

    let sources = SelectSourcesOptions::default()
        .set_sources(SourceType::Monitor | SourceType::Window)
        .set_multiple(false)
        .set_persist_mode(PersistMode::DoNot)
        // The cursor is drawn in, as on other systems.
        .set_cursor_mode(modes.contains(CursorMode::Embedded).then_some(CursorMode::Embedded));
    prompt(async { portal.select_sources(&held.session, sources).await?.response() }).await?;

    let streams = {
        let mut dialog = pin!(portal.start(&held.session, None, StartCastOptions::default()));
        loop {
            let (mut over, glance) = (held.ends.next(), Timer::after(GLANCE));
            match select(select(&mut dialog, &mut over), glance).await {
                Either::Left((Either::Left((answer, _)), _)) => {
                    break answer.and_then(|answer| answer.response()).map_err(|error| refused(&error))?;
                }
                Either::Left((Either::Right(_), _)) => {
                    return Err(OpenDevice::Failed("the desktop closed its dialog".into()));
                }
                Either::Right(_) => {}
            }
            match leave() {
                Leave::Stay => {}
                Leave::Revoked => return Err(OpenDevice::Revoked),
                Leave::Unwanted => return Err(OpenDevice::Cancelled),
            }
        }
    };
    let stream = streams.streams().first().ok_or_else(|| OpenDevice::Failed("the portal gave no stream".into()))?;
    let node = stream.pipe_wire_node_id();
    let remote = prompt(portal.open_pipe_wire_remote(&held.session, OpenPipeWireRemoteOptions::default())).await?;
    match leave() {
        Leave::Stay => Ok(Given { remote, node, session: held }),
        Leave::Revoked => Err(OpenDevice::Revoked),
        Leave::Unwanted => Err(OpenDevice::Cancelled),
    }
}

/// A connection for this share alone.
async fn connect(bus: Option<&str>) -> zbus::Result<Connection> {
    let builder = match bus {
        Some(address) => Builder::address(address)?,
        None => Builder::session()?,
    };
    builder.build().await
}

fn refused(error: &ashpd::Error) -> OpenDevice {
    match error {
        ashpd::Error::Response(ResponseError::Cancelled) => OpenDevice::Cancelled,
        ashpd::Error::Portal(ashpd::PortalError::NotAllowed(_)) => OpenDevice::Denied,
        ashpd::Error::PortalNotFound(_) | ashpd::Error::RequiresVersion(..) => OpenDevice::Unsupported,
        ashpd::Error::Zbus(error) | ashpd::Error::Portal(ashpd::PortalError::ZBus(error)) if is_absent(error) => {
            OpenDevice::Unsupported
        }
        other => OpenDevice::Failed(other.to_string()),
    }
}

/// Is there no portal, or none for screens?
fn is_absent(error: &zbus::Error) -> bool {
    const NO_SUCH: [&str; 5] =
        ["ServiceUnknown", "NameHasNoOwner", "UnknownObject", "UnknownInterface", "UnknownMethod"];
    let zbus::Error::MethodError(name, ..) = error else { return false };
    name.strip_prefix("org.freedesktop.DBus.Error.").is_some_and(|short| NO_SUCH.contains(&short))
}
