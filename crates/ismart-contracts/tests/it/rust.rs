//! Reading Rust.

use ismart_contracts::code::{self, Language};
use ismart_contracts::{Config, Tree, check};

#[test]
fn public_items_are_shown_in_one_line() {
    let text = "//! The door.\n\npub struct Door { pub wide: bool, key: u8 }\npub struct Pair(pub u8, u16);\npub enum State { Open, Shut(u8), Stuck { why: String } }\npub trait Lock<T>: Send + Sync {\n    /// Turns.\n    fn turn(&mut self,\n        key: T,\n    ) -> bool;\n    const PINS: usize;\n}\nimpl Door {\n    /// Makes one.\n    pub async fn open(&self) -> Result<(), String> { Ok(()) }\n    fn hidden(&self) {}\n}\npub const WIDTH: u8 = 1;\npub static NAME: &str = \"\";\npub type Doors = Vec<Door>;\npub fn build<'a, T: Into<String>>(name: &'a T) -> Door where T: Clone { todo() }\nfn todo() -> Door { loop {} }\n#[macro_export]\nmacro_rules! door { () => {} }\n";
    let file = code::read("crates/a/src/door.rs", text, Language::Rust, Some(("a", "crates/a/src")));
    assert_eq!(file.fault, None);
    let unit = &file.units[0];
    assert_eq!((unit.full_name.as_str(), unit.doc.as_deref()), ("a::door", Some("The door.")));
    let shown: Vec<(String, &str)> =
        unit.items.iter().map(|item| (item.path(), item.signature.as_str())).collect();
    let shown: Vec<(&str, &str)> =
        shown.iter().map(|(path, signature)| (path.as_str(), *signature)).collect();
    assert_eq!(
        shown,
        [
            ("Door", "struct Door { wide: bool }"),
            ("Pair", "struct Pair(u8)"),
            ("State", "enum State { Open, Shut(u8), Stuck { why: String } }"),
            ("Lock", "trait Lock<T>: Send + Sync"),
            ("Lock::turn", "fn turn(&mut self, key: T) -> bool"),
            ("Lock::PINS", "const PINS: usize"),
            ("Door::open", "async fn open(&self) -> Result<(), String>"),
            ("WIDTH", "const WIDTH: u8"),
            ("NAME", "static NAME: &str"),
            ("Doors", "type Doors = Vec<Door>"),
            ("build", "fn build<'a, T: Into<String>>(name: &'a T) -> Door where T: Clone"),
            ("door", "macro door!"),
        ]
    );
}

fn workspace() -> Tree {
    Tree::of(
        Config::default(),
        [
            ("crates/one/Cargo.toml", "[package]\nname = \"my-one\"\n"),
            ("crates/one/src/lib.rs", "pub mod door;\nmod lock;\npub use lock::Lock;\n"),
            ("crates/one/src/door.rs", "use super::Lock;\npub fn open(_: &Lock) { crate::lock::turn(); }\n"),
            (
                "crates/one/src/lock.rs",
                "pub struct Lock;\npub fn turn() {}\n#[cfg(test)]\nmod tests { use crate::door; }\n",
            ),
            ("crates/two/Cargo.toml", "[package]\nname = \"my-two\"\n"),
            (
                "crates/two/src/main.rs",
                "mod house;\nfn main() { house::enter(); println!(\"{}\", my_one::door::open as usize); }\n",
            ),
            (
                "crates/two/src/house.rs",
                "use my_one::Lock;\npub fn enter() { let _: Option<Lock> = None; serde_json::to_string(&1).ok(); }\n",
            ),
            (
                "crates/two/tests/it.rs",
                "use my_one::door;\n#[test]\nfn opens() {}\nmod inner { #[tokio::test]\n async fn shuts() {} }\n",
            ),
        ],
    )
}

fn to(tree: &Tree, from: &str) -> Vec<String> {
    let from = tree.position(from).unwrap();
    tree.links.from(from).map(|edge| tree.files[edge.to].path.clone()).collect()
}

#[test]
fn paths_lead_to_the_files_that_declare_the_names() {
    let tree = workspace();
    assert_eq!(to(&tree, "crates/one/src/door.rs"), ["crates/one/src/lock.rs"]);
    assert_eq!(to(&tree, "crates/one/src/lock.rs"), Vec::<String>::new());
    assert_eq!(to(&tree, "crates/two/src/house.rs"), ["crates/one/src/lock.rs"]);
    assert_eq!(to(&tree, "crates/two/src/main.rs"), ["crates/one/src/door.rs", "crates/two/src/house.rs"]);
    let house = tree.position("crates/two/src/house.rs").unwrap();
    assert_eq!(tree.links.outside[house].keys().collect::<Vec<_>>(), ["serde_json"]);
}

#[test]
fn fresh_contracts_of_rust_have_no_drift_and_changes_are_found() {
    let files = |door: &str| {
        vec![
            ("Cargo.toml".to_owned(), "[package]\nname = \"house\"\n".to_owned()),
            ("src/lib.rs".to_owned(), "//! A house.\npub mod door;\npub mod lock;\npub use door::Door;\n".to_owned()),
            ("src/door.rs".to_owned(), door.to_owned()),
            ("src/lock.rs".to_owned(), "//! A lock.\npub struct Lock;\nimpl Lock { pub fn turn(&self) {} }\npub trait Key { const TEETH: u8; fn fits(&self, lock: &Lock) -> bool; }\n".to_owned()),
        ]
    };
    let door = "//! A door.\nuse crate::lock::Lock;\npub struct Door { pub lock: Lock }\nimpl Door {\n    pub async fn open(\n        &mut self,\n        wide: bool,\n    ) -> Result<(), String> {\n        serde_json::to_string(&wide).map(|_| ()).map_err(|e| e.to_string())\n    }\n}\n";
    let tree = |files: &[(String, String)]| {
        Tree::of(Config::default(), files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    };
    let mut all = files(door);
    let drafts = ismart_contracts::init::draft(&tree(&all), &["src".to_owned()], &|_| None, None);
    assert_eq!(drafts.drafts.len(), 3);
    let contracts: Vec<(String, String)> =
        drafts.drafts.into_iter().map(|draft| (draft.path, draft.text)).collect();
    assert!(
        contracts[0].1.contains("- `async fn Door::open(&mut self, wide: bool) -> Result<(), String>`"),
        "{}",
        contracts[0].1
    );
    let wrong = |all: &[(String, String)]| -> Vec<(&'static str, String)> {
        let found = check(&tree(all))
            .into_iter()
            .filter(|finding| finding.rule.starts_with("api.") || finding.rule.starts_with("links."));
        found.map(|finding| (finding.rule, finding.path)).collect()
    };
    all.extend(contracts.clone());
    assert_eq!(wrong(&all), []);
    let changed = door
        .replace("wide: bool", "wide: u8")
        .replace("serde_json", "toml")
        .replace("pub struct Door { pub lock: Lock }", "pub struct Door;");
    let mut all = files(&changed.replace("use crate::lock::Lock;\n", ""));
    all.extend(contracts);
    let at = "src/door.contract.md".to_owned();
    assert_eq!(
        wrong(&all),
        [
            ("api.signature", at.clone()),
            ("api.signature", at.clone()),
            ("links.missing", at.clone()),
            ("links.extra", at),
            ("links.users", "src/lock.contract.md".to_owned()),
        ]
    );
}

#[test]
fn tests_are_known_by_name_and_surroundings() {
    let tree = workspace();
    let tests = check::Tests::of(&tree);
    assert!(tests.find("it::opens").is_some() && tests.find("inner::shuts").is_some());
    assert!(tests.find("outer::shuts").is_none() && tests.find("enter").is_none());
}

#[test]
fn code_that_is_no_rust_is_told_with_its_line() {
    let file = code::read("src/a.rs", "fn a() {}\nfn b( {}\n", Language::Rust, None);
    assert_eq!(file.fault.map(|fault| fault.line), Some(2));
}

#[test]
fn whole_signatures_of_rust_are_compared_and_short_ones_are_looked_up() {
    let contract = |api: &str| {
        let text = format!("# Lock\n## PURPOSE\nx\n## API\n{api}\n## STATE\nx\n## LINKS\nnone\n");
        let tree = Tree::of(
            Config::default(),
            [
                ("Cargo.toml", "[package]\nname = \"a\""),
                (
                    "src/lock.rs",
                    "pub struct Lock;\nimpl Lock { pub fn turn(&self, key: u8) -> bool { true } }\npub fn lock() {}",
                ),
                ("src/lock.contract.md", text.as_str()),
            ],
        );
        let found = check(&tree).into_iter().filter(|finding| finding.rule.starts_with("api."));
        found.map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(
        contract("- `struct Lock`\n- `fn Lock::turn(&self, key: u8) -> bool`: turns\n- `fn lock()`"),
        Vec::<&str>::new()
    );
    assert_eq!(contract("- `Lock`, `Lock::turn(key)`, `lock()`"), Vec::<&str>::new());
    assert_eq!(contract("- `Lock`, `lock`\n- `fn Lock::turn(&self) -> bool`"), ["api.signature"]);
    assert_eq!(contract("- `Lock`, `lock`, `Lock::turn(key)`, `Lock::shut()`"), ["api.extra"]);
    assert_eq!(contract("- `Lock`"), ["api.missing", "api.missing"]);
}
