//! Values of case files: JSON, and objects with `$t` for what JSON cannot say.

use std::collections::HashMap;

use base64::Engine as _;
use ismart_twig::{Array, DateTime, Environment, Interval, Key, Value, Zone};
use serde_json::Value as Json;

use super::host;

/// Decodes the values of one case; objects of the same number are the same.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    objects: HashMap<i64, Value>,
}

pub(crate) fn base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn key(json: &Json) -> Key {
    match json {
        Json::Number(n) => Key::Int(n.as_i64().unwrap()),
        other => Key::from_string(other.as_str().unwrap()),
    }
}

fn int(json: &Json, name: &str) -> i64 {
    json[name].as_i64().unwrap_or(0)
}

impl Decoder {
    pub(crate) fn value(&mut self, json: &Json, env: &Environment) -> Value {
        match json {
            Json::Array(items) => Value::list(items.iter().map(|v| self.value(v, env)).collect::<Vec<_>>()),
            Json::Object(map) if map.contains_key("$t") => self.tagged(json, env),
            Json::Object(map) => {
                let pairs: Vec<_> =
                    map.iter().map(|(k, v)| (Key::from_string(k), self.value(v, env))).collect();
                Value::map(pairs)
            }
            plain => Value::from(plain),
        }
    }

    fn pairs(&mut self, json: &Json, env: &Environment) -> Vec<(Value, Value)> {
        let items = json.as_array().into_iter().flatten();
        items.map(|pair| (self.value(&pair[0], env), self.value(&pair[1], env))).collect()
    }

    fn tagged(&mut self, json: &Json, env: &Environment) -> Value {
        if let Some(known) = json["id"].as_i64().and_then(|id| self.objects.get(&id)) {
            return known.clone();
        }
        let text = |name: &str| json[name].as_str().unwrap_or("");
        let value = match text("$t") {
            "float" => Value::Float(match text("v") {
                "NAN" => f64::NAN,
                "INF" => f64::INFINITY,
                "-INF" => f64::NEG_INFINITY,
                other => other.parse().unwrap(),
            }),
            "datetime" => {
                let zone = Zone::parse(text("tz")).unwrap();
                let date = DateTime::parse(text("v"), &zone, 0).unwrap();
                let date = if text("class") == "DateTime" { date.mutable() } else { date };
                Value::Date(date.into())
            }
            "interval" => Value::Interval(
                Interval {
                    years: int(json, "y"),
                    months: int(json, "m"),
                    days: int(json, "d"),
                    hours: int(json, "h"),
                    minutes: int(json, "i"),
                    seconds: int(json, "s"),
                    micros: 0,
                    invert: int(json, "invert") != 0,
                    total_days: json["days"].as_i64(),
                }
                .into(),
            ),
            "timezone" => Value::Zone(Zone::parse(text("v")).unwrap().into()),
            "markup" => Value::markup(text("v")),
            "bytes" => Value::bytes(base64(text("v"))),
            "array" => {
                let items = json["v"].as_array().unwrap();
                let pairs: Vec<_> = items.iter().map(|p| (key(&p[0]), self.value(&p[1], env))).collect();
                Value::map(pairs)
            }
            "template" => env.get_template(text("name")).unwrap().into(),
            "iterable" => {
                let pairs = self.pairs(&json["v"], env);
                host::iterable(text("class"), pairs)
            }
            "object" => {
                let props = json["props"].as_object().unwrap();
                let props: Array = props.iter().map(|(k, v)| (k.as_str(), self.value(v, env))).collect();
                host::plain(text("class"), props)
            }
            "host" => {
                let state = &json["state"];
                let data = match text("class") {
                    "TwigTestFoo" => Value::Null,
                    _ => self.value(state, env),
                };
                host::object(text("class"), &data)
            }
            "ref" => Value::Null,
            other => panic!("a value of kind {other}"),
        };
        if let Some(id) = json["id"].as_i64() {
            self.objects.insert(id, value.clone());
        }
        value
    }
}
