//! Drift is found: in API, links, promises, blocks, logs, maps and graphs.

use ismart_contracts::{Config, Finding, Severity, Tree, check, coverage};

use crate::shop::Shop;

const CHECKOUT: &str = "src/Orders/Checkout.php";
const CONTRACT: &str = "src/Orders/Checkout.contract.md";

fn told(found: &[Finding]) -> Vec<(&'static str, &str)> {
    found.iter().map(|finding| (finding.rule, finding.path.as_str())).collect()
}

#[test]
fn p2_fresh_contracts_cover_everything_and_have_no_drift() {
    let shop = Shop::with_contracts();
    let found = shop.found(&[]);
    assert!(found.is_empty(), "{found:#?}");
    let coverage = coverage(&shop.tree(), &[]);
    assert_eq!((coverage.all.percent(), coverage.missing.len()), (100, 0));
}

#[test]
fn p3_a_renamed_method_is_found_with_its_new_name() {
    let shop = Shop::with_contracts();
    shop.exchange(CHECKOUT, "function cancel(", "function revoke(");
    let found = shop.found(&[]);
    assert_eq!(told(&found), [("api.missing", CONTRACT), ("api.extra", CONTRACT)]);
    assert!(
        found[0].reason.contains("`revoke(string $order, ?string $reason = null): void` is public"),
        "{}",
        found[0].reason
    );
    assert!(found[1].reason.contains("`revoke` has the same parameters: renamed?"), "{}", found[1].reason);
}

#[test]
fn p3_a_changed_signature_is_found_however_small() {
    for (old, new) in [
        ("cancel(string $order, ", "cancel(int $order, "),
        ("?string $reason = null", "?string $reason = ''"),
        ("?string $reason = null", "?string $why = null"),
        ("$reason = null): void", "$reason = null): bool"),
        ("public function cancel", "public static function cancel"),
    ] {
        let shop = Shop::with_contracts();
        shop.exchange(CHECKOUT, old, new);
        let found = shop.found(&[]);
        assert_eq!(told(&found), [("api.signature", CONTRACT)], "{new}");
        assert!(found[0].line > 1 && found[0].severity == Severity::Error);
    }
}

#[test]
fn p3_a_removed_class_is_found() {
    let shop = Shop::with_contracts();
    shop.remove(CHECKOUT);
    let found = shop.found(&["contract.orphan", "links.users", "links.dead"]);
    assert!(told(&found).contains(&("contract.orphan", CONTRACT)), "{found:#?}");
    // Its neighbours name a file that is gone.
    assert!(told(&found).contains(&("links.dead", "src/Orders/Cart.contract.md")), "{found:#?}");
    let shop = Shop::with_contracts();
    shop.write(CHECKOUT, "<?php\nnamespace Shop\\Orders;\n");
    let found = shop.found(&["contract.orphan"]);
    assert_eq!(told(&found), [("contract.orphan", CONTRACT)]);
}

#[test]
fn p3_a_renamed_class_is_found_by_the_title() {
    let shop = Shop::with_contracts();
    shop.exchange(CHECKOUT, "class Checkout", "class Payment");
    assert_eq!(told(&shop.found(&["contract.title"])), [("contract.title", CONTRACT)]);
}

#[test]
fn p3_a_new_dependency_is_found_on_both_sides() {
    let shop = Shop::with_contracts();
    shop.exchange(CHECKOUT, "return (string)", "new \\Shop\\Catalogue\\Product('x'); return (string)");
    let found = shop.found(&[]);
    assert_eq!(
        told(&found),
        [("links.users", "src/Catalogue/Product.contract.md"), ("links.missing", CONTRACT)]
    );
    assert!(
        found[1].reason.contains("`src/Catalogue/Product.php` (src/Orders/Checkout.php:19)"),
        "{}",
        found[1].reason
    );
    let shop = Shop::with_contracts();
    shop.exchange("src/Orders/Cart.php", "audit('add');", "audit('add'); \\Vendor\\Sms::send();");
    let found = shop.found(&[]);
    assert_eq!(told(&found), [("links.missing", "src/Orders/Cart.contract.md")]);
    assert!(found[0].reason.contains("Vendor\\Sms"));
}

#[test]
fn links_that_do_not_hold_are_found() {
    let shop = Shop::with_contracts();
    shop.exchange(
        CONTRACT,
        "`src/Orders/Cart.php`",
        "`src/Orders/Cart.php`, `src/Support/Slug.php`, `src/Orders/Gone.php`",
    );
    assert_eq!(
        told(&shop.found(&[])),
        [
            ("links.dead", CONTRACT),
            ("links.extra", CONTRACT),
            ("links.one_sided", "src/Support/Slug.contract.md")
        ]
    );
    let shop = Shop::with_contracts();
    shop.exchange("src/Orders/Cart.contract.md", "- used by: ", "- used by: `src/Support/Slug.php`, ");
    assert_eq!(told(&shop.found(&[])), [("links.users", "src/Orders/Cart.contract.md")]);
}

#[test]
fn api_state_and_sections_that_do_not_hold_are_found() {
    let shop = Shop::with_contracts();
    shop.exchange(CONTRACT, "- `order(", "- `refund(int $a): void`: gives back\n- `order(");
    shop.exchange(CONTRACT, "`$cart`", "`$basket`");
    shop.exchange(CONTRACT, "None.", "");
    shop.exchange(CONTRACT, "## PURPOSE\n\nTurns a cart into an order.", "## PURPOSE\n");
    let found = shop.found(&[]);
    assert_eq!(
        told(&found),
        [
            ("contract.section", CONTRACT),
            ("api.extra", CONTRACT),
            ("state.gone", CONTRACT),
            ("contract.complete", CONTRACT)
        ],
    );
    assert!(found.iter().all(|finding| !finding.fix.is_empty()));
}

#[test]
fn promises_need_tests_that_exist() {
    let shop = Shop::with_contracts();
    let row = "| P1 | Holds. | `CartTest::testAddsALine` |\n";
    shop.exchange(CONTRACT, row, "| P1 | Holds. | `CartTest::testGone` |\n| P2 | Wished. | |\n| P4 | Jumps. | `CartTest::refusesNothing()` |\n");
    let found = shop.found(&[]);
    assert_eq!(
        told(&found),
        [("promise.test", CONTRACT), ("promise.unproved", CONTRACT), ("promise.number", CONTRACT)]
    );
    shop.exchange(CONTRACT, "| P1 |", "| one |");
    shop.exchange(CONTRACT, "| P2 |", "| two |");
    shop.exchange(CONTRACT, "| P4 |", "| four |");
    assert_eq!(told(&shop.found(&[])), [("promise.none", CONTRACT)]);
}

#[test]
fn blocks_and_log_lines_are_checked_in_code() {
    let shop = Shop::with_contracts();
    let cart = "src/Orders/Cart.php";
    let long: String = (0..120).map(|at| format!("        $this->lines[{at}] = [{at}, 1];\n")).collect();
    shop.exchange(cart, "        $this->lines[] = [$what, $times];\n", &long);
    shop.exchange(cart, "        // END_BLOCK\n        // BLOCK: Line\n", "        // BLOCK: Line\n");
    shop.exchange(cart, "[INFO][Cart::add][Line] added", "added a line");
    shop.exchange(cart, "[Cart::total][Sum]", "[Cart::add][Sum]");
    let found = shop.found(&[]);
    assert_eq!(
        told(&found),
        [("block.pair", cart), ("block.long", cart), ("log.form", cart), ("log.form", cart)]
    );
    assert!(found[0].reason.contains("`Limit` is not closed"), "{}", found[0].reason);
    assert!(found[3].reason.contains("stands in Cart::total"), "{}", found[3].reason);
}

#[test]
fn a_rule_can_be_turned_off_and_a_warning_made_an_error() {
    let shop = Shop::with_contracts();
    shop.exchange("src/Orders/Cart.php", "[Cart::total][Sum]", "sum:");
    shop.write("contracts.toml", "[rules]\n\"log.form\" = \"error\"\n");
    assert_eq!(shop.found(&["log.form"])[0].severity, Severity::Error);
    shop.write("contracts.toml", "[rules]\n\"log.form\" = \"off\"\n");
    assert!(shop.found(&[]).is_empty());
}

#[test]
fn what_is_inherited_may_stand_in_the_api() {
    let class = "<?php class A extends B { public function own() {} }";
    let contract = |name: &str| {
        let text = format!(
            "# A\n## PURPOSE\nx\n## API\n- `own()`\n- `{name}()`\n## STATE\nx\n## LINKS\n- depends on: `src/B.php`\n- used by: none\n"
        );
        let tree = Tree::of(
            Config::default(),
            [
                ("src/A.php", class),
                ("src/B.php", "<?php class B { public function old() {} }"),
                ("src/A.contract.md", text.as_str()),
            ],
        );
        check(&tree).into_iter().filter(|finding| finding.severity == Severity::Error).count()
    };
    assert_eq!((contract("old"), contract("gone")), (0, 1));
}

#[test]
fn the_knowledge_graph_must_not_drift() {
    let shop = Shop::with_contracts();
    let modules: String = shop
        .tree()
        .key_units()
        .iter()
        .map(|unit| format!("<module FILE=\"{}\"><class NAME=\"{}\"/></module>\n", unit.path, unit.name))
        .collect();
    let graph = format!("<KnowledgeGraph>\n{modules}</KnowledgeGraph>\n");
    shop.write("docs/knowledge-graph.xml", &graph);
    assert_eq!(shop.found(&[]), Vec::new());
    let drifted = graph
        .replace("NAME=\"Cart\"/>", "NAME=\"Cart\"><method NAME=\"add\"/><method NAME=\"lost\"/><CrossLinks><Link TARGET=\"src/Lost.php\"/></CrossLinks></class>")
        .replace("src/Support/Slug.php", "src/Support/Gone.php");
    shop.write("docs/knowledge-graph.xml", &drifted);
    let reasons: Vec<String> = shop.found(&[]).into_iter().map(|finding| finding.reason).collect();
    assert_eq!(reasons.len(), 4, "{reasons:#?}");
    shop.write(
        "docs/knowledge-graph.xml",
        "<KnowledgeGraph><module FILE=\"src/Orders/Cart.php\"></KnowledgeGraph>",
    );
    assert_eq!(told(&shop.found(&[])), [("graph.drift", "docs/knowledge-graph.xml")]);
}

#[test]
fn the_other_form_of_a_knowledge_graph_is_read() {
    let graph = "<graph><Modules>\n<M-CART NAME=\"Cart\" TYPE=\"CORE\"><path>src/Cart.php</path><depends>M-MONEY, M-LOST</depends></M-CART>\n<M-MONEY NAME=\"Money\"><path>src/Money.php</path></M-MONEY>\n</Modules></graph>";
    let tree = Tree::of(
        Config::default(),
        [
            ("src/Cart.php", "<?php class Cart {}"),
            ("src/Money.php", "<?php class Money {}"),
            ("docs/KNOWLEDGE_GRAPH.xml", graph),
        ],
    );
    let found: Vec<(usize, String)> =
        check(&tree).into_iter().map(|finding| (finding.line, finding.reason)).collect();
    assert_eq!(found, [(2, "there is no module `M-LOST`".to_owned())]);
}

#[test]
fn several_classes_and_functions_of_a_file_are_told_apart() {
    let shop = Shop::with_contracts();
    let path = "src/Catalogue/Sellable.contract.md";
    let text = shop.text(path);
    assert!(
        text.contains("`Sellable::add($product, $times = 1)`") && text.contains("`Reader::read("),
        "{text}"
    );
    shop.exchange(path, "`Reader::read(", "`Sellable::read(");
    assert_eq!(told(&shop.found(&[])), [("api.missing", path), ("api.extra", path)]);
}
