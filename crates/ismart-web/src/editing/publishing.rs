//! A draft goes live.

use std::collections::BTreeMap;
use std::sync::Arc;

use ismart_domain::DrafterId;
use ismart_sites::edit::{Changes, Conflict, Gate, compare, examined, gate, merge_texts};
use ismart_sites::{Finding, Snapshot};
use ismart_store::editing::{self, NewRevision, Origin, ScheduleState, Scheduled, ScheduledFile};
use ismart_store::{StoreError, Tx};
use jiff::Timestamp;

use super::{
    Access, Author, Draft, DraftedFile, Editing, EditingError, LiveSite, Replaced, blocking, mark, on_disk,
    write_files,
};
use crate::platform::World;

/// How often a publication is begun anew when somebody else is faster.
const TRIES: usize = 4;

/// How somebody wants his draft to be published.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// These files alone; empty means all.
    pub files: Vec<String>,
    /// What he says about it.
    pub message: String,
    /// Why in spite of warnings.
    pub reason: Option<String>,
    /// Conflicts are known, and his values shall stand.
    pub mine_stand: bool,
    /// At a time to come.
    pub at: Option<Timestamp>,
    /// It brings an earlier state back.
    pub restores: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Visitors see it: number of the revision.
    Live(i64),
    /// It waits for its time.
    Waits(Timestamp),
}

impl Editing {
    /// What the gate says of a draft.
    ///
    /// # Errors
    /// [`EditingError::Broken`] when the draft cannot be shown at all.
    pub async fn judge(&self, site: &LiveSite, draft: &Draft) -> Result<Gate, EditingError> {
        let changed = draft.snapshot.clone().map_err(EditingError::Broken)?;
        let before = self.examined(&site.snapshot).await?;
        let after = self.examined(&changed).await?;
        let (live, changes) = (site.snapshot.clone(), draft.changes.clone());
        blocking(move || Ok(compare(&live, &changed, &changes, &before, &after))).await
    }

    /// What the gate finds in a site; kept, because a draft is looked at more than once.
    async fn examined(&self, snapshot: &Arc<Snapshot>) -> Result<Arc<Vec<Finding>>, EditingError> {
        let number = snapshot.number();
        if let Some(found) = self.examined.get(&number) {
            return Ok(found);
        }
        let (site, now) = (snapshot.clone(), self.store.env().now());
        let found = blocking(move || Ok(Arc::new(examined(&site, now)))).await?;
        self.examined.insert(number, found.clone());
        Ok(found)
    }

    /// Publishes a draft, or keeps it for its time.
    ///
    /// # Errors
    /// [`EditingError::Conflicts`], [`EditingError::Held`], [`EditingError::Forbidden`], [`EditingError::Nothing`]; when
    /// a file cannot be written the revision stands and is completed later.
    pub async fn publish(
        &self,
        site: &LiveSite,
        author: impl Into<Author> + Send,
        access: &Access,
        wish: Wish,
    ) -> Result<Published, EditingError> {
        let author = author.into();
        let mut tries = TRIES;
        loop {
            // Somebody may publish between the reading of a draft and its own turn: then it is merged anew.
            let live = self.site(&site.place.slug).ok_or(EditingError::Missing)?;
            let mut draft = self.draft(&live, author.drafter).await?;
            if draft.files.iter().any(|file| !wish.files.is_empty() && !wish.files.contains(&file.path)) {
                draft.files.retain(|file| wish.files.contains(&file.path));
                draft.changes.retain(|path, _| wish.files.contains(path));
                draft.snapshot = live.snapshot.overlaid(&draft.changes);
            }
            tries -= 1;
            match self.publish_draft(&live, author, access, draft, wish.clone(), true).await {
                Err(EditingError::Moved(_)) if tries > 0 => {}
                done => return done,
            }
        }
    }

    /// Publishes whole files beside all drafts: `files` has the text that each change was made from, and the new one.
    ///
    /// # Errors
    /// As [`Editing::publish`]; [`EditingError::Moved`] when a file is not any more what the change was made from.
    pub async fn publish_files(
        &self,
        site: &LiveSite,
        author: Author,
        access: &Access,
        files: Replaced,
        wish: Wish,
    ) -> Result<Published, EditingError> {
        let updated_at = self.store.env().now();
        let files: Vec<DraftedFile> = files
            .into_iter()
            .map(|(path, (live, text))| DraftedFile { path, live, text, conflicts: Vec::new(), updated_at })
            .collect();
        let changes: Changes = files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let (live, over) = (site.snapshot.clone(), changes.clone());
        let snapshot = blocking(move || Ok(live.overlaid(&over))).await?;
        self.publish_draft(site, author, access, Draft { files, changes, snapshot }, wish, false).await
    }

    /// `stored`: the draft is the author's, and its files leave it when they are published.
    async fn publish_draft(
        &self,
        site: &LiveSite,
        author: Author,
        access: &Access,
        mut draft: Draft,
        wish: Wish,
        stored: bool,
    ) -> Result<Published, EditingError> {
        draft.files.retain(|file| file.text != file.live);
        if draft.files.is_empty() {
            return Err(EditingError::Nothing);
        }
        let read = |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        for file in &draft.files {
            let (before, after) = (read(&file.live), read(&file.text));
            if !access.may_publish(&site.snapshot, &file.path, before.as_ref(), after.as_ref()) {
                return Err(EditingError::Forbidden);
            }
        }
        let conflicts = draft.conflicts();
        if !conflicts.is_empty() && !wish.mine_stand {
            return Err(EditingError::Conflicts(conflicts));
        }
        let judged = self.judge(site, &draft).await?;
        if judged.blocks() || (judged.warns() && wish.reason.is_none()) {
            return Err(EditingError::Held(judged));
        }
        let reason = wish.reason.clone().filter(|_| judged.warns());
        if let Some(at) = wish.at {
            return self.keep_for(site, author, &draft, wish, reason, at).await;
        }
        let bases = draft.files.iter().map(|file| (file.path.clone(), file.live.clone())).collect();
        let files = draft.files.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
        let origin = if wish.restores { Origin::Restore } else { Origin::Console };
        let new = NewRevision { user_id: Some(author.user), origin, message: wish.message, reason, files };
        let drafter = stored.then_some(author.drafter);
        self.bring_live(site, new, drafter, &bases).await.map(Published::Live)
    }

    async fn keep_for(
        &self,
        site: &LiveSite,
        author: Author,
        draft: &Draft,
        wish: Wish,
        reason: Option<String>,
        at: Timestamp,
    ) -> Result<Published, EditingError> {
        if at <= self.store.env().now() {
            return Err(EditingError::Past);
        }
        let files = draft.files.iter().map(|file| ScheduledFile {
            path: file.path.clone(),
            base: file.live.clone(),
            text: file.text.clone(),
        });
        let scheduled = Scheduled {
            id: self.store.env().new_id(),
            client_id: site.place.client_id,
            site_id: site.place.site_id,
            user_id: author.user,
            due_at: at,
            message: wish.message,
            reason,
            files: files.collect(),
            state: ScheduleState::Waiting,
            note: None,
        };
        let kept: Result<(), StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    editing::put_schedule(tx, &scheduled).await?;
                    for file in &scheduled.files {
                        let (client, site, path) =
                            (scheduled.client_id, scheduled.site_id, file.path.as_str());
                        editing::drop_draft(tx, client, site, author.drafter, Some(path)).await?;
                    }
                    Ok(())
                })
            })
            .await;
        kept?;
        Ok(Published::Waits(at))
    }

    /// Records a revision, writes its files and puts the changed site into service. `drafter`'s files leave his draft
    /// in the same transaction. Nothing is done when a file is not what `bases` has.
    pub(super) async fn bring_live(
        &self,
        site: &LiveSite,
        new: NewRevision,
        drafter: Option<DrafterId>,
        bases: &Changes,
    ) -> Result<i64, EditingError> {
        let lock = self.lock(&site.place.slug);
        let _one_at_a_time = lock.lock().await;
        // What came from outside has a revision of its own, so that history says whose it was.
        let mut over = self.observe(site).await?;
        for (path, base) in bases {
            if on_disk(site.snapshot.root(), path)? != *base {
                return Err(EditingError::Moved(path.clone()));
            }
        }
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let files: Changes = new.files.clone();
        let paths: Vec<String> = files.keys().cloned().collect();
        let recorded: Result<_, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let revision = editing::record(tx, client_id, site_id, new, false).await?;
                    if let Some(user) = drafter {
                        for path in &paths {
                            editing::drop_draft(tx, client_id, site_id, user, Some(path)).await?;
                        }
                    }
                    Ok(revision)
                })
            })
            .await;
        let revision = recorded?.ok_or(EditingError::Nothing)?;
        write_files(site.snapshot.root().to_path_buf(), files.clone()).await?;
        let slug = site.place.slug.clone();
        mark(&self.store, &editing::Unwritten { client_id, site_id, slug, seq: revision.seq }).await?;
        over.extend(files);
        self.serve(site, over).await?;
        Ok(revision.seq)
    }

    /// Swaps the snapshot in service for one with `changes`.
    async fn serve(&self, site: &LiveSite, changes: Changes) -> Result<(), EditingError> {
        let key = site.place.slug.clone();
        // Somebody may have loaded the site again meanwhile: the changes go over what is in service now.
        let live = self.site(&key).ok_or(EditingError::Missing)?;
        let fresh = blocking(move || live.snapshot.overlaid(&changes).map_err(EditingError::Broken)).await?;
        self.world.rcu(|world| {
            let fleet = world.fleet.with(fresh.clone()).unwrap_or_else(|_| world.fleet.clone());
            Arc::new(World { fleet, ..World::clone(world) })
        });
        // An error only says that nobody listens.
        let _nobody_listens = self.published.send(key).is_err();
        Ok(())
    }

    /// Puts an earlier text of files into a draft, to be looked at and published.
    ///
    /// # Errors
    /// As [`Editing::replace`].
    pub async fn bring_back(
        &self,
        site: &LiveSite,
        drafter: impl Into<DrafterId> + Send,
        access: &Access,
        files: BTreeMap<String, Option<String>>,
    ) -> Result<(), EditingError> {
        let drafter = drafter.into();
        for (path, text) in files {
            self.replace(site, drafter, access, &path, text).await?;
        }
        Ok(())
    }

    /// The whole site as it was at `instant`: the files that differ from what is in the folder.
    ///
    /// # Errors
    /// The database, or a folder that cannot be read.
    pub async fn as_of(
        &self,
        site: &LiveSite,
        instant: Timestamp,
    ) -> Result<BTreeMap<String, Option<String>>, EditingError> {
        self.observe(site).await?;
        let (client_id, site_id) = (site.place.client_id, site.place.site_id);
        let mut conn = self.store.read().await?;
        let now = editing::state(&mut conn, client_id, site_id).await?;
        let then = editing::state_at(&mut conn, client_id, site_id, instant).await?;
        let differ: BTreeMap<String, String> = then
            .iter()
            .filter(|(p, d)| now.get(*p) != Some(*d))
            .map(|(p, d)| (p.clone(), d.clone()))
            .collect();
        let texts = editing::files(&mut conn, client_id, &differ).await?;
        let mut files: BTreeMap<String, Option<String>> =
            texts.into_iter().map(|(path, text)| (path, Some(text))).collect();
        files.extend(now.keys().filter(|path| !then.contains_key(*path)).map(|path| (path.clone(), None)));
        Ok(files)
    }

    /// A scheduled publication over what is published by now: its files, what they were made from, and the fields that
    /// somebody else changed.
    pub(super) fn due_files(
        site: &LiveSite,
        files: &[ScheduledFile],
    ) -> Result<(Changes, Changes, Vec<Conflict>), EditingError> {
        let (mut changes, mut bases, mut all) = (Changes::new(), Changes::new(), Vec::new());
        for file in files {
            let live = on_disk(site.snapshot.root(), &file.path)?;
            let (base, text) = (file.base.as_deref(), file.text.as_deref());
            let (merged, conflicts) = merge_texts(&file.path, base, text, live.as_deref())?;
            changes.insert(file.path.clone(), merged);
            bases.insert(file.path.clone(), live);
            all.extend(conflicts);
        }
        Ok((changes, bases, all))
    }

    /// What the gate says of changes over the live site.
    pub(super) async fn judge_changes(
        &self,
        site: &LiveSite,
        changes: &Changes,
    ) -> Result<(Arc<Snapshot>, Gate), EditingError> {
        let (live, over, now) = (site.snapshot.clone(), changes.clone(), self.store.env().now());
        blocking(move || {
            let changed = live.overlaid(&over).map_err(EditingError::Broken)?;
            let gate = gate(&live, &changed, &over, now);
            Ok((changed, gate))
        })
        .await
    }
}
