//! The commands on their own program: what they print and how they end.

use std::process::{Command, Output};

use serde_json::Value;

use crate::shop::Shop;

fn run(shop: &Shop, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_ismart-contracts"))
        .args(arguments)
        .arg("--root")
        .arg(shop.root())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn a_tree_goes_from_nothing_to_checked() {
    let shop = Shop::new();
    let (code, out, err) = run(&shop, &["coverage"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("total")
            && out.contains("0 of 11")
            && err.contains("0 % of the key code has a contract, 80 % are wanted"),
        "{out}{err}"
    );
    let (code, out, _) = run(&shop, &["init", "--dry-run"]);
    assert!(code == 0 && out.ends_with("10 new, 0 changed, 0 as they were\n"), "{out}");
    assert_eq!(run(&shop, &["coverage"]).0, 1, "a dry run writes nothing");
    assert_eq!(run(&shop, &["init"]).0, 0);
    assert_eq!(run(&shop, &["coverage", "--min", "100"]).0, 0);
    let (code, out, _) = run(&shop, &["check"]);
    assert!(code == 1 && out.contains("error[contract.section]"), "purposes are still to be written: {out}");
}

#[test]
fn findings_come_in_every_format_with_the_exit_code_of_their_weight() {
    let shop = Shop::with_contracts();
    for (format, word) in [
        ("text", "0 errors, 0 warnings"),
        ("json", "\"ok\": true"),
        ("sarif", "\"results\": []"),
        ("github", ""),
    ] {
        let (code, out, _) = run(&shop, &["check", "--format", format]);
        assert!(code == 0 && out.contains(word), "{format}: {out}");
    }
    shop.exchange("src/Orders/Checkout.php", "cancel(string", "cancel(int");
    let (code, out, _) = run(&shop, &["check", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, sarif["runs"][0]["results"].as_array().unwrap().len()), (1, 1));
    let (code, out, _) = run(&shop, &["check", "--format", "github", "src/Orders"]);
    assert!(code == 1 && out.starts_with("::error file=src/Orders/Checkout.contract.md,line="), "{out}");
    assert_eq!(run(&shop, &["check", "src/Support"]).0, 0, "other folders are not asked about");
}

#[test]
fn coverage_is_told_by_folder_and_as_json() {
    let shop = Shop::with_contracts();
    shop.remove("src/Support/Slug.contract.md");
    let (code, out, _) = run(&shop, &["coverage", "--json", "--min", "95"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told["percent"].as_u64()), (1, Some(90)));
    assert_eq!(told["coverage"]["folders"]["src/Support"]["covered"], 1);
    assert_eq!(told["coverage"]["missing"][0][0], "src/Support/Slug.php");
    assert_eq!(run(&shop, &["coverage", "src/Orders", "--min", "100"]).0, 0);
}

#[test]
fn what_cannot_be_done_is_said_and_ends_with_two() {
    let shop = Shop::new();
    let (code, _, err) = run(&shop, &["check", "src/Nowhere"]);
    assert!(code == 2 && err.contains("there is no `src/Nowhere`"), "{err}");
    shop.write("contracts.toml", "kye = 1\n");
    for command in ["check", "coverage", "init", "graph", "serve"] {
        let (code, _, err) = run(&shop, &[command]);
        assert!(code == 2 && err.contains("contracts.toml") && err.contains("kye"), "{command}: {err}");
    }
    let (code, _, err) = run(&shop, &["coverage", "--min", "101"]);
    assert!(code == 2 && err.contains("101"), "{err}");
    let output = Command::new(env!("CARGO_BIN_EXE_ismart-contracts"))
        .args(["check", "--root", "/no/such/folder"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no folder that can be read"));
}

#[test]
fn a_graph_goes_to_a_file() {
    let shop = Shop::new();
    let page = shop.root().join("page.html");
    let (code, out, _) = run(&shop, &["graph", "--form", "html", "--out", page.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(std::fs::read_to_string(&page).unwrap().starts_with("<!DOCTYPE html>"));
    let (code, _, err) = run(&shop, &["graph", "--out", "/no/such/folder/x"]);
    assert!(code == 2 && err.contains("cannot be written"), "{err}");
}

#[test]
fn a_malformed_file_is_skipped_by_init_and_said() {
    let shop = Shop::new();
    shop.write("src/Broken.php", "<?php class Broken { function ( }");
    let (code, out, err) = run(&shop, &["init", "src"]);
    assert!(
        code == 1
            && out.contains("new src/Orders/Cart.contract.md")
            && err.contains("skipped src/Broken.php: line 1"),
        "{out}{err}"
    );
}
