//! Purposes that a model proposes.

use std::cell::RefCell;

use ismart_contracts::{Config, Tree, check, init};

const CODE: &str = "<?php\nclass Mailer {\n    public const KEY = 'a';\n    /** Ask ivan@example.com or +7 912 345-67-89. */\n    public function send(string $to = 'boss@example.com', string $key = 'sk-live-0123456789abcdef0123456789'): void { $this->secretBody(); }\n}\n";

fn drafted(code: &str, says: Option<&str>) -> (String, Vec<String>) {
    let tree = Tree::of(Config::default(), [("src/Mailer.php", code)]);
    let asked = RefCell::new(Vec::new());
    let propose = |description: &str| {
        asked.borrow_mut().push(description.to_owned());
        says.map(str::to_owned)
    };
    let drafts = init::draft(&tree, &[], &|_| None, Some(&propose));
    (drafts.drafts[0].text.clone(), asked.into_inner())
}

#[test]
fn a_proposed_purpose_is_marked_and_told_until_a_person_accepts_it() {
    let (text, asked) = drafted(CODE, Some("  # Sends\n mail. <!-- x -->"));
    assert!(text.contains("## PURPOSE\n\n<!-- proposed -->\nSends mail. x\n"), "{text}");
    assert_eq!(asked.len(), 1);
    let tree =
        Tree::of(Config::default(), [("src/Mailer.php", CODE), ("src/Mailer.contract.md", text.as_str())]);
    assert!(check(&tree).iter().any(|finding| finding.rule == "purpose.proposed"));
    let accepted = text.replace("<!-- proposed -->\n", "");
    let tree = Tree::of(
        Config::default(),
        [("src/Mailer.php", CODE), ("src/Mailer.contract.md", accepted.as_str())],
    );
    assert!(!check(&tree).iter().any(|finding| finding.rule == "purpose.proposed"));
}

#[test]
fn what_leaves_is_masked_and_holds_no_bodies() {
    let (_, asked) = drafted(CODE, None);
    for secret in ["example.com", "345-67", "sk-live", "0123456789", "secretBody"] {
        assert!(!asked[0].contains(secret), "{secret} in {}", asked[0]);
    }
    assert!(asked[0].contains("send(string $to = …, string $key = …): void"), "{}", asked[0]);
}

#[test]
fn nobody_is_asked_where_the_code_tells_its_purpose() {
    let code = CODE.replace("class Mailer", "/** Sends letters. */\nclass Mailer");
    let (text, asked) = drafted(&code, Some("Other."));
    assert!(asked.is_empty());
    assert!(text.contains("<!-- proposed -->\nSends letters.\n"), "{text}");
}

#[test]
fn silence_leaves_the_purpose_empty() {
    let (text, _) = drafted(CODE, None);
    assert!(text.contains("## PURPOSE\n\n## API\n"), "{text}");
}
