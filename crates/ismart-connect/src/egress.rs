//! What connectors share on their way out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ismart_domain::Env;
use ismart_domain::ports::TokenKeeper;
use ismart_http::Client;
use tokio::sync::Semaphore;

use crate::limit::{Limits, Rate};

/// The HTTP client, and the limits of every destination that anything in this process writes to. The process
/// makes one and gives it to every connector: a destination counts all requests of a machine together.
/// Cheap to clone; clones share the limits.
#[derive(Debug, Clone)]
pub struct Egress {
    http: Client,
    shared: Arc<Shared>,
    keeper: Option<Arc<dyn TokenKeeper>>,
    env: Env,
}

/// What all clones have together.
#[derive(Debug, Default)]
struct Shared {
    limits: Mutex<HashMap<String, Arc<Limits>>>,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Egress {
    /// Starts with limits unused, at the machine's time.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http, shared: Arc::default(), keeper: None, env: Env::system() }
    }

    /// The same way out at another time: for tests.
    #[must_use]
    pub fn at(self, env: Env) -> Self {
        Self { env, ..self }
    }

    /// The time that signatures and tokens are made at.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The client.
    #[must_use]
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// The limits of the destination called `name`, made with `rate` when it is asked for first.
    #[must_use]
    pub fn limits(&self, name: &str, rate: Rate) -> Arc<Limits> {
        let mut all = self.shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_insert_with(|| Arc::new(Limits::new(rate))))
    }

    /// The same way out for destinations of one client, whose pairs of tokens `keeper` keeps.
    #[must_use]
    pub fn keeping(&self, keeper: Arc<dyn TokenKeeper>) -> Self {
        Self { keeper: Some(keeper), ..self.clone() }
    }

    /// Who keeps pairs of tokens, if anybody.
    pub(crate) fn keeper(&self) -> Option<Arc<dyn TokenKeeper>> {
        self.keeper.clone()
    }

    /// The gate before the exchange of the tokens called `name`: one at a time in this process.
    pub(crate) fn gate(&self, name: &str) -> Arc<Semaphore> {
        let mut all = self.shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}
