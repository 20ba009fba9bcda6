//! What makes an emulator survive a restart: one JSON line per stored change, synced before the answer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened, read or repaired.
    #[error("emulator journal {}: {source}; check that the folder exists and is writable", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Another emulator writes to it.
    #[error("emulator journal {} is in use by another emulator; stop it or name another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A whole line cannot be read.
    #[error("emulator journal {}, line {line}: {source}; repair or remove the file", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

#[derive(Debug)]
pub(crate) struct Journal<E> {
    file: File,
    length: u64,
    entries: PhantomData<fn(E)>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates the file and gives what it holds. A last line without its newline is what
    /// a crash leaves behind: the change was never answered for, so it is cut off.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<E>), JournalError> {
        let failed = |source| JournalError::Open { path: path.to_path_buf(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::InUse { path: path.to_path_buf() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        let mut entries = Vec::new();
        let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n');
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let entry = serde_json::from_slice(line).map_err(|source| JournalError::Line {
                path: path.to_path_buf(),
                line: index + 1,
                source,
            })?;
            entries.push(entry);
        }
        if whole != bytes.len() {
            file.set_len(length).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(length)).map_err(failed)?;
        Ok((Self { file, length, entries: PhantomData }, entries))
    }

    /// Writes one change and waits until it is on the disk; a failed write leaves no trace.
    pub(crate) fn append(&mut self, entry: &E) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            return Err(error);
        }
        self.length = self.length.saturating_add(u64::try_from(line.len()).unwrap_or(0));
        Ok(())
    }
}
