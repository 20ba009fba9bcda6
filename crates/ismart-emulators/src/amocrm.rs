//! An amoCRM account as an integration that brings leads meets it.
//!
//! It gives out tokens, answers API v4 in the real account's shapes (HAL, 204 for nothing, `validation-errors`),
//! keeps what was created, tells subscribers, and fails on demand. What it is *not* stands in
//! `amocrm.contract.md`.
//!
//! ```
//! use ismart_emulators::amocrm::Account;
//! use jiff::Timestamp;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let account = Account::builder(|| Timestamp::UNIX_EPOCH).long_lived_token("token", 504_141).start().await?;
//! assert!(account.base_url().starts_with("http://127.0.0.1:"));
//! assert!(account.ledger().leads().is_empty());
//! account.shutdown().await;
//! # Ok(()) }
//! ```

mod admin;
mod call;
mod cards;
mod complex;
mod core;
mod directory;
mod fields;
mod history;
mod hooks;
mod kind;
mod ledger;
mod limit;
mod oauth;
mod page;
mod route;
mod setup;
mod show;
mod store;
mod switch;
mod wire;

pub use crate::StartError;
pub use crate::fault::{Fault, FaultBody, Rule};
pub use crate::journal::JournalError;
pub use crate::log::{Created, Ending, Finding, FindingKind, RequestRecord};
pub(crate) use hooks::post;
pub use hooks::{Delivered, Manners};
pub use kind::Kind;
pub use ledger::Ledger;
pub use limit::Limits;
pub use setup::{LOST, Pipeline, Stage, User, WON};
pub use store::{Choice, CustomField, FieldValue, Hook, Item, Link, Source, Tag, Unsorted, Verdict};
pub use switch::{Faults, Switch, SwitchError};

use self::core::{Clock, Core, Issued, State};
use self::limit::Meter;
use self::oauth::{CODE_SECONDS, Integration};
use self::setup::Setup;
use self::store::{Change, Store};
use crate::fault::Rules;
use crate::journal::Journal;
use crate::log::RequestLog;
use crate::rng::Rng;
use crate::serve::Server;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Describes an account before it starts.
pub struct Builder {
    clock: Clock,
    setup: Setup,
    fields: Vec<CustomField>,
    sources: Vec<Source>,
    integrations: Vec<Integration>,
    long_lived: Vec<(String, u64)>,
    limits: Limits,
    duplicates: bool,
    hook_pace: u32,
    journal: Option<PathBuf>,
    listen: SocketAddr,
    log_limit: usize,
    seed: u64,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Builder").field("listen", &self.listen).finish_non_exhaustive()
    }
}

impl Builder {
    /// Takes this text as a long-lived token with this employee's rights, for ever.
    #[must_use]
    pub fn long_lived_token(mut self, token: &str, user_id: u64) -> Self {
        self.long_lived.push((token.to_owned(), user_id));
        self
    }

    /// Lets an application in; its codes come from [`Account::authorize`].
    #[must_use]
    pub fn integration(mut self, client_id: &str, client_secret: &str, redirect_uri: &str) -> Self {
        self.integrations.push(Integration {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
        });
        self
    }

    /// The account's number. Default 28805383.
    #[must_use]
    pub fn account_id(mut self, id: u64) -> Self {
        self.setup.account_id = id;
        self
    }

    /// The account's name. Default `acme`.
    #[must_use]
    pub fn subdomain(mut self, name: &str) -> Self {
        name.clone_into(&mut self.setup.subdomain);
        self
    }

    /// Adds an employee. 504141, an administrator, and 504142, a manager, are always there.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        self.setup.users.retain(|known| known.id != user.id);
        self.setup.users.push(user);
        self
    }

    /// Adds a pipeline with these open stages, “unsorted”, 142 and 143. 3104455 is always there and the main one.
    #[must_use]
    pub fn pipeline(mut self, id: u64, name: &str, open: &[(u64, &str)]) -> Self {
        self.setup.pipelines.push(Pipeline::new(id, name, false, open));
        self
    }

    /// Adds a custom field. Marks of advertising, phones and addresses are always there.
    #[must_use]
    pub fn field(mut self, field: CustomField) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds a source of leads.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Merges leads of one person that come by `leads/complex`. Default off.
    #[must_use]
    pub fn duplicate_control(mut self, on: bool) -> Self {
        self.duplicates = on;
        self
    }

    /// Shortens the pauses between tries of a hook (5, 15, 15 minutes, an hour) by this factor. Default 1.
    #[must_use]
    pub fn hook_pace(mut self, factor: u32) -> Self {
        self.hook_pace = factor;
        self
    }

    /// Which limits are enforced. Default: none.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps what exists, tokens included, in this JSON-lines file and takes over what it holds; every change is
    /// synced to disk before it is answered for. Default: memory only.
    #[must_use]
    pub fn journal(mut self, path: impl Into<PathBuf>) -> Self {
        self.journal = Some(path.into());
        self
    }

    /// Decides ids, tokens and the outcome of chances. Default 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many requests the log keeps; the oldest leave. Default 100 000.
    #[must_use]
    pub fn log_limit(mut self, records: usize) -> Self {
        self.log_limit = records;
        self
    }

    /// Where to listen. Default `127.0.0.1:0`, any free port.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Makes the account without a socket of its own, to be mounted with [`Account::router`].
    ///
    /// # Errors
    /// When the journal is unusable.
    pub fn build(self) -> Result<Account, JournalError> {
        let mut rng = Rng::new(self.seed);
        let mut store = Store::new(&mut rng);
        for field in setup::fields().into_iter().chain(self.fields) {
            store.apply(Change::Field(field));
        }
        for source in self.sources {
            store.apply(Change::Source(source));
        }
        if let Some(path) = &self.journal {
            let (journal, entries) = Journal::open(path)?;
            store.resume(journal, entries);
        }
        let issued = |(code, user_id)| Issued { code, client_id: String::new(), user_id, until: i64::MAX };
        let state = State {
            store,
            setup: self.setup,
            meter: Meter::default(),
            limits: self.limits,
            log: RequestLog::new(self.log_limit),
            rules: Rules::default(),
            rng,
            integrations: self.integrations,
            codes: Vec::new(),
            long_lived: self.long_lived.into_iter().map(issued).collect(),
            revoked: false,
            unpaid: false,
            gone: false,
            duplicates: self.duplicates,
            search_lag: 0,
            skew: SignedDuration::ZERO,
            manners: Manners::default(),
            delivered: Vec::new(),
            bad_answers: BTreeMap::new(),
        };
        Ok(Account { core: Arc::new(Core::new(self.clock, self.hook_pace, state)) })
    }

    /// Makes the account and serves it.
    ///
    /// # Errors
    /// When the journal is unusable or the address is taken.
    pub async fn start(self) -> Result<AccountHandle, StartError> {
        let wanted = self.listen;
        let account = self.build()?;
        let server = Server::start(wanted, account.router()).await?;
        Ok(AccountHandle { account, server })
    }
}

/// An account: its data, its log, its faults. Cheap to clone; clones are one account.
#[derive(Clone)]
pub struct Account {
    core: Arc<Core>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Account").finish_non_exhaustive()
    }
}

impl Account {
    /// Begins an account whose time comes from `clock`.
    pub fn builder(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Builder {
        Builder {
            clock: Box::new(clock),
            setup: Setup {
                account_id: 28_805_383,
                subdomain: "acme".to_owned(),
                users: setup::users(),
                pipelines: vec![setup::main_pipeline()],
                unsorted_on: true,
            },
            fields: Vec::new(),
            sources: Vec::new(),
            integrations: Vec::new(),
            long_lived: Vec::new(),
            limits: Limits::off(),
            duplicates: false,
            hook_pace: 1,
            journal: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            log_limit: 100_000,
            seed: 0,
        }
    }

    /// The whole HTTP face: `/oauth2/…`, `/api/v4/…`, the page `/`, and `/__emulator/…`, which answers only when
    /// the server passes the peer's address on (`ConnectInfo<SocketAddr>`).
    pub fn router(&self) -> axum::Router {
        wire::router(Arc::clone(&self.core))
    }

    /// A person has let an application in: gives the code, which lives 20 minutes.
    #[must_use]
    pub fn authorize(&self, client_id: &str, user_id: u64) -> String {
        let mut state = self.core.lock();
        let until = self.core.now(&state).as_second().saturating_add(CODE_SECONDS);
        let code = format!("def502{:016x}{:016x}", state.rng.next_u64(), state.rng.next_u64());
        state.codes.push(Issued { code: code.clone(), client_id: client_id.to_owned(), user_id, until });
        code
    }

    /// Gives out a long-lived token in the form of a JWT that ends at `until`.
    #[must_use]
    pub fn issue_token(&self, user_id: u64, until: Timestamp) -> String {
        let mut state = self.core.lock();
        let now = self.core.now(&state).as_second();
        let token = oauth::jwt(&mut state, "private", user_id, now, until.as_second());
        let issued =
            Issued { code: token.clone(), client_id: String::new(), user_id, until: until.as_second() };
        state.long_lived.push(issued);
        token
    }

    /// What really exists.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.core.lock().store)
    }

    /// How many objects of a kind exist, without copying them.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.core.lock().store.count(kind)
    }

    /// The id of a field by its code.
    #[must_use]
    pub fn field_id(&self, kind: Kind, code: &str) -> Option<u64> {
        self.core.lock().store.field(kind, None, Some(code)).map(|field| field.id)
    }

    /// The request log, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.core.lock().log.records()
    }

    /// What was odd about the requests in the log; a connector that is right causes none.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.core.lock().log.findings()
    }

    /// The tries to deliver hooks, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.core.lock().delivered.clone()
    }

    /// The most requests that any second held so far, refused ones included.
    #[must_use]
    pub fn highest_second(&self) -> usize {
        self.core.lock().meter.highest
    }

    /// Waits until `condition` holds; it is asked at once and after every request and hook. Put a timeout around it.
    pub async fn until(&self, mut condition: impl FnMut(&Account) -> bool) {
        let mut ticks = self.core.changes.subscribe();
        loop {
            if condition(self) || ticks.changed().await.is_err() {
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

/// An account that is being served. Dropping it stops serving.
#[derive(Debug)]
pub struct AccountHandle {
    account: Account,
    server: Server,
}

impl std::ops::Deref for AccountHandle {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl AccountHandle {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// `http://127.0.0.1:41234`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Stops serving and closes all connections; port and journal are free afterwards.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
    }
}
