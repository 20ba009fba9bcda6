//! A site to try things on, and copies of it to break.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ismart_sites::{Answer, External, Finding, Page, Request, SiteFolder, Snapshot};
use jiff::Timestamp;
use serde_json::json;

pub(crate) const HOST: &str = "dealer.example";

pub(crate) fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dealer")
}

/// Two visible cars and a hidden one, as a feed gives them.
pub(crate) fn external() -> External {
    let cars = vec![
        json!({"slug": "lada-vesta", "title": "Lada Vesta", "price": 1_250_000, "desc": "Седан", "images": ["data/img/cars/red.svg"]}),
        json!({"slug": "haval-jolion", "title": "Haval <Jolion>", "price": 2_199_000}),
        json!({"slug": "sold", "title": "Продана", "visible": false}),
    ];
    External { collections: [("cars".to_owned(), cars)].into(), ..External::default() }
}

pub(crate) fn site() -> Arc<Snapshot> {
    load(&fixture())
}

pub(crate) fn load(root: &Path) -> Arc<Snapshot> {
    SiteFolder::new(root).load(&external()).unwrap_or_else(|findings| panic!("{}", texts(&findings)))
}

/// A copy of the fixture that a test may change.
pub(crate) struct Copy(tempfile::TempDir);

impl Copy {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(&fixture(), &dir.path().join("dealer"));
        Self(dir)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.path().join("dealer")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.root().join(path)).unwrap();
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, &text.replace(from, to));
    }

    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.root().join(path)).unwrap();
    }

    pub(crate) fn site(&self) -> Arc<Snapshot> {
        load(&self.root())
    }

    /// The texts of everything that stops a load.
    pub(crate) fn problems(&self) -> String {
        match SiteFolder::new(self.root()).load(&external()) {
            Ok(_) => panic!("the site loads"),
            Err(findings) => texts(&findings),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub(crate) fn texts(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(crate) fn page(site: &Snapshot, path: &str) -> Page {
    match site.answer(&Request::get(HOST, path, now())) {
        Answer::Page(page) => *page,
        other => panic!("{path}: {other:?}"),
    }
}

/// An answer in one line.
pub(crate) fn ask(site: &Snapshot, path: &str) -> String {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    line(&site.answer(&Request { query, ..Request::get(HOST, path, now()) }))
}

pub(crate) fn line(answer: &Answer) -> String {
    match answer {
        Answer::Page(page) => {
            if let Some(failure) = &page.failure {
                return format!("{} {failure}", page.status);
            }
            let key = &page.key;
            let entity = key.entity.as_ref().map_or(String::new(), |(c, slug)| format!(" {c}:{slug}"));
            format!("{} {} {}{entity}", page.status, key.language, key.page_id)
        }
        Answer::Redirect { status, location } => format!("{status} {location}"),
        Answer::File { content_type, cache, .. } => format!("file {content_type} {cache:?}"),
        Answer::NotModified { .. } => "304".to_owned(),
        Answer::MethodNotAllowed { allow } => format!("405 {allow}"),
    }
}
