//! The driver on an in-memory pipe, and upgrades that are refused.

use super::*;

#[tokio::test]
async fn an_upgrade_that_is_refused_says_why() {
    for (status, code) in [
        ("401 Unauthorized", Code::TokenRefused),
        ("403 Forbidden", Code::TokenRefused),
        ("404 Not Found", Code::NotAMeetingServer),
        ("503 Service Unavailable", Code::HostUnreachable),
    ] {
        let (client, mut server) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut request = [0; 2048];
            let read = server.read(&mut request).await.unwrap();
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            assert!(text.contains("Bearer secret-token"), "the token goes into the header");
            assert!(!text.lines().next().unwrap().contains("secret-token"), "and never into the URL");
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            server.write_all(answer.as_bytes()).await.unwrap();
        });
        let ask = Upgrade { authority: "h", path: "/rtc?x=1", bearer: Some("secret-token"), max_message: 1024 };
        let refused = upgrade(Box::new(client), &ask).await.map(|_| ());
        assert_eq!(refused.map_err(|e| e.code()), Err(code), "{status}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_socket() {
    let (client, server) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let mut socket = tokio_tungstenite::accept_async(server).await.unwrap();
        socket.send(Message::binary(vec![1; 100])).await.unwrap();
        socket.send(Message::binary(vec![1; 5000])).await.unwrap();
        while socket.next().await.is_some_and(|m| m.is_ok()) {}
    });
    let ask = Upgrade { authority: "h", path: "/", bearer: None, max_message: 1024 };
    let socket = upgrade(Box::new(client), &ask).await.unwrap();
    let (into, mut from) = mpsc::channel(4);
    let _link = Link::start(socket, &Handle::current(), into, |came| came);
    assert!(matches!(from.recv().await, Some(Came::Binary(b)) if b.len() == 100));
    assert!(matches!(from.recv().await, Some(Came::Closed)));
}

#[tokio::test]
async fn what_was_queued_is_sent_before_a_dropped_link_closes() {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let seen = tokio::spawn(async move {
        let mut socket = tokio_tungstenite::accept_async(server).await.unwrap();
        let mut texts = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                texts.push(text.as_str().to_owned());
            }
        }
        texts
    });
    let ask = Upgrade { authority: "h", path: "/", bearer: None, max_message: 1024 };
    let socket = upgrade(Box::new(client), &ask).await.unwrap();
    let (into, _from) = mpsc::channel::<Came>(4);
    let link = Link::start(socket, &Handle::current(), into, |came| came);
    assert!(link.text("one".into()));
    assert!(link.text("two".into()));
    drop(link);
    assert_eq!(seen.await.unwrap(), ["one", "two"]);
}
