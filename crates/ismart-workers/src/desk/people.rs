//! People at the desk: taking over, answering, giving back. While a person leads, the worker is silent.

use ismart_domain::conversation::{Author, Conversation, Extras, Mode};
use ismart_domain::user::User;
use ismart_domain::{ClientId, ConversationId, EventBody, MessageId};
use ismart_store::conversations::{self, NewMessage};
use ismart_store::events::{self, Scope};
use ismart_store::{StoreError, Tx};

use super::{Desk, write_down};

/// Why a person's action was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is no such conversation of this client.
    #[error("the conversation does not exist")]
    Missing,
    /// Someone else leads it.
    #[error("another person leads this conversation")]
    LedByAnother,
    /// It must be taken over before it can be answered.
    #[error("take the conversation over first")]
    NotTaken,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    /// A person takes the conversation over: the worker falls silent, the visitor is told who answers.
    ///
    /// # Errors
    /// [`DeskError::Missing`], [`DeskError::LedByAnother`], [`DeskError::Store`].
    pub async fn take_over(
        &self,
        client_id: ClientId,
        id: ConversationId,
        user: &User,
    ) -> Result<(), DeskError> {
        let (user, texts) = (user.clone(), self.texts());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let conversation = find(tx, client_id, id).await?;
                    match (conversation.mode, conversation.user_id) {
                        (Mode::Person, Some(other)) if other == user.id => return Ok(()),
                        (Mode::Person, Some(_)) => return Err(DeskError::LedByAnother),
                        _ => {}
                    }
                    conversations::lead_by(tx, client_id, id, Mode::Person, Some(user.id)).await?;
                    conversations::handled(tx, client_id, id, conversation.last_seq).await?;
                    let scope = scope(tx, &conversation);
                    let taken = EventBody::HandoverTaken { conversation_id: id, user_id: user.id };
                    events::append(tx, scope, taken).await?;
                    let note = note(tx, texts.joined.replace("{name}", &user.name));
                    write_down(tx, scope, client_id, id, &note).await?;
                    Ok(())
                })
            })
            .await
    }

    /// A person answers a conversation that he leads. Gives the message's place; a repeated id has no second effect.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn say(
        &self,
        client_id: ClientId,
        id: ConversationId,
        user: &User,
        message_id: MessageId,
        text: String,
    ) -> Result<i64, DeskError> {
        let user = user.clone();
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let conversation = find(tx, client_id, id).await?;
                    leads(&conversation, &user)?;
                    let message = NewMessage {
                        id: message_id,
                        author: Author::Person,
                        name: Some(user.name),
                        text,
                        extras: Extras::default(),
                        inbound: None,
                    };
                    let scope = scope(tx, &conversation);
                    let (seq, _) = write_down(tx, scope, client_id, id, &message).await?;
                    conversations::handled(tx, client_id, id, seq).await?;
                    Ok(seq)
                })
            })
            .await
    }

    /// A person gives the conversation back to the worker.
    ///
    /// # Errors
    /// [`DeskError`].
    pub async fn give_back(
        &self,
        client_id: ClientId,
        id: ConversationId,
        user: &User,
    ) -> Result<(), DeskError> {
        let (user, texts) = (user.clone(), self.texts());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let conversation = find(tx, client_id, id).await?;
                    leads(&conversation, &user)?;
                    conversations::lead_by(tx, client_id, id, Mode::Worker, None).await?;
                    conversations::handled(tx, client_id, id, conversation.last_seq).await?;
                    let scope = scope(tx, &conversation);
                    let returned = EventBody::HandoverReturned { conversation_id: id, user_id: user.id };
                    events::append(tx, scope, returned).await?;
                    let note = note(tx, texts.left.replace("{name}", &user.name));
                    write_down(tx, scope, client_id, id, &note).await?;
                    Ok(())
                })
            })
            .await
    }

    fn texts(&self) -> &'static Texts {
        &RUSSIAN
    }
}

/// Notes of the platform inside a conversation.
struct Texts {
    joined: &'static str,
    left: &'static str,
}

const RUSSIAN: Texts = Texts {
    joined: "К разговору подключился человек: {name}",
    left: "{name} вернул(а) разговор цифровому работнику",
};

async fn find(tx: &mut Tx, client_id: ClientId, id: ConversationId) -> Result<Conversation, DeskError> {
    conversations::get(tx, client_id, id).await?.ok_or(DeskError::Missing)
}

fn leads(conversation: &Conversation, user: &User) -> Result<(), DeskError> {
    match (conversation.mode, conversation.user_id) {
        (Mode::Person, Some(leader)) if leader == user.id => Ok(()),
        (Mode::Person, _) => Err(DeskError::LedByAnother),
        _ => Err(DeskError::NotTaken),
    }
}

fn scope(tx: &Tx, conversation: &Conversation) -> Scope {
    Scope {
        client_id: conversation.client_id,
        site_id: Some(conversation.site_id),
        trace_id: tx.env().new_id(),
    }
}

fn note(tx: &Tx, text: String) -> NewMessage {
    NewMessage {
        id: tx.env().new_id(),
        author: Author::System,
        name: None,
        text,
        extras: Extras::default(),
        inbound: None,
    }
}
