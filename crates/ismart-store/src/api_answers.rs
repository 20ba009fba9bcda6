//! Answers of the API to requests that carried an `Idempotency-Key`.

use ismart_domain::ClientId;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Statement, tenant};

/// An answer that was given once and is given again to the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// SHA-256 of the request that it answers: another request under the same key is a mistake of the caller.
    pub request_sha256: String,
    /// HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: String,
}

/// The answer given to `operation` under this key, if any.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn find(
    conn: &mut Conn,
    client_id: ClientId,
    operation: &str,
    key: &str,
) -> Result<Option<Answered>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT request_sha256, status, body FROM api_answers
             WHERE client_id = $1 AND operation = $2 AND idempotency_key = $3"
        ),
        client_id,
    )
    .text(operation)
    .text(key)
    .first(conn, |row| {
        let status = u16::try_from(row.number(1)?);
        let status = status
            .map_err(|e| StoreError::Corrupt { what: "column status".to_owned(), why: e.to_string() })?;
        Ok(Answered { request_sha256: row.text(0)?, status, body: row.text(2)? })
    })
    .await
}

/// Keeps an answer, in the transaction that did what it tells of.
///
/// # Errors
/// [`StoreError`] of the engine; a second answer under the same key is refused by the primary key.
pub async fn keep(
    tx: &mut Tx,
    client_id: ClientId,
    operation: &str,
    key: &str,
    answer: &Answered,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO api_answers (client_id, operation, idempotency_key, request_sha256, status, body, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        client_id,
    )
    .text(operation)
    .text(key)
    .text(&answer.request_sha256)
    .number(i64::from(answer.status))
    .text(&answer.body)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}
