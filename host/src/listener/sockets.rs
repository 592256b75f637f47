//! The two kinds of WebSocket: frames in to the building, frames out from an outbox, and an end to both.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, handshake::derive_accept_key};

use super::http::Head;
use super::{Porch, routes};
use crate::building::{Entrance, Input, OUTBOX, Out};
use crate::office::Conn;
use crate::token::Visitor;

/// How long a client may take to read one frame.
const WRITE: Duration = Duration::from_secs(15);

/// The office channel.
pub(super) async fn office<S>(mut stream: S, head: Head, from: IpAddr, porch: &Porch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    if !switch(&mut stream, &head).await {
        return;
    }
    let conn = porch.reception.number();
    let (out, outbox) = mpsc::channel(OUTBOX);
    if !porch.reception.send(Input::OfficeOpen { conn, from, out }).await {
        return;
    }
    pump(stream, head.rest, Kind::Office, conn, outbox, porch).await;
}

/// A signalling socket. Whether its owner may come in is known before the upgrade, so that a refusal has a status.
pub(super) async fn signal<S>(mut stream: S, head: Head, visitor: Visitor, how: Entrance, porch: &Porch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let conn = porch.reception.number();
    let (out, outbox) = mpsc::channel(OUTBOX);
    let (answer, allowed) = oneshot::channel();
    let open = Input::SignalOpen { conn, visitor: Box::new(visitor), how, out, answer };
    if !porch.reception.send(open).await {
        return routes::refused(protocol::office::Refusal::Closing).send(&mut stream).await;
    }
    match allowed.await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return routes::refused(why).send(&mut stream).await,
        Err(_) => return routes::refused(protocol::office::Refusal::Closing).send(&mut stream).await,
    }
    if switch(&mut stream, &head).await {
        pump(stream, head.rest, Kind::Signal, conn, outbox, porch).await;
    } else {
        porch.reception.send(Input::Closed { conn }).await;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Office,
    Signal,
}

/// Answers the upgrade (RFC 6455, 4.2.2).
async fn switch<S: AsyncWrite + Unpin>(stream: &mut S, head: &Head) -> bool {
    let Some(key) = head.upgrade() else { return false };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let write = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await
    };
    matches!(tokio::time::timeout(WRITE, write).await, Ok(Ok(())))
}

async fn pump<S>(stream: S, rest: Vec<u8>, kind: Kind, conn: Conn, outbox: mpsc::Receiver<Out>, porch: &Porch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let limit = match kind {
        Kind::Office => protocol::office::MAX_MESSAGE,
        Kind::Signal => protocol::signal::MAX_MESSAGE,
    };
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let socket = WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await;
    frames(socket, kind, conn, outbox, porch).await;
    porch.reception.send(Input::Closed { conn }).await;
}

async fn frames<S>(
    mut socket: WebSocketStream<S>,
    kind: Kind,
    conn: Conn,
    mut outbox: mpsc::Receiver<Out>,
    porch: &Porch,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let idle = porch.patience.idle;
    let mut ask = tokio::time::interval(idle / 3);
    ask.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ask.reset();
    let hello = tokio::time::sleep(porch.patience.hello);
    tokio::pin!(hello);
    let mut greeted = kind == Kind::Signal;
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            frame = socket.next() => {
                heard = Instant::now();
                let input = match frame {
                    Some(Ok(Message::Text(text))) => input(kind, conn, Some(text), None),
                    Some(Ok(Message::Binary(bytes))) => input(kind, conn, None, Some(bytes)),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_))) | None => return,
                    Some(Err(error)) => {
                        porch.metrics.messages_refused_total.up();
                        if let Error::Capacity(_) = error {
                            close(&mut socket, CloseCode::Size).await;
                        }
                        return;
                    }
                };
                if !porch.reception.send(input).await {
                    return farewell(&mut socket, &mut outbox).await;
                }
            }
            out = outbox.recv() => {
                // Without an outbox: it did not read fast enough, and lost it.
                let Some(out) = out else { return close(&mut socket, CloseCode::Again).await };
                let Some(frame) = frame(out) else { return close(&mut socket, CloseCode::Normal).await };
                if !write(&mut socket, frame).await {
                    return;
                }
            }
            () = &mut hello, if !greeted => {
                greeted = true;
                if !porch.reception.send(Input::OfficeSilent { conn }).await {
                    return farewell(&mut socket, &mut outbox).await;
                }
            }
            _ = ask.tick() => {
                if heard.elapsed() >= idle || !write(&mut socket, Message::Ping(bytes::Bytes::new())).await {
                    return;
                }
            }
        }
    }
}

fn input(
    kind: Kind,
    conn: Conn,
    text: Option<tokio_tungstenite::tungstenite::Utf8Bytes>,
    binary: Option<bytes::Bytes>,
) -> Input {
    match kind {
        Kind::Office => Input::OfficeFrame { conn, text: text.map(|t| t.as_str().to_owned()) },
        Kind::Signal => Input::SignalFrame { conn, frame: binary },
    }
}

/// As it goes over the wire; none is the end.
fn frame(out: Out) -> Option<Message> {
    match out {
        Out::Text(text) => Some(Message::text(text)),
        Out::Binary(bytes) => Some(Message::Binary(bytes)),
        Out::Close => None,
    }
}

async fn write<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, frame: Message) -> bool {
    matches!(tokio::time::timeout(WRITE, socket.send(frame)).await, Ok(Ok(())))
}

/// The building is closed: what it wanted to say last is said, also to whoever was speaking at that moment.
async fn farewell<S>(socket: &mut WebSocketStream<S>, outbox: &mut mpsc::Receiver<Out>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(frame) = outbox.recv().await.and_then(frame) {
        if !write(socket, frame).await {
            return;
        }
    }
    close(socket, CloseCode::Normal).await;
}

async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, code: CloseCode) {
    let frame = CloseFrame { code, reason: "".into() };
    if let Ok(Err(error)) = tokio::time::timeout(WRITE, socket.close(Some(frame))).await {
        tracing::trace!(%error, "close_not_read");
        return;
    }
    // The peer's own close makes the end clean; nobody waits long for it.
    let rest = async { while let Some(Ok(_)) = socket.next().await {} };
    tokio::time::timeout(Duration::from_secs(2), rest).await.ok();
}
