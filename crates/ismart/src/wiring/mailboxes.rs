//! Mailboxes are looked into, each by a task of its own: what fails in one is told in the console and tried again later.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ismart_leads::intake::{Door, Guard, MailboxPlan, MailboxSecurity, Received, take_letter};
use ismart_mail::{Account, Mailbox, MailboxError, Security};
use ismart_store::mailboxes::{self, MailboxState};
use ismart_store::{StoreError, Tx};
use ismart_web::Platform;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The largest letter that is fetched whole, bytes.
const LARGEST: u32 = 32 * 1024 * 1024;
/// A mailbox that fails is tried at least this often.
const LATEST: Duration = Duration::from_mins(15);

/// Looks into the mailboxes of all doors until told to stop.
pub(crate) async fn run(platform: Arc<Platform>, base: PathBuf, stop: watch::Receiver<bool>) {
    let mut looking = JoinSet::new();
    for door in platform.doors.all().iter() {
        if matches!(door.guard, Guard::Mailbox(_)) {
            looking.spawn(watched(platform.clone(), base.clone(), door.clone(), stop.clone()));
        }
    }
    while looking.join_next().await.is_some() {}
}

async fn watched(platform: Arc<Platform>, base: PathBuf, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let Guard::Mailbox(plan) = &door.guard else { return };
    loop {
        let failures = match look(&platform, &base, &door, plan, &stop).await {
            Ok(failures) => failures,
            Err(error) => {
                tracing::error!(error = %error, door = door.name, "how a mailbox stands could not be kept");
                1
            }
        };
        let every = Duration::from_secs(u64::from(plan.every_seconds));
        let doubled = every.saturating_mul(1_u32 << u32::try_from(failures.clamp(0, 10)).unwrap_or(10));
        let wait = if failures == 0 { every } else { doubled.min(LATEST.max(every)) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One look; gives how many have failed in a row.
async fn look(
    platform: &Platform,
    base: &Path,
    door: &Arc<Door>,
    plan: &MailboxPlan,
    stop: &watch::Receiver<bool>,
) -> Result<i64, StoreError> {
    let client_id = door.site.client_id;
    let old = mailboxes::get(&mut platform.store.read().await?, client_id, &door.name).await?;
    let now = platform.env.now();
    let mut state = old.clone().unwrap_or(MailboxState {
        validity: 0,
        last_uid: 0,
        tried_at: now,
        good_at: None,
        note: String::new(),
        failures: 0,
    });
    state.tried_at = now;
    let read =
        read(platform, base, door, plan, old.is_none_or(|old| old.good_at.is_none()), &mut state, stop).await;
    match read {
        Ok(letters) => {
            if letters > 0 {
                tracing::info!(door = door.name, letters, "letters came in");
            }
            (state.note, state.failures, state.good_at) = (String::new(), 0, Some(now));
        }
        Err(Trouble::Store(error)) => return Err(error),
        Err(Trouble::Mailbox(error)) => {
            tracing::warn!(door = door.name, why = %error, "a mailbox could not be read");
            (state.note, state.failures) =
                (error.to_string().chars().take(500).collect(), state.failures + 1);
        }
    }
    let (kept, name) = (state.clone(), door.name.clone());
    let written: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { mailboxes::put(tx, client_id, &name, &kept).await }))
        .await;
    written?;
    Ok(state.failures)
}

/// Why a look ended early.
enum Trouble {
    Mailbox(MailboxError),
    Store(StoreError),
}

impl From<MailboxError> for Trouble {
    fn from(error: MailboxError) -> Self {
        Self::Mailbox(error)
    }
}

/// Reads what is new; gives how many letters there were. `state` says how far it came, whatever happens.
async fn read(
    platform: &Platform,
    base: &Path,
    door: &Arc<Door>,
    plan: &MailboxPlan,
    first: bool,
    state: &mut MailboxState,
    stop: &watch::Receiver<bool>,
) -> Result<usize, Trouble> {
    let mut mailbox = Mailbox::open(&account(plan, base)?).await?;
    let validity = i64::from(mailbox.validity());
    let mut since = None;
    if first {
        let last = if plan.old_too { 0 } else { mailbox.end().last };
        (state.validity, state.last_uid) = (validity, i64::from(last));
    } else if state.validity != validity {
        // All numbers are new. Letters that came in before are known by their ids; older ones are left where they are.
        (state.validity, state.last_uid) = (validity, 0);
        since = state.good_at.filter(|_| !plan.old_too).map(day_before);
    }
    let last = u32::try_from(state.last_uid).unwrap_or(0);
    let found = mailbox.after(last, since.as_deref()).await?;
    let mut letters = 0;
    for uid in found {
        if *stop.borrow() {
            break;
        }
        state.last_uid = i64::from(uid);
        let Some(fetched) =
            mailbox.fetch(uid, LARGEST).await.inspect_err(|_| state.last_uid = i64::from(uid) - 1)?
        else {
            continue;
        };
        let destinations = platform.destinations_of(door);
        let (bytes, cut, place) = (fetched.bytes, fetched.cut, Some(state.clone()));
        let taken =
            take_letter(&platform.store, &platform.files, door, &destinations, bytes, cut, place).await;
        match taken {
            Ok(Received::Lead(_) | Received::Unread(_)) => letters += 1,
            Err(error) => {
                state.last_uid = i64::from(uid) - 1;
                tracing::error!(error = %error, door = door.name, "a letter could not be stored; it is fetched again");
                return match error {
                    ismart_leads::AcceptError::Store(error) => Err(Trouble::Store(error)),
                    _ => Ok(letters),
                };
            }
        }
    }
    mailbox.close().await;
    Ok(letters)
}

/// The day before a moment, as IMAP writes days.
fn day_before(at: Timestamp) -> String {
    let before = at.checked_sub(SignedDuration::from_hours(48)).unwrap_or(at);
    before.strftime("%d-%b-%Y").to_string()
}

fn account(plan: &MailboxPlan, base: &Path) -> Result<Account, MailboxError> {
    let security = match plan.security {
        MailboxSecurity::None => Security::None,
        MailboxSecurity::Tls => {
            let pem = plan.ca_file.as_ref().map(|file| std::fs::read(base.join(file))).transpose();
            let pem = pem.map_err(|error| MailboxError::Certificates(error.to_string()))?;
            Security::tls(pem.as_deref())?
        }
    };
    Ok(Account {
        host: plan.host.clone(),
        port: plan.port,
        user: plan.user.clone(),
        password: plan.password.reveal().to_owned(),
        folder: plan.folder.clone(),
        security,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_mailboxes_read_them() {
        assert_eq!(day_before("2026-11-27T10:00:00Z".parse().unwrap()), "25-Nov-2026");
    }
}
