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

fn cores(fleet: &tempfile::TempDir) -> Cores {
    Cores::new(fleet.path().join("cores"))
}

fn new_core(fleet: &tempfile::TempDir) -> Arc<ismart_sites::Core> {
    let choice = ismart_sites::CoreChoice { name: "dealer".into(), version: "1.10".into() };
    cores(fleet).get(&choice).unwrap()
}

#[test]
fn a_change_of_core_is_seen_before_it_is_shown() {
    let fleet = fleet(CORE);
    let site = load(&fleet).unwrap();
    let changes = site.bears(&new_core(&fleet), now()).unwrap();
    let index = changes.iter().find(|change| change.path == "/").unwrap();
    assert_eq!((index.status, index.lines), ((200, 200), (1, 1)));
    assert_eq!(index.places, ["-<h1>old</h1>", "+<h1>new</h1>"]);
    let after = site.on_core(&new_core(&fleet)).unwrap();
    assert_eq!(page(&after, "/"), "<h1>new</h1>");
    assert_eq!(page(&after, "/assets/css/main.css"), "h1{content:'new'}");
    assert_eq!(after.config().core.as_ref().unwrap().version, "1.10");
    assert_eq!(page(&site, "/"), "<h1>old</h1>", "the site itself is as it was");

    write(fleet.path(), "cores/dealer/1.10/templates/sections/hero.twig", "{{ include('gone.twig') }}");
    let told = site.bears(&new_core(&fleet), now()).unwrap_err();
    assert!(told.starts_with("/ would answer 500:") && told.contains("gone.twig"), "{told}");
    write(fleet.path(), "cores/dealer/1.10/templates/sections/hero.twig", "{% if %}");
    let told = site.bears(&new_core(&fleet), now()).unwrap_err();
    assert!(told.starts_with("templates/sections/hero.twig:"), "{told}");
}

#[test]
fn a_roll_out_goes_by_waves_and_back_by_one_command() {
    use ismart_sites::{Rollout, Rollouts, StepState};
    let folder = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c"];
    for name in names {
        let config = format!(
            "# a comment that stays\nclient = \"{name}\"\nname = \"A\"\nhosts = [\"{name}.example\"]\n[core]\nname = \"dealer\"\nversion = \"1.9\" # of May\n"
        );
        write(folder.path(), &format!("sites/{name}/config/site.toml"), &config);
    }
    let version = |name: &str| {
        let site = SiteFolder::new(folder.path().join("sites").join(name));
        site.config().unwrap().core.unwrap().version
    };
    let versions = || names.map(version).join(" ");
    let rollouts = Rollouts::new(folder.path().join("rollouts"), folder.path().join("sites"));
    assert!(rollouts.all().unwrap().is_empty());
    let sites: Vec<(String, String)> = names.iter().map(|n| ((*n).to_owned(), version(n))).collect();
    let plan = Rollout::plan("dealer", "1.10", &sites, &["c".to_owned()], "1,100%", "Анна", now()).unwrap();
    rollouts.keep(&plan).unwrap();

    let first = rollouts.roll(&plan.id, now(), |_| Ok(())).unwrap();
    assert_eq!(versions(), "1.9 1.9 1.10");
    assert_eq!(first.next().unwrap().0, 1);
    let text = std::fs::read_to_string(folder.path().join("sites/c/config/site.toml")).unwrap();
    assert!(
        text.starts_with("# a comment that stays\n") && text.contains("version = \"1.10\" # of May"),
        "{text}"
    );

    let second =
        rollouts.roll(&plan.id, now(), |site| if site == "a" { Err("it breaks".into()) } else { Ok(()) });
    let held: Vec<_> =
        second.unwrap().steps().filter(|step| step.state == StepState::Held).cloned().collect();
    assert_eq!(held[0].reason.as_deref(), Some("it breaks"));
    assert_eq!(versions(), "1.9 1.10 1.10");
    let over = rollouts.roll(&plan.id, now(), |_| Ok(())).unwrap_err().to_string();
    assert!(over.ends_with("has no wave left"), "{over}");

    // What somebody chose since is not taken from him.
    let path = folder.path().join("sites/b/config/site.toml");
    let newer = std::fs::read_to_string(&path).unwrap().replace("1.10", "2.0");
    std::fs::write(&path, newer).unwrap();
    rollouts.roll_back(&plan.id, now()).unwrap();
    assert_eq!(versions(), "1.9 2.0 1.9");
    assert!(rollouts.get("x").unwrap_err().to_string().contains("no roll-out `x`"));
    std::fs::write(folder.path().join("rollouts/broken.json"), "{").unwrap();
    assert!(rollouts.all().unwrap_err().to_string().contains("broken.json"));
}

#[test]
fn a_site_that_differs_from_the_fleet_is_told_about() {
    use ismart_sites::{Drift, Expected};
    let fleet = fleet(&format!("[forms]\nconsent_version = \"9\"\n{CORE}"));
    let site = load(&fleet).unwrap();
    let expected = Expected { consent_version: Some("10".to_owned()) };
    assert_eq!(Expected::of([site.as_ref()]).consent_version.as_deref(), Some("9"));
    let drift = Drift::of(&site, &cores(&fleet), &expected, now());
    let rules: Vec<&str> =
        drift.findings.iter().map(|f| f.rule).filter(|rule| rule.starts_with("fleet.")).collect();
    let mut rules = rules;
    rules.sort_unstable();
    assert_eq!(rules, ["fleet.consent", "fleet.core_version", "fleet.metrics", "fleet.time_zone"]);
    assert_eq!(drift.count("fleet"), (0, 4));
    for finding in &drift.findings {
        assert!(ismart_sites::AREAS.contains(&ismart_sites::area_of(finding.rule)), "{}", finding.rule);
    }
}

#[test]
fn every_rule_has_an_area() {
    for rule in ismart_sites::rules::RULES {
        assert!(ismart_sites::AREAS.contains(&ismart_sites::area_of(rule.name)), "{}", rule.name);
    }
}
