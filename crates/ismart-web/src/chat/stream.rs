//! `GET /api/chat/stream?after=SEQ`: messages of the visitor's conversation as they are written (SSE).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::Sse;
use axum::response::sse::{Event as Frame, KeepAlive};
use futures::Stream;
use ismart_domain::conversation::Message;
use ismart_domain::{ConversationId, Event, EventBody};
use ismart_store::visits::Visitor;
use ismart_store::{Store, StoreError, conversations, users};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{broadcast, mpsc};

use super::Known;
use crate::platform::Platform;
use crate::problem::Problem;

/// Frames that may wait for a slow reader.
const BUFFER: usize = 64;

/// Where the reader stopped.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    after: i64,
}

/// Follows the conversation from where the reader stopped.
pub(crate) async fn follow(
    State(platform): State<Arc<Platform>>,
    Known(visitor): Known,
    Query(place): Query<Place>,
) -> Result<Sse<impl Stream<Item = Result<Frame, Infallible>>>, Problem> {
    // Listen first, read then: what is written in between is seen by one or the other.
    let news = platform.store.listen();
    let typing = platform.desk.typing();
    let (send, frames) = mpsc::channel(BUFFER);
    let follower = Follower { store: platform.store.clone(), visitor, after: place.after, send };
    tokio::spawn(follower.run(news, typing));
    let stream = futures::stream::unfold(frames, |mut frames| async move {
        frames.recv().await.map(|frame| (Ok(frame), frames))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

struct Follower {
    store: Store,
    visitor: Visitor,
    after: i64,
    send: mpsc::Sender<Frame>,
}

/// Why following ends.
enum End {
    Left,
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Follower {
    async fn run(
        mut self,
        mut news: broadcast::Receiver<Arc<Event>>,
        mut typing: broadcast::Receiver<(ConversationId, bool)>,
    ) {
        let mut conversation = None;
        let ended = async {
            conversation = self.catch_up(conversation).await?;
            // Modes have no number: one that changed before the stream was open would be missed.
            if let Some(id) = conversation {
                self.tell_mode(id).await?;
            }
            loop {
                tokio::select! {
                    () = self.send.closed() => return Err(End::Left),
                    event = news.recv() => match event {
                        Ok(event) if !self.concerns(conversation, &event) => {}
                        Ok(event) => {
                            conversation = self.catch_up(conversation).await?;
                            if let (Some(id), true) = (conversation, changes_mode(&event.body)) {
                                self.tell_mode(id).await?;
                            }
                        }
                        Err(broadcast::error::RecvError::Lagged(_)) => {
                            conversation = self.catch_up(conversation).await?;
                        }
                        Err(broadcast::error::RecvError::Closed) => return Err(End::Left),
                    },
                    signal = typing.recv() => if let Ok((id, on)) = signal && conversation == Some(id) {
                        self.give(Frame::default().event("typing").data(json!({ "on": on }).to_string())).await?;
                    }
                }
            }
        };
        let end: Result<Infallible, End> = ended.await;
        if let Err(End::Store(error)) = end {
            tracing::warn!(error = %error, "a chat stream ended; the widget connects again");
        }
    }

    fn concerns(&self, conversation: Option<ConversationId>, event: &Event) -> bool {
        if event.client_id != self.visitor.client_id {
            return false;
        }
        match (&event.body, conversation) {
            (EventBody::ConversationStarted { visitor_id, .. }, _) => *visitor_id == self.visitor.id,
            (body, Some(id)) => body.conversation_id() == Some(id),
            (_, None) => false,
        }
    }

    /// Sends what the reader has not seen; gives the conversation, once there is one.
    async fn catch_up(&mut self, known: Option<ConversationId>) -> Result<Option<ConversationId>, End> {
        let mut conn = self.store.read().await?;
        let client_id = self.visitor.client_id;
        let id = match known {
            Some(id) => id,
            None => match conversations::latest(&mut conn, client_id, self.visitor.id).await? {
                Some(conversation) => conversation.id,
                None => return Ok(None),
            },
        };
        let messages = conversations::messages(&mut conn, client_id, id, self.after, 500).await?;
        drop(conn);
        for message in messages {
            self.after = message.seq;
            self.give(message_frame(&message)?).await?;
        }
        Ok(Some(id))
    }

    async fn tell_mode(&self, id: ConversationId) -> Result<(), End> {
        let mut conn = self.store.read().await?;
        let Some(found) = conversations::get(&mut conn, self.visitor.client_id, id).await? else {
            return Ok(());
        };
        let name = match found.user_id {
            Some(user) => users::name_of(&mut conn, user).await?,
            None => None,
        };
        drop(conn);
        let data = json!({ "mode": found.mode.code(), "name": name }).to_string();
        self.give(Frame::default().event("mode").data(data)).await
    }

    async fn give(&self, frame: Frame) -> Result<(), End> {
        self.send.send(frame).await.map_err(|_closed| End::Left)
    }
}

fn message_frame(message: &Message) -> Result<Frame, End> {
    let corrupt = |e: serde_json::Error| {
        End::Store(StoreError::Corrupt { what: "a message".to_owned(), why: e.to_string() })
    };
    let data = serde_json::to_string(message).map_err(corrupt)?;
    Ok(Frame::default().event("message").id(message.seq.to_string()).data(data))
}

fn changes_mode(body: &EventBody) -> bool {
    matches!(
        body,
        EventBody::HandoverRequested { .. }
            | EventBody::HandoverTaken { .. }
            | EventBody::HandoverReturned { .. }
    )
}
