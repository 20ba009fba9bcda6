use axum::Router;
use axum::extract::Request;
use axum::routing::post;
use ismart_http::Failure;
use serde_json::{Value, json};

use crate::server::{Act, Server, client};

#[tokio::test]
async fn a_json_request_arrives_and_its_answer_comes_back_whole() {
    let app = Router::new().route(
        "/echo",
        post(|request: Request| async move {
            let (parts, body) = request.into_parts();
            let header = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
            let body = axum::body::to_bytes(body, 1024).await.unwrap();
            json!({"agent": header("user-agent"), "type": header("content-type"), "own": header("x-own"),
                   "body": serde_json::from_slice::<Value>(&body).unwrap()})
            .to_string()
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/echo", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let sent = json!({"имя": "Иван"});
    let response = client().post(&url).header("x-own", "1").json(&sent).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let echoed: Value = response.json().unwrap();
    assert_eq!(echoed["body"], sent);
    assert_eq!(echoed["type"], "application/json");
    assert_eq!(echoed["own"], "1");
    assert!(echoed["agent"].as_str().unwrap().starts_with("iSmart/"));
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for (bytes, status, executed) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", 204, true),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno", 404, false),
        ("HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n", 503, true),
    ] {
        let server = Server::start(Act::Send(bytes)).await;
        let response = client().post(&server.url("/")).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.may_have_been_executed(), executed, "{status}");
        assert_eq!(response.retry_after().map(|wait| wait.as_secs()), (status == 503).then_some(7));
    }
}

/// P4: a redirect is an answer, not an instruction.
#[tokio::test]
async fn p4_redirects_are_not_followed() {
    let target = Server::start(Act::Send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url("/x"));
    let server = Server::start(Act::Send(answer.leak())).await;
    for request in [client().get(&server.url("/")), client().post(&server.url("/"))] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!(response.location(), Some(target.url("/x").as_str()));
    }
    assert_eq!(target.connections(), 0);
}

/// P3: an answer longer than the limit is not collected.
#[tokio::test]
async fn p3_long_answers_are_refused() {
    let declared = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n01234567890";
    let chunked =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n";
    for bytes in [declared, chunked] {
        let server = Server::start(Act::Send(bytes)).await;
        let whole = client().get(&server.url("/")).body_limit(11).send().await.unwrap();
        assert_eq!(whole.text(), "01234567890");
        let failure = client().get(&server.url("/")).body_limit(10).send().await.unwrap_err();
        assert!(matches!(failure, Failure::TooLarge { status: 200, limit: 10, .. }), "{failure}");
        assert!(failure.may_have_been_executed());
    }
}
