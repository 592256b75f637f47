//! Heads, good and bad.

use super::*;

async fn read(text: &[u8]) -> Result<Head, BadRequest> {
    let mut stream = text;
    Head::read(&mut stream, Duration::from_secs(30)).await
}

#[tokio::test]
async fn a_livekit_join_is_read() {
    let text = b"GET /rtc?access_token=a%2Eb&auto_subscribe=0&sid=PA_1 HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nmore";
    let head = read(text).await.unwrap();
    assert_eq!((head.path.as_str(), head.upgrade()), ("/rtc", Some("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_eq!(head.token().as_str(), "a.b");
    assert!(!head.flag("auto_subscribe", true));
    assert!(head.flag("adaptive_stream", true));
    assert_eq!(head.rest, b"more");
}

#[tokio::test]
async fn the_header_goes_before_the_query() {
    let head = read(b"GET /rtc?access_token=q HTTP/1.1\r\nAuthorization: Bearer h\r\n\r\n").await.unwrap();
    assert_eq!(head.token().as_str(), "h");
    assert!(head.upgrade().is_none());
}

#[tokio::test]
async fn a_request_line_of_eight_kilobytes_is_taken_and_an_endless_one_is_not() {
    let long = format!("GET /rtc?x={} HTTP/1.1\r\n\r\n", "a".repeat(8 * 1024));
    assert!(read(long.as_bytes()).await.is_ok());
    let endless = format!("GET /rtc?x={}", "a".repeat(MAX_HEAD));
    assert_eq!(read(endless.as_bytes()).await.unwrap_err(), BadRequest::TooLarge);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(read(many.as_bytes()).await.unwrap_err(), BadRequest::TooLarge);
}

#[tokio::test]
async fn rubbish_and_every_cut_head_are_refused_without_a_panic() {
    let whole = b"POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nContent-Length: 2\r\n\r\n";
    for length in 0..whole.len() {
        assert_eq!(read(&whole[..length]).await.unwrap_err(), BadRequest::Silent);
    }
    for bad in
        [&b"\x16\x03\x01\x02"[..], b"GET http://x/ HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\0\r\n\r\n"]
    {
        assert_eq!(read(bad).await.unwrap_err(), BadRequest::Malformed);
    }
}

#[tokio::test]
async fn a_head_in_a_log_line_shows_no_token() {
    let head = read(b"GET /rtc?access_token=CANARY HTTP/1.1\r\nAuthorization: Bearer CANARY\r\n\r\n").await.unwrap();
    assert!(!format!("{head:?}").contains("CANARY"));
}

#[tokio::test]
async fn a_body_is_limited() {
    let mut stream = &b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"[..];
    let mut head = Head::read(&mut stream, Duration::from_secs(30)).await.unwrap();
    assert_eq!(head.body(&mut &b"lo!"[..], Duration::from_secs(30)).await.unwrap(), b"hello");
    let mut stream = &b"POST /x HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"[..];
    let mut head = Head::read(&mut stream, Duration::from_secs(30)).await.unwrap();
    assert_eq!(head.body(&mut &b""[..], Duration::from_secs(30)).await, Err(BadRequest::TooLarge));
}

#[test]
fn percent_signs_at_the_end_do_not_panic() {
    for text in ["%", "%4", "%zz", "a%", "%E9%9A%9C", "%障", "+"] {
        let _ = percent_decode(text);
    }
    assert_eq!(percent_decode("%E9%9A%9C%2f"), "障/");
}
