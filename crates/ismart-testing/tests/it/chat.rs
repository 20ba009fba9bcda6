//! The visitor against servers that keep the protocol of the chat and servers that break it.

use axum::extract::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use ismart_testing::{ChatError, Visitor, http_client};
use serde_json::{Value, json};

async fn served(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn known(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer t-198.18.0.7")
}

async fn visit(headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    assert!(body["page"].as_str().unwrap().ends_with("/cars"));
    let sender = headers.get("x-forwarded-for").unwrap().to_str().unwrap();
    Json(json!({ "visitor": format!("t-{sender}"), "last": 4 }))
}

async fn store(headers: HeaderMap, Json(body): Json<Value>) -> impl IntoResponse {
    let seq = if known(&headers) && body["text"] == "Есть ли кроссоверы?" { 5 } else { 0 };
    (StatusCode::ACCEPTED, Json(json!({ "seq": seq })))
}

async fn stream(headers: HeaderMap) -> impl IntoResponse {
    assert!(known(&headers));
    let message = |seq: u8, author: &str| {
        format!("event: message\ndata: {{\"seq\":{seq},\"author\":\"{author}\"}}\n\n")
    };
    let typing = "event: typing\ndata: {\"on\":true}\n\n";
    let events =
        [message(4, "worker"), message(5, "visitor"), typing.to_owned(), message(6, "worker")].concat();
    ([("content-type", "text/event-stream")], events)
}

fn chat() -> axum::Router {
    let routes = axum::Router::new().route("/api/chat/visit", post(visit));
    routes.route("/api/chat/messages", post(store)).route("/api/chat/stream", get(stream))
}

#[tokio::test]
async fn a_turn_ends_with_the_workers_reply_to_it() {
    let base = served(chat()).await;
    let client = http_client().unwrap();
    let visitor = Visitor::arrive(&client, &base, "/cars", Some("198.18.0.7".to_owned())).await.unwrap();
    assert_eq!(visitor.last, 4);
    let mut follower = visitor.follow(visitor.last).await.unwrap();
    let seq = visitor.say("Есть ли кроссоверы?").await.unwrap();
    let reply = follower.reply(seq).await.unwrap();
    assert_eq!((seq, reply.seq()), (5, 6), "neither an earlier reply nor the visitor's own message is taken");
    assert!(matches!(follower.next().await, Err(ChatError::Ended)));
}

#[tokio::test]
async fn refusals_are_quoted() {
    let refuse = || async { (StatusCode::TOO_MANY_REQUESTS, "slow down") };
    let base = served(axum::Router::new().route("/api/chat/visit", post(refuse))).await;
    let client = http_client().unwrap();
    let error = Visitor::arrive(&client, &base, "/", None).await.unwrap_err().to_string();
    assert_eq!(error, "visit answered 429 Too Many Requests: slow down");
}

#[tokio::test]
async fn nobody_there_is_an_error_of_the_call() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Visitor::arrive(&http_client().unwrap(), &base, "/", None).await.unwrap_err();
    assert!(matches!(error, ChatError::Http { call: "visit", .. }), "{error}");
}
