//! The fleet as the agency sees it: every site against every rule, and new versions of cores on their way.

mod camera;
mod stage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ismart_sites::{Cores, Drift, Expected, Rollouts, Snapshot};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};

pub use camera::{Camera, CameraError, Compared};
pub use stage::Stage;

/// Where the fleet lies.
#[derive(Debug, Clone, Default)]
pub struct FleetFolders {
    /// The folder of the sites.
    pub sites: PathBuf,
    /// The folder of the roll-outs.
    pub rollouts: PathBuf,
}

/// What the screens and commands of the fleet share.
#[derive(Debug)]
pub struct FleetRoom {
    /// The cores.
    pub cores: Arc<Cores>,
    /// The roll-outs.
    pub rollouts: Rollouts,
    /// Takes pictures of pages, where a browser is installed.
    pub camera: Option<Camera>,
    /// Notified when the sites' files were changed by the console: the server reads them again.
    pub changed: Notify,
    /// How often the sites were loaded again.
    pub loaded: watch::Sender<u64>,
    /// Number of a snapshot → what was found in it.
    drifts: Mutex<HashMap<u64, Arc<Drift>>>,
}

impl FleetRoom {
    pub(crate) fn new(cores: Arc<Cores>, folders: &FleetFolders) -> Self {
        Self {
            cores,
            rollouts: Rollouts::new(&folders.rollouts, &folders.sites),
            camera: Camera::find(),
            changed: Notify::new(),
            loaded: watch::Sender::new(0),
            drifts: Mutex::default(),
        }
    }

    /// What every site has against the rules. A site that was checked and did not change since is not checked again;
    /// the others are, on all cores: keep it off the threads that answer visitors.
    #[must_use]
    pub fn drifts(&self, sites: &[Arc<Snapshot>], now: Timestamp) -> Vec<Arc<Drift>> {
        let expected = Expected::of(sites.iter().map(AsRef::as_ref));
        let known = self.drifts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh: Vec<&Arc<Snapshot>> = sites.iter().filter(|s| !known.contains_key(&s.number())).collect();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = fresh.len().div_ceil(threads).max(1);
        let expected = &expected;
        let found: Vec<(u64, Arc<Drift>)> = std::thread::scope(|scope| {
            let check = |site: &&Arc<Snapshot>| {
                (site.number(), Arc::new(Drift::of(site, &self.cores, expected, now)))
            };
            let parts: Vec<_> = fresh
                .chunks(share)
                .map(|part| scope.spawn(move || part.iter().map(check).collect::<Vec<_>>()))
                .collect();
            parts.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
        });
        let mut drifts = self.drifts.lock().unwrap_or_else(PoisonError::into_inner);
        drifts.retain(|number, _| sites.iter().any(|site| site.number() == *number));
        drifts.extend(found);
        sites.iter().filter_map(|site| drifts.get(&site.number()).cloned()).collect()
    }

    /// Forgets what was found: a core or an expectation changed.
    pub fn forget(&self) {
        self.drifts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
