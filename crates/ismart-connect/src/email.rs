//! Leads as letters to the people who call back.
//!
//! A mail server cannot be asked for a letter. Every attempt carries the lead's own `Message-ID`: mailboxes that suppress
//! doubles keep one, others show the repeat as the same letter. So delivery is at least once, and a repeat is recognised.

mod letter;
mod post;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::{Connector, Notifier};
use ismart_domain::rehearsal::Shown;
use serde_json::{Map, Value};

use self::post::Post;
use self::settings::Settings;
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::notify::NotifierOpened;
use crate::rehearse::{Plain, Rehearsing, plainly};
use crate::settings::{Field, SettingsError};
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "email";
/// The settings of a letter box, for destinations and for notices.
pub(crate) const FIELDS: &[Field] = settings::FIELDS;

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "Электронная почта",
    title_en: "E-mail",
    fields: FIELDS,
    memory: Memory::Recognises,
    open,
    rehearse,
};

#[derive(Debug)]
struct Mail {
    settings: Settings,
    post: Post,
    limits: Arc<Limits>,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Mail, SettingsError> {
    let settings = settings::read(values)?;
    let rate = Rate { burst: 5, interval: Duration::from_secs(60) / settings.per_minute };
    let limits = egress.limits(&format!("{KIND} {} {}", settings.server.host, settings.from.email), rate);
    let post = Post::new(settings.server.clone(), egress)?;
    Ok(Mail { settings, post, limits })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    plainly(make(values, egress), lead)
}

impl Mail {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        self.post.verdict(effect)
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let verdict = self.verdict(Effect::Creates);
        let letter = letter::write(lead, &self.settings).map_err(|reason| verdict.refused(reason))?;
        self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let unknown =
            self.post.send(&self.settings.from.email, &self.settings.to, &letter.formatted()).await?;
        if unknown > 0 {
            tracing::warn!(lead.id = %lead.id, server = %self.settings.server.host, mailboxes = unknown,
                           "a letter went to fewer mailboxes than `to` names: check the connection");
        }
        Ok(letter::message_id(lead, &self.settings))
    }
}

/// Tells people by letters, with the settings of a destination.
pub(crate) fn notifier(values: &Map<String, Value>, egress: &Egress) -> NotifierOpened {
    Ok(Arc::new(make(values, egress)?))
}

impl Notifier for Mail {
    fn name(&self) -> &str {
        KIND
    }

    fn tell<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<(), DeliveryError>> {
        Box::pin(async move {
            let verdict = self.verdict(Effect::Creates);
            let letter = letter::notice(text, &self.settings).map_err(|reason| verdict.refused(reason))?;
            self.limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
            let Settings { from, to, .. } = &self.settings;
            self.post.send(&from.email, to, &letter.formatted()).await.map(|_| ())
        })
    }
}

impl Plain for Mail {
    fn shown(&self, lead: &Lead) -> Vec<Shown> {
        let to: Vec<String> = self.settings.to.iter().map(ToString::to_string).collect();
        let server = &self.settings.server;
        let what = format!("SMTP {}:{} → {}", server.host, server.port, to.join(", "));
        let body = format!(
            "From: {}\nTo: {}\nReply-To: {}\nMessage-ID: {}\nSubject: {}\n\n{}",
            self.settings.from,
            to.join(", "),
            letter::reply_to(lead).map_or_else(|| "—".to_owned(), |mailbox| mailbox.to_string()),
            letter::message_id(lead, &self.settings),
            letter::subject(lead, &self.settings),
            letter::plain(lead, &self.settings),
        );
        vec![Shown { what, body }]
    }
}

impl Connector for Mail {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, _lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(self.post.try_out(&self.settings.from.email, &self.settings.to))
    }
}
