//! Findings as text, JSON, SARIF and annotations of GitHub.

use serde_json::{Value, json};

use super::{Finding, RULES, Severity};

/// A way to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts: one object.
    Json,
    /// For code hosts: SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

/// The findings in a format, with a final newline.
#[must_use]
pub fn print(findings: &[Finding], format: Format) -> String {
    match format {
        Format::Text => text(findings),
        Format::Json => lines(&json!({ "ok": sound(findings), "findings": findings })),
        Format::Sarif => lines(&sarif(findings)),
        Format::Github => github(findings),
    }
}

fn sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

fn lines(value: &Value) -> String {
    format!("{value:#}\n")
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { path, line, rule, severity, reason, fix } in findings {
        let word = severity.word();
        text.push_str(&format!("{path}:{line}: {word}[{rule}] {reason}\n  fix: {fix}\n"));
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    text.push_str(&format!("{errors} errors, {warnings} warnings\n"));
    text
}

fn sarif(findings: &[Finding]) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": { "text": rule.holds },
                "defaultConfiguration": { "level": rule.severity.word() },
            })
        })
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let index = RULES.iter().position(|rule| rule.name == finding.rule);
            json!({
                "ruleId": finding.rule,
                "ruleIndex": index,
                "level": finding.severity.word(),
                "message": { "text": format!("{}. Fix: {}", finding.reason, finding.fix) },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri(&finding.path), "uriBaseId": "%SRCROOT%" },
                        "region": { "startLine": finding.line },
                    }
                }],
                "partialFingerprints": { "contract/v1": format!("{}:{}:{}", finding.path, finding.rule, finding.reason) },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "ismart-contracts",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A path as a relative reference: what is not plain ASCII is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

fn github(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding { path, line, rule, severity, reason, fix } = finding;
        let message = escaped(&format!("{reason}. Fix: {fix}"), false);
        let path = escaped(path, true);
        let word = severity.word();
        text.push_str(&format!("::{word} file={path},line={line},title={rule}::{message}\n"));
    }
    text
}

fn escaped(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Vec<Finding> {
        vec![Finding {
            path: "core/Мой, A.php".to_owned(),
            line: 3,
            rule: "api.extra",
            severity: Severity::Error,
            reason: "`x` is gone\n100%".to_owned(),
            fix: "delete it".to_owned(),
        }]
    }

    #[test]
    fn text_says_place_rule_reason_and_fix() {
        let text = print(&one(), Format::Text);
        assert!(text.starts_with("core/Мой, A.php:3: error[api.extra] `x` is gone"), "{text}");
        assert!(text.ends_with("1 errors, 0 warnings\n"));
    }

    #[test]
    fn sarif_has_what_code_hosts_need() {
        let value: Value = serde_json::from_str(&print(&one(), Format::Sarif)).unwrap();
        assert_eq!(value["version"], "2.1.0");
        let result = &value["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "api.extra");
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(value["runs"][0]["tool"]["driver"]["rules"][index]["id"], "api.extra");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "core/%D0%9C%D0%BE%D0%B9%2C%20A.php");
        assert_eq!(place["region"]["startLine"], 3);
    }

    #[test]
    fn annotations_keep_to_one_line() {
        let text = print(&one(), Format::Github);
        assert_eq!(
            text,
            "::error file=core/Мой%2C A.php,line=3,title=api.extra::`x` is gone%0A100%25. Fix: delete it\n"
        );
    }

    #[test]
    fn json_says_whether_all_is_well() {
        let value: Value = serde_json::from_str(&print(&[], Format::Json)).unwrap();
        assert_eq!(value, json!({ "ok": true, "findings": [] }));
        let value: Value = serde_json::from_str(&print(&one(), Format::Json)).unwrap();
        assert_eq!(value["ok"], false);
        assert_eq!(value["findings"][0]["line"], 3);
    }
}
