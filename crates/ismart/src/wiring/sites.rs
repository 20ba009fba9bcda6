//! Site folders become snapshots, catalogues and indexes of what may be quoted.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ismart_domain::Env;
use ismart_knowledge::catalogue::admit;
use ismart_knowledge::{Catalogue, Feed, FlatFeed, Index, ItemProblem, Limits, Passage, passages_from_page};
use ismart_sites::{
    CollectionSource, Cores, External, Finding, Fleet, HostConflict, Severity, SiteConfig, SiteFolder,
    Snapshot,
};
use ismart_web::feeds::{FeedKind, FeedPlan};
use jiff::Timestamp;
use serde_json::Value;

use crate::config::Loaded;
use crate::output::Trouble;

/// A loaded site with what was read beside it.
pub(crate) struct Parts {
    pub(super) folder: PathBuf,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) index: Arc<Index>,
    pub(super) warnings: Vec<Trouble>,
}

/// Loads every site folder, or says everything that is wrong with any of them.
pub(super) fn load_all(loaded: &Loaded, env: &Env) -> Result<Vec<Parts>, Vec<Trouble>> {
    let paths = folders(loaded).map_err(|trouble| vec![trouble])?;
    let (sites, troubles): (Vec<_>, Vec<_>) =
        load_each(&paths, &cores(loaded), env).into_iter().partition(|found| found.is_ok());
    let troubles: Vec<Trouble> = troubles.into_iter().filter_map(Result::err).flatten().collect();
    if troubles.is_empty() { Ok(sites.into_iter().flatten().collect()) } else { Err(troubles) }
}

/// Loads site folders, each on its own, on all cores; the results are in the order of the folders.
pub(super) fn load_each(
    paths: &[PathBuf],
    cores: &Arc<Cores>,
    env: &Env,
) -> Vec<Result<Parts, Vec<Trouble>>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(at) else { return done };
            done.push((at, load(path, cores, env)));
        }
    };
    let mut all: Vec<(usize, Result<Parts, Vec<Trouble>>)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(paths.len())).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, found)| found).collect()
}

fn load(path: &Path, cores: &Arc<Cores>, env: &Env) -> Result<Parts, Vec<Trouble>> {
    let folder = SiteFolder::new(path);
    let explain = |findings: Vec<Finding>| findings.iter().map(|f| trouble(path, f)).collect::<Vec<_>>();
    let config = folder.config().map_err(explain)?;
    let Stock { catalogue, entities, warnings } = read_feed(path, &config, env)?;
    let mut external = External { cores: cores.clone(), ..External::default() };
    for (key, collection) in &config.collections {
        if collection.source == CollectionSource::Feed {
            external.collections.insert(key.clone(), entities.clone());
        }
    }
    let snapshot = folder.load(&external).map_err(explain)?;
    // Only a worker asks the index.
    let employs = config.section("worker").is_some();
    let passages = if employs { passages(&snapshot, &catalogue, env.now()) } else { Vec::new() };
    let index = Arc::new(Index::new(passages));
    Ok(Parts { folder: path.to_path_buf(), snapshot, catalogue, index, warnings })
}

/// A number that changes when the site's folder or a feed outside of it changes.
pub(super) fn print(path: &Path, cores: &Cores) -> u64 {
    let folder = SiteFolder::new(path);
    let mut hasher = std::hash::DefaultHasher::new();
    folder.print().hash(&mut hasher);
    let config = folder.config().ok();
    let core = config.as_ref().and_then(|config| cores.get(config.core.as_ref()?).ok());
    core.map(|core| core.print()).hash(&mut hasher);
    let feed = config.as_ref().and_then(|config| config.section("inventory")?.get("feed")?.as_str());
    if let Some(meta) = feed.and_then(|feed| std::fs::metadata(path.join(feed)).ok()) {
        (meta.len(), meta.modified().ok()).hash(&mut hasher);
    }
    hasher.finish()
}

/// The stock of a site.
#[derive(Default)]
struct Stock {
    /// Its cars; what else it sells is read from its pages.
    catalogue: Arc<Catalogue>,
    /// What its pages show.
    entities: Vec<Value>,
    warnings: Vec<Trouble>,
}

/// The stock of the site's `[inventory]`, if it has one.
fn read_feed(path: &Path, config: &SiteConfig, env: &Env) -> Result<Stock, Vec<Trouble>> {
    let text =
        |key: &str| config.section("inventory").and_then(|table| table.get(key)).and_then(|v| v.as_str());
    let default = text("url").map(|_| "data/feeds/stock.xml");
    let Some(feed) = text("feed").or(default) else { return Ok(Stock::default()) };
    let file = path.join(feed);
    let place = file.display().to_string();
    let broken = |reason: String, repair: &str| vec![Trouble::new(&place, reason, repair)];
    let repair = "correct [inventory] in config/site.toml";
    let fetches = FeedPlan::of(config).map_err(|reason| broken(reason, repair))?.is_some();
    let source = match std::fs::File::open(&file) {
        Ok(source) => source,
        // Before the first fetching there is nothing yet.
        Err(error) if fetches && error.kind() == std::io::ErrorKind::NotFound => {
            let told =
                Trouble::new(&place, "the feed was not fetched yet", "it is fetched while the server runs");
            return Ok(Stock { warnings: vec![told.warning()], ..Stock::default() });
        }
        Err(error) => {
            return Err(broken(error.to_string(), "check `feed` under [inventory] in config/site.toml"));
        }
    };
    let year = u16::try_from(env.now().to_zoned(jiff::tz::TimeZone::UTC).year()).unwrap_or(2026);
    let limits = Limits::in_year(year);
    let again = |format: &str| format!("export the feed again; the format is {format}");
    let told = |problems: &[ItemProblem]| -> Vec<Trouble> {
        let place = |problem: &ItemProblem| format!("{place}:{}", problem.line);
        let told = problems
            .iter()
            .map(|problem| Trouble::new(place(problem), problem.to_string(), problem.fix.clone()).warning());
        told.collect()
    };
    match FeedKind::of(config).map_err(|reason| broken(reason, repair))? {
        FeedKind::Cars => {
            let feed = Feed::read(source, &limits)
                .map_err(|e| broken(e.to_string(), &again("auto.ru's dealer XML")))?;
            let warnings = told(&feed.problems);
            let catalogue = admit(None, feed).catalogue;
            let entities = catalogue.vehicles().iter().map(|vehicle| vehicle.entity()).collect();
            Ok(Stock { catalogue, entities, warnings })
        }
        FeedKind::Flats => {
            let feed = FlatFeed::read(source, &limits)
                .map_err(|e| broken(e.to_string(), &again("Yandex's XML of real estate (YRL)")))?;
            let entities = feed.flats.iter().map(ismart_knowledge::Flat::entity).collect();
            Ok(Stock { catalogue: Arc::default(), entities, warnings: told(&feed.problems) })
        }
    }
}

/// What a worker may quote: every visible page, and the shared facts that pages print from `global.json`.
fn passages(snapshot: &Snapshot, catalogue: &Catalogue, now: Timestamp) -> Vec<Passage> {
    let mut all = Vec::new();
    for document in snapshot.documents() {
        // Cars are answered from the catalogue, which is asked at the moment of the question.
        if document.entity.is_some() && document.file.is_none() && !catalogue.is_empty() {
            continue;
        }
        let body = snapshot.resolved(document.body, now);
        all.extend(passages_from_page(document.title, &document.url, &body));
    }
    all.extend(foreign_pages(snapshot));
    for (key, page) in shared_facts(snapshot.config()) {
        if let Some(facts) = snapshot.global().get(&key) {
            let title = page_title(snapshot, &page).unwrap_or_else(|| key.clone());
            all.extend(passages_from_page(&title, &page, &snapshot.resolved(facts, now)));
        }
    }
    all
}

/// The pages of a site that somebody else serves, as `ismart pilot` read them.
fn foreign_pages(snapshot: &Snapshot) -> Vec<Passage> {
    let pages = snapshot.json("data/pilot/pages.json").and_then(Value::as_array);
    let read = |page: &Value| {
        let text = |key: &str| page.get(key).and_then(Value::as_str);
        Some(passages_from_page(text("title")?, text("path")?, page.get("content")?))
    };
    pages.into_iter().flatten().filter_map(read).flatten().collect()
}

/// `[worker.facts]` of site.toml: part of `global.json` → the page that shows it.
fn shared_facts(config: &SiteConfig) -> Vec<(String, String)> {
    let facts = config.section("worker").and_then(|table| table.get("facts")).and_then(|v| v.as_table());
    facts
        .into_iter()
        .flatten()
        .filter_map(|(key, page)| Some((key.clone(), page.as_str()?.to_owned())))
        .collect()
}

fn page_title(snapshot: &Snapshot, url: &str) -> Option<String> {
    let path = url.split('#').next().unwrap_or(url);
    snapshot.documents().find(|document| document.url == path).map(|document| document.title.to_owned())
}

/// The cores that the configuration names a folder for.
pub(crate) fn cores(loaded: &Loaded) -> Arc<Cores> {
    Arc::new(Cores::new(loaded.base.join(&loaded.config.cores)))
}

/// The folders of all sites, in order.
pub(super) fn folders(loaded: &Loaded) -> Result<Vec<PathBuf>, Trouble> {
    let folder = loaded.base.join(&loaded.config.sites);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let repair = "check the key `sites` of the configuration and the rights of the folder";
            return Err(Trouble::new(folder.display().to_string(), error.to_string(), repair));
        }
    };
    let hidden = |path: &Path| path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir() && !hidden(path)).collect();
    paths.sort();
    Ok(paths)
}

/// Key of a site → its folder, of those whose configuration can be read.
pub(super) fn roots(loaded: &Loaded) -> HashMap<String, PathBuf> {
    let paths = folders(loaded).ok().into_iter().flatten();
    paths.filter_map(|path| Some((SiteFolder::new(&path).config().ok()?.site, path))).collect()
}

/// Configurations of sites, of those that can be read.
pub(super) fn configs(loaded: &Loaded) -> impl Iterator<Item = SiteConfig> {
    let paths = folders(loaded).ok().into_iter().flatten();
    paths.filter_map(|path| SiteFolder::new(&path).config().ok())
}

/// Everything that is wrong with a site that loads.
pub(super) fn examine(parts: &Parts, now: Timestamp) -> Vec<Trouble> {
    let mut findings = ismart_sites::check(&parts.snapshot, now);
    findings.extend(ismart_sites::conventions(&parts.folder));
    let mut troubles: Vec<Trouble> = findings.iter().map(|f| trouble(&parts.folder, f)).collect();
    troubles.extend(parts.warnings.iter().cloned());
    troubles
}

/// Hosts that two sites claim.
pub(super) fn conflicts(parts: &[Parts]) -> Vec<Trouble> {
    match Fleet::new(parts.iter().map(|part| part.snapshot.clone()).collect()) {
        Ok(_) => Vec::new(),
        Err(conflicts) => conflicts.iter().map(conflict).collect(),
    }
}

/// A host that two sites claim, as a trouble of a command.
pub(super) fn conflict(conflict: &HostConflict) -> Trouble {
    Trouble::new(conflict.host.clone(), conflict.to_string(), "keep the host in one site")
}

/// A finding of the site crate as a trouble of a command.
pub(super) fn trouble(folder: &Path, finding: &Finding) -> Trouble {
    let mut place = folder.join(&finding.file).display().to_string();
    if let Some(position) = finding.position {
        place.push_str(&format!(":{}:{}", position.line, position.column));
    }
    if let Some(pointer) = finding.pointer.as_deref().filter(|pointer| !pointer.is_empty()) {
        place.push_str(&format!(" at {pointer}"));
    }
    let trouble = Trouble::new(place, format!("{} [{}]", finding.reason, finding.rule), finding.fix.clone());
    if finding.severity == Severity::Warning { trouble.warning() } else { trouble }
}

/// The text of a part of `global.json`.
pub(super) fn text_at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}
