//! What tools have done: one row per idempotency key, so that a repeat has no second effect.

use ismart_domain::ClientId;
use ismart_domain::ports::ToolOutcome;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// The outcome of the effect that already happened under this key, if any.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn find(
    conn: &mut Conn,
    client_id: ClientId,
    key: &str,
) -> Result<Option<ToolOutcome>, StoreError> {
    Statement::tenant(
        tenant!("SELECT outcome FROM tool_effects WHERE client_id = $1 AND idempotency_key = $2"),
        client_id,
    )
    .text(key)
    .first(conn, |row| row.json(0))
    .await
}

/// Notes an effect, in the transaction that makes it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn note(
    tx: &mut Tx,
    client_id: ClientId,
    key: &str,
    tool: &str,
    outcome: &ToolOutcome,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO tool_effects (client_id, idempotency_key, tool, outcome, at) VALUES ($1, $2, $3, $4, $5)"
        ),
        client_id,
    )
    .text(key)
    .text(tool)
    .json(outcome)?
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
