//! Tables as files that spreadsheets open: separated, quoted, and without formulas that someone smuggled in.

/// Rows as CSV with a byte order mark, lines ended by CR LF. `separator` is `;` where spreadsheets expect it.
pub(super) fn file(separator: char, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = String::from('\u{feff}');
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                out.push(separator);
            }
            push(&mut out, separator, cell);
        }
        out.push_str("\r\n");
    }
    out
}

fn push(out: &mut String, separator: char, cell: &str) {
    let cell = guarded(cell);
    let quoted =
        cell.contains([separator, '"', '\n', '\r', '\'']) || cell.starts_with(' ') || cell.ends_with(' ');
    if quoted {
        out.push('"');
        out.push_str(&cell.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&cell);
    }
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it.
fn guarded(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\u{a0}', '\u{feff}']).chars().next();
    let formula =
        matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'));
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text() {
        for cell in
            ["=1+1", "+7 910", "-2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\u{a0}=cmd|' /C calc'!A0"]
        {
            assert!(guarded(cell).starts_with('\''), "{cell:?}");
        }
        for cell in ["", "Иван", "7 910", "a=b", "'quoted"] {
            assert_eq!(guarded(cell), cell);
        }
    }

    #[test]
    fn separators_and_quotes_stay_inside_their_cell() {
        let rows = vec![vec!["a;b".to_owned(), "c\"d".to_owned()], vec!["x\ny".to_owned(), "=1".to_owned()]];
        assert_eq!(file(';', rows), "\u{feff}\"a;b\";\"c\"\"d\"\r\n\"x\ny\";\"'=1\"\r\n");
        assert_eq!(file(',', [vec!["a;b".to_owned(), "1".to_owned()]]), "\u{feff}a;b,1\r\n");
    }
}
