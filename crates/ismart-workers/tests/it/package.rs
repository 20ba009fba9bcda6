use include_dir::{Dir, include_dir};
use ismart_workers::{Package, PackageFiles};

use crate::support::{package_dir, worker};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../workers/lead-assistant");

/// Proves P12: a package in the binary and the same on disk are one package.
#[test]
fn the_shipped_package_loads_alike_from_disk_and_binary() {
    let disk = worker().package();
    let embedded = Package::from_dir(&EMBEDDED).unwrap();
    assert_eq!(PackageFiles::embedded(&EMBEDDED).0, PackageFiles::read(&package_dir()).unwrap().0);
    assert_eq!(disk.flows.len(), embedded.flows.len());
    assert_eq!(disk.scenarios.len(), embedded.scenarios.len());
    assert!(disk.intents.list.len() >= 30);
    for intent in &disk.intents.list {
        assert!(intent.ru.len() + intent.en.len() >= 20, "{} has few examples", intent.name);
    }
}

fn broken(file: &str, from: &str, to: &str) -> Vec<String> {
    let mut files = PackageFiles::read(&package_dir()).unwrap();
    let text = files.0.get_mut(file).unwrap();
    assert!(text.contains(from), "{file} holds no `{from}`");
    *text = text.replacen(from, to, 1);
    Package::from_files(&files).unwrap_err().iter().map(ToString::to_string).collect()
}

/// Proves P12: each fault names its file, line, key, reason and repair.
#[test]
fn faults_are_told_with_place_and_repair() {
    for (file, from, to, expected) in [
        (
            "worker.toml",
            "autonomy_level = 3",
            "autonomy_level = 9",
            "worker.toml:8: autonomy_level: 9 is above 4; give 0 to 4",
        ),
        ("worker.toml", "kind =", "kidn =", "unknown field `kidn`"),
        ("flows.toml", "say = \"welcome\"", "say = \"welcom\"", "answer `welcom` is not declared"),
        (
            "flows.toml",
            "call = \"credit_estimate\"",
            "call = \"credit_guess\"",
            "tool `credit_guess` is not among the tools of worker.toml",
        ),
        ("flows.toml", "goto = \"none\"", "goto = \"nowhere\"", "label `nowhere` is not declared"),
        ("flows.toml", "say = \"welcome\"", "say = \"welcome\"\nend = true", "the step has 2 acts"),
        (
            "flows.toml",
            "intents = [\"complaint\"]",
            "intents = [\"complain\"]",
            "intent `complain` is not declared",
        ),
        (
            "flows.toml",
            "\"$credit_price\"",
            "\"$creditprice\"",
            "`creditprice` begins with `creditprice`, which is no slot, result or root",
        ),
        ("flows.toml", "when = \"!contact.phone\"", "when = \"not contact\"", "is not a condition"),
        (
            "answers.toml",
            "Всего доброго!",
            "Скидка 5 процентов!",
            "the wording contains the number 5, which nothing proves",
        ),
        ("answers.toml", "Всего доброго!", "Гарантирую!", "which gates.toml forbids"),
        ("answers.toml", "{worker.name}", "{worker.name", "is not closed"),
        ("answers.toml", "{address.text}", "{adress.text}", "`adress.text` begins with `adress`"),
        (
            "gates.toml",
            "tools = [\"book_test_drive\"]",
            "tools = [\"book\"]",
            "tool `book` is not among the tools",
        ),
    ] {
        let problems = broken(file, from, to);
        assert!(
            problems.iter().any(|p| p.starts_with(file) && p.contains(expected)),
            "{expected}:\n{}",
            problems.join("\n")
        );
    }
}

/// Proves P12.
#[test]
fn all_faults_are_reported_at_once() {
    let mut files = PackageFiles::read(&package_dir()).unwrap();
    files.0.remove("gates.toml");
    for file in ["worker.toml", "answers.toml"] {
        files.0.get_mut(file).unwrap().push_str("\n[[[");
    }
    let problems = Package::from_files(&files).unwrap_err();
    let named: Vec<&str> = problems.iter().map(|p| p.file.as_str()).collect();
    assert_eq!(named, ["worker.toml", "answers.toml", "gates.toml"]);
}

#[test]
fn a_missing_folder_is_told() {
    let problems = Package::load(&package_dir().join("nowhere")).unwrap_err();
    assert!(problems[0].to_string().contains("cannot be read"));
}
