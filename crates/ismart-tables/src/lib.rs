//! Tables as people keep them: CSV in any encoding and with any separator, and XLSX, row by row and in bounded memory.
//! Promises: `tables.contract.md`.
//!
//! ```
//! use ismart_tables::Table;
//!
//! let folder = tempfile::tempdir().unwrap();
//! let file = folder.path().join("leads.csv");
//! std::fs::write(&file, "Имя;Телефон\r\nИван;8 910 123-45-67\r\n").unwrap();
//! let table = Table::open(&file).unwrap();
//! assert_eq!(table.headings(), ["Имя", "Телефон"]);
//! let mut phones = Vec::new();
//! table.each(|row| {
//!     phones.push((row.number, row.cells[1].clone()));
//!     true
//! }).unwrap();
//! assert_eq!(phones, [(2, "8 910 123-45-67".to_owned())]);
//! ```

mod separated;
mod sheet;

use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use separated::Separated;

/// The most cells of a row that are read.
const WIDEST: usize = 200;
/// The longest text of a cell, characters.
const LONGEST: usize = 8000;

/// What kind of table a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Rows of text.
    Csv(Separated),
    /// The first sheet of a workbook, by its name.
    Xlsx(String),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its line or row in the file, as programs show it, from 1.
    pub number: u64,
    /// Its texts, as many as there are headings.
    pub cells: Vec<String>,
}

/// A file whose first row says what stands in the columns.
#[derive(Debug, Clone)]
pub struct Table {
    path: PathBuf,
    format: Format,
    headings: Vec<String>,
}

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The disk.
    #[error("the file cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is something else.
    #[error("the file is neither CSV nor XLSX: {0}")]
    Kind(&'static str),
    /// There is no row with headings.
    #[error("the file has no rows: the first one must say what stands in the columns, such as `Имя;Телефон`")]
    Empty,
    /// A row never ends.
    #[error("line {line}: a quotation mark is never closed; close it, or save the file anew")]
    Quote {
        /// The line where the row begins.
        line: u64,
    },
    /// It would unpack to more than any table of people holds.
    #[error(
        "the workbook unpacks to {bytes} bytes, more than the {most} that are read; save only the sheet with the leads"
    )]
    TooLarge {
        /// As the file says.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// The workbook is damaged or locked.
    #[error("the workbook cannot be read: {0}; save it anew as XLSX or CSV")]
    Workbook(String),
}

impl Table {
    /// Looks at a file: what it is, and what its columns are called.
    ///
    /// # Errors
    /// [`TableError`] when it is no table.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let mut head = [0; 8];
        let read = std::fs::File::open(path)?.read(&mut head)?;
        let head = head.get(..read).unwrap_or_default();
        let format = if head.starts_with(b"PK\x03\x04") {
            Format::Xlsx(sheet::first(path)?)
        } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(TableError::Kind(
                "it is an old Excel workbook or a locked one; save it as XLSX or CSV",
            ));
        } else if head.starts_with(b"%PDF") || head.starts_with(b"{\\rtf") {
            return Err(TableError::Kind("it is a document; save the table as XLSX or CSV"));
        } else {
            Format::Csv(Separated::guess(path)?)
        };
        let mut table = Self { path: path.to_path_buf(), format, headings: Vec::new() };
        let mut headings = None;
        table.rows(|row| {
            headings = Some(row.cells);
            false
        })?;
        table.headings = headings.ok_or(TableError::Empty)?;
        while table.headings.last().is_some_and(|heading| heading.trim().is_empty()) {
            table.headings.pop();
        }
        Ok(table)
    }

    /// What kind of table it is.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// What the columns are called.
    #[must_use]
    pub fn headings(&self) -> &[String] {
        &self.headings
    }

    /// Gives every row below the headings that holds anything, until `take` says that it has enough.
    ///
    /// # Errors
    /// [`TableError`] when the file ends in the middle; rows before that have been given.
    pub fn each(&self, mut take: impl FnMut(Row) -> bool) -> Result<(), TableError> {
        let mut first = true;
        let width = self.headings.len();
        self.rows(|mut row| {
            if std::mem::take(&mut first) {
                return true;
            }
            row.cells.resize(width.max(1), String::new());
            take(row)
        })
    }

    /// Every row that holds anything, headings included.
    fn rows(&self, mut take: impl FnMut(Row) -> bool) -> Result<(), TableError> {
        let mut given = |row: Row| row.cells.iter().all(|cell| cell.trim().is_empty()) || take(row);
        match &self.format {
            Format::Csv(separated) => separated.rows(&self.path, &mut given),
            Format::Xlsx(name) => sheet::rows(&self.path, name, &mut given),
        }
    }
}

/// A cell's text as it is kept.
fn bounded(text: &str) -> String {
    text.trim().chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
