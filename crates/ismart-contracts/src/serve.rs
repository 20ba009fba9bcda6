//! A server of the Model Context Protocol over standard input and output: models ask for contracts, neighbours, code
//! and promises, and get few words.

mod tools;

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::tree::{Tree, TreeError};

/// Versions of the protocol that are spoken, newest first.
const VERSIONS: &[&str] = &["2025-06-18", "2025-03-26", "2024-11-05"];

/// Longest message that is read: nobody asks that much.
const LONGEST: u64 = 1024 * 1024;

/// Serves a code tree until the input ends. Each line is a message of JSON-RPC; each answer is a line.
///
/// # Errors
///
/// When input or output breaks.
pub fn serve(root: &Path, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut server = Server { root: root.to_owned(), read: None };
    loop {
        let mut line = Vec::new();
        let length = input.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && u64::try_from(length).is_ok_and(|length| length == LONGEST) {
            // The rest of the line is passed over.
            while !input.fill_buf()?.is_empty() {
                let rest = input.fill_buf()?;
                let end = rest.iter().position(|byte| *byte == b'\n');
                let used = end.map_or(rest.len(), |end| end + 1);
                input.consume(used);
                if end.is_some() {
                    break;
                }
            }
            writeln!(output, "{}", failure(&Value::Null, -32600, "the message is longer than 1 MiB"))?;
            output.flush()?;
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        if let Some(answer) = server.answer(text.trim()) {
            writeln!(output, "{answer}")?;
            output.flush()?;
        }
    }
}

struct Server {
    root: PathBuf,
    /// The tree as it was, with a stamp that changes when files do.
    read: Option<(u64, Tree)>,
}

fn success(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

impl Server {
    /// The answer to a message; none for notifications.
    fn answer(&mut self, text: &str) -> Option<Value> {
        let message: Value = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => return Some(failure(&Value::Null, -32700, &format!("no JSON: {error}"))),
        };
        let id = message.get("id").cloned();
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            // Answers to requests that this server never sends are passed over.
            let is_answer = message.get("result").is_some() || message.get("error").is_some();
            return (!is_answer).then(|| {
                failure(&id.unwrap_or_default(), -32600, "no request of JSON-RPC 2.0: `method` is missing")
            });
        };
        let id = id?;
        let params = message.get("params").cloned().unwrap_or_default();
        Some(match method {
            "initialize" => success(&id, initialize(&params)),
            "ping" => success(&id, json!({})),
            "tools/list" => success(&id, json!({ "tools": tools::list() })),
            "tools/call" => self.call(&id, &params),
            other => {
                failure(&id, -32601, &format!("there is no method `{other}`; the server has tools only"))
            }
        })
    }

    fn call(&mut self, id: &Value, params: &Value) -> Value {
        let name = params.get("name").and_then(Value::as_str).unwrap_or("");
        if !tools::exists(name) {
            return failure(id, -32602, &format!("there is no tool `{name}`; ask tools/list"));
        }
        let arguments = params.get("arguments").cloned().unwrap_or_else(|| json!({}));
        let done = match self.tree() {
            Ok(tree) => tools::call(tree, name, &arguments),
            Err(error) => Err(error.to_string()),
        };
        let (text, is_error) = match done {
            Ok(text) => (text, false),
            Err(text) => (text, true),
        };
        success(id, json!({ "content": [{ "type": "text", "text": text }], "isError": is_error }))
    }

    /// The tree as it is now: read again when a file has changed.
    fn tree(&mut self) -> Result<&Tree, TreeError> {
        let stamp = Tree::stamp(&self.root)?;
        if self.read.as_ref().is_none_or(|(old, _)| *old != stamp) {
            self.read = None;
        }
        if self.read.is_none() {
            self.read = Some((stamp, Tree::read(&self.root)?));
        }
        match &self.read {
            Some((_, tree)) => Ok(tree),
            None => Err(TreeError::Folder { path: self.root.clone(), reason: "it was not read".to_owned() }),
        }
    }
}

fn initialize(params: &Value) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str).unwrap_or("");
    let version = VERSIONS.iter().find(|version| **version == asked).or_else(|| VERSIONS.first());
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "ismart-contracts", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "Contracts of the code tree. Begin with `find`; then `contract` for what a module promises, \
            `neighbours` for who uses it, `code` for one method or block instead of a whole file, `promise` for a \
            promise and its test, `drift` for what is out of date.",
    })
}
