//! Runs case files of PHP Twig's behaviour: decodes their data, offers the host's objects and compares.

#[path = "harness/decode.rs"]
mod decode;
#[path = "harness/host.rs"]
mod host;

use std::fmt::Write as _;

use ismart_twig::{AutoEscape, Environment, Error, MemoryLoader, Policy, Strategy};
use serde_json::Value as Json;

/// One case of a file.
#[derive(Debug)]
pub(crate) struct Case {
    json: Json,
}

/// What became of a case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// PHP versions differ on the case and this engine follows another one than the case.
    Skipped,
}

/// The cases of a file's text, one JSON object a line.
pub(crate) fn cases(text: &str) -> Vec<Case> {
    text.split('\n')
        .filter(|l| !l.trim().is_empty())
        .map(|l| Case { json: serde_json::from_str(l).unwrap() })
        .collect()
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json.get(key).and_then(Json::as_str).unwrap_or("")
}

fn flag(json: &Json, key: &str) -> Option<bool> {
    json.get(key).and_then(Json::as_bool)
}

impl Case {
    pub(crate) fn id(&self) -> &str {
        text(&self.json, "id")
    }

    pub(crate) fn class(&self) -> &str {
        text(&self.json, "class")
    }

    pub(crate) fn environment(&self) -> Environment {
        let templates = self.json["templates"].as_object().unwrap();
        let loader: MemoryLoader = templates.iter().map(|(n, s)| (n.as_str(), s.as_str().unwrap())).collect();
        let mut env = Environment::with_loader(loader);
        let config = &self.json["config"];
        env.set_strict_variables(flag(config, "strict_variables").unwrap_or(true));
        env.set_debug(flag(config, "debug").unwrap_or(false));
        match &config["autoescape"] {
            Json::Bool(false) => env.set_autoescape(AutoEscape::Off),
            Json::String(s) if s == "name" => env.set_autoescape(AutoEscape::Name),
            Json::String(s) => env.set_autoescape(AutoEscape::Strategy(Strategy::from_name(s))),
            _ => {}
        }
        if let Some(zone) = config["timezone"].as_str() {
            env.set_timezone(zone).unwrap();
        }
        if let Some([date, interval]) = config["date_format"].as_array().map(Vec::as_slice) {
            env.set_date_format(date.as_str().unwrap(), interval.as_str().unwrap());
        }
        if let Some([decimals, point, thousands]) = config["number_format"].as_array().map(Vec::as_slice) {
            env.set_number_format(
                decimals.as_i64().unwrap(),
                point.as_str().unwrap(),
                thousands.as_str().unwrap(),
            );
        }
        let policy = config.get("sandbox_policy").map_or_else(|| Policy::new().functions(&["dump"]), policy);
        env.set_sandbox_policy(policy);
        host::register(&mut env);
        env
    }

    /// Renders and compares.
    pub(crate) fn run(&self) -> Outcome {
        if self.class() == "c" {
            return Outcome::Skipped;
        }
        match self.outcome() {
            Outcome::Failed(_) if flag(&self.json, "php_dependent") == Some(true) => Outcome::Skipped,
            outcome => outcome,
        }
    }

    fn outcome(&self) -> Outcome {
        let got = self.render();
        let trim = |t: &[u8]| -> Vec<u8> {
            let is_cut = |b: &u8| matches!(b, b'\n' | b' ');
            let start = t.iter().take_while(|b| is_cut(b)).count();
            let end = t.iter().rev().take_while(|b| is_cut(b)).count();
            t.get(start..t.len().saturating_sub(end).max(start)).unwrap_or(&[]).to_vec()
        };
        let want = match (self.json.get("expect"), self.json.get("expect_b64")) {
            (Some(text), _) => Some(text.as_str().unwrap().as_bytes().to_vec()),
            (_, Some(b64)) => Some(decode::base64(b64.as_str().unwrap())),
            _ => None,
        };
        match (got, want) {
            (Ok(got), Some(want)) => {
                let fixture = self.json.get("title").is_some() && trim(&got) == trim(&want);
                if got == want || fixture {
                    Outcome::Passed
                } else {
                    Outcome::Failed(format!(
                        "want {:?}\n got  {:?}",
                        String::from_utf8_lossy(&want),
                        String::from_utf8_lossy(&got)
                    ))
                }
            }
            (Err(error), None) => self.compare_error(&error),
            (Ok(got), None) => Outcome::Failed(format!(
                "want error {:?}\n got  {:?}",
                text(&self.json["error"], "message"),
                String::from_utf8_lossy(&got)
            )),
            (Err(error), Some(want)) => {
                Outcome::Failed(format!("want {:?}\n got  error {error}", String::from_utf8_lossy(&want)))
            }
        }
    }

    fn render(&self) -> Result<Vec<u8>, Error> {
        let mut env = self.environment();
        for name in self.json["templates"].as_object().unwrap().keys() {
            env.get_template(name)?;
        }
        let mut decoder = decode::Decoder::default();
        for (name, value) in self.json["globals"].as_object().into_iter().flatten() {
            env.add_global(name, decoder.value(value, &env));
        }
        let data = decoder.value(&self.json["data"], &env);
        Ok(env.get_template("index.twig")?.render_bytes(data)?.bytes)
    }

    fn compare_error(&self, error: &Error) -> Outcome {
        let want = &self.json["error"];
        let mut wrong = String::new();
        if error.kind().class() != text(want, "class") {
            write!(wrong, "class {} for {}; ", error.kind().class(), text(want, "class")).unwrap();
        }
        let line = want["line"].as_u64().filter(|l| *l > 0);
        if error.line().map(u64::from) != line {
            write!(wrong, "line {:?} for {line:?}; ", error.line()).unwrap();
        }
        if flag(&self.json, "php_text") != Some(true) {
            if error.to_string() != text(want, "message") {
                write!(wrong, "want {:?}\n got  {:?}; ", text(want, "message"), error.to_string()).unwrap();
            }
            let template = want["template"].as_str();
            if error.template() != template {
                write!(wrong, "template {:?} for {template:?}", error.template()).unwrap();
            }
        }
        if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(format!("{wrong} ({error})")) }
    }
}

fn policy(json: &Json) -> Policy {
    let list = |key: &str| -> Vec<String> {
        let items = json[key].as_array().into_iter().flatten();
        items.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    };
    fn refs(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }
    let mut policy = Policy::new()
        .tags(&refs(&list("tags")))
        .filters(&refs(&list("filters")))
        .functions(&refs(&list("functions")));
    for (class, names) in json["methods"].as_object().into_iter().flatten() {
        let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        policy = policy.methods(class, &names);
    }
    for (class, names) in json["properties"].as_object().into_iter().flatten() {
        let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        policy = policy.properties(class, &names);
    }
    policy
}
