//! The server speaks the Model Context Protocol.

use ismart_contracts::serve::serve;
use serde_json::{Value, json};

use crate::shop::Shop;

/// What the server answers to lines.
fn answers(shop: &Shop, lines: &[String]) -> Vec<Value> {
    let input = lines.join("\n") + "\n";
    let mut output = Vec::new();
    serve(shop.root(), input.as_bytes(), &mut output).unwrap();
    String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn request(id: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// The text of a tool's answer, and whether it is an error.
fn called(shop: &Shop, name: &str, arguments: &Value) -> (String, bool) {
    let answers =
        answers(shop, &[request(1, "tools/call", &json!({ "name": name, "arguments": arguments }))]);
    let result = &answers[0]["result"];
    assert_eq!(result["content"][0]["type"], "text", "{}", answers[0]);
    (result["content"][0]["text"].as_str().unwrap().to_owned(), result["isError"] == true)
}

#[test]
fn p5_a_session_begins_as_the_protocol_says() {
    let shop = Shop::with_contracts();
    let hello = json!({ "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let answers = answers(
        &shop,
        &[
            request(1, "initialize", &hello),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
            String::new(),
            request(2, "ping", &json!({})),
            request(3, "tools/list", &json!({})),
            request(4, "initialize", &json!({ "protocolVersion": "1999-01-01" })),
        ],
    );
    let ids: Vec<u64> = answers.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(answers[0]["result"]["capabilities"], json!({ "tools": {} }));
    assert_eq!(answers[1]["result"], json!({}));
    let tools = answers[2]["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["find", "contract", "neighbours", "code", "promise", "drift"]);
    assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"));
    assert_eq!(answers[3]["result"]["protocolVersion"], "2025-06-18");
}

#[test]
fn p5_what_is_no_request_gets_the_errors_of_json_rpc() {
    let shop = Shop::new();
    let long = format!("{{\"jsonrpc\":\"2.0\",\"id\":5,\"x\":\"{}\"}}", "a".repeat(2_000_000));
    let answers = answers(
        &shop,
        &[
            "{".to_owned(),
            json!({ "jsonrpc": "2.0", "id": 2 }).to_string(),
            request(3, "resources/list", &json!({})),
            request(4, "tools/call", &json!({ "name": "rm" })),
            long,
            json!({ "jsonrpc": "2.0", "id": 6, "result": {} }).to_string(),
            "[]".to_owned(),
            request(7, "ping", &json!({})),
        ],
    );
    let codes: Vec<Option<i64>> = answers.iter().map(|answer| answer["error"]["code"].as_i64()).collect();
    assert_eq!(
        codes,
        [Some(-32700), Some(-32600), Some(-32601), Some(-32602), Some(-32600), Some(-32600), None]
    );
    assert_eq!(answers[6]["id"], 7);
}

#[test]
fn modules_are_found_by_words() {
    let shop = Shop::with_contracts();
    let (text, wrong) = called(&shop, "find", &json!({ "query": "cart" }));
    assert!(!wrong);
    assert!(text.starts_with("src/Orders/Cart.php: What a person is about to buy."), "{text}");
    let (text, _) = called(&shop, "find", &json!({ "query": "no such thing" }));
    assert_eq!(text, "nothing has all of: no, such, thing");
    let (text, _) = called(&shop, "find", &json!({ "query": "src", "limit": 2 }));
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn contracts_and_neighbours_are_told_in_few_words() {
    let shop = Shop::with_contracts();
    for of in
        ["Checkout", "Shop\\Orders\\Checkout", "src/Orders/Checkout.php", "src/Orders/Checkout.contract.md"]
    {
        let (text, wrong) = called(&shop, "contract", &json!({ "of": of, "section": "purpose" }));
        assert_eq!(
            (text.as_str(), wrong),
            ("src/Orders/Checkout.contract.md\nPURPOSE: Turns a cart into an order.\n", false),
            "{of}"
        );
    }
    let (text, _) = called(&shop, "contract", &json!({ "of": "Checkout" }));
    assert!(text.contains("API: - `__construct(Cart $cart)`") && text.len() < 1_000, "{text}");
    let (text, _) = called(&shop, "neighbours", &json!({ "of": "Checkout" }));
    assert!(
        text.contains("- src/Orders/Cart.php (type, line 10)")
            && text.contains("- bin/shop.php (new, line 5)"),
        "{text}"
    );
}

#[test]
fn code_is_given_in_pieces() {
    let shop = Shop::with_contracts();
    let (text, _) = called(&shop, "code", &json!({ "of": "Checkout", "item": "order" }));
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(
        text.starts_with(
            "src/Orders/Checkout.php:17\n17     public function order(array $person = []): string\n"
        ),
        "{text}"
    );
    let (text, _) = called(&shop, "code", &json!({ "of": "Cart", "block": "limit" }));
    assert!(
        text.contains("// BLOCK: Limit") && text.contains("// END_BLOCK") && !text.contains("BLOCK: Line"),
        "{text}"
    );
    let (text, _) = called(&shop, "code", &json!({ "of": "Cart" }));
    assert!(
        text.contains("- add (lines ") && text.contains("- block Limit: Nothing above the limit is taken."),
        "{text}"
    );
    let (text, wrong) = called(&shop, "code", &json!({ "of": "Cart", "item": "gone" }));
    assert!(wrong && text.contains("it has __construct, add, total, isOpen"), "{text}");
}

#[test]
fn a_promise_comes_with_its_test() {
    let shop = Shop::with_contracts();
    let (text, _) = called(&shop, "promise", &json!({ "of": "Cart", "number": 1 }));
    assert!(
        text.starts_with("P1: Holds.\ntests/CartTest.php:")
            && text.contains("public function testAddsALine(): void"),
        "{text}"
    );
    let (text, _) = called(&shop, "promise", &json!({ "of": "Cart" }));
    assert!(text.ends_with("P1: Holds. [CartTest::testAddsALine]\n"), "{text}");
}

#[test]
fn wrong_arguments_are_told_to_the_model() {
    let shop = Shop::new();
    for (name, arguments, word) in [
        ("find", json!({}), "needs the argument `query`"),
        ("find", json!({ "query": 1 }), "must be a text"),
        ("find", json!({ "query": "a", "limit": -1 }), "whole number"),
        ("find", json!({ "words": "a" }), "no argument `words`"),
        ("find", json!([1]), "no object"),
        ("contract", json!({ "of": "Nobody" }), "nothing is called `Nobody`"),
        ("contract", json!({ "of": "Cart", "section": "SECRETS" }), "no section"),
        ("code", json!({ "of": "../../etc/passwd", "item": "x" }), "nothing is called"),
        ("promise", json!({ "of": "Cart" }), "has no contract"),
    ] {
        let (text, wrong) = called(&shop, name, &arguments);
        assert!(wrong && text.contains(word), "{name} {arguments}: {text}");
    }
}

#[test]
fn a_changed_file_is_seen_at_once() {
    let shop = Shop::with_contracts();
    let (text, _) = called(&shop, "drift", &json!({ "of": "Checkout" }));
    assert_eq!(text, "no drift");
    shop.exchange("src/Orders/Checkout.php", "function cancel(", "function revoke(");
    let (text, _) = called(&shop, "drift", &json!({ "of": "Checkout" }));
    assert!(text.contains("[api.extra]") && text.contains("[api.missing]"), "{text}");
    assert_eq!(
        ismart_contracts::Tree::stamp(shop.root()).unwrap(),
        ismart_contracts::Tree::stamp(shop.root()).unwrap()
    );
    let before = ismart_contracts::Tree::stamp(shop.root()).unwrap();
    shop.remove("src/Support/Slug.php");
    assert_ne!(before, ismart_contracts::Tree::stamp(shop.root()).unwrap());
}
