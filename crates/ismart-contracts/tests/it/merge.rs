//! `init` merges: what a person wrote stays.

use ismart_contracts::{Config, Tree, init};

use crate::shop::Shop;

const CONTRACT: &str = "src/Orders/Checkout.contract.md";

#[test]
fn a_second_run_changes_nothing() {
    let shop = Shop::with_contracts();
    assert_eq!(shop.init(), Vec::<String>::new());
}

#[test]
fn signatures_entries_and_links_are_taken_over_and_words_stay() {
    let shop = Shop::with_contracts();
    let cancel = "- `cancel(string $order, ?string $reason = null): void`";
    shop.exchange(
        CONTRACT,
        cancel,
        &format!("{cancel}: undoes an order,\n  which a person may do for an hour"),
    );
    shop.exchange(CONTRACT, "Turns a cart into an order.", "Sells. See the wiki.");
    shop.exchange("src/Orders/Checkout.php", "function cancel(string $order", "function cancel(int $order");
    shop.exchange(
        "src/Orders/Checkout.php",
        "    public function cancel",
        "    /** Pays it. */\n    public function pay(\\Shop\\Support\\Money $sum): bool\n    {\n        return true;\n    }\n\n    public function cancel",
    );
    let mut written = shop.init();
    written.sort();
    assert_eq!(written, [CONTRACT, "src/Support/Money.contract.md"]);
    let text = shop.text(CONTRACT);
    assert!(text.contains("- `cancel(int $order, ?string $reason = null): void`: undoes an order,\n  which a person may do for an hour\n- `pay(\\Shop\\Support\\Money $sum): bool`: Pays it.\n"), "{text}");
    assert!(text.contains("Sells. See the wiki."));
    assert!(
        text.contains(
            "- depends on: `src/Catalogue/UnknownState.php`, `src/Orders/Cart.php`, `src/Support/Money.php`"
        ),
        "{text}"
    );
    assert_eq!(shop.found(&[]), Vec::new());
    assert_eq!(shop.init(), Vec::<String>::new());
}

#[test]
fn an_entry_that_is_gone_goes_only_without_words() {
    let shop = Shop::with_contracts();
    shop.exchange(
        CONTRACT,
        "- `order(array $person = []): string`",
        "- `order(array $person = []): string`: sells",
    );
    shop.exchange("src/Orders/Checkout.php", "public function cancel", "private function cancel");
    shop.exchange("src/Orders/Checkout.php", "public function order", "private function order");
    assert_eq!(shop.init(), [CONTRACT]);
    let text = shop.text(CONTRACT);
    assert!(
        !text.contains("`cancel(") && text.contains("`order(array $person = []): string`: sells"),
        "{text}"
    );
    let rules: Vec<&str> = shop.found(&[]).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["api.extra"]);
}

#[test]
fn lines_of_links_with_words_are_only_added_to() {
    let shop = Shop::with_contracts();
    shop.exchange(CONTRACT, "`src/Orders/Cart.php`", "`src/Orders/Cart.php` (the sum only)");
    shop.exchange(
        "src/Orders/Checkout.php",
        "return (string)",
        "new \\Shop\\Catalogue\\Product('x'); return (string)",
    );
    shop.init();
    let text = shop.text(CONTRACT);
    assert!(text.contains("`src/Orders/Cart.php` (the sum only), `src/Catalogue/Product.php`"), "{text}");
}

#[test]
fn the_plain_form_is_merged_in_its_own_dress() {
    let plain = "# Контракт Модуля: A\n\n*   **PURPOSE:** Считает.\n*   **API:**\n    *   `a(): int`: Число.\n*   **STATE:** Без состояния.\n*   **LINKS:**\n    *   **Зависит от:** `core/B.php`.\n    *   **Используется в:** нет.\n";
    let tree = Tree::of(
        Config::default(),
        [
            (
                "core/A.php",
                "<?php class A { function a(): int { new C(); return B::x(); } /** Ещё. */ function b(B $b) {} }",
            ),
            ("core/B.php", "<?php class B { static function x() {} }"),
            ("core/C.php", "<?php class C { }"),
            ("core/A.contract.md", plain),
        ],
    );
    let drafts = init::draft(&tree, &["core/A.php".to_owned()], &|_| Some(plain.to_owned()), None);
    let text = &drafts.drafts[0].text;
    assert!(text.contains("    *   `a(): int`: Число.\n    *   `b(B $b)`: Ещё.\n*   **STATE:**"), "{text}");
    assert!(text.contains("    *   **Зависит от:** `core/B.php`, `core/C.php`\n"), "{text}");
}

#[test]
fn labels_of_skeletons_are_russian_where_asked() {
    let shop = Shop::new();
    shop.write("contracts.toml", "labels = \"ru\"\n");
    shop.init();
    let text = shop.text(CONTRACT);
    assert!(text.starts_with("# Контракт: Checkout\n") && text.contains("- зависит от: `"), "{text}");
    let wrong: Vec<&str> = shop
        .found(&[])
        .into_iter()
        .map(|f| f.rule)
        .filter(|rule| rule.starts_with("api.") || rule.starts_with("links."))
        .collect();
    assert_eq!(wrong, Vec::<&str>::new());
}

#[test]
fn contracts_of_other_forms_are_left_alone() {
    let shop = Shop::new();
    let text = "<MODULE_CONTRACT>\n<PURPOSE>Sells.</PURPOSE>\n</MODULE_CONTRACT>\n";
    shop.write(CONTRACT, text);
    assert!(!shop.init().contains(&CONTRACT.to_owned()));
    assert_eq!(shop.text(CONTRACT), text);
}
