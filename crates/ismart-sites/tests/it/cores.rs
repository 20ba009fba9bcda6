//! Sites over shared templates, and what they may change.

use std::path::Path;
use std::sync::Arc;

use ismart_sites::{Answer, Cores, Difference, External, Finding, Request, SiteFolder, Snapshot, check};
use jiff::Timestamp;

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// A fleet of one site over a core of two versions; `config` is added to the site's configuration.
fn fleet(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (version, mark) in [("1.9", "old"), ("1.10", "new")] {
        let core = format!("cores/dealer/{version}");
        write(root, &format!("{core}/templates/pages/page.twig"), "{{ include('sections/hero.twig') }}");
        write(root, &format!("{core}/templates/sections/hero.twig"), &format!("<h1>{mark}</h1>"));
        write(root, &format!("{core}/assets/css/main.css"), &format!("h1{{content:'{mark}'}}"));
    }
    let own = format!("client = \"a\"\nname = \"A\"\nhosts = [\"a.example\"]\n{config}");
    write(root, "site/config/site.toml", &own);
    write(root, "site/data/json/global.json", "{}");
    write(root, "site/data/json/ru/pages/index.json", "{\"sections\": []}");
    folder
}

fn load(fleet: &tempfile::TempDir) -> Result<Arc<Snapshot>, Vec<Finding>> {
    let cores = Arc::new(Cores::new(fleet.path().join("cores")));
    SiteFolder::new(fleet.path().join("site")).load(&External { cores, ..External::default() })
}

fn now() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

fn page(site: &Snapshot, path: &str) -> String {
    match site.answer(&Request::get("a.example", path, now())) {
        Answer::Page(page) => page.html,
        Answer::File { body: ismart_sites::FileBody::Memory(bytes), .. } => {
            String::from_utf8(bytes.to_vec()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

const CORE: &str = "[core]\nname = \"dealer\"\nversion = \"1.9\"\n";

#[test]
fn a_site_shows_its_core_of_its_version_and_its_own_files_over_it() {
    let fleet = fleet(CORE);
    let site = load(&fleet).unwrap();
    assert_eq!(page(&site, "/"), "<h1>old</h1>");
    assert_eq!(page(&site, "/assets/css/main.css"), "h1{content:'old'}");
    write(
        fleet.path(),
        "site/config/site.toml",
        "client=\"a\"\nname=\"A\"\nhosts=[\"a.example\"]\n[core]\nname=\"dealer\"\nversion=\"1.10\"\n",
    );
    write(fleet.path(), "site/assets/css/main.css", "own");
    let site = load(&fleet).unwrap();
    assert_eq!(page(&site, "/"), "<h1>new</h1>");
    assert_eq!(page(&site, "/assets/css/main.css"), "own");
}

#[test]
fn a_core_is_read_once_and_again_when_it_changed() {
    let fleet = fleet(CORE);
    let cores = Cores::new(fleet.path().join("cores"));
    assert_eq!(cores.versions("dealer"), ["1.9", "1.10"]);
    assert_eq!(cores.names(), ["dealer"]);
    let choice = load(&fleet).unwrap().config().core.clone().unwrap();
    let first = cores.get(&choice).unwrap();
    assert!(Arc::ptr_eq(&first, &cores.get(&choice).unwrap()));
    write(fleet.path(), "cores/dealer/1.9/templates/sections/hero.twig", "<h1>older</h1>");
    assert!(!Arc::ptr_eq(&first, &cores.get(&choice).unwrap()));
}

#[test]
fn a_missing_core_says_which_there_are() {
    let told = |config: &str| {
        let findings = load(&fleet(config)).unwrap_err();
        let finding = findings.iter().find(|finding| finding.rule == "core.missing").unwrap();
        format!("{}: {}", finding.reason, finding.fix)
    };
    let version = "[core]\nname = \"dealer\"\nversion = \"2\"\n";
    assert_eq!(told(version), "there is no core `dealer` of version `2`: use one of its versions: 1.9, 1.10");
    let name = "[core]\nname = \"tyres\"\nversion = \"1\"\n";
    assert_eq!(told(name), "there is no core `tyres` of version `1`: use one of: dealer");
    let outside = "[core]\nname = \"..\"\nversion = \"site\"\n";
    assert_eq!(told(outside), "there is no core `..` of version `site`: use one of: dealer");
}

#[test]
fn a_difference_needs_somebody_who_answers_for_it() {
    let own = "site/templates/sections/hero.twig";
    let rules = |config: &str, text: &str| {
        let fleet = fleet(&format!("{CORE}{config}"));
        if !text.is_empty() {
            write(fleet.path(), own, text);
        }
        let site = load(&fleet).unwrap();
        let found: Vec<&str> =
            check(&site, now()).iter().map(|f| f.rule).filter(|rule| rule.starts_with("core.")).collect();
        (found, site.differences(site.today(now())))
    };
    let declared = |date: &str| {
        format!(
            "[overrides.\"sections/hero.twig\"]\nowner = \"Анна\"\nreason = \"акция\"\nexpires = \"{date}\"\n"
        )
    };
    let (found, differences) = rules("", "<h1>own</h1>");
    assert_eq!(found, ["core.undeclared"]);
    assert_eq!(differences, [("sections/hero.twig".to_owned(), Difference::Undeclared)]);
    let (found, differences) = rules(&declared("2026-11-26"), "<h1>own</h1>");
    assert!(found.is_empty(), "{found:?}");
    assert!(matches!(&differences[..], [(_, Difference::Declared(one))] if one.owner == "Анна"));
    assert_eq!(rules(&declared("2026-11-25"), "<h1>own</h1>").0, ["core.expired"]);
    assert_eq!(rules("", "<h1>old</h1>").0, ["core.same"]);
    assert_eq!(rules(&declared("2026-12-01"), "").0, ["core.idle"]);
    assert!(rules("", "").0.is_empty());
}

#[test]
fn an_override_that_does_not_say_who_and_until_when_is_refused() {
    let told = |config: &str| {
        let findings = load(&fleet(&format!("{CORE}{config}"))).unwrap_err();
        findings.iter().map(|finding| finding.reason.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        told("[overrides.\"a.twig\"]\nowner = \"Анна\"\n"),
        [
            "the override of `a.twig` does not say its `reason`",
            "the override of `a.twig` does not say its `expires`"
        ]
    );
    let date = "[overrides.\"a.twig\"]\nowner = \"x\"\nreason = \"y\"\nexpires = \"31.01.2027\"\n";
    assert_eq!(told(date), ["the last day of an override is not a date"]);
    let load = load(&fleet("[core]\nname = \"dealer\"\n")).unwrap_err();
    assert_eq!(load[0].reason, "`core.version` is missing");
}
