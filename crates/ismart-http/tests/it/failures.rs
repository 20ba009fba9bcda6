use std::time::Duration;

use ismart_http::{Failure, Lost, NotSent};

use crate::server::{Act, Server, client};

async fn not_sent(url: &str) -> NotSent {
    match client().post(url).json(&1).send().await.unwrap_err() {
        Failure::NotSent { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

async fn lost(act: Act) -> Lost {
    let server = Server::start(act).await;
    let failure =
        client().post(&server.url("/")).timeout(Duration::from_millis(300)).send().await.unwrap_err();
    assert!(failure.may_have_been_executed());
    assert_eq!(server.connections(), 1, "the client repeated by itself");
    match failure {
        Failure::Ambiguous { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// P5: what never left says so.
#[tokio::test]
async fn p5_nobody_listening_is_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let reason = not_sent(&url).await;
    assert!(matches!(reason, NotSent::Connect(_)), "{reason}");
}

#[tokio::test]
async fn p5_an_unknown_name_is_not_sent() {
    // A machine without name service answers late instead of "not found"; both come before anything is sent.
    let reason = not_sent("http://no-such-host.invalid/").await;
    assert!(matches!(reason, NotSent::Name(_) | NotSent::ConnectTimeout), "{reason}");
}

#[tokio::test]
async fn p5_a_failed_handshake_is_not_sent() {
    let server = Server::start(Act::Blurt("this is no TLS server\r\n\r\n")).await;
    let reason = not_sent(&server.url("/").replace("http:", "https:")).await;
    assert!(matches!(reason, NotSent::Tls(_)), "{reason}");
    let silent = Server::start(Act::Ignore).await;
    let reason = not_sent(&silent.url("/").replace("http:", "https:")).await;
    assert!(matches!(reason, NotSent::ConnectTimeout), "{reason}");
}

#[tokio::test]
async fn p5_malformed_requests_are_not_sent() {
    for url in ["", "portal", "ftp://example.com/", "http://", "http://a b/", "file:///etc/passwd"] {
        let reason = not_sent(url).await;
        assert!(matches!(reason, NotSent::Invalid(_)), "{url}: {reason}");
    }
    let server = Server::start(Act::Silence).await;
    for (name, value) in [("bad name", "1"), ("x-good", "a\r\nb: c")] {
        let failure = client().get(&server.url("/")).header(name, value).send().await.unwrap_err();
        assert!(!failure.may_have_been_executed(), "{failure}");
    }
    assert_eq!(server.connections(), 0);
}

/// P6: what may have been carried out says so, and is sent once.
#[tokio::test]
async fn p6_a_closed_connection_is_ambiguous_and_not_repeated() {
    let reason = lost(Act::Send("")).await;
    assert!(matches!(reason, Lost::Closed(_)), "{reason}");
}

#[tokio::test]
async fn p6_silence_is_ambiguous() {
    assert_eq!(lost(Act::Silence).await, Lost::Timeout);
}

#[tokio::test]
async fn p6_a_broken_answer_is_ambiguous() {
    let reason = lost(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"res")).await;
    assert!(matches!(reason, Lost::Body(_)), "{reason}");
    let reason = lost(Act::Send("\u{1}\u{2}garbage\r\n\r\n")).await;
    assert!(matches!(reason, Lost::Closed(_)), "{reason}");
}
