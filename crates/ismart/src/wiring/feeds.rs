//! Inventory feeds are fetched on a schedule: `[inventory] url` and `every_minutes` of a site. What cannot be read, or
//! would empty the site, is told in the console, and the stock of before stays.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ismart_domain::{ClientId, SiteId};
use ismart_http::{Client, Response};
use ismart_knowledge::catalogue::Shrunk;
use ismart_knowledge::{Feed, FeedError, FlatFeed, Limits};
use ismart_store::feeds::{self, FeedOutcome, FeedState};
use ismart_store::{StoreError, Tx};
use ismart_web::Platform;
use ismart_web::feeds::{FeedKind, FeedPlan, WantedFeed};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Reloader;

/// How often it is looked at which feeds are due.
const LOOK: Duration = Duration::from_secs(5);
/// The largest feed, bytes.
pub(super) const LARGEST: usize = 64 * 1024 * 1024;
/// Feeds fetched at once.
const AT_ONCE: usize = 4;

/// Fetches the feeds of all sites.
pub(crate) struct Feeds {
    client: Client,
    platform: Arc<Platform>,
    reloader: Arc<Reloader>,
    /// When each site's feed is fetched next.
    due: HashMap<String, Timestamp>,
}

/// The feed of one site.
#[derive(Debug, Clone)]
struct Source {
    key: String,
    client_id: ClientId,
    site_id: SiteId,
    root: PathBuf,
    plan: FeedPlan,
    year: u16,
    /// Somebody says that it is right however little is left.
    believed: bool,
}

impl Feeds {
    pub(super) fn new(client: Client, platform: Arc<Platform>, reloader: Arc<Reloader>) -> Self {
        Self { client, platform, reloader, due: HashMap::new() }
    }

    /// Fetches what is due and what is asked for, until told to stop.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.platform.feeds.rung() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let wanted = self.platform.feeds.take();
            if let Err(error) = self.round(&wanted).await {
                tracing::error!(error = %error, "the state of feeds could not be read or written");
            }
            for WantedFeed { done, .. } in wanted {
                // Who asked may be gone.
                let _nobody_waits = done.send(()).is_err();
            }
        }
    }

    /// Fetches everything that is due, and what is wanted; sites with a new stock are served anew.
    async fn round(&mut self, wanted: &[WantedFeed]) -> Result<(), StoreError> {
        let now = self.platform.env.now();
        let mut jobs = Vec::new();
        for mut source in self.sources(now) {
            let asked = wanted.iter().find(|wanted| wanted.site == source.key);
            let due = match self.due.get(&source.key) {
                Some(due) => *due,
                None => self.first(&source).await?,
            };
            self.due.insert(source.key.clone(), due);
            source.believed = asked.is_some_and(|asked| asked.believed);
            if asked.is_some() || due <= now {
                jobs.push(source);
            }
        }
        let mut fresh = false;
        while !jobs.is_empty() {
            let rest = jobs.split_off(jobs.len().min(AT_ONCE));
            let mut running = JoinSet::new();
            for source in std::mem::replace(&mut jobs, rest) {
                running.spawn(fetched(self.client.clone(), self.platform.clone(), source));
            }
            while let Some(done) = running.join_next().await {
                let Ok(done) = done else { continue };
                let (source, state) = done?;
                self.due.insert(source.key.clone(), next(&source.plan, &state));
                fresh |= state.outcome == FeedOutcome::Fresh;
            }
        }
        if fresh {
            match self.reloader.reload(&self.platform).await {
                Ok(told) => tracing::info!(told = told.len(), "sites with a new stock were loaded again"),
                Err(error) => {
                    tracing::error!(error = ?error.0.first().map(|t| &t.reason), "a new stock was not loaded")
                }
            }
        }
        Ok(())
    }

    fn sources(&self, now: Timestamp) -> Vec<Source> {
        let world = self.platform.world.load();
        let year = u16::try_from(now.to_zoned(jiff::tz::TimeZone::UTC).year()).unwrap_or(2026);
        let source = |site: &Arc<ismart_sites::Snapshot>| {
            let config = site.config();
            let plan = FeedPlan::of(config).ok()??;
            let place = world.places.get(&config.site)?;
            Some(Source {
                key: config.site.clone(),
                client_id: place.client_id,
                site_id: place.site_id,
                root: site.root().to_path_buf(),
                plan,
                year,
                believed: false,
            })
        };
        world.fleet.sites().iter().filter_map(source).collect()
    }

    /// When a feed is due that this process has not fetched yet: a restart asks nobody earlier than agreed.
    async fn first(&self, source: &Source) -> Result<Timestamp, StoreError> {
        let mut conn = self.platform.store.read().await?;
        let state = feeds::of_site(&mut conn, source.client_id, source.site_id).await?;
        let state = state.filter(|state| state.url == source.plan.url);
        Ok(state.map_or(Timestamp::UNIX_EPOCH, |state| next(&source.plan, &state)))
    }
}

/// The next fetching: at the agreed time, after a failure sooner, each time twice as late.
fn next(plan: &FeedPlan, state: &FeedState) -> Timestamp {
    let doublings = u32::try_from(state.failures.clamp(0, 16)).unwrap_or(16);
    let minutes = match doublings {
        0 => plan.every_minutes,
        failures => plan.every_minutes.min(1_u32 << (failures - 1)),
    };
    state.tried_at + SignedDuration::from_mins(i64::from(minutes))
}

async fn fetched(
    client: Client,
    platform: Arc<Platform>,
    source: Source,
) -> Result<(Source, FeedState), StoreError> {
    let (client_id, site_id) = (source.client_id, source.site_id);
    let old = feeds::of_site(&mut platform.store.read().await?, client_id, site_id).await?;
    let old = old.filter(|state| state.url == source.plan.url);
    let state = tried(&client, &source, old, platform.env.now()).await;
    if state.outcome.is_good() {
        tracing::info!(
            site = source.key,
            outcome = state.outcome.code(),
            items = state.items,
            "a feed was fetched"
        );
    } else {
        tracing::warn!(
            site = source.key,
            outcome = state.outcome.code(),
            why = state.note,
            "a feed was not taken"
        );
    }
    let kept = state.clone();
    let written: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { feeds::put(tx, client_id, site_id, &kept).await }))
        .await;
    written?;
    Ok((source, state))
}

/// One try; gives what is to be kept of it.
async fn tried(client: &Client, source: &Source, old: Option<FeedState>, now: Timestamp) -> FeedState {
    let target = source.root.join(&source.plan.file);
    let mut state = old.unwrap_or_else(|| FeedState {
        url: source.plan.url.clone(),
        etag: None,
        last_modified: None,
        tried_at: now,
        good_at: None,
        outcome: FeedOutcome::Failed,
        note: String::new(),
        items: 0,
        failures: 0,
    });
    state.tried_at = now;
    let mut request =
        client.get(&source.plan.url).body_limit(LARGEST).header("accept", "application/xml, text/xml, */*");
    // Tags say what the source has since then; without the file of then they say nothing.
    if target.is_file() && !source.believed {
        for (name, value) in [("if-none-match", &state.etag), ("if-modified-since", &state.last_modified)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
    }
    let got = match request.send().await {
        Ok(answer) if answer.status() == 304 => Ok(Taken::Same),
        Ok(answer) => taken(answer, source, &target, &mut state).await,
        Err(failure) => Err((FeedOutcome::Failed, failure.to_string())),
    };
    match got {
        Ok(taken) => {
            state.outcome = if matches!(taken, Taken::Same) { FeedOutcome::Same } else { FeedOutcome::Fresh };
            (state.note, state.failures, state.good_at) = (String::new(), 0, Some(now));
        }
        Err((outcome, note)) => {
            (state.outcome, state.note) = (outcome, note.chars().take(500).collect());
            state.failures += 1;
        }
    }
    state
}

enum Taken {
    Same,
    Fresh,
}

/// Judges an answer with a body, and keeps it when it is right.
async fn taken(
    answer: Response,
    source: &Source,
    target: &Path,
    state: &mut FeedState,
) -> Result<Taken, (FeedOutcome, String)> {
    let failed = |note: String| (FeedOutcome::Failed, note);
    if let Some(place) = answer.location().filter(|_| (300..400).contains(&answer.status())) {
        return Err(failed(format!("the server leads to {place}: write that address as `url`")));
    }
    if !answer.is_success() {
        return Err(failed(format!("the server answers {}", answer.status())));
    }
    let (bytes, target) = (answer.body().clone(), target.to_path_buf());
    let (limits, believed, kind) = (Limits::in_year(source.year), source.believed, source.plan.kind);
    let judged = tokio::task::spawn_blocking(move || judge(&bytes, &target, &limits, believed, kind)).await;
    let (taken, items) = judged.map_err(|error| failed(error.to_string()))??;
    state.etag = answer.header("etag").map(str::to_owned);
    state.last_modified = answer.header("last-modified").map(str::to_owned);
    state.items = i64::try_from(items).unwrap_or(i64::MAX);
    Ok(taken)
}

/// Reads a new feed beside the old one and puts it in its place; gives the number of its items.
fn judge(
    bytes: &[u8],
    target: &Path,
    limits: &Limits,
    believed: bool,
    kind: FeedKind,
) -> Result<(Taken, usize), (FeedOutcome, String)> {
    let failed = |note: String| (FeedOutcome::Failed, note);
    let items = count(bytes, limits, kind).map_err(|error| failed(error.to_string()))?;
    let before = match std::fs::read(target) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(format!("{} cannot be read: {error}", target.display()))),
    };
    if before.as_deref() == Some(bytes) {
        return Ok((Taken::Same, items));
    }
    let old = before.and_then(|before| count(&before, limits, kind).ok()).filter(|_| !believed);
    if let Some(shrunk) = old.and_then(|old| Shrunk::judge(old, items)) {
        return Err((FeedOutcome::Kept, shrunk.to_string()));
    }
    write_whole(target, bytes)
        .map_err(|error| failed(format!("{} cannot be written: {error}", target.display())))?;
    Ok((Taken::Fresh, items))
}

/// How many items of a feed can be shown.
fn count(bytes: &[u8], limits: &Limits, kind: FeedKind) -> Result<usize, FeedError> {
    match kind {
        FeedKind::Cars => Feed::read(bytes, limits).map(|feed| feed.vehicles.len()),
        FeedKind::Flats => FlatFeed::read(bytes, limits).map(|feed| feed.flats.len()),
    }
}

/// Beside its place first, flushed, then renamed: readers and crashes find the old file or the new one.
fn write_whole(target: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.new"));
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&beside, target)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_fails_is_asked_again_soon_and_then_later() {
        let plan =
            FeedPlan { url: String::new(), file: String::new(), every_minutes: 60, kind: FeedKind::Cars };
        let state = |failures| FeedState {
            url: String::new(),
            etag: None,
            last_modified: None,
            tried_at: Timestamp::UNIX_EPOCH,
            good_at: None,
            outcome: FeedOutcome::Failed,
            note: String::new(),
            items: 0,
            failures,
        };
        let minutes: Vec<i64> = [0, 1, 2, 3, 6, 7, 400]
            .into_iter()
            .map(|failures| next(&plan, &state(failures)).as_second() / 60)
            .collect();
        assert_eq!(minutes, [60, 1, 2, 4, 32, 60, 60]);
    }
}
