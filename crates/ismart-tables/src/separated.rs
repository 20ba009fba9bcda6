//! Rows of text: encoding and separator are guessed, because nobody who exports a table knows them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};
use encoding_rs_io::DecodeReaderBytesBuilder;

use crate::{Row, TableError, WIDEST, bounded};

/// Separators that programs write.
const SEPARATORS: [u8; 4] = [b';', b',', b'\t', b'|'];
/// How much of the text the separator is guessed from, bytes.
const SAMPLE: u64 = 64 * 1024;
/// A row over more lines than this has a quotation mark that nobody closed.
const TALLEST: u64 = 1000;

/// How a text holds rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Separated {
    /// Name of its encoding.
    pub encoding: &'static str,
    /// What stands between two cells.
    pub separator: char,
    /// The first line only names the separator, as some programs write it.
    announced: bool,
    /// What ends a line.
    ending: u8,
}

impl Separated {
    pub(crate) fn guess(path: &Path) -> Result<Self, TableError> {
        let encoding = encoding_of(path)?;
        let mut sample = Vec::new();
        text(path, encoding)?.take(SAMPLE).read_to_end(&mut sample)?;
        if sample.contains(&0) {
            return Err(TableError::Kind("it holds bytes that no text has"));
        }
        let first = sample.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let announced = first.strip_prefix(b"sep=").and_then(|rest| rest.first().copied());
        let separator = announced.unwrap_or_else(|| separator_of(&sample));
        Ok(Self {
            encoding: encoding.name(),
            separator: char::from(separator),
            announced: announced.is_some(),
            ending: ending_of(&sample),
        })
    }

    pub(crate) fn rows(&self, path: &Path, take: &mut dyn FnMut(Row) -> bool) -> Result<(), TableError> {
        let encoding = Encoding::for_label(self.encoding.as_bytes()).unwrap_or(UTF_8);
        let separator = u8::try_from(self.separator).unwrap_or(b';');
        let mut rows = reader(separator, self.ending).from_reader(text(path, encoding)?);
        let mut record = csv::StringRecord::new();
        let mut announced = self.announced;
        loop {
            let begun = rows.position().line();
            let more = rows.read_record(&mut record).map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(error) => TableError::Io(error),
                _ => TableError::Kind("it is no text"),
            })?;
            if !more {
                return Ok(());
            }
            if rows.position().line().saturating_sub(begun) > TALLEST {
                return Err(TableError::Quote { line: begun });
            }
            if std::mem::take(&mut announced) {
                continue;
            }
            let number = record.position().map_or(begun, csv::Position::line);
            let cells = record.iter().take(WIDEST).map(bounded).collect();
            if !take(Row { number, cells }) {
                return Ok(());
            }
        }
    }
}

/// What ends a line. A carriage return before it is left to the trimming of cells: taken as a part of the ending, it makes
/// the reader count lines one behind.
fn ending_of(sample: &[u8]) -> u8 {
    if sample.contains(&b'\r') && !sample.contains(&b'\n') { b'\r' } else { b'\n' }
}

fn reader(separator: u8, ending: u8) -> csv::ReaderBuilder {
    let mut builder = csv::ReaderBuilder::new();
    builder.terminator(csv::Terminator::Any(ending)).delimiter(separator).has_headers(false).flexible(true);
    builder
}

/// The text of a file in UTF-8.
fn text(path: &Path, encoding: &'static Encoding) -> Result<impl Read, TableError> {
    let file = BufReader::new(File::open(path)?);
    Ok(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(file))
}

/// What a mark at the beginning says; else UTF-8 when all of the file is that; else what Russian programs write.
fn encoding_of(path: &Path) -> Result<&'static Encoding, TableError> {
    let mut file = BufReader::new(File::open(path)?);
    let mut piece = vec![0; 64 * 1024];
    let mut left: Vec<u8> = Vec::new();
    let mut first = true;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(if left.is_empty() { UTF_8 } else { WINDOWS_1251 });
        }
        left.extend_from_slice(piece.get(..read).unwrap_or_default());
        if std::mem::take(&mut first) {
            if left.starts_with(b"\xff\xfe") {
                return Ok(UTF_16LE);
            }
            if left.starts_with(b"\xfe\xff") {
                return Ok(UTF_16BE);
            }
        }
        match std::str::from_utf8(&left) {
            Ok(_) => left.clear(),
            // A letter may be cut by the end of a piece.
            Err(error) if error.error_len().is_none() => left.drain(..error.valid_up_to()).for_each(drop),
            Err(_) => return Ok(WINDOWS_1251),
        }
    }
}

/// The separator that gives the most rows of equal width.
fn separator_of(sample: &[u8]) -> u8 {
    let score = |separator: u8| {
        let mut rows = reader(separator, ending_of(sample)).from_reader(sample);
        let widths: Vec<usize> = rows.byte_records().take(50).flatten().map(|row| row.len()).collect();
        let width = widths.first().copied().unwrap_or(1);
        let equal = widths.iter().filter(|found| **found == width).count();
        if width < 2 { 0 } else { equal * 100 / widths.len().max(1) * 1000 + width }
    };
    let best = SEPARATORS.into_iter().max_by_key(|separator| score(*separator));
    best.filter(|separator| score(*separator) > 0).unwrap_or(b';')
}
