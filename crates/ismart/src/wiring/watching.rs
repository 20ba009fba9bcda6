//! Tells when files under folders change: for `ismart serve --watch`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{Event, EventKind, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use crate::output::Failed;

/// An editor writes a file in several steps; they are one change.
const SETTLE: Duration = Duration::from_millis(60);

/// A watch over folders; ends when it is dropped.
pub(crate) struct Watching {
    _watcher: notify::RecommendedWatcher,
    events: mpsc::UnboundedReceiver<()>,
}

impl Watching {
    /// Watches the folders that exist, with everything under them.
    ///
    /// # Errors
    /// When the system cannot watch: too many folders, for example.
    pub(crate) fn start(folders: &[PathBuf]) -> Result<Self, Failed> {
        let (tell, events) = mpsc::unbounded_channel();
        let wrong = |place: &Path, error: notify::Error| {
            let repair = "raise fs.inotify.max_user_watches, or serve without --watch and send SIGHUP";
            Failed::one(place.display().to_string(), error.to_string(), repair)
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let reading = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            // Nobody listens any more when the server stops.
            let _stopping = !reading && tell.send(()).is_err();
        })
        .map_err(|error| wrong(Path::new("--watch"), error))?;
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| wrong(folder, error))?;
        }
        Ok(Self { _watcher: watcher, events })
    }

    /// Waits for a change, and until nothing changes for a moment.
    pub(crate) async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        while tokio::time::timeout(SETTLE, self.events.recv()).await.is_ok_and(|event| event.is_some()) {}
    }
}
