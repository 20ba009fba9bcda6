//! `config/redirects.json`: old addresses and where they went.

use std::collections::HashMap;

use serde_json::Value;

use crate::finding::Finding;
use crate::json;

/// The file, relative to the site folder.
pub(crate) const REDIRECTS: &str = "config/redirects.json";

const STATUSES: &[u16] = &[301, 302, 303, 307, 308];

/// One rule of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Lower case, without final slash when exact.
    pub(crate) from: String,
    /// As it stands in the file.
    written: String,
    pub(crate) to: String,
    pub(crate) prefix: bool,
    pub(crate) status: u16,
}

/// All rules; the first that matches wins.
#[derive(Debug, Default, Clone)]
pub(crate) struct Redirects {
    pub(crate) rules: Vec<Rule>,
    exact: HashMap<String, usize>,
    prefixes: Vec<usize>,
}

impl Redirects {
    /// Reads the content of the file, already parsed from `text`.
    pub(crate) fn read(text: &str, value: &Value, findings: &mut Vec<Finding>) -> Self {
        let mut redirects = Self::default();
        let Some(items) = value.as_array() else {
            findings.push(
                Finding::error(
                    "redirect.shape",
                    REDIRECTS,
                    "the file is not a list",
                    "write [ … ] around the rules",
                )
                .pointer(text, ""),
            );
            return redirects;
        };
        for (index, item) in items.iter().enumerate() {
            match rule(item) {
                Ok(rule) => redirects.add(rule),
                Err((key, reason, fix)) => {
                    let mut pointer = format!("/{index}");
                    if item.get(&key).is_some() {
                        pointer = json::child(&pointer, &key);
                    }
                    findings.push(
                        Finding::error("redirect.rule", REDIRECTS, reason, fix).pointer(text, &pointer),
                    );
                }
            }
        }
        redirects
    }

    fn add(&mut self, rule: Rule) {
        let index = self.rules.len();
        if rule.prefix {
            self.prefixes.push(index);
        } else {
            self.exact.entry(rule.from.clone()).or_insert(index);
        }
        self.rules.push(rule);
    }

    /// The rule that matches a decoded path.
    pub(crate) fn matching(&self, path: &str) -> Option<&Rule> {
        if self.rules.is_empty() {
            return None;
        }
        let lower = strip(path).to_lowercase();
        let exact = self.exact.get(&lower).copied();
        let prefix = self
            .prefixes
            .iter()
            .copied()
            .find(|index| self.rules.get(*index).is_some_and(|rule| lower.starts_with(&rule.from)));
        let first = match (exact, prefix) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        self.rules.get(first)
    }

    /// Status and target of a decoded path; `None` when no rule matches. The target is absolute or a path.
    pub(crate) fn find(&self, path: &str) -> Option<(u16, String)> {
        let rule = self.matching(path)?;
        let stripped = strip(path);
        if !rule.prefix {
            return Some((rule.status, rule.to.clone()));
        }
        // Lower-casing can change the number of bytes, not (for the letters of addresses) of characters.
        let tail: String = stripped.chars().skip(rule.from.chars().count()).collect();
        Some((rule.status, format!("{}{}", rule.to, crate::path::encode(&tail))))
    }
}

impl Rule {
    /// The path or its beginning, as it stands in the file.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }
}

impl Redirects {
    /// As the PHP platform finds: the path as it is written in the address, a prefix ends where a segment does.
    pub(crate) fn find_exactly(&self, path: &str, any_case: bool) -> Option<(u16, String)> {
        let path = strip(path);
        let (rule, from) = self.matching_exactly(path, any_case)?;
        if !rule.prefix {
            return Some((rule.status, rule.to.clone()));
        }
        let tail = path.get(from.len()..).unwrap_or("");
        Some((rule.status, format!("{}{tail}", rule.to.trim_end_matches('/'))))
    }

    /// The rule that matches as the PHP platform finds, and what of the path it stands for.
    pub(crate) fn matching_exactly(&self, path: &str, any_case: bool) -> Option<(&Rule, &str)> {
        let path = strip(path);
        let lower = path.to_lowercase();
        self.rules.iter().find_map(|rule| {
            let asked = if any_case { lower.as_str() } else { path };
            let from = if any_case { rule.from.as_str() } else { rule.written.as_str() };
            if !rule.prefix {
                return (from == asked).then_some((rule, from));
            }
            let from = from.trim_end_matches('/');
            let tail = asked.strip_prefix(from).filter(|_| !from.is_empty())?;
            (tail.is_empty() || tail.starts_with('/')).then_some((rule, from))
        })
    }
}

/// A path without its final slashes, the root excepted.
pub(crate) fn strip(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        stripped => stripped,
    }
}

fn rule(item: &Value) -> Result<Rule, (String, String, &'static str)> {
    let fault = |key: &str, reason: String, fix: &'static str| Err((key.to_owned(), reason, fix));
    let Some(map) = item.as_object() else {
        return fault(
            "",
            "the rule is not an object".to_owned(),
            "write {\"from\": \"/old\", \"to\": \"/new\"}",
        );
    };
    const KNOWN: &[&str] = &["from", "to", "from_prefix", "to_prefix", "status"];
    if let Some(key) = map.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return fault(
            key,
            format!("the key `{key}` is unknown"),
            "use from, to, from_prefix, to_prefix, status",
        );
    }
    let status = match map.get("status") {
        None => 301,
        Some(value) => match value.as_u64().and_then(|n| u16::try_from(n).ok()) {
            Some(status) if STATUSES.contains(&status) => status,
            _ => {
                return fault(
                    "status",
                    format!("{value} is no redirect status"),
                    "use 301, 302, 303, 307 or 308",
                );
            }
        },
    };
    let (from_key, to_key) =
        if map.contains_key("from_prefix") { ("from_prefix", "to_prefix") } else { ("from", "to") };
    let Some(from) = json::text(item, from_key).filter(|from| from.starts_with('/')) else {
        return fault(
            from_key,
            format!("`{from_key}` is not a path"),
            "write the old path with a leading slash, without host",
        );
    };
    let to = json::text(item, to_key).filter(|to| {
        to.starts_with("http://")
            || to.starts_with("https://")
            || (to.starts_with('/') && !to.starts_with("//"))
    });
    let Some(to) = to.filter(|to| !to.chars().any(char::is_control)) else {
        return fault(
            to_key,
            format!("`{to_key}` is no address"),
            "write a path with a leading slash, or an absolute http(s) address",
        );
    };
    let prefix = from_key == "from_prefix";
    let from = if prefix { from } else { strip(from) };
    Ok(Rule { from: from.to_lowercase(), written: from.to_owned(), to: to.to_owned(), prefix, status })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> (Redirects, Vec<String>) {
        let text = serde_json::to_string_pretty(value).unwrap();
        let mut findings = Vec::new();
        let redirects = Redirects::read(&text, value, &mut findings);
        (redirects, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let (redirects, findings) = read(&json!([
            {"from": "/Joli/", "to": "/restaurants/joli"},
            {"from_prefix": "/blog/", "to_prefix": "/news/", "status": 302},
            {"from": "/blog/a", "to": "https://other.example/x"},
            {"from": "/пицца", "to": "/pizza"},
        ]));
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(redirects.find("/JOLI"), Some((301, "/restaurants/joli".to_owned())));
        assert_eq!(redirects.find("/joli/"), Some((301, "/restaurants/joli".to_owned())));
        assert_eq!(redirects.find("/blog/a"), Some((302, "/news/a".to_owned())));
        assert_eq!(
            redirects.find("/blog/Один б"),
            Some((302, "/news/%D0%9E%D0%B4%D0%B8%D0%BD%20%D0%B1".to_owned()))
        );
        assert_eq!(redirects.find("/ПИЦЦА/"), Some((301, "/pizza".to_owned())));
        assert_eq!(redirects.find("/blog"), None);
    }

    #[test]
    fn wrong_rules_are_all_named() {
        let (redirects, findings) = read(&json!([
            {"from": "old", "to": "/new"},
            {"from": "/a", "to": "//evil.example"},
            {"from": "/b", "to": "/c", "status": 200},
            {"from": "/d", "too": "/e"},
            7,
        ]));
        assert!(redirects.rules.is_empty());
        assert_eq!(
            findings,
            [
                "error[redirect.rule] config/redirects.json:3:13 at /0/from\n  `from` is not a path\n  3 |     \"from\": \"old\",\n  fix: write the old path with a leading slash, without host",
                "error[redirect.rule] config/redirects.json:8:11 at /1/to\n  `to` is no address\n  8 |     \"to\": \"//evil.example\"\n  fix: write a path with a leading slash, or an absolute http(s) address",
                "error[redirect.rule] config/redirects.json:13:15 at /2/status\n  200 is no redirect status\n  13 |     \"status\": 200\n  fix: use 301, 302, 303, 307 or 308",
                "error[redirect.rule] config/redirects.json:17:12 at /3/too\n  the key `too` is unknown\n  17 |     \"too\": \"/e\"\n  fix: use from, to, from_prefix, to_prefix, status",
                "error[redirect.rule] config/redirects.json:19:3 at /4\n  the rule is not an object\n  19 |   7\n  fix: write {\"from\": \"/old\", \"to\": \"/new\"}",
            ]
        );
    }
}
