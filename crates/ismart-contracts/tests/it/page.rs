//! The page of the graph in a real browser.

use std::process::Command;

use ismart_contracts::graph::{Form, Graph};

use crate::shop::Shop;

/// Whether a program that a test needs is here; says so when it is not, and fails where nothing may be left out.
pub(crate) fn is_here(program: &str, package: &str) -> bool {
    if Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return true;
    }
    eprintln!("left out: there is no {program} here (Debian: apt-get install {package})");
    // The environment decides how strict a run is; nothing else of it is read.
    #[expect(clippy::disallowed_methods, reason = "a test asks whether it may leave itself out")]
    let required = std::env::var("ISMART_REQUIRE").is_ok_and(|value| value == "1");
    assert!(!required, "ISMART_REQUIRE=1, and there is no {program}");
    false
}

/// What the page shows at an address, as the browser has it.
fn shown(page: &std::path::Path, hash: &str, language: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--virtual-time-budget=5000",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--accept-lang={language}"))
        .arg(format!("--lang={language}"))
        .args(["--dump-dom", &format!("file://{}{hash}", page.display())])
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    // The data stands in the page too: only what the script made of it counts.
    let (before, rest) = dom.split_once("<script type=\"application/json\"").unwrap();
    format!("{before}{}", rest.split_once("</script>").unwrap().1.split("<script").next().unwrap())
}

#[test]
fn the_page_walks_the_code_in_a_browser() {
    if !is_here("chromium", "chromium") {
        return;
    }
    let shop = Shop::with_contracts();
    shop.remove("src/Support/Slug.contract.md");
    shop.write("page.html", &Graph::of(&shop.tree(), &[]).print(Form::Html));
    let page = shop.root().join("page.html");
    let dom = shown(&page, "#src%2FOrders%2FCheckout.php", "en-US");
    assert!(dom.contains("<h2>class Checkout</h2>"), "{dom}");
    assert!(dom.contains("Turns a cart into an order."));
    assert!(dom.contains("aria-current=\"true\">Checkout</a>"));
    // Its dependency leads on, its promise names its test, its API is there.
    assert!(
        dom.contains("href=\"#src%2FOrders%2FCart.php\">Cart<small>src/Orders/Cart.php · type</small>"),
        "{dom}"
    );
    assert!(dom.contains("P1. Holds.") && dom.contains("CartTest::testAddsALine"));
    assert!(dom.contains("<code>cancel(string $order, ?string $reason = null): void</code>"));
    assert!(dom.contains("class=\"bare\">Slug") && dom.contains("no contract"));
    assert!(dom.contains("12 of 12"), "{dom}");
    // An unknown address opens key code, and the page speaks Russian.
    let dom = shown(&page, "#nowhere", "ru-RU");
    assert!(dom.contains("<h2>class Bundle</h2>") && dom.contains("зависит от"), "{dom}");
}
