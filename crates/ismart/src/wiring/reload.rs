//! The fleet in service: loads what changed, keeps what did not, and lets no site's fault touch another.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use ismart_connect::Egress;
use ismart_domain::Env;
use ismart_sites::{Cores, Fleet, SiteFolder};
use ismart_web::{Guard, Place, Platform, Shop, World};
use ismart_workers::desk::Workplace;
use tokio::sync::Mutex;

use super::sites::{self, Parts};
use super::workers::Packages;
use super::{captcha, shop};
use crate::config::Loaded;
use crate::output::{Failed, Trouble};

/// A site in service.
#[derive(Clone)]
struct Held {
    /// Of its folder when it was loaded.
    print: u64,
    parts: Arc<Parts>,
    place: Arc<Place>,
    workplace: Option<Arc<Workplace>>,
    shop: Option<Arc<Shop>>,
    guard: Option<Guard>,
}

/// Loads sites and puts them into service; kept for a reload.
pub(crate) struct Reloader {
    pub(super) packages: Packages,
    loaded: Loaded,
    cores: Arc<Cores>,
    pub(super) egress: Egress,
    /// One reload at a time; by folder.
    held: Mutex<HashMap<PathBuf, Held>>,
}

/// A folder as it was found.
struct Seen {
    path: PathBuf,
    print: u64,
    parts: Result<Arc<Parts>, Vec<Trouble>>,
}

/// Site folders that were read, sound or not.
pub(super) struct Found(Vec<Seen>);

impl Found {
    /// Reads every site folder.
    pub(super) fn all(loaded: &Loaded, cores: &Arc<Cores>, env: &Env) -> Result<Self, Failed> {
        let paths = sites::folders(loaded).map_err(|trouble| Failed(vec![trouble]))?;
        let prints: Vec<u64> = paths.iter().map(|path| sites::print(path, cores)).collect();
        Ok(Self::load(paths, prints, cores, env))
    }

    fn load(paths: Vec<PathBuf>, prints: Vec<u64>, cores: &Arc<Cores>, env: &Env) -> Self {
        let parts = sites::load_each(&paths, cores, env);
        let seen = paths.into_iter().zip(prints).zip(parts);
        Self(seen.map(|((path, print), parts)| Seen { path, print, parts: parts.map(Arc::new) }).collect())
    }
}

impl Reloader {
    pub(super) fn new(loaded: Loaded, cores: Arc<Cores>, packages: Packages, egress: Egress) -> Self {
        Self { loaded, cores, packages, egress, held: Mutex::default() }
    }

    /// Puts the sites of the start into service. A site that cannot be loaded is told about and answers 503.
    ///
    /// # Errors
    /// When no site can be served, or two sites claim one host.
    pub(super) async fn start(&self, platform: &Platform, found: Found) -> Result<Vec<Trouble>, Failed> {
        let mut held = self.held.lock().await;
        let told = self.take(platform, &mut held, found).await;
        if held.is_empty() && told.iter().any(|trouble| !trouble.warning) {
            return Err(Failed(told));
        }
        self.install(platform, &held)?;
        Ok(told)
    }

    /// Reads the site folders that changed. A site that is not sound, templates included, stays as it was; all others
    /// are served anew. Gives what was found: warnings, and the faults of sites that stay as they were.
    ///
    /// # Errors
    /// When the folders cannot be listed or two sites claim one host: everything stays as it is.
    pub(crate) async fn reload(&self, platform: &Platform) -> Result<Vec<Trouble>, Failed> {
        let mut held = self.held.lock().await;
        let paths = sites::folders(&self.loaded).map_err(|trouble| Failed(vec![trouble]))?;
        let mut changed = (Vec::new(), Vec::new());
        for path in &paths {
            let print = sites::print(path, &self.cores);
            if held.get(path).is_none_or(|old| old.print != print) {
                changed.0.push(path.clone());
                changed.1.push(print);
            }
        }
        let (cores, env) = (self.cores.clone(), platform.env.clone());
        let found =
            tokio::task::spawn_blocking(move || Found::load(changed.0, changed.1, &cores, &env)).await;
        let mut found = found
            .map_err(|error| Failed::one("sites", error.to_string(), "a defect: the log has the place"))?;
        for seen in &mut found.0 {
            let faults: Vec<Trouble> = seen.parts.iter().flat_map(|parts| broken_templates(parts)).collect();
            if !faults.is_empty() && held.contains_key(&seen.path) {
                seen.parts = Err(faults);
            }
        }
        let mut next: HashMap<PathBuf, Held> = HashMap::new();
        let told = self.take(platform, &mut next, found).await;
        for (path, old) in held.iter().filter(|(path, _)| paths.contains(*path)) {
            next.entry(path.clone()).or_insert_with(|| old.clone());
        }
        self.install(platform, &next)?;
        *held = next;
        Ok(told)
    }

    /// Gives every site its place anew, after its client's destinations changed. A site that has none keeps the old one.
    ///
    /// # Errors
    /// When two sites claim one host: everything stays as it is.
    pub(crate) async fn place_again(&self, platform: &Platform) -> Result<(), Failed> {
        let mut held = self.held.lock().await;
        let mut next = held.clone();
        for one in next.values_mut() {
            if let Ok((place, workplace)) = self.open(platform, &one.parts).await {
                (one.place, one.workplace) = (Arc::new(place), workplace.map(Arc::new));
            }
        }
        self.install(platform, &next)?;
        *held = next;
        Ok(())
    }

    /// The folders that sites are made of.
    pub(crate) fn folders(&self) -> [PathBuf; 2] {
        let config = &self.loaded.config;
        [self.loaded.base.join(&config.sites), self.loaded.base.join(&config.cores)]
    }

    /// A number that changes when a site comes or goes or its configuration changes: what commands change while the
    /// server runs. Cheap enough to be asked every second.
    pub(crate) fn stamp(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        for path in sites::folders(&self.loaded).unwrap_or_default() {
            let meta = std::fs::metadata(path.join(ismart_sites::SITE_TOML)).ok();
            (path, meta.map(|meta| (meta.len(), meta.modified().ok()))).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Opens what was found; gives warnings and faults.
    async fn take(
        &self,
        platform: &Platform,
        held: &mut HashMap<PathBuf, Held>,
        found: Found,
    ) -> Vec<Trouble> {
        let mut told = Vec::new();
        for Seen { path, print, parts } in found.0 {
            let parts = match parts {
                Ok(parts) => parts,
                Err(faults) => {
                    told.extend(faults);
                    continue;
                }
            };
            told.extend(parts.warnings.iter().cloned());
            told.extend(broken_templates(&parts).map(Trouble::warning));
            match self.open(platform, &parts).await {
                Ok((place, workplace)) => {
                    let (place, workplace) = (Arc::new(place), workplace.map(Arc::new));
                    // A site that cannot take money is still there to be read.
                    let shop = shop::open(&self.egress, &platform.store, &parts, &place);
                    let shop = shop.unwrap_or_else(|faults| {
                        told.extend(faults.into_iter().map(Trouble::warning));
                        None
                    });
                    let guard = captcha::open(&self.egress, &parts).unwrap_or_else(|faults| {
                        told.extend(faults.into_iter().map(Trouble::warning));
                        None
                    });
                    let guard = guard.map(Guard);
                    held.insert(path, Held { print, parts, place, workplace, shop, guard });
                }
                Err(Failed(faults)) => told.extend(faults),
            }
        }
        told
    }

    /// Puts what is held into service, all at once.
    fn install(&self, platform: &Platform, held: &HashMap<PathBuf, Held>) -> Result<(), Failed> {
        let mut all: Vec<(&PathBuf, &Held)> = held.iter().collect();
        all.sort_by_key(|(path, _)| *path);
        let snapshots = all.iter().map(|(_, held)| held.parts.snapshot.clone()).collect();
        let fleet = Fleet::new(snapshots)
            .map_err(|conflicts| Failed(conflicts.iter().map(sites::conflict).collect()))?;
        let places = all
            .iter()
            .map(|(_, held)| (held.parts.snapshot.config().site.clone(), held.place.clone()))
            .collect();
        platform.desk.open(all.iter().filter_map(|(_, held)| held.workplace.clone()));
        let down = self.down(held);
        let sells = all.iter().filter_map(|(_, held)| Some((held.place.site_id, held.shop.clone()?)));
        let guarded = all.iter().filter_map(|(_, held)| Some((held.place.site_id, held.guard.clone()?)));
        let (shops, guards) = (sells.collect(), guarded.collect());
        platform.world.store(Arc::new(World { fleet, places, down, shops, guards }));
        platform.fleet.loaded.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Hosts of sites that have a readable configuration and nothing to serve.
    fn down(&self, held: &HashMap<PathBuf, Held>) -> HashMap<String, String> {
        let paths = sites::folders(&self.loaded).unwrap_or_default();
        let missing = paths.iter().filter(|path| !held.contains_key(*path));
        let configs = missing.filter_map(|path| SiteFolder::new(path).config().ok());
        configs
            .flat_map(|config| config.hosts.clone().into_iter().map(move |host| (host, config.site.clone())))
            .collect()
    }
}

/// What does not compile of a site.
fn broken_templates(parts: &Parts) -> impl Iterator<Item = Trouble> {
    parts.snapshot.template_faults().iter().map(|fault| sites::trouble(&parts.folder, fault))
}
