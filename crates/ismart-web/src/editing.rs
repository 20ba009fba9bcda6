//! Editing at work: drafts over live sites, publications that reach visitors at once and survive a crash, scheduled
//! publications. See `editing.contract.md`.
//!
//! The files of a site folder stay what is served. A publication is one transaction (the revision), then the files,
//! each replaced whole, then the snapshot in service; a crash in between is completed by [`Editing::recover`].

mod access;
mod drafting;
mod making;
mod publishing;
mod schedule;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwap;
use ismart_domain::{ApiTokenId, DrafterId, UserId};
use ismart_sites::Snapshot;
use ismart_sites::edit::{
    Changes, Conflict, EditError, Gate, WriteError, editable, editable_files, materialise,
};
use ismart_store::editing::{self, NewRevision, Origin};
use ismart_store::{Store, StoreError, Tx};
use quick_cache::sync::Cache;
use tokio::sync::broadcast;

use crate::platform::{Place, World};

pub use access::Access;
pub use drafting::{Draft, DraftedFile};
pub use making::Replaced;
pub(crate) use making::{Making, MakingError, printed};
pub use publishing::{Published, Wish};

/// Draft snapshots kept ready.
const DRAFTS: usize = 64;
/// Publications that a slow listener may miss before it must look at all sites.
const HEARD: usize = 256;

/// Why something was not edited or published.
#[derive(Debug, thiserror::Error)]
pub enum EditingError {
    /// The site, the file or the place is not there.
    #[error("there is no such site, file or place")]
    Missing,
    /// His role or his grants do not reach this far.
    #[error("this part of the site is not among those that you may change")]
    Forbidden,
    /// The change cannot be made.
    #[error("{0}")]
    Edit(#[from] EditError),
    /// The draft makes the site unusable: every fault.
    #[error("the draft cannot be shown: {}", .0.first().map_or("", |f| f.reason.as_str()))]
    Broken(Vec<ismart_sites::Finding>),
    /// Somebody published other values of the same fields meanwhile.
    #[error("somebody published other values of the same fields meanwhile")]
    Conflicts(Vec<(String, Conflict)>),
    /// A file was changed in the moment between reading and publishing it.
    #[error("`{0}` was changed at the same moment by somebody else")]
    Moved(String),
    /// The gate holds the publication: something blocks it, or it needs a reason.
    #[error("the gate holds this publication")]
    Held(Gate),
    /// There is nothing to publish.
    #[error("the draft changes nothing")]
    Nothing,
    /// The time of a scheduled publication is over already.
    #[error("the time is in the past")]
    Past,
    /// The revision is recorded, a file could not be written; the next start or publication completes it.
    #[error("{0}")]
    Write(#[from] WriteError),
    /// A folder could not be read.
    #[error("the site folder cannot be read: {0}")]
    Read(std::io::Error),
    /// The database refused.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// A task of the server was stopped.
    #[error("the server is stopping")]
    Stopping,
}

/// Who prepares and publishes changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// Whose draft it is.
    pub drafter: DrafterId,
    /// The person who answers for it in the history.
    pub user: UserId,
}

impl Author {
    /// A key of the API: its drafts are its own, and who made it answers for what it publishes.
    #[must_use]
    pub fn key(token: ApiTokenId, made_by: UserId) -> Self {
        Self { drafter: token.into(), user: made_by }
    }
}

impl From<UserId> for Author {
    fn from(user: UserId) -> Self {
        Self { drafter: user.into(), user }
    }
}

/// A site in service, as editing sees it.
#[derive(Debug, Clone)]
pub struct LiveSite {
    /// What visitors get.
    pub snapshot: Arc<Snapshot>,
    /// Whose it is.
    pub place: Arc<Place>,
}

/// Drafts and publications of all sites of a process.
pub struct Editing {
    store: Store,
    world: Arc<ArcSwap<World>>,
    /// One publication of a site at a time; a site's lock lives as long as the process.
    locks: std::sync::Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    kept: Cache<(String, DrafterId), Arc<drafting::Kept>>,
    /// What the gate found in a snapshot, by its number.
    examined: Cache<u64, Arc<Vec<ismart_sites::Finding>>>,
    published: broadcast::Sender<String>,
}

impl std::fmt::Debug for Editing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editing").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Editing {
    /// Editing of the sites of `world`.
    #[must_use]
    pub fn new(store: Store, world: Arc<ArcSwap<World>>) -> Self {
        let (published, _) = broadcast::channel(HEARD);
        Self {
            store,
            world,
            locks: std::sync::Mutex::default(),
            kept: Cache::new(DRAFTS),
            examined: Cache::new(DRAFTS),
            published,
        }
    }

    /// Hears the key of every site that was published, after visitors see it.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<String> {
        self.published.subscribe()
    }

    /// Files of a site that are no content (pictures) were changed: what serves it is made anew.
    pub fn touched(&self, key: &str) {
        let _nobody_listens = self.published.send(key.to_owned()).is_err();
    }

    /// The site of this key.
    #[must_use]
    pub fn site(&self, key: &str) -> Option<LiveSite> {
        let world = self.world.load();
        let snapshot = world.fleet.sites().iter().find(|site| site.config().site == key)?.clone();
        let place = world.places.get(key)?.clone();
        Some(LiveSite { snapshot, place })
    }

    fn lock(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(key.to_owned()).or_default().clone()
    }

    /// Brings every recorded publication into its folder that a crash kept out of it; `roots` finds the folder of a
    /// site. Gives how many were completed. To be called before the sites are loaded.
    ///
    /// # Errors
    /// The database, or a file that cannot be written.
    pub async fn recover(
        store: &Store,
        roots: impl FnOnce() -> HashMap<String, PathBuf> + Send,
    ) -> Result<usize, EditingError> {
        let mut conn = store.read().await?;
        let left = editing::unwritten(&mut conn).await?;
        let mut done = 0;
        if left.is_empty() {
            return Ok(done);
        }
        let roots = roots();
        for one in left {
            let Some(root) = roots.get(&one.slug).cloned() else { continue };
            let files = editing::changes(&mut conn, one.client_id, one.site_id, one.seq).await?;
            let changes: Changes = files.into_iter().map(|file| (file.path, file.after)).collect();
            write_files(root, changes).await?;
            mark(store, &one).await?;
            done += 1;
        }
        Ok(done)
    }

    /// Records what was changed in the folder from outside; gives the changes, empty when there are none. The first
    /// time everything is recorded.
    ///
    /// # Errors
    /// The database, or a folder that cannot be read.
    pub async fn observe(&self, site: &LiveSite) -> Result<Changes, EditingError> {
        self.complete(site).await?;
        let root = site.snapshot.root().to_path_buf();
        let found = blocking(move || editable_files(&root).map_err(EditingError::Read)).await?;
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let known = editing::state(&mut self.store.read().await?, client_id, site_id).await?;
        let first = known.is_empty();
        let mut changes = Changes::new();
        let mut here = BTreeMap::new();
        for file in found {
            let digest = ismart_store::sha256_hex(&file.text);
            if known.get(&file.path) != Some(&digest) {
                changes.insert(file.path.clone(), Some(file.text));
            }
            here.insert(file.path, ());
        }
        changes
            .extend(known.keys().filter(|path| !here.contains_key(*path)).map(|path| (path.clone(), None)));
        if changes.is_empty() {
            return Ok(changes);
        }
        let files = changes.clone();
        let message = if first { "first" } else { "outside" }.to_owned();
        let recorded: Result<_, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let new =
                        NewRevision { user_id: None, origin: Origin::Folder, message, reason: None, files };
                    editing::record(tx, client_id, site_id, new, true).await
                })
            })
            .await;
        recorded?;
        Ok(if first { Changes::new() } else { changes })
    }

    /// Completes the publications of a site whose files could not be written.
    async fn complete(&self, site: &LiveSite) -> Result<(), EditingError> {
        let mut conn = self.store.read().await?;
        for one in editing::unwritten(&mut conn).await? {
            if one.site_id != site.place.site_id {
                continue;
            }
            let files = editing::changes(&mut conn, one.client_id, one.site_id, one.seq).await?;
            let changes: Changes = files.into_iter().map(|file| (file.path, file.after)).collect();
            write_files(site.snapshot.root().to_path_buf(), changes).await?;
            mark(&self.store, &one).await?;
        }
        Ok(())
    }
}

async fn mark(store: &Store, one: &editing::Unwritten) -> Result<(), StoreError> {
    let (client_id, site_id, seq) = (one.client_id, one.site_id, one.seq);
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { editing::mark_written(tx, client_id, site_id, seq).await })
        })
        .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EditingError> + Send + 'static,
) -> Result<T, EditingError> {
    tokio::task::spawn_blocking(work).await.map_err(|_stopped| EditingError::Stopping)?
}

async fn write_files(root: PathBuf, changes: Changes) -> Result<(), EditingError> {
    blocking(move || Ok(materialise(&root, &changes)?)).await
}

/// The text of a content file as it lies in the folder; `None` when it is not there.
fn on_disk(root: &Path, path: &str) -> Result<Option<String>, EditingError> {
    if !editable(path) {
        return Err(EditingError::Missing);
    }
    match std::fs::read_to_string(root.join(path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EditingError::Read(error)),
    }
}
