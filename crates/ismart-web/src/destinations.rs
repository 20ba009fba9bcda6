//! Where people set up destinations, and the task that keeps their settings hears of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ismart_domain::ClientId;
use ismart_domain::rehearsal::Rehearsal;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// A kind of destination as a form asks for it.
#[derive(Debug, Clone, Serialize)]
pub struct KindForm {
    /// The name in configurations.
    pub kind: &'static str,
    /// For people: Russian and English.
    pub title: [&'static str; 2],
    /// Whether a lead may stand there twice after a lost answer.
    pub forgets: bool,
    /// Its settings, in order.
    pub fields: Vec<FieldForm>,
}

/// One setting as a form asks for it.
#[derive(Debug, Clone, Serialize)]
pub struct FieldForm {
    /// The key.
    pub key: &'static str,
    /// Never shown again.
    pub secret: bool,
    /// Takes several lines.
    pub long: bool,
    /// What may be chosen; empty for anything.
    pub choices: &'static [&'static str],
    /// Whether it must be given.
    pub required: bool,
    /// What holds without it.
    pub default: Option<&'static str>,
    /// Russian and English name.
    pub title: [&'static str; 2],
    /// Russian and English advice.
    pub help: [&'static str; 2],
}

/// Settings as somebody typed them. A secret that is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The name in the configuration.
    pub name: String,
    /// The kind.
    pub kind: String,
    /// What was typed, blanks left out.
    pub settings: BTreeMap<String, String>,
}

/// Settings as they are kept, secrets left out.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The kind.
    pub kind: String,
    /// The open settings.
    pub settings: BTreeMap<String, String>,
    /// Keys of the secrets that are there, and of settings that lie in a file or the environment.
    pub hidden: Vec<String>,
}

/// What came of trying settings.
#[derive(Debug, Clone)]
pub enum Tried {
    /// They cannot be used: key and reason.
    Wrong(Vec<(String, String)>),
    /// The destination refused, or could not be reached; in words. `passing`: it may pass by itself.
    Failed {
        /// In words.
        reason: String,
        /// It may pass by itself.
        passing: bool,
    },
    /// They can be used.
    Shown(Rehearsal),
}

/// Somebody wants something of the settings.
#[derive(Debug)]
pub enum Wanted {
    /// To see them; nothing when there is no such destination.
    Read(ClientId, String, oneshot::Sender<Option<Kept>>),
    /// To try them.
    Try(ClientId, Draft, oneshot::Sender<Tried>),
    /// To keep them: they take effect at once. In words why not.
    Save(ClientId, Draft, oneshot::Sender<Result<(), String>>),
    /// To remove a destination; what lies there waits. In words why not.
    Remove(ClientId, String, oneshot::Sender<Result<(), String>>),
}

/// Where people set up destinations. Closed until somebody keeps the settings.
#[derive(Debug, Default)]
pub struct DestinationDesk(OnceLock<(Vec<KindForm>, mpsc::Sender<Wanted>)>);

impl DestinationDesk {
    /// Opens the desk with these kinds; gives what people want from here on. `None` when it is open already.
    pub fn open(&self, kinds: Vec<KindForm>) -> Option<mpsc::Receiver<Wanted>> {
        let (ask, wanted) = mpsc::channel(16);
        self.0.set((kinds, ask)).ok().map(|()| wanted)
    }

    /// The kinds; empty while the desk is closed.
    #[must_use]
    pub fn kinds(&self) -> &[KindForm] {
        self.0.get().map(|(kinds, _)| kinds.as_slice()).unwrap_or_default()
    }

    /// Asks, and waits for the answer; `None` when nobody answers.
    pub(crate) async fn ask<T>(&self, wanted: impl FnOnce(oneshot::Sender<T>) -> Wanted) -> Option<T> {
        let (_, ask) = self.0.get()?;
        let (answer, heard) = oneshot::channel();
        ask.send(wanted(answer)).await.ok()?;
        heard.await.ok()
    }
}
