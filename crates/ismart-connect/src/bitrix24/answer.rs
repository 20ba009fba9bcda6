//! What a portal's answer says, in all the shapes that portals and the proxies before them use.

use std::collections::HashMap;
use std::time::Duration;

use ismart_http::Response;
use serde_json::{Map, Value};

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It was done.
    Done {
        /// The `result`.
        result: Value,
        /// How the method stands with its time budget.
        load: Option<Load>,
    },
    /// The portal refuses.
    Refused(Refusal),
    /// This is no answer of Bitrix24: a proxy's page, an empty or broken body.
    Foreign {
        /// The host that a redirect leads to.
        moved_to: Option<String>,
        /// What was there instead.
        what: String,
    },
}

/// A refusal: `{"error": …, "error_description": …}`. The code may be empty, a number or a whole sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// HTTP status; `None` inside a batch.
    pub(super) status: Option<u16>,
    /// The code as sent, in upper case.
    pub(super) code: String,
    /// The description as sent.
    pub(super) text: String,
    /// How the method stands with its time budget, if told.
    pub(super) load: Option<Load>,
}

/// Time that a method has used in the portal's sliding window of ten minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Seconds.
    pub(super) operating: f64,
    /// Until the oldest minute leaves the window. Both instants are the portal's own, so that a wrong clock
    /// on this machine does not matter.
    pub(super) resets_in: Duration,
}

/// Reads an answer.
pub(super) fn read(response: &Response) -> Answer {
    let status = response.status();
    match serde_json::from_slice::<Value>(response.body()) {
        Ok(Value::Object(mut map)) => {
            let load = map.get("time").and_then(load);
            if let Some(refusal) = refusal(&map, Some(status), load) {
                return Answer::Refused(refusal);
            }
            match map.remove("result") {
                Some(result) if response.is_success() => Answer::Done { result, load },
                _ => foreign(response, "JSON without a result"),
            }
        }
        Ok(_) => foreign(response, "JSON that is no object"),
        Err(_) if response.body().is_empty() => foreign(response, "an empty body"),
        Err(_) => foreign(response, "a body that is no JSON"),
    }
}

fn foreign(response: &Response, what: &str) -> Answer {
    // Only the host: the rest of the address repeats the secret.
    let moved_to = response.location().map(|location| {
        let host = url::Url::parse(location).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| "another page".to_owned())
    });
    let kind = response.content_type().unwrap_or_else(|| "no content type".to_owned());
    Answer::Foreign { moved_to, what: format!("{what} ({kind})") }
}

/// The refusal in this object. The key `error` alone makes it one, even when its value is empty.
fn refusal(map: &Map<String, Value>, status: Option<u16>, load: Option<Load>) -> Option<Refusal> {
    let (code, inner) = match map.get("error")? {
        Value::Object(inner) => (inner.get("code"), inner.get("message")),
        other => (Some(other), None),
    };
    let code = match code {
        Some(Value::String(code)) => code.trim().to_uppercase(),
        Some(Value::Number(code)) => code.to_string(),
        _ => String::new(),
    };
    let text = map.get("error_description").or(inner).and_then(Value::as_str).unwrap_or_default();
    Some(Refusal { status, code, text: text.to_owned(), load })
}

fn load(time: &Value) -> Option<Load> {
    let number = |key: &str| time.get(key).and_then(Value::as_f64);
    let resets_in = number("operating_reset_at")? - number("finish").or_else(|| number("start"))?;
    let resets_in = Duration::try_from_secs_f64(resets_in.max(0.0)).ok()?;
    Some(Load { operating: number("operating")?, resets_in })
}

/// The outcome of each command of a batch. A key without an outcome was not carried out.
#[derive(Debug, Default)]
pub(super) struct BatchAnswer {
    pub(super) outcomes: HashMap<String, Result<Value, Refusal>>,
    pub(super) loads: HashMap<String, Load>,
}

impl BatchAnswer {
    /// Reads the `result` of a batch; `None` when it has another shape. PHP writes an empty map as `[]`, and
    /// a map with the keys 0, 1, 2 … as a list.
    pub(super) fn read(result: &Value) -> Option<Self> {
        let mut answer = Self::default();
        for (key, time) in entries(result.get("result_time").unwrap_or(&Value::Null)) {
            if let Some(load) = load(time) {
                answer.loads.insert(key, load);
            }
        }
        for (key, value) in entries(result.get("result")?) {
            answer.outcomes.insert(key, Ok(value.clone()));
        }
        for (key, value) in entries(result.get("result_error").unwrap_or(&Value::Null)) {
            let load = answer.loads.get(&key).copied();
            let wordless = Refusal { status: None, code: String::new(), text: value.to_string(), load };
            let refusal = value.as_object().and_then(|map| refusal(map, None, load)).unwrap_or(wordless);
            answer.outcomes.insert(key, Err(refusal));
        }
        Some(answer)
    }
}

/// The entries of a PHP array.
fn entries(value: &Value) -> Vec<(String, &Value)> {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    }
}

/// An id, which the classic methods write as text.
pub(super) fn id(value: &Value) -> Option<u64> {
    let id = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    id.filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(body: Value) -> Option<Refusal> {
        refusal(body.as_object().unwrap(), Some(400), None)
    }

    /// P6: the presence of `error` is what makes a refusal.
    #[test]
    fn p6_every_shape_of_a_refusal_is_one() {
        for (body, code, text) in [
            (json!({"error": "", "error_description": "Not found"}), "", "Not found"),
            (json!({"error": null}), "", ""),
            (json!({"error": 100, "error_description": "x"}), "100", "x"),
            (json!({"error": "0"}), "0", ""),
            (json!({"error": "Communication type is not defined"}), "COMMUNICATION TYPE IS NOT DEFINED", ""),
            (json!({"error": {"code": "a", "message": "m"}}), "A", "m"),
            (json!({"error": "expired_token", "error_description": 5}), "EXPIRED_TOKEN", ""),
        ] {
            let refusal = refused(body.clone()).unwrap();
            assert_eq!((refusal.code.as_str(), refusal.text.as_str()), (code, text), "{body}");
        }
        assert_eq!(refused(json!({"result": {"error": "inner"}})), None);
    }

    /// P7: `[]` is an empty map.
    #[test]
    fn p7_batches_are_read_with_php_empties() {
        let answer = BatchAnswer::read(&json!({
            "result": {"own": {"items": []}, "mode": 1}, "result_error": [], "result_total": [],
            "result_next": [], "result_time": []
        }))
        .unwrap();
        assert_eq!(answer.outcomes.len(), 2);
        let answer = BatchAnswer::read(&json!({
            "result": [], "result_error": {"a": {"error": "", "error_description": "Access denied."}, "b": "odd"},
            "result_time": {"a": {"start": 10.0, "finish": 11.5, "operating": 4.0, "operating_reset_at": 600}}
        }))
        .unwrap();
        let refusal = answer.outcomes["a"].as_ref().unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.text.as_str()), ("", "Access denied."));
        assert_eq!(refusal.load.unwrap().resets_in, Duration::from_secs_f64(588.5));
        assert!(answer.outcomes["b"].is_err());
        assert!(BatchAnswer::read(&json!([])).is_none());
    }

    #[test]
    fn ids_are_positive_numbers_in_either_form() {
        assert_eq!(id(&json!(7)), Some(7));
        assert_eq!(id(&json!("7")), Some(7));
        for odd in [json!(0), json!("0"), json!(""), json!(-1), json!(1.5), json!(null), json!([7])] {
            assert_eq!(id(&odd), None, "{odd}");
        }
    }

    #[test]
    fn odd_time_blocks_tell_nothing() {
        for time in [
            json!({}),
            json!([]),
            json!({"operating": 1, "operating_reset_at": "x", "finish": 1}),
            json!({"operating": 1.0, "operating_reset_at": 1e300, "finish": 1}),
        ] {
            assert_eq!(load(&time), None, "{time}");
        }
        let past = json!({"operating": 1.0, "operating_reset_at": 5, "finish": 9.0});
        assert_eq!(load(&past).unwrap().resets_in, Duration::ZERO);
    }
}
