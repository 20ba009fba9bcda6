//! The desk: where visitors' messages are taken in, answered by a worker or a person, and written down.
//!
//! A message is stored durably before it is acknowledged. One conversation is answered by one turn at a time; what
//! a turn says is sent only if nobody took the conversation over in between.

mod answering;
mod people;
mod workplace;

pub use people::DeskError;
pub use workplace::{DueBy, Face, Furniture, Workplace};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ismart_domain::conversation::{Author, Extras, Inbound, Mode};
use ismart_domain::{ClientId, ConversationId, EventBody, MessageId, SiteId};
use ismart_store::conversations::{self, NewMessage};
use ismart_store::events::{self, Scope};
use ismart_store::visits::{self, Visitor};
use ismart_store::{Store, StoreError, Tx};
use tokio::sync::broadcast;

/// A message of a visitor, checked for size by the edge.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Chosen by the sender: a repeat is recognised by it.
    pub id: MessageId,
    /// The text.
    pub text: String,
    /// Button, contact, page.
    pub inbound: Inbound,
    /// The sender's address, for the proof of consent.
    pub ip: Option<String>,
    /// The sender's browser, for the proof of consent.
    pub user_agent: Option<String>,
}

/// Where conversations are answered. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    store: Store,
    workplaces: Arc<ArcSwap<HashMap<SiteId, Arc<Workplace>>>>,
    turns: Arc<Mutex<HashMap<ConversationId, Arc<tokio::sync::Mutex<()>>>>>,
    typing: broadcast::Sender<(ConversationId, bool)>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("workplaces", &self.workplaces.load().len()).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk without workplaces.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let (typing, _) = broadcast::channel(1024);
        Self { store, workplaces: Arc::default(), turns: Arc::default(), typing }
    }

    /// Puts these workplaces in the place of all earlier ones.
    pub fn open(&self, workplaces: impl IntoIterator<Item = impl Into<Arc<Workplace>>>) {
        let places = workplaces.into_iter().map(Into::into);
        let map = places.map(|place: Arc<Workplace>| (place.site_id, place)).collect();
        self.workplaces.store(Arc::new(map));
    }

    /// The workplace of a site, if the site employs a worker.
    #[must_use]
    pub fn workplace(&self, site_id: SiteId) -> Option<Arc<Workplace>> {
        self.workplaces.load().get(&site_id).cloned()
    }

    /// How the worker of a site introduces itself in `language`.
    #[must_use]
    pub fn face(&self, site_id: SiteId, language: &str) -> Face {
        self.workplace(site_id).map(|place| place.face(language)).unwrap_or_default()
    }

    /// Hears who begins and ends writing.
    #[must_use]
    pub fn typing(&self) -> broadcast::Receiver<(ConversationId, bool)> {
        self.typing.subscribe()
    }

    /// Stores a visitor's message and has it answered. Gives its place once it is durable; a repeated id gives the
    /// first place and has no second effect.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored.
    pub async fn receive(&self, visitor: Visitor, incoming: Incoming) -> Result<i64, StoreError> {
        let place = self.workplace(visitor.site_id);
        let worker = place.map_or_else(String::new, |place| place.worker_name());
        let env = self.store.env().clone();
        let scope =
            Scope { client_id: visitor.client_id, site_id: Some(visitor.site_id), trace_id: env.new_id() };
        let provenance = (incoming.ip.clone(), incoming.user_agent.clone());
        let (conversation_id, seq, new) = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { take_in(tx, scope, visitor, incoming, &worker).await })
            })
            .await?;
        if new {
            let desk = self.clone();
            tokio::spawn(async move { desk.answer(visitor.client_id, conversation_id, provenance).await });
        }
        Ok(seq)
    }

    /// Takes up conversations that a stop left unanswered. Gives how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resume(&self) -> Result<usize, StoreError> {
        let waiting = conversations::unhandled(&mut self.store.read().await?).await?;
        let count = waiting.len();
        for (client_id, conversation_id) in waiting {
            self.answer(client_id, conversation_id, (None, None)).await;
        }
        Ok(count)
    }

    /// The lock of a conversation: turns of one conversation follow one another.
    fn turn_lock(&self, id: ConversationId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.len() > 4096 {
            turns.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        turns.entry(id).or_default().clone()
    }

    fn signal_typing(&self, id: ConversationId, on: bool) {
        // An error only says that nobody listens.
        let _nobody_listens = self.typing.send((id, on)).is_err();
    }
}

/// Stores the message with its events; opens a conversation when there is none.
async fn take_in(
    tx: &mut Tx,
    scope: Scope,
    visitor: Visitor,
    incoming: Incoming,
    worker: &str,
) -> Result<(ConversationId, i64, bool), StoreError> {
    let client_id = visitor.client_id;
    let latest = conversations::latest(tx, client_id, visitor.id).await?;
    let conversation_id = match latest {
        Some(conversation) => {
            if conversation.mode == Mode::Closed {
                conversations::lead_by(tx, client_id, conversation.id, Mode::Worker, None).await?;
            }
            conversation.id
        }
        None => {
            let now = tx.env().now();
            let visit = visits::current(tx, client_id, visitor.id, now).await?.map(|visit| visit.id);
            let id = conversations::start(tx, client_id, visitor.site_id, visitor.id, visit, worker).await?;
            let started = EventBody::ConversationStarted {
                conversation_id: id,
                visitor_id: visitor.id,
                visit_id: visit,
                worker: worker.to_owned(),
            };
            events::append(tx, scope, started).await?;
            id
        }
    };
    let message = NewMessage {
        id: incoming.id,
        author: Author::Visitor,
        name: None,
        text: incoming.text,
        extras: Extras::default(),
        inbound: Some(incoming.inbound),
    };
    let (seq, new) = write_down(tx, scope, client_id, conversation_id, &message).await?;
    Ok((conversation_id, seq, new))
}

/// Appends a message and its event.
async fn write_down(
    tx: &mut Tx,
    scope: Scope,
    client_id: ClientId,
    conversation_id: ConversationId,
    message: &NewMessage,
) -> Result<(i64, bool), StoreError> {
    let (seq, new) = conversations::add_message(tx, client_id, conversation_id, message).await?;
    if new {
        let stored = EventBody::MessageStored {
            conversation_id,
            message_id: message.id,
            seq,
            author: message.author,
            length: u64::try_from(message.text.chars().count()).unwrap_or(u64::MAX),
        };
        events::append(tx, scope, stored).await?;
    }
    Ok((seq, new))
}
