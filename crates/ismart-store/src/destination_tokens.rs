//! Pairs of tokens of destinations that replace them at every use.

use ismart_domain::ports::{KeeperError, KeptPair, TokenKeeper, TokenPair};
use ismart_domain::{BoxFuture, ClientId, Secret};
use jiff::{SignedDuration, Timestamp};

use crate::engine::{Store, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// The pairs of one client's destinations, kept in the database.
#[derive(Clone)]
pub struct DestinationTokens {
    store: Store,
    client_id: ClientId,
}

impl std::fmt::Debug for DestinationTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DestinationTokens").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl DestinationTokens {
    /// Keeps pairs of this client.
    #[must_use]
    pub fn new(store: Store, client_id: ClientId) -> Self {
        Self { store, client_id }
    }

    async fn newest(&self, name: &str) -> Result<Option<KeptPair>, StoreError> {
        let now = self.store.env().now();
        let mut conn = self.store.read().await?;
        Statement::tenant(
            tenant!(
                "SELECT version, access, access_until, refresh FROM destination_tokens
                 WHERE client_id = $1 AND name = $2 AND version > 0"
            ),
            self.client_id,
        )
        .text(name)
        .first(&mut conn, |row| {
            let pair = TokenPair {
                access: Secret::new(row.text(1)?),
                refresh: Secret::new(row.text(3)?),
                lasts: row.instant(2)?.duration_since(now),
            };
            Ok(KeptPair { version: row.number(0)?, pair })
        })
        .await
    }
}

async fn claim(
    tx: &mut Tx,
    client: ClientId,
    name: String,
    version: i64,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let now = tx.env().now();
    if version == 0 {
        Statement::tenant(
            tenant!(
                "INSERT INTO destination_tokens (client_id, name, version, access, access_until, refresh, claimed_until)
                 VALUES ($1, $2, 0, '', 0, '', 0) ON CONFLICT (client_id, name) DO NOTHING"
            ),
            client,
        )
        .text(&name)
        .run(tx)
        .await?;
    }
    let taken = Statement::tenant(
        tenant!(
            "UPDATE destination_tokens SET claimed_until = $4
             WHERE client_id = $1 AND name = $2 AND version = $3 AND claimed_until <= $5"
        ),
        client,
    )
    .text(&name)
    .number(version)
    .instant(until)
    .instant(now)
    .run(tx)
    .await?;
    Ok(taken > 0)
}

async fn release(tx: &mut Tx, client: ClientId, name: String, version: i64) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "UPDATE destination_tokens SET claimed_until = 0 WHERE client_id = $1 AND name = $2 AND version = $3"
        ),
        client,
    )
    .text(&name)
    .number(version)
    .run(tx)
    .await?;
    Ok(())
}

async fn keep(
    tx: &mut Tx,
    client: ClientId,
    name: String,
    version: i64,
    pair: TokenPair,
) -> Result<bool, StoreError> {
    let until = later(tx.env().now(), pair.lasts);
    let kept = Statement::tenant(
        tenant!(
            "UPDATE destination_tokens SET version = $3 + 1, previous_refresh = refresh, access = $4,
             access_until = $5, refresh = $6, claimed_until = 0 WHERE client_id = $1 AND name = $2 AND version = $3"
        ),
        client,
    )
    .text(&name)
    .number(version)
    .text(pair.access.reveal())
    .instant(until)
    .text(pair.refresh.reveal())
    .run(tx)
    .await?;
    Ok(kept > 0)
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn failed(error: StoreError) -> KeeperError {
    KeeperError { reason: error.to_string() }
}

impl TokenKeeper for DestinationTokens {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<KeptPair>, KeeperError>> {
        Box::pin(async move { self.newest(name).await.map_err(failed) })
    }

    fn claim<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        during: SignedDuration,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        let (client, name) = (self.client_id, name.to_owned());
        let until = later(self.store.env().now(), during);
        Box::pin(async move {
            let write = self.store.write(move |tx| Box::pin(claim(tx, client, name, version, until)));
            write.await.map_err(failed)
        })
    }

    fn release<'a>(&'a self, name: &'a str, version: i64) -> BoxFuture<'a, Result<(), KeeperError>> {
        let (client, name) = (self.client_id, name.to_owned());
        Box::pin(async move {
            let write = self.store.write(move |tx| Box::pin(release(tx, client, name, version)));
            write.await.map_err(failed)
        })
    }

    fn keep<'a>(
        &'a self,
        name: &'a str,
        version: i64,
        pair: &'a TokenPair,
    ) -> BoxFuture<'a, Result<bool, KeeperError>> {
        let (client, name, pair) = (self.client_id, name.to_owned(), pair.clone());
        Box::pin(async move {
            let write = self.store.write(move |tx| Box::pin(keep(tx, client, name, version, pair)));
            write.await.map_err(failed)
        })
    }
}
