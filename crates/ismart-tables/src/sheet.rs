//! The first sheet of a workbook, cell by cell: only the texts that cells share are held in memory.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use calamine::{DataRef, Reader as _, Xlsx, XlsxError, open_workbook};

use crate::{Row, TableError, WIDEST, bounded};

/// The most that a workbook may unpack to, bytes.
const LARGEST: u64 = 1024 * 1024 * 1024;
/// The most that its shared texts may unpack to, bytes: these are held in memory.
const LARGEST_TEXTS: u64 = 128 * 1024 * 1024;
/// Where the shared texts are.
const TEXTS: &str = "xl/sharedStrings.xml";

type Workbook = Xlsx<BufReader<File>>;

fn open(path: &Path) -> Result<Workbook, TableError> {
    let file = BufReader::new(File::open(path)?);
    let mut archive = zip::ZipArchive::new(file).map_err(|error| TableError::Workbook(error.to_string()))?;
    let mut bytes = 0_u64;
    for at in 0..archive.len() {
        let part = archive.by_index_raw(at).map_err(|error| TableError::Workbook(error.to_string()))?;
        bytes = bytes.saturating_add(part.size());
        let name = part.name().map_err(|error| TableError::Workbook(error.to_string()))?;
        if name.eq_ignore_ascii_case(TEXTS) && part.size() > LARGEST_TEXTS {
            return Err(TableError::TooLarge { bytes: part.size(), most: LARGEST_TEXTS });
        }
    }
    if bytes > LARGEST {
        return Err(TableError::TooLarge { bytes, most: LARGEST });
    }
    drop(archive);
    open_workbook(path).map_err(|error: XlsxError| TableError::Workbook(error.to_string()))
}

/// Name of the first sheet.
pub(crate) fn first(path: &Path) -> Result<String, TableError> {
    open(path)?.sheet_names().into_iter().next().ok_or(TableError::Empty)
}

pub(crate) fn rows(path: &Path, name: &str, take: &mut dyn FnMut(Row) -> bool) -> Result<(), TableError> {
    let wrong = |error: XlsxError| TableError::Workbook(error.to_string());
    let mut workbook = open(path)?;
    let mut cells = workbook.worksheet_cells_reader(name).map_err(wrong)?;
    let mut row: Option<Row> = None;
    while let Some(cell) = cells.next_cell().map_err(wrong)? {
        let (at, column) = cell.get_position();
        let number = u64::from(at) + 1;
        if row.as_ref().is_none_or(|row| row.number != number)
            && let Some(whole) = row.replace(Row { number, cells: Vec::new() })
            && !take(whole)
        {
            return Ok(());
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if let Some(row) = row.as_mut().filter(|_| column < WIDEST) {
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if let Some(place) = row.cells.get_mut(column) {
                *place = words(cell.get_value());
            }
        }
    }
    if let Some(whole) = row {
        // There is nothing after the last one, whatever the taker says.
        let _enough = take(whole);
    }
    Ok(())
}

/// A cell as a person reads it: numbers without an empty fraction (phones are often kept as numbers), days as days.
fn words(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => bounded(text),
        DataRef::SharedString(text) => bounded(text),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
            }
        }
    }
}
