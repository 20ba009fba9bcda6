//! The draft that a person or a key has of a site: what was changed, over what others published since.

use std::collections::BTreeMap;
use std::sync::Arc;

use ismart_domain::DrafterId;
use ismart_sites::edit::{Changes, Conflict, Op, apply, differences, merge_texts, read};
use ismart_sites::{Finding, Snapshot};
use ismart_store::editing::{self, DraftFile};
use ismart_store::{StoreError, Tx};
use jiff::Timestamp;

use super::{Access, Editing, EditingError, LiveSite, Replaced, blocking, on_disk};

/// A draft with the snapshot that it makes.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What he changed, by path.
    pub files: Vec<DraftedFile>,
    /// The texts over the live site.
    pub changes: Changes,
    /// The site as it would be; the faults of the draft when it cannot be shown.
    pub snapshot: Result<Arc<Snapshot>, Vec<Finding>>,
}

/// One file of a draft.
#[derive(Debug, Clone)]
pub struct DraftedFile {
    /// Relative to the site folder.
    pub path: String,
    /// What visitors get at present.
    pub live: Option<String>,
    /// What it would be: his changes over `live`.
    pub text: Option<String>,
    /// Fields that he and somebody else changed in different ways; his stand in `text`.
    pub conflicts: Vec<Conflict>,
    /// His last change.
    pub updated_at: Timestamp,
}

/// A snapshot of a draft that was made before.
#[derive(Debug)]
pub(super) struct Kept {
    live: u64,
    changes: Changes,
    snapshot: Arc<Snapshot>,
}

impl Draft {
    /// A draft that changes nothing.
    #[must_use]
    pub fn empty(site: &LiveSite) -> Self {
        Self { files: Vec::new(), changes: Changes::new(), snapshot: Ok(site.snapshot.clone()) }
    }

    /// The text of a file in the draft, or as it lies in the folder of the site.
    ///
    /// # Errors
    /// [`EditingError::Missing`] for what is no content file; a folder that cannot be read.
    pub fn text(&self, site: &LiveSite, path: &str) -> Result<Option<String>, EditingError> {
        match self.changes.get(path) {
            Some(text) => Ok(text.clone()),
            None => on_disk(site.snapshot.root(), path),
        }
    }

    /// The site as the draft makes it, or as visitors have it while the draft is broken.
    #[must_use]
    pub fn shown(&self, site: &LiveSite) -> Arc<Snapshot> {
        self.snapshot.as_ref().map_or_else(|_| site.snapshot.clone(), Clone::clone)
    }

    /// Every conflict with its file.
    #[must_use]
    pub fn conflicts(&self) -> Vec<(String, Conflict)> {
        let of = |file: &DraftedFile| {
            file.conflicts.iter().map(|conflict| (file.path.clone(), conflict.clone())).collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of).collect()
    }
}

impl Editing {
    /// The draft of a person or of a key of the API.
    ///
    /// # Errors
    /// The database, or a folder that cannot be read.
    pub async fn draft(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
    ) -> Result<Draft, EditingError> {
        let drafter = drafter.into();
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let stored = editing::drafts(&mut self.store.read().await?, client_id, site_id, drafter).await?;
        let root = site.snapshot.root().to_path_buf();
        let files = blocking(move || stored.into_iter().map(|file| over_live(&root, file)).collect()).await?;
        let files: Vec<DraftedFile> = files;
        let changes: Changes = files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let snapshot = self.overlaid(site, drafter, &changes).await?;
        Ok(Draft { files, changes, snapshot })
    }

    async fn overlaid(
        &self,
        site: &LiveSite,
        drafter: DrafterId,
        changes: &Changes,
    ) -> Result<Result<Arc<Snapshot>, Vec<Finding>>, EditingError> {
        if changes.is_empty() {
            return Ok(Ok(site.snapshot.clone()));
        }
        let key = (site.place.slug.clone(), drafter);
        let live = site.snapshot.number();
        let kept = self.kept.get(&key).filter(|kept| kept.live == live && kept.changes == *changes);
        if let Some(kept) = kept {
            return Ok(Ok(kept.snapshot.clone()));
        }
        let (snapshot, over) = (site.snapshot.clone(), changes.clone());
        let made = blocking(move || Ok(snapshot.overlaid(&over))).await?;
        if let Ok(snapshot) = &made {
            let kept = Kept { live, changes: changes.clone(), snapshot: snapshot.clone() };
            self.kept.insert(key, Arc::new(kept));
        }
        Ok(made)
    }

    /// Makes changes of a file in a person's draft; gives its new text. When the file is as visitors have it again,
    /// it leaves the draft.
    ///
    /// # Errors
    /// [`EditingError::Forbidden`], [`EditingError::Edit`], [`EditingError::Missing`], the database.
    pub async fn change(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
        access: &Access,
        path: &str,
        ops: &[Op],
    ) -> Result<String, EditingError> {
        let drafter = drafter.into();
        let draft = self.draft(site, drafter).await?;
        let text = draft.text(site, path)?.ok_or(EditingError::Missing)?;
        let page: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let mut after = text;
        for op in ops {
            let pointer = match op {
                Op::Set { pointer, .. } | Op::Remove { pointer } => pointer.clone(),
                Op::Insert { pointer, at, .. } | Op::Duplicate { pointer, at } => format!("{pointer}/{at}"),
                Op::Move { pointer, from, .. } => format!("{pointer}/{from}"),
            };
            if !access.may_edit(&site.snapshot, path, &pointer, page.as_ref()) {
                return Err(EditingError::Forbidden);
            }
            after = apply(path, &after, op)?;
        }
        self.put(site, drafter, BTreeMap::from([(path.to_owned(), Some(after.clone()))])).await?;
        Ok(after)
    }

    /// Puts a whole file into a draft; `None` takes the file away.
    ///
    /// # Errors
    /// [`EditingError::Forbidden`], [`EditingError::Edit`] when it is not JSON, the database.
    pub async fn replace(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
        access: &Access,
        path: &str,
        text: Option<String>,
    ) -> Result<(), EditingError> {
        let drafter = drafter.into();
        let draft = self.draft(site, drafter).await?;
        self.replace_all(site, drafter, access, &draft, BTreeMap::from([(path.to_owned(), text)])).await
    }

    /// Puts whole files into a draft, all or none; refuses what the site could not be shown with.
    ///
    /// # Errors
    /// As [`Editing::replace`]; [`EditingError::Broken`]; [`EditingError::Moved`] when a file is not any more what the
    /// change was made from.
    pub async fn prepare(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
        access: &Access,
        files: Replaced,
    ) -> Result<(), EditingError> {
        let drafter = drafter.into();
        let lock = self.lock(&site.place.slug);
        let _one_at_a_time = lock.lock().await;
        let draft = self.draft(site, drafter).await?;
        for (path, (base, _)) in &files {
            if draft.text(site, path)? != *base {
                return Err(EditingError::Moved(path.clone()));
            }
        }
        let files: Changes = files.into_iter().map(|(path, (_, text))| (path, text)).collect();
        let (snapshot, mut over) = (site.snapshot.clone(), draft.changes.clone());
        over.extend(files.clone());
        blocking(move || snapshot.overlaid(&over).map_err(EditingError::Broken)).await?;
        self.replace_all(site, drafter, access, &draft, files).await
    }

    async fn replace_all(
        &self,
        site: &LiveSite,
        drafter: DrafterId,
        access: &Access,
        draft: &Draft,
        files: Changes,
    ) -> Result<(), EditingError> {
        for (path, text) in &files {
            let before = draft.text(site, path)?;
            let old = before.as_deref().and_then(|text| read(path, text).ok());
            let new = text.as_deref().map(|text| read(path, text)).transpose()?;
            let mine = differences(old.as_ref(), new.as_ref()).iter().all(|change| {
                access.may_edit(&site.snapshot, path, &change.pointer, old.as_ref().or(new.as_ref()))
            });
            if !mine {
                return Err(EditingError::Forbidden);
            }
        }
        self.put(site, drafter, files).await
    }

    /// Forgets a file of a draft, or all of it.
    ///
    /// # Errors
    /// The database.
    pub async fn discard(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
        path: Option<&str>,
    ) -> Result<(), EditingError> {
        let drafter = drafter.into();
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let path = path.map(str::to_owned);
        let dropped: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    editing::drop_draft(tx, client_id, site_id, drafter, path.as_deref()).await
                })
            })
            .await;
        Ok(dropped?)
    }

    async fn put(&self, site: &LiveSite, drafter: DrafterId, files: Changes) -> Result<(), EditingError> {
        let root = site.snapshot.root();
        let with_live = |(path, text): (String, Option<String>)| Ok((on_disk(root, &path)?, path, text));
        let files: Vec<_> = files.into_iter().map(with_live).collect::<Result<_, EditingError>>()?;
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let stored: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for (live, path, text) in &files {
                        // What others published is taken in by now: the draft begins with it from here on.
                        editing::drop_draft(tx, client_id, site_id, drafter, Some(path)).await?;
                        if text != live {
                            let (base, text) = (live.as_deref(), text.as_deref());
                            editing::put_draft(tx, client_id, site_id, drafter, path, base, text).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await;
        Ok(stored?)
    }
}

/// A stored file of a draft over what lies in the folder.
fn over_live(root: &std::path::Path, file: DraftFile) -> Result<DraftedFile, EditingError> {
    let live = on_disk(root, &file.path)?;
    let merged = merge_texts(&file.path, file.base.as_deref(), file.text.as_deref(), live.as_deref());
    // A text that cannot be merged stands as he wrote it; its fault is shown with the draft.
    let (text, conflicts) = merged.unwrap_or_else(|_| (file.text.clone(), Vec::new()));
    Ok(DraftedFile { path: file.path, live, text, conflicts, updated_at: file.updated_at })
}
