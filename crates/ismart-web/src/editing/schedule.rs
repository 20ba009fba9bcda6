//! The task that publishes what is due.

use std::time::Duration;

use ismart_store::editing::{self, NewRevision, Origin, ScheduleState, Scheduled};
use ismart_store::{StoreError, Tx};
use tokio::sync::watch;

use super::{Editing, EditingError};

/// How often the table is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Publications taken at once.
const AT_ONCE: i64 = 16;

impl Editing {
    /// Publishes what is due, until told to stop. What became due while no server ran is published at the start.
    pub async fn run_schedules(&self, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            if let Err(error) = self.publish_due().await {
                tracing::error!(error = %error, "scheduled publications could not be read");
            }
        }
    }

    /// Publishes everything whose time has come; gives how many went live.
    ///
    /// # Errors
    /// [`StoreError`] of the engine; what goes wrong with one publication is written into its note.
    pub async fn publish_due(&self) -> Result<usize, StoreError> {
        let due = editing::due_schedules(&mut self.store.read().await?, AT_ONCE).await?;
        let mut live = 0;
        for one in due {
            let (state, note) = match self.publish_one(&one).await {
                Ok(_) | Err(EditingError::Nothing) => {
                    live += 1;
                    (ScheduleState::Done, None)
                }
                // Somebody published the same file at this moment: the next look takes it over that.
                Err(EditingError::Moved(_)) => continue,
                Err(EditingError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::warn!(schedule.id = %one.id, error = %error, "a scheduled publication failed");
                    (ScheduleState::Failed, Some(error.to_string()))
                }
            };
            let (client_id, id) = (one.client_id, one.id);
            let _ended: bool = self
                .store
                .write::<_, StoreError, _>(move |tx: &mut Tx| {
                    Box::pin(
                        async move { editing::end_schedule(tx, client_id, id, state, note.as_deref()).await },
                    )
                })
                .await?;
        }
        Ok(live)
    }

    async fn publish_one(&self, one: &Scheduled) -> Result<i64, EditingError> {
        let world = self.world.load();
        let place = world.places.values().find(|place| place.site_id == one.site_id).cloned();
        let site = place.and_then(|place| self.site(&place.slug)).ok_or(EditingError::Missing)?;
        let (changes, bases, conflicts) = Self::due_files(&site, &one.files)?;
        if !conflicts.is_empty() {
            let file = |c| (one.files.first().map(|f| f.path.clone()).unwrap_or_default(), c);
            return Err(EditingError::Conflicts(conflicts.into_iter().map(file).collect()));
        }
        let (_, gate) = self.judge_changes(&site, &changes).await?;
        if gate.blocks() || (gate.warns() && one.reason.is_none()) {
            return Err(EditingError::Held(gate));
        }
        let new = NewRevision {
            user_id: Some(one.user_id),
            origin: Origin::Schedule,
            message: one.message.clone(),
            reason: one.reason.clone(),
            files: changes,
        };
        self.bring_live(&site, new, None, &bases).await
    }
}
