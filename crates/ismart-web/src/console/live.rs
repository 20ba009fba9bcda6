//! `GET /console/live/feed`: what changes while a page is open (SSE).
//!
//! `messages`, `talk`, `context`: pieces of the open conversation, as HTML. `inbox` and `lead`: something came in;
//! pages show how much, and do not move what is being read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use futures::Stream;
use ismart_domain::conversation::{Author, Conversation};
use ismart_domain::{Event, EventBody};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{broadcast, mpsc};

use super::fault::Fault;
use super::seat::{People, Seat, Seated};
use super::talk::MessagesPart;
use super::thread;
use crate::platform::Platform;

/// Frames that may wait for a slow reader.
const BUFFER: usize = 64;
/// A stream ends after this long and the browser connects again: rights and sessions are then looked at anew.
const LIFE: Duration = Duration::from_mins(5);

/// What the page follows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    /// The open conversation.
    #[serde(default)]
    conversation: String,
    /// Place of the last message on the page.
    #[serde(default)]
    after: i64,
}

/// Follows what happens at the client.
pub(super) async fn follow(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
    headers: axum::http::HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Fault> {
    // Listen first, read then: what is written in between is seen by one or the other.
    let news = platform.store.listen();
    let open = if wish.conversation.is_empty() {
        None
    } else {
        Some(thread::find(&mut platform.store.read().await?, &seat, &wish.conversation).await?)
    };
    // A browser that connects again says how far it came.
    let last = crate::origin::text(&headers, "last-event-id").and_then(|id| id.parse().ok());
    let (send, frames) = mpsc::channel(BUFFER);
    let follower = Follower { platform, seat, open, after: last.unwrap_or(wish.after), send };
    tokio::spawn(follower.run(news));
    let stream = futures::stream::unfold(frames, |mut frames| async move {
        frames.recv().await.map(|frame| (Ok(frame), frames))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Follower {
    platform: Arc<Platform>,
    seat: Seat,
    open: Option<Conversation>,
    after: i64,
    send: mpsc::Sender<Frame>,
}

/// Why following ends.
enum End {
    Left,
    Fault(Fault),
}

impl<E: Into<Fault>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

#[derive(Serialize)]
struct TalkPart {
    talk: thread::Talk,
}

#[derive(Serialize)]
struct ContextPart {
    context: thread::Context,
}

/// A piece of the page. A carriage return would end a line of the stream.
fn piece(name: &str, html: &str) -> Frame {
    Frame::default().event(name).data(html.replace('\r', ""))
}

impl Follower {
    async fn run(mut self, mut news: broadcast::Receiver<Arc<Event>>) {
        let end = tokio::time::timeout(LIFE, async {
            self.catch_up().await?;
            loop {
                tokio::select! {
                    () = self.send.closed() => return Err::<Infallible, End>(End::Left),
                    event = news.recv() => match event {
                        Ok(event) if event.client_id != self.seat.client.id => {}
                        Ok(event) => self.tell(&event.body).await?,
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            self.catch_up().await?;
                            self.give(Frame::default().event("inbox").data("{}")).await?;
                        }
                        Err(broadcast::error::RecvError::Closed) => return Err(End::Left),
                    },
                }
            }
        })
        .await;
        if let Ok(Err(End::Fault(fault))) = end {
            tracing::warn!(fault = ?fault, "a stream of the console ended; the page connects again");
        }
    }

    /// Passes on what concerns the page.
    async fn tell(&mut self, body: &EventBody) -> Result<(), End> {
        if let EventBody::LeadAccepted { lead_id, .. } = body {
            let data = json!({ "id": lead_id.to_string() }).to_string();
            self.give(Frame::default().event("lead").data(data)).await?;
        }
        let Some(id) = body.conversation_id() else { return Ok(()) };
        if self.open.as_ref().is_some_and(|open| open.id == id) {
            self.tell_open(body).await?;
        }
        let calls = match body {
            EventBody::MessageStored { author, .. } => *author == Author::Visitor,
            EventBody::HandoverRequested { .. } => true,
            _ => false,
        };
        if calls {
            let data = json!({ "id": id.to_string() }).to_string();
            self.give(Frame::default().event("inbox").data(data)).await?;
        }
        Ok(())
    }

    async fn tell_open(&mut self, body: &EventBody) -> Result<(), End> {
        match body {
            EventBody::MessageStored { .. } => self.catch_up().await,
            EventBody::HandoverRequested { .. }
            | EventBody::HandoverTaken { .. }
            | EventBody::HandoverReturned { .. } => {
                self.talk().await?;
                self.context().await
            }
            EventBody::DecisionMade { .. }
            | EventBody::BookingMade { .. }
            | EventBody::LeadAccepted { .. } => self.context().await,
            _ => Ok(()),
        }
    }

    /// Sends the messages that the page has not seen.
    async fn catch_up(&mut self) -> Result<(), End> {
        let Some(open) = &self.open else { return Ok(()) };
        let mut conn = self.platform.store.read().await?;
        let messages = thread::messages(&mut conn, &self.platform, &self.seat, open, self.after).await?;
        drop(conn);
        let Some(last) = messages.last().map(thread::MessageView::seq) else { return Ok(()) };
        let html = self.seat.part("part/messages.twig", &MessagesPart { messages })?;
        self.after = last;
        self.give(piece("messages", &html.0).id(last.to_string())).await
    }

    async fn talk(&mut self) -> Result<(), End> {
        let Some(open) = &self.open else { return Ok(()) };
        let mut conn = self.platform.store.read().await?;
        let conversation = thread::find(&mut conn, &self.seat, &open.id.to_string()).await?;
        let talk = thread::talk(&mut conn, &self.platform, &self.seat, &conversation).await?;
        drop(conn);
        let html = self.seat.part("part/talk.twig", &TalkPart { talk })?;
        self.give(piece("talk", &html.0)).await
    }

    async fn context(&mut self) -> Result<(), End> {
        let Some(open) = &self.open else { return Ok(()) };
        let mut conn = self.platform.store.read().await?;
        let conversation = thread::find(&mut conn, &self.seat, &open.id.to_string()).await?;
        let context = thread::context(&mut conn, &self.platform, &self.seat, &conversation).await?;
        drop(conn);
        let html = self.seat.part("part/context.twig", &ContextPart { context })?;
        self.give(piece("context", &html.0)).await
    }

    async fn give(&self, frame: Frame) -> Result<(), End> {
        self.send.send(frame).await.map_err(|_closed| End::Left)
    }
}
