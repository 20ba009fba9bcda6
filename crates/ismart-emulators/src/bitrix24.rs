//! A Bitrix24 portal as an incoming-webhook lead connector meets it.
//!
//! It answers the REST methods such a connector uses, in the real portal's shapes (text values in
//! the classic methods, `[]` for empty maps, errors with an empty code, `time.operating`), keeps
//! what was created, and fails on demand. What it is *not* stands in `bitrix24.contract.md`.
//!
//! ```
//! use ismart_emulators::bitrix24::Portal;
//! use jiff::Timestamp;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let portal = Portal::builder(|| Timestamp::UNIX_EPOCH).webhook(1, "secret").start().await?;
//! assert!(portal.webhook_url().ends_with("/rest/1/secret/"));
//! assert!(portal.ledger().leads().is_empty());
//! portal.shutdown().await;
//! # Ok(()) }
//! ```

mod admin;
mod batch;
mod call;
mod core;
mod directory;
mod entity;
mod events;
mod fields;
mod filter;
mod http;
mod journal;
mod ledger;
mod limit;
mod methods;
mod multi;
mod page;
mod render;
mod schema;
mod store;
mod switch;
mod value;
mod writing;

pub use crate::StartError;
pub use crate::fault::{Fault, FaultBody, Rule};
pub use crate::journal::JournalError;
pub use crate::log::{Created, Ending, Finding, FindingKind, RequestRecord};
pub use directory::{Category, Status, User};
pub use entity::Entity;
pub use events::{EventManners, ToldEvent};
pub use ledger::Ledger;
pub use limit::{Limits, Rate};
pub use schema::{MethodSchemas, SchemaError};
pub use store::{Activity, Comment, Multi, StoredItem};
pub use switch::{Faults, Switch, SwitchError};

use self::core::{Clock, Core, State, Webhook};
use self::directory::Directory;
use self::journal::Journal;
use self::limit::Meters;
use self::store::Store;
use crate::log::RequestLog;
use crate::rng::Rng;
use crate::serve::Server;
use crate::{fault, log, php as params, rng};
use jiff::{SignedDuration, Timestamp};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Describes a portal before it starts.
pub struct Builder {
    clock: Clock,
    user_id: u64,
    secret: String,
    seed: u64,
    schemas: Option<MethodSchemas>,
    limits: Limits,
    journal: Option<PathBuf>,
    listen: SocketAddr,
    scopes: Vec<String>,
    tokens: Vec<(String, u64)>,
    custom_fields: Vec<(Entity, String, String)>,
    categories: Vec<(i64, String)>,
    users: Vec<User>,
    log_limit: usize,
    offset_hours: i8,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Builder").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl Builder {
    /// The incoming webhook: whose rights it has, and its secret. Default: user 1, `secret`.
    #[must_use]
    pub fn webhook(mut self, user_id: u64, secret: &str) -> Self {
        self.user_id = user_id;
        secret.clone_into(&mut self.secret);
        self
    }

    /// Decides ids, simulated operating time and the outcome of chances. Default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks every request against these descriptions; differences become findings.
    #[must_use]
    pub fn schemas(mut self, schemas: MethodSchemas) -> Self {
        self.schemas = Some(schemas);
        self
    }

    /// Which limits are enforced. Default: none.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps objects in this JSON-lines file and takes over what it holds; every change is synced
    /// to disk before it is answered for. Default: memory only.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// Where to listen. Default `127.0.0.1:0`, any free port.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// The scopes ticked for the hook. Default `crm` and `user`.
    #[must_use]
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self
    }

    /// Accepts `/rest/{method}?auth={token}` with this user's rights.
    #[must_use]
    pub fn access_token(mut self, token: &str, user_id: u64) -> Self {
        self.tokens.push((token.to_owned(), user_id));
        self
    }

    /// Adds a custom field of type string, e.g. `UF_CRM_CONSENT_ID`.
    #[must_use]
    pub fn custom_field(mut self, entity: Entity, name: &str, title: &str) -> Self {
        self.custom_fields.push((entity, name.to_owned(), title.to_owned()));
        self
    }

    /// Adds a funnel of deals with the usual stages `C{id}:NEW` … Funnel 0 always exists.
    #[must_use]
    pub fn category(mut self, id: i64, name: &str) -> Self {
        self.categories.push((id, name.to_owned()));
        self
    }

    /// Adds an employee.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// How many requests the log keeps; the oldest leave. Default 100 000.
    #[must_use]
    pub fn log_limit(mut self, records: usize) -> Self {
        self.log_limit = records;
        self
    }

    /// The portal's offset from UTC in whole hours. Default 3, Moscow.
    #[must_use]
    pub fn offset_hours(mut self, hours: i8) -> Self {
        self.offset_hours = hours.clamp(-12, 14);
        self
    }

    /// Makes the portal without a socket of its own, to be mounted with [`Portal::router`].
    ///
    /// # Errors
    /// When the journal is unusable.
    pub fn build(self) -> Result<Portal, JournalError> {
        let mut rng = Rng::new(self.seed);
        let mut store = Store::new(&mut rng);
        if let Some(path) = &self.journal {
            let (journal, entries) = Journal::open(path)?;
            store.resume(journal, entries);
        }
        let mut directory = Directory::new(self.user_id);
        for (entity, name, title) in &self.custom_fields {
            directory.add_field(*entity, fields::custom(name, title));
        }
        for (id, name) in &self.categories {
            directory.add_category(*id, name);
        }
        for user in self.users {
            directory.users.retain(|known| known.id != user.id);
            directory.users.push(user);
        }
        let state = State {
            store,
            directory,
            meters: Meters::default(),
            limits: self.limits,
            log: RequestLog::new(self.log_limit),
            rules: fault::Rules::default(),
            rng,
            offset: jiff::tz::offset(self.offset_hours),
            scopes: self.scopes,
            tokens: self.tokens,
            webhook_expired: false,
            access_expired: false,
            empty_error_code: false,
            refused_keys: Vec::new(),
            skew: SignedDuration::ZERO,
            outgoing: Vec::new(),
            manners: EventManners::default(),
            told: Vec::new(),
            member_id: "0f1e2d3c".to_owned(),
        };
        let webhook = Webhook { user_id: self.user_id, secret: self.secret };
        Ok(Portal { core: Arc::new(Core::new(self.clock, self.schemas, webhook, state)) })
    }

    /// Makes the portal and serves it.
    ///
    /// # Errors
    /// When the journal is unusable or the address is taken.
    pub async fn start(self) -> Result<PortalHandle, StartError> {
        let wanted = self.listen;
        let portal = self.build()?;
        let server = Server::start(wanted, portal.router()).await?;
        Ok(PortalHandle { portal, server })
    }
}

/// A portal: its data, its log, its faults. Cheap to clone; clones are one portal.
#[derive(Clone)]
pub struct Portal {
    core: Arc<Core>,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Portal").field("user_id", &self.core.webhook.user_id).finish_non_exhaustive()
    }
}

impl Portal {
    /// Begins a portal whose time comes from `clock`.
    pub fn builder(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Builder {
        Builder {
            clock: Box::new(clock),
            user_id: 1,
            secret: "secret".to_owned(),
            seed: 0,
            schemas: None,
            limits: Limits::off(),
            journal: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            scopes: vec!["crm".to_owned(), "user".to_owned()],
            tokens: Vec::new(),
            custom_fields: Vec::new(),
            categories: Vec::new(),
            users: Vec::new(),
            log_limit: 100_000,
            offset_hours: 3,
        }
    }

    /// The whole HTTP face: `/rest/…`, the page `/`, and `/__emulator/…`, which answers only when
    /// the server passes the peer's address on (`ConnectInfo<SocketAddr>`). Under another server
    /// than this crate's a dropped connection shows as a broken body.
    pub fn router(&self) -> axum::Router {
        http::router(Arc::clone(&self.core))
    }

    /// What really exists.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.core.lock().store)
    }

    /// How many objects of a kind exist, without copying them.
    #[must_use]
    pub fn count(&self, entity: Entity) -> usize {
        self.core.lock().store.count(entity)
    }

    /// The request log, oldest first; commands of a batch follow their batch.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.core.lock().log.records()
    }

    /// How many records were ever logged, those that left the log included.
    #[must_use]
    pub fn requests_total(&self) -> u64 {
        self.core.lock().log.total()
    }

    /// What was odd about the requests in the log; a connector that is right causes none.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.core.lock().log.findings()
    }

    /// Makes an outgoing webhook: `url` is told of every lead, deal, contact and company that is added, changed or
    /// deleted from here on, with this token as proof.
    pub fn subscribe(&self, url: &str, application_token: &str) {
        let outgoing =
            events::Outgoing { url: url.to_owned(), application_token: application_token.to_owned() };
        let mut state = self.core.lock();
        state.store.news.clear();
        state.outgoing.push(outgoing);
    }

    /// How events are told from here on.
    pub fn event_manners(&self, manners: EventManners) {
        self.core.lock().manners = manners;
    }

    /// The events that were told, in the order of their answers.
    #[must_use]
    pub fn told_events(&self) -> Vec<ToldEvent> {
        self.core.lock().told.clone()
    }

    /// Waits until `condition` holds; it is asked at once and after every request. For tests that
    /// would otherwise sleep; put a timeout around it.
    pub async fn until(&self, mut condition: impl FnMut(&Portal) -> bool) {
        let mut changes = self.core.changes.subscribe();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The handle to misbehaviour.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.core))
    }
}

/// A portal that is being served. Dropping it stops serving.
#[derive(Debug)]
pub struct PortalHandle {
    portal: Portal,
    server: Server,
}

impl std::ops::Deref for PortalHandle {
    type Target = Portal;

    fn deref(&self) -> &Portal {
        &self.portal
    }
}

impl PortalHandle {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:41234/`, where people see the leads.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/", self.addr())
    }

    /// The incoming webhook's address, secret included; ends with `/`.
    #[must_use]
    pub fn webhook_url(&self) -> String {
        let webhook = &self.portal.core.webhook;
        format!("http://{}/rest/{}/{}/", self.addr(), webhook.user_id, webhook.secret)
    }

    /// Stops serving and closes all connections; the port and the journal are free afterwards.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
