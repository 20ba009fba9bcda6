//! What an account's answer says, in all the shapes that accounts and the proxies before them use.

use ismart_http::Response;
use serde_json::Value;

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It was done; `None` for “nothing there” (204).
    Done(Option<Value>),
    /// The account refuses.
    Refused(Refusal),
    /// This is no answer of amoCRM: a proxy's page, an empty or broken body.
    Foreign {
        /// The host that a redirect leads to.
        moved_to: Option<String>,
        /// What was there instead.
        what: String,
    },
}

/// A refusal in the form of `application/problem+json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) title: String,
    pub(super) detail: String,
    /// What is wrong with which value.
    pub(super) violations: Vec<Violation>,
}

/// One thing wrong with one value of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) code: String,
    pub(super) path: String,
    pub(super) detail: String,
}

/// Reads an answer. The status comes first: 204 has no body, and pages of proxies are no JSON.
pub(super) fn read(response: &Response) -> Answer {
    let status = response.status();
    if status == 204 {
        return Answer::Done(None);
    }
    let body = serde_json::from_slice::<Value>(response.body());
    match body {
        Ok(body @ (Value::Object(_) | Value::Array(_))) if response.is_success() => Answer::Done(Some(body)),
        Ok(body)
            if body.get("title").is_some() || body.get("status").is_some() || body.get("hint").is_some() =>
        {
            Answer::Refused(refusal(status, &body))
        }
        Ok(_) => foreign(response, "JSON of another kind"),
        Err(_) if response.body().is_empty() => foreign(response, "an empty body"),
        Err(_) => foreign(response, "a body that is no JSON"),
    }
}

fn refusal(status: u16, body: &Value) -> Refusal {
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let objects = body.get("validation-errors").and_then(Value::as_array).into_iter().flatten();
    let errors = objects.filter_map(|object| object.get("errors")).filter_map(Value::as_array).flatten();
    let violations = errors.map(|error| Violation {
        code: text(error, "code"),
        path: text(error, "path"),
        detail: text(error, "detail"),
    });
    let hint = text(body, "hint");
    let detail = text(body, "detail");
    let detail = if hint.is_empty() { detail } else { format!("{hint}. {detail}") };
    Refusal { status, title: text(body, "title"), detail, violations: violations.collect() }
}

fn foreign(response: &Response, what: &str) -> Answer {
    let moved_to = response.location().map(|location| {
        let host = url::Url::parse(location).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| "another page".to_owned())
    });
    let kind = response.content_type().unwrap_or_else(|| "no content type".to_owned());
    Answer::Foreign { moved_to, what: format!("{what} ({kind})") }
}

/// The objects of a list; none for 204.
pub(super) fn embedded<'v>(body: Option<&'v Value>, key: &str) -> &'v [Value] {
    let list = body.and_then(|body| body.get("_embedded")).and_then(|embedded| embedded.get(key));
    list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A positive id.
pub(super) fn id(value: &Value) -> Option<u64> {
    value.get("id").and_then(Value::as_u64).filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// P6: what is wrong with which value is read out of the account's words.
    #[test]
    fn p6_refusals_are_read_with_their_paths() {
        let body = json!({"validation-errors": [{"request_id": "0", "errors": [
            {"code": "NotSupportedChoice", "path": "status_id", "detail": "not a valid choice"}]}],
            "title": "Bad Request", "status": 400, "detail": "Request validation failed"});
        let read = refusal(400, &body);
        assert_eq!(read.violations[0].path, "status_id");
        assert_eq!((read.title.as_str(), read.detail.as_str()), ("Bad Request", "Request validation failed"));
        let dead = refusal(401, &json!({"hint": "Token has been revoked", "detail": "x", "status": 401}));
        assert_eq!(dead.detail, "Token has been revoked. x");
        let odd = refusal(400, &json!({"status": 400, "validation-errors": {"errors": 5}, "detail": 7}));
        assert_eq!(odd, Refusal { status: 400, ..Refusal::default() });
    }

    #[test]
    fn lists_and_ids_are_taken_with_care() {
        let body = json!({"_embedded": {"leads": [{"id": 5}, {"id": 0}, {"id": "7"}, {}]}});
        let ids: Vec<Option<u64>> = embedded(Some(&body), "leads").iter().map(id).collect();
        assert_eq!(ids, [Some(5), None, None, None]);
        assert!(embedded(Some(&json!([])), "leads").is_empty() && embedded(None, "leads").is_empty());
    }
}
