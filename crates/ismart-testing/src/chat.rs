//! A visitor who talks to the worker as the chat widget does (`widget/README.md`).

use std::time::Instant;

use futures::StreamExt;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::sse;

/// Why the chat does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// No answer.
    #[error("{call}: {source}")]
    Http {
        /// The call.
        call: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// Not the answer that the protocol promises.
    #[error("{call} answered {status}: {body}")]
    Refused {
        /// The call.
        call: &'static str,
        /// The status.
        status: StatusCode,
        /// The beginning of the body.
        body: String,
    },
    /// The stream ended.
    #[error("the stream ended")]
    Ended,
}

/// A visitor who is known to the server.
#[derive(Debug, Clone)]
pub struct Visitor {
    client: Client,
    base: String,
    token: String,
    sender: Option<String>,
    page: String,
    /// Number of the last message of the conversation at the beginning of the visit.
    pub last: i64,
}

/// Something that came over the stream.
#[derive(Debug, Clone)]
pub struct Heard {
    /// `message`, `typing` or `mode`.
    pub event: String,
    /// Its data.
    pub data: Value,
    /// When it was read.
    pub at: Instant,
}

impl Heard {
    /// The number of the message, 0 for anything else.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.data.get("seq").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Whether the worker wrote it.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.event == "message" && self.data.get("author").is_some_and(|author| author == "worker")
    }
}

/// The stream of a conversation.
#[derive(Debug)]
pub struct Follower {
    heard: mpsc::Receiver<Heard>,
    reading: tokio::task::JoinHandle<()>,
}

#[derive(Deserialize)]
struct Welcome {
    visitor: String,
    last: i64,
}

#[derive(Deserialize)]
struct Stored {
    seq: i64,
}

impl Visitor {
    /// Visits `page` of the site at `base`. `sender` is sent as `X-Forwarded-For`, which a server believes only from
    /// proxies that it trusts.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn arrive(
        client: &Client,
        base: &str,
        page: &str,
        sender: Option<String>,
    ) -> Result<Self, ChatError> {
        let mut visitor = Self {
            client: client.clone(),
            base: base.to_owned(),
            token: String::new(),
            sender,
            page: format!("{base}{page}"),
            last: 0,
        };
        let body =
            json!({ "visitor": null, "page": visitor.page, "title": "", "referrer": "", "language": "ru" });
        let request = visitor.request(client.post(format!("{base}/api/chat/visit")).json(&body));
        let welcome: Welcome = answer("visit", request, StatusCode::OK).await?;
        visitor.token = welcome.visitor;
        visitor.last = welcome.last;
        Ok(visitor)
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.sender {
            Some(sender) => request.header("x-forwarded-for", sender),
            None => request,
        }
    }

    /// Sends a message; gives its number, once the server has stored it.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn say(&self, text: &str) -> Result<i64, ChatError> {
        let body =
            json!({ "id": Uuid::new_v4(), "text": text, "choice": null, "contact": null, "page": self.page });
        self.send(&body).await
    }

    /// Sends any body as a message.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn send(&self, body: &Value) -> Result<i64, ChatError> {
        let url = format!("{}/api/chat/messages", self.base);
        let request = self.request(self.client.post(url).bearer_auth(&self.token).json(body));
        let stored: Stored = answer("messages", request, StatusCode::ACCEPTED).await?;
        Ok(stored.seq)
    }

    /// Opens the stream from the message after `after`; returns when the server has accepted it.
    ///
    /// # Errors
    /// [`ChatError`].
    pub async fn follow(&self, after: i64) -> Result<Follower, ChatError> {
        let url = format!("{}/api/chat/stream?after={after}", self.base);
        let sent = self.request(self.client.get(url).bearer_auth(&self.token)).send().await;
        let response = sent.map_err(|source| ChatError::Http { call: "stream", source })?;
        if response.status() != StatusCode::OK {
            return Err(refused("stream", response).await);
        }
        let (send, heard) = mpsc::channel(256);
        let reading = tokio::spawn(read(response, send));
        Ok(Follower { heard, reading })
    }
}

impl Follower {
    /// Waits for the next event.
    ///
    /// # Errors
    /// [`ChatError::Ended`].
    pub async fn next(&mut self) -> Result<Heard, ChatError> {
        self.heard.recv().await.ok_or(ChatError::Ended)
    }

    /// Waits for the worker's first message after the message `seq`.
    ///
    /// # Errors
    /// [`ChatError::Ended`].
    pub async fn reply(&mut self, seq: i64) -> Result<Heard, ChatError> {
        loop {
            let heard = self.next().await?;
            if heard.is_reply() && heard.seq() > seq {
                return Ok(heard);
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// The stream ends when the server closes it or the follower is gone; either way the channel closes.
async fn read(response: reqwest::Response, send: mpsc::Sender<Heard>) {
    let mut pieces = response.bytes_stream();
    let mut reader = sse::Reader::default();
    while let Some(Ok(piece)) = pieces.next().await {
        let at = Instant::now();
        for frame in reader.read(&piece) {
            let Ok(data) = serde_json::from_str(&frame.data) else { return };
            if send.send(Heard { event: frame.event, data, at }).await.is_err() {
                return;
            }
        }
    }
}

async fn answer<T: serde::de::DeserializeOwned>(
    call: &'static str,
    request: RequestBuilder,
    expected: StatusCode,
) -> Result<T, ChatError> {
    let response = request.send().await.map_err(|source| ChatError::Http { call, source })?;
    if response.status() != expected {
        return Err(refused(call, response).await);
    }
    response.json().await.map_err(|source| ChatError::Http { call, source })
}

async fn refused(call: &'static str, response: reqwest::Response) -> ChatError {
    let status = response.status();
    match response.text().await {
        Ok(body) => ChatError::Refused { call, status, body: body.chars().take(300).collect() },
        Err(source) => ChatError::Http { call, source },
    }
}
