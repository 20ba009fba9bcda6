//! The folder that a drill works in, and the simulated CRM beside it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_emulators::bitrix24::{Limits, Portal, PortalHandle};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::commands::demo::unpack;
use crate::output::Failed;

/// The client of every drill.
pub(super) const CLIENT: &str = "avtograd";
/// Name of its destination.
pub(super) const DESTINATION: &str = "bitrix24";
/// Requests that a portal's simulation remembers: the drills ask what it holds, not what it was asked.
pub(super) const REMEMBERED: usize = 1000;

/// Where a drill works.
pub(super) struct Scene {
    /// How many leads come in.
    pub(super) leads: u32,
    /// How often the drill strikes.
    pub(super) strikes: u32,
    folder: PathBuf,
    began: Instant,
    _temporary: Option<TempDir>,
}

impl Scene {
    /// Makes the folder of a drill, with a site to send forms to.
    pub(super) fn set(folder: Option<&Path>, drill: &str, leads: u32, strikes: u32) -> Result<Self, Failed> {
        let refused = |place: &Path, reason: String| {
            Failed::one(place.display().to_string(), reason, "give an empty folder with --folder")
        };
        let (folder, temporary) = match folder {
            Some(folder) => (folder.join(drill), None),
            None => {
                let made = TempDir::with_prefix("ismart-drill-")
                    .map_err(|e| refused(&std::env::temp_dir(), e.to_string()))?;
                (made.path().join(drill), Some(made))
            }
        };
        if folder.exists() {
            return Err(refused(&folder, "is there already; a drill begins with nothing".to_owned()));
        }
        unpack::unpack(&folder)?;
        Ok(Self { leads, strikes, folder, began: Instant::now(), _temporary: temporary })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Since the beginning.
    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// How long deliveries may take after the last lead came in.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(120 + u64::from(self.leads) / 20)
    }

    /// A simulated portal with limits and a clock, which remembers so many requests.
    pub(super) async fn portal(
        &self,
        limits: Limits,
        remembered: usize,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<PortalHandle, Failed> {
        let started =
            Portal::builder(clock).webhook(1, "drill").limits(limits).log_limit(remembered).start().await;
        started.map_err(|error| {
            Failed::one("simulated Bitrix24", error.to_string(), "allow servers on 127.0.0.1")
        })
    }

    /// A configuration whose leads go to this portal.
    pub(super) fn configuration(&self, portal: &PortalHandle, store: &str) -> String {
        format!(
            "sites = {sites:?}\n[store]\n{store}\n[http]\nallow_loopback = true\nper_minute = 1000000\n\
             [log]\nfilter = \"error\"\n\
             [[client]]\nslug = \"{CLIENT}\"\nname = \"Drill\"\n\
             [[client.destination]]\nname = \"{DESTINATION}\"\nkind = \"bitrix24\"\n\
             [client.destination.settings]\nwebhook = \"{webhook}\"\nrate = 100000\nburst = 100000\n",
            sites = self.folder.join("sites").display().to_string(),
            webhook = portal.webhook_url(),
        )
    }
}

/// A random wait of at most so many milliseconds.
pub(super) async fn a_while(most: u64) {
    let [byte] = Env::system().random();
    tokio::time::sleep(Duration::from_millis(most * u64::from(byte) / 255)).await;
}
