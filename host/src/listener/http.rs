//! Reads one HTTP/1.1 request head within limits, and writes small answers.
//! Only heads and tiny bodies: everything else in this host is a WebSocket.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of a whole head; a token in the query and LiveKit's parameters fit many times.
pub const MAX_HEAD: usize = 32 * 1024;
const MAX_HEADERS: usize = 64;
/// Bytes of a body (`RoomService` requests).
pub const MAX_BODY: usize = 64 * 1024;

/// Why there is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The peer went away, or took too long.
    #[error("no request came")]
    Silent,
    /// Over a limit.
    #[error("the request is too large")]
    TooLarge,
    /// Not HTTP/1.1.
    #[error("not an HTTP request")]
    Malformed,
}

/// One request head.
pub struct Head {
    /// `GET`, `POST`…
    pub method: String,
    /// Without the query.
    pub path: String,
    query: String,
    headers: Vec<(String, String)>,
    /// Bytes that came behind the head.
    pub rest: Vec<u8>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The query and the headers hold tokens.
        f.debug_struct("Head").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Head {
    /// Reads until the empty line.
    ///
    /// # Errors
    /// Silence, too much, or not HTTP.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin), patience: Duration) -> Result<Self, BadRequest> {
        tokio::time::timeout(patience, Self::read_patiently(stream)).await.unwrap_or(Err(BadRequest::Silent))
    }

    async fn read_patiently(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, BadRequest> {
        let mut bytes = Vec::with_capacity(2048);
        loop {
            if let Some(head) = Self::parse(&bytes)? {
                return Ok(head);
            }
            if bytes.len() >= MAX_HEAD {
                return Err(BadRequest::TooLarge);
            }
            let room = (MAX_HEAD - bytes.len()).min(4096);
            let read = (&mut *stream).take(room as u64).read_buf(&mut bytes).await.map_err(|_| BadRequest::Silent)?;
            if read == 0 {
                return Err(BadRequest::Silent);
            }
        }
    }

    fn parse(bytes: &[u8]) -> Result<Option<Self>, BadRequest> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(BadRequest::TooLarge),
            Err(_) => return Err(BadRequest::Malformed),
        };
        let target = request.path.unwrap_or_default();
        // An absolute URI as target is for proxies.
        if !target.starts_with('/') || request.version != Some(1) {
            return Err(BadRequest::Malformed);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut kept = Vec::with_capacity(request.headers.len());
        for header in request.headers.iter() {
            let value = std::str::from_utf8(header.value).map_err(|_| BadRequest::Malformed)?;
            kept.push((header.name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Some(Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: path.trim_end_matches('/').to_owned(),
            query: query.to_owned(),
            headers: kept,
            rest: bytes[length..].to_vec(),
        }))
    }

    /// A header's value, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Does a comma-separated header hold this word?
    #[must_use]
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|v| v.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
    }

    /// A query parameter, decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|p| p.split_once('='));
        pairs.into_iter().find(|(n, _)| *n == name).map(|(_, v)| percent_decode(v))
    }

    /// A query parameter that is a switch: `1` or `true`.
    #[must_use]
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.query(name).map_or(default, |v| v == "1" || v.eq_ignore_ascii_case("true"))
    }

    /// The token: `Authorization: Bearer …`, or `access_token=` for browsers, which cannot set headers.
    #[must_use]
    pub fn token(&self) -> zeroize::Zeroizing<String> {
        let bearer = self.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
        zeroize::Zeroizing::new(match bearer {
            Some(token) => token.trim().to_owned(),
            None => self.query("access_token").unwrap_or_default(),
        })
    }

    /// The key of a WebSocket upgrade (RFC 6455, 4.2.1); `None`: it is none.
    #[must_use]
    pub fn upgrade(&self) -> Option<&str> {
        let wants = self.method == "GET"
            && self.lists("connection", "upgrade")
            && self.lists("upgrade", "websocket")
            && self.header("sec-websocket-version") == Some("13");
        self.header("sec-websocket-key").filter(|k| wants && k.len() == 24)
    }

    /// Reads the body that `Content-Length` announces.
    ///
    /// # Errors
    /// Too large, not announced, or not sent in time.
    pub async fn body(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        patience: Duration,
    ) -> Result<Vec<u8>, BadRequest> {
        let length = self.header("content-length").map_or(Ok(0), |l| l.parse::<usize>());
        let length = length.map_err(|_| BadRequest::Malformed)?;
        if length > MAX_BODY || self.header("transfer-encoding").is_some() {
            return Err(BadRequest::TooLarge);
        }
        let mut body = std::mem::take(&mut self.rest);
        body.truncate(length);
        let have = body.len();
        body.resize(length, 0);
        let read = tokio::time::timeout(patience, stream.read_exact(&mut body[have..])).await;
        match read {
            Ok(Ok(_)) => Ok(body),
            Ok(Err(_)) | Err(_) => Err(BadRequest::Silent),
        }
    }
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(if bytes[i] == b'+' { b' ' } else { bytes[i] });
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A small answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// `Content-Type`.
    pub kind: &'static str,
    /// Body.
    pub body: Vec<u8>,
    /// May pages of any origin read it? LiveKit's browsers' SDK needs that for its validate requests.
    pub any_origin: bool,
}

impl Answer {
    /// Plain text.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: body.into(), any_origin: false }
    }

    /// The same, readable from any origin.
    #[must_use]
    pub fn for_any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// Sends it and closes the stream.
    pub async fn send(self, stream: &mut (impl AsyncWrite + Unpin)) {
        let reason = match self.status {
            101 => "Switching Protocols",
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 => "Content Too Large",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            _ => "Error",
        };
        let cors = if self.any_origin { "Access-Control-Allow-Origin: *\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n{cors}Connection: close\r\n\r\n",
            self.status,
            self.kind,
            self.body.len()
        );
        let write = async {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&self.body).await?;
            stream.shutdown().await
        };
        // A peer that does not read its answer is not waited for, and one that is gone needs none.
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(10), write).await {
            tracing::trace!(kind = ?error.kind(), "answer_not_read");
        }
    }
}

#[cfg(test)]
mod tests;
