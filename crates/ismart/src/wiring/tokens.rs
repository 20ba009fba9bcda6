//! Where destinations keep tokens that are replaced at every use.

use std::sync::Arc;

use ismart_connect::Egress;
use ismart_domain::ports::{KeeperError, KeptPair, TokenKeeper, TokenPair};
use ismart_domain::{BoxFuture, ClientId};
use ismart_store::Store;
use ismart_store::destination_tokens::DestinationTokens;
use jiff::SignedDuration;

/// The way out for destinations of one client, which keep their tokens in the database.
pub(super) fn keeping(egress: &Egress, store: &Store, client_id: ClientId) -> Egress {
    egress.keeping(Arc::new(DestinationTokens::new(store.clone(), client_id)))
}

/// The way out for settings that are read and never used: no token may be spent.
pub(super) fn spending_none(egress: &Egress) -> Egress {
    egress.keeping(Arc::new(Closed))
}

#[derive(Debug)]
struct Closed;

fn refused<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeeperError>> {
    let reason = "this command only reads settings; `ismart doctor` asks the destinations".to_owned();
    Box::pin(std::future::ready(Err(KeeperError { reason })))
}

impl TokenKeeper for Closed {
    fn load<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Option<KeptPair>, KeeperError>> {
        refused()
    }

    fn claim<'a>(
        &'a self,
        _name: &'a str,
        _version: i64,
        _during: SignedDuration,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        refused()
    }

    fn release<'a>(&'a self, _name: &'a str, _version: i64) -> BoxFuture<'a, Result<(), KeeperError>> {
        refused()
    }

    fn keep<'a>(
        &'a self,
        _name: &'a str,
        _version: i64,
        _pair: &'a TokenPair,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        refused()
    }
}
