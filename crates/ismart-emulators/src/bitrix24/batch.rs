//! `batch`: up to fifty commands in order, each able to use the results of those before it.

use super::call::ApiError;
use super::core::{Auth, Core, Incoming, State};
use super::log::{Ending, Finding, FindingKind, RequestRecord, mask};
use super::params::{items, parse_php, php_map};
use super::value::flag;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const MAX_COMMANDS: usize = 50;

/// One command: its key, its method in lower case, its query as it came.
pub(super) struct Command {
    pub(super) key: String,
    pub(super) method: String,
    query: String,
}

pub(super) fn commands(params: &Map<String, Value>) -> Vec<Command> {
    let sent = params.get("cmd").map(items).unwrap_or_default();
    sent.into_iter()
        .map(|(key, value)| {
            let text = value.as_str().unwrap_or_default();
            let (method, query) = text.split_once('?').unwrap_or((text, ""));
            Command { key, method: method_name(method), query: query.to_owned() }
        })
        .collect()
}

/// Lower case, without the `.json` some clients add.
pub(super) fn method_name(sent: &str) -> String {
    let lower = sent.trim().to_lowercase();
    let plain = lower.strip_suffix(".json").or_else(|| lower.strip_suffix(".xml"));
    plain.map_or(lower.clone(), str::to_owned)
}

/// The five maps of the answer, in order of execution.
#[derive(Default)]
struct Maps {
    result: Vec<(String, Value)>,
    error: Vec<(String, Value)>,
    total: Vec<(String, Value)>,
    next: Vec<(String, Value)>,
    time: Vec<(String, Value)>,
}

pub(super) fn run(
    core: &Core,
    state: &mut State,
    incoming: &Incoming,
    user_id: u64,
    now: Timestamp,
    outer: &mut RequestRecord,
) -> Result<(Value, Vec<RequestRecord>), ApiError> {
    let commands = commands(&incoming.params);
    if commands.len() > MAX_COMMANDS {
        return Err(ApiError::new(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"));
    }
    if commands.is_empty() {
        outer.findings.push(Finding {
            kind: FindingKind::MissingRequired,
            method: "batch".into(),
            parameter: "cmd".into(),
            text: "no commands".into(),
        });
    }
    let halt = incoming.params.get("halt").and_then(flag).unwrap_or(false);
    let by_webhook = matches!(incoming.auth, Auth::Webhook { .. });
    let mut maps = Maps::default();
    let mut records = Vec::new();
    for command in commands {
        let params: Map<String, Value> = parse_php(&command.query)
            .into_iter()
            .map(|(key, value)| (key, substitute(value, &maps.result)))
            .collect();
        let mut record = RequestRecord {
            seq: 0,
            at: now,
            http_method: incoming.http_method.clone(),
            path: incoming.path.clone(),
            method: command.method.clone(),
            params: mask(&params),
            batch_key: Some(command.key.clone()),
            status: 200,
            error: None,
            created: Vec::new(),
            findings: Vec::new(),
            ending: Ending::Answered,
        };
        let outcome = if command.method == "batch" {
            Err(ApiError::new(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage"))
        } else if state.refused_keys.contains(&command.key) {
            Err(ApiError::wordless("Access denied."))
        } else {
            let done = core.execute(state, &command.method, &params, user_id, by_webhook, now);
            record.findings = done.findings;
            record.created = done.created;
            done.outcome
        };
        let failed = outcome.is_err();
        match outcome {
            Ok(reply) => {
                let key = command.key;
                let time = core.time(state, now, &command.method, true);
                maps.total.extend(reply.total.map(|total| (key.clone(), total.into())));
                maps.next.extend(reply.next.map(|next| (key.clone(), next.into())));
                maps.time.push((key.clone(), time));
                maps.result.push((key, reply.result));
            }
            Err(error) => {
                record.status = error.status;
                record.error = Some(error.code_text());
                maps.error.push((command.key, Value::Object(error.shape())));
            }
        }
        records.push(record);
        if failed && halt {
            break;
        }
    }
    let result = json!({
        "result": php_map(maps.result),
        "result_error": php_map(maps.error),
        "result_total": php_map(maps.total),
        "result_next": php_map(maps.next),
        "result_time": php_map(maps.time),
    });
    Ok((result, records))
}

/// Replaces `$result[key][0][ID]` in every text of a value.
fn substitute(value: Value, results: &[(String, Value)]) -> Value {
    match value {
        Value::String(text) => substitute_text(&text, results),
        Value::Array(list) => list.into_iter().map(|item| substitute(item, results)).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, item)| (key, substitute(item, results))).collect())
        }
        other => other,
    }
}

const MARK: &str = "$result[";

fn substitute_text(text: &str, results: &[(String, Value)]) -> Value {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let Some((path, tail)) = split_path(after) else { break };
        let found = look_up(&path, results);
        if before.is_empty() && tail.is_empty() && out.is_empty() {
            return found.cloned().unwrap_or(Value::String(String::new()));
        }
        out.push_str(before);
        match found {
            Some(Value::String(text)) => out.push_str(text),
            Some(Value::Number(number)) => out.push_str(&number.to_string()),
            Some(Value::Bool(true)) => out.push('1'),
            _ => {}
        }
        rest = tail;
    }
    out.push_str(rest);
    Value::String(out)
}

/// `a][0][ID] and more` → (`[a, 0, ID]`, ` and more`).
fn split_path(after: &str) -> Option<(Vec<&str>, &str)> {
    let mut path = Vec::new();
    let mut rest = after;
    loop {
        let (key, tail) = rest.split_once(']')?;
        path.push(key);
        match tail.strip_prefix('[') {
            Some(next) => rest = next,
            None => return Some((path, tail)),
        }
    }
}

fn look_up<'a>(path: &[&str], results: &'a [(String, Value)]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let mut current = &results.iter().find(|(key, _)| key == first)?.1;
    for key in rest {
        current = match current {
            Value::Object(map) => map.get(*key)?,
            Value::Array(list) => list.get(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_put_in_whole_in_part_and_not_at_all() {
        let results = vec![
            ("c".to_owned(), json!(41)),
            ("l".to_owned(), json!([{"ID": "7", "TITLE": "Т"}])),
            ("i".to_owned(), json!({"item": {"id": 9}})),
        ];
        let put = |text: &str| substitute(Value::String(text.to_owned()), &results);
        assert_eq!(put("$result[c]"), json!(41));
        assert_eq!(put("$result[l][0][ID]"), json!("7"));
        assert_eq!(put("$result[i][item][id]"), json!(9));
        assert_eq!(put("lead $result[c] of $result[l][0][TITLE]!"), json!("lead 41 of Т!"));
        assert_eq!(put("$result[none]"), json!(""));
        assert_eq!(put("$result[l][9][ID]"), json!(""));
        for odd in ["$result[", "$result[c", "$result", "$result[]"] {
            let _value = put(odd);
        }
    }
}
