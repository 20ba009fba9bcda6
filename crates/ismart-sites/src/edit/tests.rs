//! Editing on the demo dealer's pages and on small texts.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::{External, Request, SiteFolder, Snapshot};

fn site() -> std::sync::Arc<Snapshot> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dealer");
    let cars = vec![json!({"slug": "lada-vesta", "title": "Lada Vesta", "price": 1_250_000})];
    let external = External { collections: [("cars".to_owned(), cars)].into(), ..External::default() };
    SiteFolder::new(root).load(&external).unwrap_or_else(|findings| panic!("{findings:?}"))
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn page(site: &Snapshot, path: &str) -> Marked {
    marked(site, &Request::get("dealer.example", path, now())).unwrap().unwrap()
}

#[test]
fn a_change_keeps_the_form_of_what_it_does_not_touch() {
    let text = "{\n  \"a\": [1,2 , 3],\n  \"b\": {\"c\": \"x\"}\n}\n";
    let after = |op: Op| apply("a.json", text, &op).unwrap();
    let set = |pointer: &str, value: Value| Op::Set { pointer: pointer.into(), value };
    assert_eq!(after(set("/b/c", "й\"".into())), text.replace("\"x\"", "\"й\\\"\""));
    assert_eq!(
        after(set("/b/d", json!(1))),
        text.replace("{\"c\": \"x\"}", "{\n    \"c\": \"x\",\n    \"d\": 1\n  }")
    );
    let list = |items: &str| text.replace("[1,2 , 3]", items);
    assert_eq!(
        after(Op::Move { pointer: "/a".into(), from: 2, to: 0 }),
        list("[\n    3,\n    1,\n    2\n  ]")
    );
    assert_eq!(after(Op::Remove { pointer: "/a/1".into() }), list("[\n    1,\n    3\n  ]"));
    assert_eq!(after(Op::Remove { pointer: "/b/c".into() }), text.replace("{\"c\": \"x\"}", "{}"));
    assert_eq!(
        after(Op::Insert { pointer: "/a".into(), at: 99, value: json!(null) }),
        list("[\n    1,\n    2,\n    3,\n    null\n  ]")
    );
    assert_eq!(
        after(Op::Duplicate { pointer: "/a".into(), at: 0 }),
        list("[\n    1,\n    1,\n    2,\n    3\n  ]")
    );
}

#[test]
fn a_change_of_what_is_not_there_says_so() {
    let text = "{\"a\": {\"b\": 1}, \"l\": [1]}";
    let missing = |op: Op| apply("a.json", text, &op).unwrap_err().to_string();
    let nothing = |pointer: &str| {
        format!("there is nothing at `{pointer}` of this file: reload the page, somebody may have changed it")
    };
    assert_eq!(missing(Op::Set { pointer: "/x/y".into(), value: json!(1) }), nothing("/x/y"));
    assert_eq!(missing(Op::Set { pointer: "/l/4".into(), value: json!(1) }), nothing("/l/4"));
    assert_eq!(missing(Op::Remove { pointer: "/a/z".into() }), nothing("/a/z"));
    assert_eq!(missing(Op::Remove { pointer: String::new() }), nothing(""));
    assert_eq!(missing(Op::Move { pointer: "/l".into(), from: 0, to: 5 }), nothing("/l/5"));
    assert_eq!(missing(Op::Duplicate { pointer: "/a".into(), at: 0 }), "`/a` is not a list");
    assert!(missing(Op::Duplicate { pointer: "/q".into(), at: 0 }).contains("`/q`"));
    let broken = apply("a.json", "{", &Op::Remove { pointer: "/a".into() }).unwrap_err().to_string();
    assert!(broken.contains("a.json:1:1"), "{broken}");
}

#[test]
fn two_people_may_change_different_fields_of_one_file() {
    let base = "{\n    \"title\": \"A\",\n    \"text\": \"B\",\n    \"list\": [1, 2]\n}\n";
    let mine = base.replace("\"A\"", "\"A2\"");
    let theirs = base.replace("\"B\"", "\"B2\"").replace("[1, 2]", "[1, 2, 3]");
    let (merged, conflicts) = merge_texts("a.json", Some(base), Some(&mine), Some(&theirs)).unwrap();
    assert_eq!(merged.unwrap(), theirs.replace("\"A\"", "\"A2\""), "their form stays");
    assert!(conflicts.is_empty());
    let theirs = base.replace("\"A\"", "\"A3\"").replace("[1, 2]", "[1, 5]");
    let (merged, conflicts) = merge_texts("a.json", Some(base), Some(&mine), Some(&theirs)).unwrap();
    assert_eq!(merged.unwrap(), mine.replace("[1, 2]", "[1, 5]"));
    let said = json!([{"pointer": "/title", "base": "A", "mine": "A2", "theirs": "A3"}]);
    assert_eq!(serde_json::to_value(conflicts).unwrap(), said);
    let (merged, conflicts) = merge_texts("a.json", Some(base), Some(&mine), None).unwrap();
    assert_eq!((merged.as_deref(), conflicts.len()), (Some(&*mine), 1), "they took the file away");
    let (merged, conflicts) = merge_texts("a.json", Some(base), Some(base), None).unwrap();
    assert_eq!((merged, conflicts.len()), (None, 0), "I changed nothing");
}

#[test]
fn differences_name_fields() {
    let (old, new) =
        (json!({"a": 1, "b": [1, {"c": 2}], "d": 0}), json!({"a": 1, "b": [1, {"c": 3}], "e": []}));
    let found: Vec<String> = differences(Some(&old), Some(&new)).into_iter().map(|c| c.pointer).collect();
    assert_eq!(found, ["/b/1/c", "/d", "/e"]);
    assert_eq!(differences(None, Some(&old)).len(), 1);
    assert!(differences(Some(&old), Some(&old)).is_empty());
}

#[test]
fn only_content_can_be_edited() {
    for good in ["data/json/global.json", "data/json/ru/pages/index.json", "config/redirects.json"] {
        assert!(editable(good), "{good}");
    }
    for bad in [
        "config/site.toml",
        "data/json/../../etc/passwd.json",
        "data/json/.hidden.json",
        "/data/json/a.json",
        "data/json/a.php",
        "data/img/a.json",
        "data/json/a\\b.json",
        "data/json//a.json",
        "templates/a.json",
    ] {
        assert!(!editable(bad), "{bad}");
    }
}

#[test]
fn files_are_written_whole_and_only_content() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let changes: Changes = [
        ("data/json/ru/pages/new.json".to_owned(), Some("{}".to_owned())),
        ("config/redirects.json".to_owned(), Some("[]".to_owned())),
        ("data/json/ru/pages/gone.json".to_owned(), None),
    ]
    .into();
    materialise(root, &changes).unwrap();
    materialise(root, &changes).unwrap();
    let paths: Vec<String> = editable_files(root).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["data/json/ru/pages/new.json", "config/redirects.json"]);
    let bad: Changes = [("config/site.toml".to_owned(), Some(String::new()))].into();
    let error = materialise(root, &bad).unwrap_err().to_string();
    assert!(error.starts_with("config/site.toml could not be written: it is not a content file"), "{error}");
    assert!(!root.join("config/site.toml").exists());
}

#[test]
fn every_text_of_a_page_leads_to_its_source_and_the_marks_change_nothing() {
    let site = site();
    let page = page(&site, "/");
    let spot = |text: &str| {
        page.spots
            .iter()
            .find(|s| s.text == text && s.kind == SpotKind::Text)
            .unwrap_or_else(|| panic!("{text}: {:#?}", page.spots))
    };
    let title =
        site.json("data/json/ru/pages/index.json").unwrap().pointer("/sections/0/data/title").unwrap();
    let heading = spot(title.as_str().unwrap());
    assert_eq!(
        (
            heading.place.as_ref().unwrap().file.as_str(),
            heading.place.as_ref().unwrap().pointer.as_str(),
            heading.way
        ),
        ("data/json/ru/pages/index.json", "/sections/0/data/title", Way::Direct)
    );
    let without = |html: &str, start: &str, end: &str| {
        let mut pieces = html.split(start);
        let mut bare = pieces.next().unwrap().to_owned();
        for piece in pieces {
            bare.push_str(piece.split_once(end).unwrap().1);
        }
        bare
    };
    let bare = without(&page.html, "<!--is:", "-->").replace("<!--/is-->", "");
    let bare = without(&bare, " data-is=\"", "\"");
    let crate::Answer::Page(plain) = site.answer(&Request::get("dealer.example", "/", now())) else {
        panic!("a page")
    };
    assert_eq!(bare, plain.html);
    assert!(!plain.html.contains("data-is"), "visitors get no marks");
}

#[test]
fn a_draft_lies_over_the_site_and_changes_nothing_of_it() {
    let site = site();
    let file = "data/json/ru/pages/index.json";
    let text = std::fs::read_to_string(site.root().join(file)).unwrap();
    let op = Op::Set { pointer: "/sections/0/data/title".into(), value: "Где мы <теперь>".into() };
    let changes: Changes = [(file.to_owned(), Some(apply(file, &text, &op).unwrap()))].into();
    let draft = site.overlaid(&changes).unwrap();
    assert!(page(&draft, "/").html.contains("Где мы &lt;теперь&gt;"));
    assert!(!page(&site, "/").html.contains("Где мы"));
    assert_eq!(
        draft.documents().map(|d| d.url).collect::<Vec<_>>(),
        site.documents().map(|d| d.url).collect::<Vec<_>>(),
        "what feeds brought is still there"
    );
    let broken: Changes =
        [(file.to_owned(), Some("{".to_owned())), ("config/site.toml".to_owned(), None)].into();
    let findings: Vec<_> = site.overlaid(&broken).unwrap_err().iter().map(|f| f.rule).collect();
    assert_eq!(findings, ["edit.file", "json.syntax"]);
}

#[test]
fn the_gate_blocks_what_the_draft_breaks_and_nothing_else() {
    let site = site();
    let clean = gate(&site, &site, &Changes::new(), now());
    assert!(!clean.blocks() && !clean.warns(), "{:#?}", clean.holds);
    let global = std::fs::read_to_string(site.root().join("data/json/global.json")).unwrap();
    let op = Op::Set { pointer: "/phone".into(), value: "+7 (4822) 00-00-01".into() };
    let known: Changes =
        [("data/json/global.json".to_owned(), Some(apply("g", &global, &op).unwrap()))].into();
    let site = site.overlaid(&known).unwrap();
    let file = "data/json/ru/pages/index.json";
    let text = std::fs::read_to_string(site.root().join(file)).unwrap();
    let set = |pointer: &str, value: Value| {
        let op = Op::Set { pointer: pointer.into(), value };
        let changes: Changes = [(file.to_owned(), Some(apply(file, &text, &op).unwrap()))].into();
        let draft = site.overlaid(&changes).unwrap();
        gate(&site, &draft, &changes, now())
    };
    let section = json!({"name": "no-such-section", "visible": true, "data": {}});
    assert!(set("/sections/0", section).blocks());
    let phone = set("/sections/0/data/title", json!("Звоните 8 900 111-22-33"));
    assert!(!phone.blocks() && phone.warns(), "{:#?}", phone.holds);
    assert!(phone.holds.iter().any(|h| h.finding.rule == "fact.disagrees" && h.finding.file == file));
}

#[test]
fn forms_are_read_off_the_content() {
    let site = site();
    let schema = schema_of(&site, "data/json/ru/pages/index.json", "/sections/0/data").unwrap();
    let Shape::Group { fields } = schema.shape else { panic!("a group") };
    let title = fields.iter().find(|field| field.key == "title").unwrap();
    assert_eq!(title.shape, Shape::Line);
    assert!(schema_of(&site, "data/json/ru/pages/none.json", "").is_none());
}

#[test]
fn what_is_used_on_many_pages_is_known() {
    let site = site();
    let usage = usages(&site, now(), 2);
    let shared = usage.iter().find(|(place, pages)| place.file == "data/json/global.json" && pages.len() > 1);
    assert!(shared.is_some(), "{usage:#?}");
}
