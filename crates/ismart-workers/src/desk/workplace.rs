//! A worker at a site: what it is called there, what it may use, what it may state.

use std::collections::BTreeMap;
use std::sync::Arc;

use ismart_domain::conversation::{Choice, ConsentText, Inbound, Mode};
use ismart_domain::ports::{ToolScope, Toolbox};
use ismart_domain::{ClientId, Env, SiteId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::memory::Memory;
use crate::worker::{TurnContext, Worker};

/// How a worker introduces itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Face {
    /// Its name.
    pub name: String,
    /// Its role.
    pub title: String,
    /// Address of its picture.
    pub avatar: Option<String>,
    /// Says that it is no person.
    pub kind: String,
    /// First words.
    pub greeting: String,
    /// First buttons.
    pub choices: Vec<Choice>,
}

/// Until when a person answers who was asked for at an instant.
pub type DueBy = Arc<dyn Fn(Timestamp) -> Timestamp + Send + Sync>;

/// A worker at a site.
#[derive(Clone)]
pub struct Workplace {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// The worker.
    pub worker: Arc<Worker>,
    /// What it can do here.
    pub toolbox: Toolbox,
    /// The site's zone.
    pub zone: TimeZone,
    /// The site's language.
    pub language: String,
    /// Facts of the business that answers may state.
    pub business: Value,
    /// The consent text in force, as shown beside a box.
    pub consent: ConsentText,
    /// The whole text that a consent agrees to.
    pub consent_full: String,
    /// Address of the worker's picture.
    pub avatar: Option<String>,
    /// By when a person answers.
    pub due_by: DueBy,
    faces: BTreeMap<String, Face>,
}

impl std::fmt::Debug for Workplace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workplace")
            .field("site_id", &self.site_id)
            .field("worker", &self.worker_name())
            .finish_non_exhaustive()
    }
}

/// The parts of a workplace.
pub struct Furniture {
    /// The worker.
    pub worker: Arc<Worker>,
    /// What it can do here.
    pub toolbox: Toolbox,
    /// The site's zone.
    pub zone: TimeZone,
    /// The site's language.
    pub language: String,
    /// Facts of the business.
    pub business: Value,
    /// The consent text in force.
    pub consent: ConsentText,
    /// The whole text that a consent agrees to.
    pub consent_full: String,
    /// Address of the worker's picture.
    pub avatar: Option<String>,
    /// By when a person answers.
    pub due_by: DueBy,
}

impl Workplace {
    /// Furnishes a workplace; the worker tries its greeting in each of its languages.
    pub async fn furnish(client_id: ClientId, site_id: SiteId, parts: Furniture, env: &Env) -> Self {
        let mut place = Self {
            client_id,
            site_id,
            worker: parts.worker,
            toolbox: parts.toolbox,
            zone: parts.zone,
            language: parts.language,
            business: parts.business,
            consent: parts.consent,
            consent_full: parts.consent_full,
            avatar: parts.avatar,
            due_by: parts.due_by,
            faces: BTreeMap::new(),
        };
        for language in place.worker.package().manifest.languages.clone() {
            let face = place.introduce(&language, env).await;
            place.faces.insert(language, face);
        }
        place
    }

    /// Name of the worker package.
    #[must_use]
    pub fn worker_name(&self) -> String {
        self.worker.package().manifest.name.clone()
    }

    /// How the worker introduces itself in `language`, or in the site's own.
    #[must_use]
    pub fn face(&self, language: &str) -> Face {
        let known = self.faces.get(language).or_else(|| self.faces.get(&self.language));
        known.or_else(|| self.faces.values().next()).cloned().unwrap_or_default()
    }

    /// What a turn of this place is given.
    pub(super) fn context(&self, mode: Mode, scope: ToolScope) -> TurnContext {
        TurnContext {
            now: scope.now,
            zone: self.zone.clone(),
            language: self.language.clone(),
            mode,
            business: self.business.clone(),
            consent: self.consent.clone(),
            consent_full: self.consent_full.clone(),
            toolbox: self.toolbox.clone(),
            scope,
        }
    }

    async fn introduce(&self, language: &str, env: &Env) -> Face {
        let manifest = &self.worker.package().manifest;
        let russian = language != "en";
        let named = |texts: &BTreeMap<String, String>| {
            texts.get(language).or_else(|| texts.values().next()).cloned().unwrap_or_default()
        };
        let scope = ToolScope {
            client_id: self.client_id,
            site_id: self.site_id,
            conversation_id: env.new_id(),
            visit_id: None,
            worker: manifest.name.clone(),
            language: language.to_owned(),
            page: String::new(),
            ip: None,
            user_agent: None,
            trace_id: env.new_id(),
            key: "introduction".to_owned(),
            now: env.now(),
        };
        let context = TurnContext { language: language.to_owned(), ..self.context(Mode::Worker, scope) };
        let hello = if russian { "Здравствуйте" } else { "Hello" };
        let turn = self.worker.turn(&Memory::default(), hello, &Inbound::default(), &context).await;
        let reply = turn.ok().and_then(|turn| turn.replies.into_iter().next()).unwrap_or_default();
        Face {
            name: named(&manifest.persona),
            title: named(&manifest.title),
            avatar: self.avatar.clone(),
            kind: if russian { "цифровой работник" } else { "digital worker" }.to_owned(),
            greeting: reply.text,
            choices: reply.extras.choices,
        }
    }
}
