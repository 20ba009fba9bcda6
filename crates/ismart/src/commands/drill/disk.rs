//! A disk that runs full while leads come in. The data lies on a small tmpfs of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_emulators::bitrix24::Limits;
use ismart_store::Store;

use super::chaos::share;
use super::forms::Forms;
use super::scene::{REMEMBERED, Scene};
use super::server::Server;
use super::{Ended, judge};
use crate::output::Failed;

/// How long a full disk lasts at least once it was felt, and how long the drill waits for that.
const FULL: Duration = Duration::from_secs(1);
const FELT_WITHIN: Duration = Duration::from_secs(15);

/// A tmpfs; taken away when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path, kilobytes: u64) -> Result<Self, String> {
        std::fs::create_dir_all(place).map_err(|e| e.to_string())?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(place)
            .output()
            .map_err(|e| format!("`mount` cannot be run: {e}"))?;
        if output.status.success() {
            return Ok(Self(place.to_path_buf()));
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("a small tmpfs cannot be mounted ({said}): run it as root"))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            tracing::error!(place = %self.0.display(), "the drill's tmpfs is still mounted: umount it");
        }
    }
}

/// Runs it: fills the disk so many times, each second time with a kill while it is full.
pub(super) async fn run(scene: &Scene) -> Result<Ended, Failed> {
    let data = scene.folder().join("small");
    let disk = match SmallDisk::mount(&data, 48 * 1024 + u64::from(scene.leads) * 24) {
        Ok(disk) => disk,
        Err(why) => return Ok(Ended::NotRun(why)),
    };
    let portal = scene.portal(Limits::on_premise(), REMEMBERED, || Env::system().now()).await?;
    let mut server = Server::start(&data, &scene.configuration(&portal, "")).await?;
    let (forms, visitors) = Forms::send(&server.base(), scene.leads).await?;
    let refused =
        || forms.met().iter().filter(|(what, _)| what.starts_with('5')).map(|(_, n)| n).sum::<u64>();
    let (mut filled, mut felt, mut kills) = (0, 0, 0);
    for strike in 1..=scene.strikes {
        forms.until(share(scene.leads, strike, scene.strikes)).await;
        if forms.all_done() {
            break;
        }
        let before = refused();
        fill(&data.join("filler"))?;
        filled += 1;
        let deadline = Instant::now() + FELT_WITHIN;
        while refused() == before && !forms.all_done() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(FULL).await;
        felt += u64::from(refused() > before);
        let kill = strike % 2 == 0;
        if kill {
            server.end();
        }
        std::fs::remove_file(data.join("filler")).map_err(|e| on_disk(&data, &e))?;
        if kill {
            server.kill().await?;
            kills += 1;
        }
    }
    visitors.join_all().await;
    let store = Store::open_sqlite(&data.join("ismart.db"), Env::system()).await?;
    let client = judge::client(&store).await?;
    let hurried = judge::settle(scene, &store, client).await?;
    server.end();
    let mut verdict = judge::judge(scene, &store, client, &forms, &portal).await?;
    verdict.struck = vec![
        ("filled", filled),
        ("felt", felt),
        ("refused_with_5xx", refused()),
        ("kills", kills),
        ("sent_at_once", hurried),
    ];
    if felt == 0 {
        verdict.broken.push("the full disk was never felt: give more --leads or --strikes".to_owned());
    }
    store.close().await;
    drop(disk);
    Ok(Ended::Judged(vec![verdict]))
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> Result<(), Failed> {
    let mut file = File::create(path).map_err(|e| on_disk(path, &e))?;
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![0_u8; size];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}

fn on_disk(path: &Path, error: &std::io::Error) -> Failed {
    Failed::one(path.display().to_string(), error.to_string(), "look at the drill's folder")
}
