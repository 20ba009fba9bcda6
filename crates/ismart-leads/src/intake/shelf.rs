//! Where files of senders lie: beside the database, each client's in a folder of its own, each under the digest of its
//! content and its id. A file is whole and flushed before the lead that names it is committed; what no row names is
//! swept away at the next start.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ismart_domain::lead::FileRef;
use ismart_domain::{ClientId, Env, FileId};
use ismart_store::{Store, StoreError, files};
use sha2::{Digest, Sha256};

use super::kinds::{FileKind, HEAD, clean_name};

/// Name of the folder of files that are still coming in.
const COMING: &str = ".coming";

/// The folder of all files.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: Arc<Path>,
}

/// A file that is coming in, piece by piece. Dropped, it is gone.
#[derive(Debug)]
pub struct Incoming {
    shelf: Shelf,
    client_id: ClientId,
    name: String,
    file: tempfile::NamedTempFile,
    hasher: Sha256,
    head: Vec<u8>,
    bytes: u64,
}

/// A file that lies in its place and is named by no lead yet. Dropped without [`Laid::keep`], it is gone.
#[derive(Debug)]
pub struct Laid {
    /// What a lead says of it.
    pub file: FileRef,
    path: PathBuf,
    kept: bool,
}

impl Shelf {
    /// The shelf in a folder; it is made when the first file comes.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// Begins a file.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(&self, client_id: ClientId, name: &str) -> io::Result<Incoming> {
        let folder = self.root.join(client_id.to_string()).join(COMING);
        std::fs::create_dir_all(&folder)?;
        let file = tempfile::NamedTempFile::new_in(&folder)?;
        Ok(Incoming {
            shelf: self.clone(),
            client_id,
            name: name.to_owned(),
            file,
            hasher: Sha256::new(),
            head: Vec::new(),
            bytes: 0,
        })
    }

    /// Where a file lies.
    #[must_use]
    pub fn path(&self, client_id: ClientId, id: FileId, sha256: &str) -> PathBuf {
        let first: String = sha256.chars().take(2).collect();
        self.root.join(client_id.to_string()).join(first).join(format!("{sha256}-{id}"))
    }

    /// Takes away what no row names and what was coming in when a process ended. Files younger than `spare` are left
    /// alone: another process may be about to name them. Gives how many files went.
    ///
    /// # Errors
    /// [`StoreError`] when the rows cannot be read. What cannot be taken away is logged and stays.
    pub async fn sweep(&self, store: &Store, spare: Duration) -> Result<usize, StoreError> {
        let (root, now) = (self.root.clone(), SystemTime::from(store.env().now()));
        let old = tokio::task::spawn_blocking(move || older_than(&root, now, spare)).await;
        let mut gone = 0;
        for path in old.unwrap_or_default() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let id: Option<FileId> = name.split_once('-').and_then(|(_, id)| id.parse().ok());
            let named = match id {
                Some(id) => files::is_named(&mut store.read().await?, id).await?,
                None => false,
            };
            if named {
                continue;
            }
            match std::fs::remove_file(&path) {
                Ok(()) => gone += 1,
                Err(error) => {
                    tracing::warn!(error = %error, "a file that no lead names could not be taken away")
                }
            }
        }
        Ok(gone)
    }
}

/// Files of clients that were last written longer than `spare` before `now`.
fn older_than(root: &Path, now: SystemTime, spare: Duration) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for folder in entries(root).iter().filter(|path| path.is_dir()).flat_map(|client| entries(client)) {
        found.extend(entries(&folder).into_iter().filter(|path| path.is_file()));
    }
    let age = |path: &PathBuf| {
        let written = std::fs::metadata(path).and_then(|about| about.modified());
        written.ok().and_then(|written| now.duration_since(written).ok()).unwrap_or_default()
    };
    found.retain(|path| age(path) >= spare);
    found
}

impl Incoming {
    /// Adds a piece.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.hasher.update(piece);
        self.bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(room));
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The sender's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Flushes the file and puts it in its place; `None` when its content is of no kind that is taken.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(self, env: &Env) -> io::Result<Option<Laid>> {
        let Some(kind) = FileKind::of(&self.head) else { return Ok(None) };
        let sha256: String = self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let file = FileRef {
            id: env.new_id(),
            name: clean_name(&self.name, kind),
            media_type: kind.media_type.to_owned(),
            bytes: self.bytes,
            sha256,
        };
        let path = self.shelf.path(self.client_id, file.id, &file.sha256);
        let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
        std::fs::create_dir_all(&folder)?;
        self.file.as_file().sync_all()?;
        self.file.persist(&path).map_err(|failed| failed.error)?;
        // From here on the file goes with what is given, whatever happens.
        let laid = Laid { file, path, kept: false };
        std::fs::File::open(&folder)?.sync_all()?;
        if let Some(parent) = folder.parent() {
            std::fs::File::open(parent)?.sync_all()?;
        }
        Ok(Some(laid))
    }
}

impl Laid {
    /// A row names it: it stays.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be taken away now is swept away at the next start.
            let _swept_later = std::fs::remove_file(&self.path).is_err();
        }
    }
}
