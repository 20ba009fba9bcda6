//! Effects that happen at most once: the outcome is kept under its idempotency key, in the transaction that makes
//! the effect.

use ismart_domain::BoxFuture;
use ismart_domain::ports::{ToolError, ToolOutcome, ToolScope};
use ismart_store::{Store, StoreError, Tx, effects};

/// Why an effect did not happen; everything it wrote was undone.
#[derive(Debug)]
pub(crate) enum Undone {
    Tool(ToolError),
    Store(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ToolError> for Undone {
    fn from(error: ToolError) -> Self {
        Self::Tool(error)
    }
}

/// Runs `work` unless it already succeeded under the scope's key; then its outcome of that time is given.
///
/// # Errors
/// The work's [`ToolError`], or [`ToolError::Failed`] when the store failed.
pub(crate) async fn once<F>(
    store: &Store,
    scope: &ToolScope,
    tool: &'static str,
    work: F,
) -> Result<ToolOutcome, ToolError>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<ToolOutcome, Undone>> + Send + 'static,
{
    let (client_id, key) = (scope.client_id, scope.key.clone());
    let result: Result<ToolOutcome, Undone> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if let Some(outcome) = effects::find(tx, client_id, &key).await? {
                    return Ok(outcome);
                }
                let outcome = work(tx).await?;
                effects::note(tx, client_id, &key, tool, &outcome).await?;
                Ok(outcome)
            })
        })
        .await;
    result.map_err(|undone| match undone {
        Undone::Tool(error) => error,
        Undone::Store(error) => {
            tracing::error!(error = %error, tool, "a tool could not write");
            ToolError::Failed { reason: "the store failed; nothing was written".to_owned() }
        }
    })
}
