//! What connectors share on their way out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ismart_http::Client;

use crate::limit::{Limits, Rate};

/// The HTTP client, and the limits of every destination that anything in this process writes to. The process
/// makes one and gives it to every connector: a destination counts all requests of a machine together.
/// Cheap to clone; clones share the limits.
#[derive(Debug, Clone)]
pub struct Egress {
    http: Client,
    limits: Arc<Mutex<HashMap<String, Arc<Limits>>>>,
}

impl Egress {
    /// Starts with limits unused.
    #[must_use]
    pub fn new(http: Client) -> Self {
        Self { http, limits: Arc::default() }
    }

    /// The client.
    #[must_use]
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// The limits of the destination called `name`, made with `rate` when it is asked for first.
    #[must_use]
    pub fn limits(&self, name: &str, rate: Rate) -> Arc<Limits> {
        let mut all = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_insert_with(|| Arc::new(Limits::new(rate))))
    }
}
