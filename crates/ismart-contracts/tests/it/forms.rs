//! Every form in which contracts are written is read.

use ismart_contracts::contract::{self, Form};
use ismart_contracts::{Config, Tree, check};

const ROUTER: &str = "<?php\nnamespace App\\Routing;\nclass Router\n{\n    public function __construct(private UrlParser $urlParser) {}\n    public function resolve(): string { return ''; }\n}\n";
const PARSER: &str = "<?php\nnamespace App\\Routing;\nclass UrlParser { }\n";
const USER: &str = "<?php\nnamespace App;\nclass Application { function run() { new Routing\\Router(new Routing\\UrlParser()); } }\n";

/// What is wrong of a router's contract.
fn found(contract: &str) -> Vec<String> {
    let tree = Tree::of(
        Config::default(),
        [
            ("core/Routing/Router.php", ROUTER),
            ("core/Routing/UrlParser.php", PARSER),
            ("core/Application.php", USER),
            ("core/Routing/Router.contract.md", contract),
        ],
    );
    check(&tree).into_iter().map(|finding| format!("{}: {}", finding.rule, finding.reason)).collect()
}

const PLAIN: &str = "# Контракт Модуля: Router\n\n*   **PURPOSE:** Определяет страницу по адресу.\n*   **API:**\n    *   `__construct(UrlParser $urlParser)`: Конструктор.\n    *   `resolve(): string`: Основной метод.\n*   **STATE:** Без состояния.\n*   **LINKS:**\n    *   **Зависит от:** `core/Routing/UrlParser.php`.\n    *   **Используется в:** `core/Application.php`.\n";

#[test]
fn the_plain_form_with_russian_labels_is_read() {
    let contract = contract::read("core/Routing/Router.contract.md", PLAIN);
    assert_eq!(contract.form, Form::Markdown);
    assert_eq!(contract.purpose().as_deref(), Some("Определяет страницу по адресу."));
    assert_eq!(contract.api.len(), 2);
    assert_eq!(contract.api[1].says, "Основной метод.");
    assert_eq!(contract.links.depends.as_ref().map(Vec::len), Some(1));
    assert_eq!(contract.links.users.as_ref().map(Vec::len), Some(1));
    let wanting = found(PLAIN);
    assert!(wanting.iter().all(|reason| reason.starts_with("contract.complete")), "{wanting:#?}");
    let drifted = PLAIN.replace("resolve(): string", "resolve(): int");
    assert!(found(&drifted).iter().any(|reason| reason.starts_with("api.signature")));
}

#[test]
fn headings_in_russian_are_read() {
    let text = "# Router\n\n## Назначение\nАдреса.\n\n## Интерфейс\n- `__construct(UrlParser $urlParser)`\n- `resolve(): string`\n\n## Состояние\n- `$urlParser`\n\n## Связи\n- зависит от: `UrlParser.php`\n- используется в: `core/Application.php`\n\n## Обещания\n- **P1** Даёт страницу. Тесты: `нет_такого`\n\n## Отказы\nНет.\n";
    assert_eq!(found(text), ["promise.test: P1 names `нет_такого`, which is no test of the tree"]);
}

#[test]
fn module_contract_tags_in_markdown_are_read() {
    let text = "# Router\n\n<MODULE_CONTRACT>\n  <PURPOSE>\n    Finds the page.\n  </PURPOSE>\n  <SCOPE>routing</SCOPE>\n  <API>\n    - __construct(UrlParser $urlParser)\n    - resolve(): string — the page\n  </API>\n  <STATE>Stateless.</STATE>\n  <LINKS>\n    - core/Routing/UrlParser.php\n  </LINKS>\n</MODULE_CONTRACT>\n\n<MODULE_MAP>\n  <BLOCK name=\"Lookup\" />\n</MODULE_MAP>\n";
    let contract = contract::read("core/Routing/Router.contract.md", text);
    assert_eq!(contract.form, Form::Xml);
    assert_eq!(contract.purpose().as_deref(), Some("Finds the page."));
    let signatures: Vec<&str> = contract.api.iter().map(|claim| claim.signature.as_str()).collect();
    assert_eq!(signatures, ["__construct(UrlParser $urlParser)", "resolve(): string"]);
    let found = found(text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().any(|reason| reason.contains("`core/Application.php` uses the code")));
    assert!(found.iter().any(|reason| reason.starts_with("map.gone") && reason.contains("Lookup")));
}

#[test]
fn contracts_in_comments_of_code_are_read() {
    let code = "<?php\n// FILE: src/A.php\n// VERSION: 1.0.0\n// START_MODULE_CONTRACT:\n//   PURPOSE: Counts things.\n//   SCOPE: counting\n//   DEPENDS: src/B.php, src/Gone.php\n// END_MODULE_CONTRACT\n// START_MODULE_MAP\n//   A - the class\n//   count - counts\n//   lost - is gone\n// END_MODULE_MAP\nclass A {\n    public function count(B $b): int {\n        // START_BLOCK_SUM: adds\n        return 1;\n        // END_BLOCK_SUM\n    }\n}\n";
    let tree = Tree::of(Config::default(), [("src/A.php", code), ("src/B.php", "<?php class B {}")]);
    assert_eq!(tree.contracts.len(), 1);
    assert_eq!(tree.contracts[0].purpose().as_deref(), Some("Counts things."));
    let mut rules: Vec<&str> = check(&tree).into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    assert_eq!(rules, ["api.missing", "links.dead", "map.gone"]);
    assert_eq!(ismart_contracts::coverage(&tree, &["src/A.php".to_owned()]).all.covered, 1);
}

#[test]
fn promises_are_read_as_list_and_as_table() {
    let list = "# A\n## PROMISES\n- **P1** Opens\n  at once. Proved by `a::opens`,\n  `shuts`.\n- P2. Shuts. Tests: `shuts`\n";
    let table = "# A\n## PROMISES\n| | Promise | Proved by |\n|---|---|---|\n| P1 | Opens `x` at once. | `a::opens`, `shuts` |\n| P2 | Shuts. | `shuts` |\n";
    for text in [list, table] {
        let contract = contract::read("a.contract.md", text);
        let tests: Vec<&[String]> =
            contract.promises.iter().map(|promise| promise.tests.as_slice()).collect();
        assert_eq!(
            tests,
            [["a::opens".to_owned(), "shuts".to_owned()].as_slice(), ["shuts".to_owned()].as_slice()]
        );
        assert!(contract.promises[0].text.starts_with("Opens"), "{}", contract.promises[0].text);
        assert!(contract.promises[0].text.ends_with("at once."), "{}", contract.promises[0].text);
    }
}

#[test]
fn a_contract_may_name_its_code() {
    let contract = "# The house\n## CODE\n`../src/one.rs`, `src/two.rs#Door`\n## PURPOSE\nx\n## API\n- `one`, `Door`, `Door::open`\n## STATE\nx\n## LINKS\n- depends on: none\n- used by: none\n";
    let files = [
        ("Cargo.toml", "[package]\nname = \"a\""),
        ("src/one.rs", "pub fn one() {}"),
        ("src/two.rs", "pub struct Door;\nimpl Door { pub fn open() {} }\npub struct Window;"),
        ("docs/house.contract.md", contract),
    ];
    let tree = Tree::of(Config::default(), files);
    let covers: Vec<(&str, Option<&str>)> = tree.contracts[0]
        .covers
        .iter()
        .map(|covered| (covered.path.as_str(), covered.item.as_deref()))
        .collect();
    assert_eq!(covers, [("src/one.rs", None), ("src/two.rs", Some("Door"))]);
    let errors: Vec<String> =
        check(&tree).into_iter().filter(|f| f.rule != "contract.complete").map(|f| f.reason).collect();
    assert_eq!(errors, Vec::<String>::new());
    let gone = contract.replace("two.rs#Door", "two.rs#Gate").replace("../src/one.rs", "../src/none.rs");
    let files = [files[0], files[1], files[2], ("docs/house.contract.md", gone.as_str())];
    let orphans = check(&Tree::of(Config::default(), files))
        .into_iter()
        .filter(|f| f.rule == "contract.orphan")
        .count();
    assert_eq!(orphans, 2);
}

#[test]
fn broken_contracts_are_read_as_far_as_they_go() {
    for text in [
        "",
        "#",
        "**PURPOSE",
        "- **API**:\n  - `",
        "<MODULE_CONTRACT>",
        "<MODULE_CONTRACT>\n<PURPOSE>",
        "## PROMISES\nP1",
        "| P1",
        "## API\n- `a`, `b\n- ``\n",
        "## LINKS\n- depends on:\n- `",
    ] {
        let contract = contract::read("a.contract.md", text);
        assert!(contract.promises.len() <= 1);
    }
}
