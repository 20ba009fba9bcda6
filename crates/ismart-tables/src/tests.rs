use std::io::Write as _;

use super::*;

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn all(table: &Table) -> Vec<Row> {
    let mut rows = Vec::new();
    table
        .each(|row| {
            rows.push(row);
            true
        })
        .unwrap();
    rows
}

fn csv_of(bytes: &[u8]) -> (Separated, Vec<String>, Vec<Row>) {
    let (_folder, path) = file("t.csv", bytes);
    let table = Table::open(&path).unwrap();
    let Format::Csv(separated) = table.format().clone() else { panic!("{:?}", table.format()) };
    (separated, table.headings().to_vec(), all(&table))
}

/// A workbook with one sheet of these rows (XML of its cells).
fn workbook(sheet: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let parts = [
        ("[Content_Types].xml", r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#.to_owned()),
        ("_rels/.rels", r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#.to_owned()),
        ("xl/workbook.xml", r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Заявки" sheetId="1" r:id="rId1"/></sheets></workbook>"#.to_owned()),
        ("xl/_rels/workbook.xml.rels", r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#.to_owned()),
        ("xl/worksheets/sheet1.xml", format!(r#"<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{sheet}</sheetData></worksheet>"#)),
    ];
    for (name, text) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn encodings_and_separators_are_guessed() {
    let russian = "Имя;Телефон;Комментарий\r\nИван;8 910 123-45-67;\"Хочу; сейчас\"\r\n";
    let (found, headings, rows) = csv_of(russian.as_bytes());
    assert_eq!((found.encoding, found.separator), ("UTF-8", ';'));
    assert_eq!(headings, ["Имя", "Телефон", "Комментарий"]);
    assert_eq!(rows.first().unwrap().cells, ["Иван", "8 910 123-45-67", "Хочу; сейчас"]);
    let (old, _, _) = encoding_rs::WINDOWS_1251.encode(russian);
    let (found, headings, rows) = csv_of(&old);
    assert_eq!((found.encoding, found.separator), ("windows-1251", ';'));
    assert_eq!((headings.first().unwrap().as_str(), rows.len()), ("Имя", 1));
    let (found, ..) = csv_of("name,phone\nIvan,1\n".as_bytes());
    assert_eq!(found.separator, ',');
    let (found, headings, _) = csv_of("\u{feff}name\tphone\nIvan\t1\n".as_bytes());
    assert_eq!((found.separator, headings.first().unwrap().as_str()), ('\t', "name"));
    let wide: Vec<u8> = "\u{feff}Имя;Телефон\nИван;1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (found, headings, _) = csv_of(&wide);
    assert_eq!((found.encoding, headings.first().unwrap().as_str()), ("UTF-16LE", "Имя"));
    let (found, headings, rows) = csv_of("sep=|\nИмя|Телефон\nИван|1\n".as_bytes());
    assert_eq!((found.separator, headings.len(), rows.len()), ('|', 2, 1));
}

#[test]
fn rows_are_counted_as_people_see_them() {
    let (_, _, rows) = csv_of("Имя;Телефон\n\n;;\nИван;1;лишнее\nПётр\n".as_bytes());
    assert_eq!(
        rows,
        [
            Row { number: 4, cells: vec!["Иван".into(), "1".into()] },
            Row { number: 5, cells: vec!["Пётр".into(), String::new()] },
        ]
    );
}

#[test]
fn a_workbook_is_read_with_its_numbers_and_gaps() {
    let sheet = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Имя</t></is></c><c r="B1" t="inlineStr"><is><t>Телефон</t></is></c></row>
        <row r="3"><c r="B3"><v>79101234567</v></c></row>
        <row r="4"><c r="A4" t="inlineStr"><is><t>Пётр</t></is></c><c r="B4"><v>8.5</v></c><c r="D4"><v>1</v></c></row>"#;
    let (_folder, path) = file("t.xlsx", &workbook(sheet));
    let table = Table::open(&path).unwrap();
    assert_eq!(table.format(), &Format::Xlsx("Заявки".into()));
    assert_eq!(
        all(&table),
        [
            Row { number: 3, cells: vec![String::new(), "79101234567".into()] },
            Row { number: 4, cells: vec!["Пётр".into(), "8.5".into()] },
        ]
    );
}

#[test]
fn what_is_no_table_is_refused_in_words() {
    for (bytes, part) in [
        (&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old"[..], "save it as XLSX or CSV"),
        (b"%PDF-1.4", "it is a document"),
        (b"PK\x03\x04 broken", "cannot be read"),
        (b"", "no rows"),
        (b"\n\n;;\n", "no rows"),
        (b"a;b\n\0\0\0", "bytes that no text has"),
    ] {
        let (_folder, path) = file("t", bytes);
        let found = Table::open(&path).unwrap_err().to_string();
        assert!(found.contains(part), "{found}");
    }
    assert!(matches!(Table::open(Path::new("/no/such/file")), Err(TableError::Io(_))));
    let mut open = String::from("Имя;Телефон\nИван;\"8 910\n");
    open.push_str(&"Пётр;1\n".repeat(2000));
    let (_folder, path) = file("t.csv", open.as_bytes());
    let table = Table::open(&path).unwrap();
    let found = table.each(|_| true).unwrap_err().to_string();
    assert!(found.starts_with("line 2: a quotation mark is never closed"), "{found}");
}

#[test]
fn reading_stops_when_the_taker_has_enough() {
    let many: String = (0..1000).map(|n| format!("Иван;{n}\n")).collect();
    let (_folder, path) = file("t.csv", format!("Имя;Телефон\n{many}").as_bytes());
    let mut seen = 0;
    Table::open(&path)
        .unwrap()
        .each(|_| {
            seen += 1;
            seen < 10
        })
        .unwrap();
    assert_eq!(seen, 10);
}
