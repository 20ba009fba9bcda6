//! Configuration files of the PHP platform, read and never executed: literals, paths beside the file, variables of
//! the environment, choices between known values. Whatever else stands there is told with its line.

mod lexer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use lexer::{Kind, Token, tokens};

/// Files that require files that require files: deeper is a circle.
const DEPTH: usize = 8;

/// A place that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    /// The file, relative to the site folder.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What stands there.
    pub what: String,
}

/// What is known before a file is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// The folder of the site.
    pub(crate) root: PathBuf,
    /// Name of a variable → what it is at run time; assignments to it are passed over.
    pub(crate) variables: BTreeMap<String, Value>,
    /// What `getenv` gives.
    pub(crate) environment: BTreeMap<String, String>,
}

/// The value that `file` (relative to the root of `known`) returns, as far as it can be read.
///
/// Elements of arrays that cannot be read are left out; each is in the list.
pub(crate) fn returned(known: &Known, file: &str) -> (Option<Value>, Vec<Unread>) {
    let mut unread = Vec::new();
    let value = read_file(known, file, 0, &mut unread);
    (value, unread)
}

fn read_file(known: &Known, file: &str, depth: usize, unread: &mut Vec<Unread>) -> Option<Value> {
    let mut fault = |what: String| {
        unread.push(Unread { file: file.to_owned(), line: 1, what });
    };
    if depth > DEPTH {
        fault("the files require each other in a circle".to_owned());
        return None;
    }
    let text = match std::fs::read_to_string(known.root.join(file)) {
        Ok(text) => text,
        Err(error) => {
            fault(format!("the file cannot be read: {error}"));
            return None;
        }
    };
    let mut reader = Reader {
        known,
        file,
        depth,
        tokens: tokens(&text),
        at: 0,
        variables: known.variables.clone(),
        unread,
        nested: 0,
    };
    reader.file()
}

/// A place that cannot be read: the line and what stands there.
type Stop = (usize, String);
type Read = Result<Value, Stop>;

/// Deeper expressions than any configuration has.
const NESTED: usize = 200;

struct Reader<'r> {
    known: &'r Known,
    file: &'r str,
    depth: usize,
    tokens: Vec<Token>,
    at: usize,
    variables: BTreeMap<String, Value>,
    unread: &'r mut Vec<Unread>,
    nested: usize,
}

impl Reader<'_> {
    /// Statements of the file up to its `return`.
    fn file(&mut self) -> Option<Value> {
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match &token.kind {
                Kind::Name(name) if name == "return" => {
                    self.at += 1;
                    let value = self.expression();
                    return self.noted(value);
                }
                Kind::Variable(name) if self.mark_at(self.at + 1, "=") => {
                    let name = name.clone();
                    if self.known.variables.contains_key(&name) {
                        self.statement();
                        continue;
                    }
                    self.at += 2;
                    // What a variable is matters only where it is used: there the fault is told.
                    match self.expression() {
                        Ok(value) => self.variables.insert(name, value),
                        Err(_) => self.variables.remove(&name),
                    };
                    self.statement();
                }
                _ => self.statement(),
            }
        }
        let line = self.tokens.last().map_or(1, |token| token.line);
        self.noted(Err((line, "the file returns nothing".to_owned())))
    }

    fn noted(&mut self, value: Read) -> Option<Value> {
        match value {
            Ok(value) => Some(value),
            Err((line, what)) => {
                self.unread.push(Unread { file: self.file.to_owned(), line, what });
                None
            }
        }
    }

    /// Passes over the rest of a statement: to its `;`, or over its block.
    fn statement(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                Kind::Mark("(" | "[" | "{") => depth += 1,
                Kind::Mark("}") if depth <= 1 => return,
                Kind::Mark(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Kind::Mark(";") if depth == 0 => return,
                _ => {}
            }
        }
    }

    fn mark_at(&self, at: usize, mark: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token { kind: Kind::Mark(found), .. }) if *found == mark)
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.mark_at(self.at, mark);
        self.at += usize::from(found);
        found
    }

    fn line(&self) -> usize {
        let token = self.tokens.get(self.at).or_else(|| self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    fn stop<T>(&self, what: impl Into<String>) -> Result<T, Stop> {
        Err((self.line(), what.into()))
    }

    fn expression(&mut self) -> Read {
        self.deeper(Self::choice)
    }

    /// One level down; files come from strangers, and the stack is finite.
    fn deeper(&mut self, read: fn(&mut Self) -> Read) -> Read {
        if self.nested >= NESTED {
            return self.stop("an expression nested too deep");
        }
        self.nested += 1;
        let value = read(self);
        self.nested -= 1;
        value
    }

    /// `a ? b : c`, `a ?: b`.
    fn choice(&mut self) -> Read {
        let mut value = self.coalesce();
        loop {
            if self.eat("?:") {
                let other = self.coalesce();
                value = value.and_then(|value| if truthy(&value) { Ok(value) } else { other });
            } else if self.eat("?") {
                let (yes, no) = if self.eat(":") {
                    (value.clone(), self.coalesce())
                } else {
                    let yes = self.expression();
                    if !self.eat(":") {
                        return self.stop("a choice without `:`");
                    }
                    (yes, self.coalesce())
                };
                value = value.and_then(|value| if truthy(&value) { yes } else { no });
            } else {
                return value;
            }
        }
    }

    /// `a ?? b`: what cannot be read on the left is not taken for absent.
    fn coalesce(&mut self) -> Read {
        let value = self.logic();
        if self.eat("??") {
            let other = self.deeper(Self::coalesce);
            return match value {
                Ok(Value::Null) => other,
                known => known,
            };
        }
        value
    }

    fn logic(&mut self) -> Read {
        let mut value = self.comparison();
        loop {
            let and = self.eat("&&");
            if !and && !self.eat("||") {
                return value;
            }
            let other = self.comparison();
            value = match (value, other) {
                (Ok(a), Ok(b)) => {
                    let (a, b) = (truthy(&a), truthy(&b));
                    Ok(Value::Bool(if and { a && b } else { a || b }))
                }
                (Err(stop), _) | (_, Err(stop)) => Err(stop),
            };
        }
    }

    fn comparison(&mut self) -> Read {
        let value = self.sum();
        for (mark, wanted) in [("===", true), ("!==", false), ("==", true), ("!=", false)] {
            if self.eat(mark) {
                let other = self.sum();
                return Ok(Value::Bool((value? == other?) == wanted));
            }
        }
        value
    }

    /// `.` and whole numbers' `+`, `-`, `*`.
    fn sum(&mut self) -> Read {
        let mut value = self.unary();
        loop {
            let line = self.line();
            let Some(mark) = [".", "+", "-", "*"].into_iter().find(|mark| self.eat(mark)) else {
                return value;
            };
            let other = self.unary();
            value = match (value, other) {
                (Ok(a), Ok(b)) => {
                    joined(mark, &a, &b).ok_or_else(|| (line, format!("`{mark}` of these values")))
                }
                (Err(stop), _) | (_, Err(stop)) => Err(stop),
            };
        }
    }

    fn unary(&mut self) -> Read {
        if self.eat("!") {
            return Ok(Value::Bool(!truthy(&self.deeper(Self::unary)?)));
        }
        if self.eat("@") {
            return self.deeper(Self::unary);
        }
        if self.eat("-") {
            let line = self.line();
            return match self.deeper(Self::unary)? {
                Value::Number(number) => match number.as_i64() {
                    Some(whole) => Ok(Value::from(-whole)),
                    None => Ok(Value::from(-number.as_f64().unwrap_or(0.0))),
                },
                _ => Err((line, "`-` of what is no number".to_owned())),
            };
        }
        if self.mark_at(self.at, "(")
            && self.mark_at(self.at + 2, ")")
            && let Some(Token { kind: Kind::Name(kind), .. }) = self.tokens.get(self.at + 1)
            && let Some(cast) = Cast::named(kind)
        {
            self.at += 3;
            return Ok(cast.of(self.deeper(Self::unary)?));
        }
        self.postfix()
    }

    /// A value and what is taken out of it: `$a['b']['c']`.
    fn postfix(&mut self) -> Read {
        let mut value = self.primary()?;
        loop {
            if self.eat("[") {
                let key = self.expression()?;
                if !self.eat("]") {
                    return self.stop("an index without `]`");
                }
                let key = key_text(&key);
                value = match &value {
                    Value::Object(map) => map.get(&key).cloned().unwrap_or(Value::Null),
                    Value::Array(items) => {
                        key.parse::<usize>().ok().and_then(|at| items.get(at).cloned()).unwrap_or(Value::Null)
                    }
                    _ => Value::Null,
                };
            } else if self.mark_at(self.at, "->")
                || self.mark_at(self.at, "?->")
                || self.mark_at(self.at, "(")
            {
                return self.stop("a call at run time");
            } else {
                return Ok(value);
            }
        }
    }

    fn primary(&mut self) -> Read {
        let Some(token) = self.tokens.get(self.at).cloned() else {
            return self.stop("the file ends too early");
        };
        match token.kind {
            Kind::Text(text) => {
                self.at += 1;
                Ok(Value::String(text))
            }
            Kind::Integer(number) => {
                self.at += 1;
                Ok(Value::from(number))
            }
            Kind::Float(number) => {
                self.at += 1;
                Ok(Value::from(number))
            }
            Kind::Filled => self.stop("a string with variables in it"),
            Kind::Mark("[") => {
                self.at += 1;
                Ok(self.array("]"))
            }
            Kind::Mark("(") => {
                self.at += 1;
                let value = self.expression()?;
                if self.eat(")") { Ok(value) } else { self.stop("a bracket that is not closed") }
            }
            Kind::Variable(name) => match self.variables.get(&name).cloned() {
                Some(value) => {
                    self.at += 1;
                    Ok(value)
                }
                None if name == "_ENV" || name == "_SERVER" => {
                    self.at += 1;
                    let all =
                        self.known.environment.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str())));
                    Ok(Value::Object(all.collect()))
                }
                None => self.stop(format!("`${name}` is made at run time")),
            },
            Kind::Name(name) => self.named(&name),
            Kind::Mark(mark) => self.stop(format!("`{mark}` is nothing that a setting can be")),
        }
    }

    fn named(&mut self, name: &str) -> Read {
        match name.to_ascii_lowercase().as_str() {
            "true" => self.constant(Value::Bool(true)),
            "false" => self.constant(Value::Bool(false)),
            "null" => self.constant(Value::Null),
            "__dir__" => {
                let folder = self.known.root.join(self.file);
                let folder = folder.parent().unwrap_or(&self.known.root).display().to_string();
                self.constant(Value::String(folder))
            }
            "array" if self.mark_at(self.at + 1, "(") => {
                self.at += 2;
                Ok(self.array(")"))
            }
            "require" | "require_once" | "include" | "include_once" => {
                let line = self.line();
                self.at += 1;
                let path = self.expression()?;
                self.required(&path, line)
            }
            _ if self.mark_at(self.at + 1, "(") => {
                self.at += 2;
                let line = self.line();
                let arguments = self.arguments()?;
                self.call(name, &arguments)
                    .ok_or_else(|| (line, format!("`{name}(…)` is worked out at run time")))
            }
            _ if self.mark_at(self.at + 1, "::") && self.mark_at(self.at + 3, "(") => {
                let method = match self.tokens.get(self.at + 2) {
                    Some(Token { kind: Kind::Name(method), .. }) => method.clone(),
                    _ => String::new(),
                };
                self.at += 4;
                let line = self.line();
                let arguments = self.arguments()?;
                let class = name.rsplit('\\').next().unwrap_or(name);
                let value = if class == "Env" { self.env_class(&method, &arguments) } else { None };
                value.ok_or_else(|| (line, format!("`{class}::{method}(…)` is worked out at run time")))
            }
            "static" | "function" | "fn" => self.stop("a function"),
            "new" => self.stop("an object"),
            _ if self.mark_at(self.at + 1, "::") => self.stop(format!("the constant of `{name}`")),
            _ => self.stop(format!("the constant `{name}`")),
        }
    }

    fn constant(&mut self, value: Value) -> Read {
        self.at += 1;
        Ok(value)
    }

    fn required(&mut self, path: &Value, line: usize) -> Read {
        let full = PathBuf::from(path.as_str().unwrap_or(""));
        let folder = self.known.root.clone();
        let Some(file) = relative(&folder, &full) else {
            return Err((line, "a file outside the site folder is required".to_owned()));
        };
        let known = Known { variables: self.variables.clone(), ..self.known.clone() };
        match read_file(&known, &file, self.depth + 1, self.unread) {
            Some(value) => Ok(value),
            None => Err((line, format!("`{file}` gives no value"))),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Value>, Stop> {
        let mut all = Vec::new();
        while !self.eat(")") {
            all.push(self.expression()?);
            if !self.eat(",") && !self.mark_at(self.at, ")") {
                return self.stop("an argument that cannot be read");
            }
        }
        Ok(all)
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        let text = |at: usize| arguments.get(at).map(key_text);
        let strip = |at: usize| text(at).unwrap_or_else(|| " \t\n\r\0\u{b}".to_owned());
        Some(match name.to_ascii_lowercase().as_str() {
            "getenv" => match self.known.environment.get(&text(0)?) {
                Some(value) => Value::from(value.as_str()),
                None => Value::Bool(false),
            },
            "dirname" => {
                let levels = arguments.get(1).and_then(Value::as_u64).unwrap_or(1);
                let mut path = PathBuf::from(text(0)?);
                for _ in 0..levels {
                    path.pop();
                }
                Value::String(path.display().to_string())
            }
            "strtolower" | "mb_strtolower" => Value::String(text(0)?.to_lowercase()),
            "strtoupper" | "mb_strtoupper" => Value::String(text(0)?.to_uppercase()),
            "trim" => {
                let set = strip(1);
                Value::from(text(0)?.trim_matches(|c| set.contains(c)))
            }
            "rtrim" => {
                let set = strip(1);
                Value::from(text(0)?.trim_end_matches(|c| set.contains(c)))
            }
            "ltrim" => {
                let set = strip(1);
                Value::from(text(0)?.trim_start_matches(|c| set.contains(c)))
            }
            "in_array" => Value::Bool(arguments.get(1)?.as_array()?.contains(arguments.first()?)),
            "explode" => text(1)?.split(&text(0)?).map(Value::from).collect(),
            "is_file" | "file_exists" | "is_readable" => {
                let path = relative(&self.known.root, Path::new(&text(0)?))?;
                Value::Bool(self.known.root.join(path).is_file())
            }
            "array_values" => match arguments.first()? {
                Value::Object(map) => map.values().cloned().collect(),
                other => other.clone(),
            },
            "array_merge" => merged(arguments),
            "str_replace" => Value::String(text(2)?.replace(&text(0)?, &text(1)?)),
            "intval" => Cast::Integer.of(arguments.first()?.clone()),
            _ => return None,
        })
    }

    /// `Env::get`, `Env::bool`, `Env::int` of the newest generation.
    fn env_class(&self, method: &str, arguments: &[Value]) -> Option<Value> {
        let name = arguments.first()?.as_str()?;
        let value = self.known.environment.get(name).map_or("", String::as_str);
        let default = || arguments.get(1).cloned();
        Some(match method {
            "get" => Value::from(value),
            "bool" if value.is_empty() => default().unwrap_or(Value::Bool(false)),
            "bool" => Value::Bool(["1", "true", "on", "yes"].contains(&value.to_lowercase().as_str())),
            "int" if value.is_empty() => default()?,
            "int" => Cast::Integer.of(Value::from(value)),
            _ => return None,
        })
    }

    /// The elements up to `close`; those that cannot be read are noted and left out.
    fn array(&mut self, close: &str) -> Value {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut next = 0_i64;
        while self.at < self.tokens.len() && !self.eat(close) {
            let from = self.at;
            match self.element() {
                Ok((key, value)) => {
                    let key = key.unwrap_or_else(|| next.to_string());
                    if let Ok(number) = key.parse::<i64>() {
                        next = next.max(number.saturating_add(1));
                    }
                    match entries.iter_mut().find(|(present, _)| *present == key) {
                        Some(entry) => entry.1 = value,
                        None => entries.push((key, value)),
                    }
                }
                Err((line, what)) => {
                    let what = match self.tokens.get(from) {
                        Some(Token { kind: Kind::Text(key), .. }) => format!("`{key}`: {what}"),
                        _ => what,
                    };
                    self.unread.push(Unread { file: self.file.to_owned(), line, what });
                    self.at = from;
                    self.skip_element();
                }
            }
            self.eat(",");
        }
        let list = entries.iter().enumerate().all(|(at, (key, _))| *key == at.to_string());
        if list {
            entries.into_iter().map(|(_, value)| value).collect()
        } else {
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
    }

    fn element(&mut self) -> Result<(Option<String>, Value), Stop> {
        let first = self.expression()?;
        let (key, value) =
            if self.eat("=>") { (Some(key_text(&first)), self.expression()?) } else { (None, first) };
        let ended = [",", "]", ")"].iter().any(|mark| self.mark_at(self.at, mark));
        if ended { Ok((key, value)) } else { self.stop("what follows here cannot be read") }
    }

    /// To the comma or bracket after the element that begins here.
    fn skip_element(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            match token.kind {
                Kind::Mark("(" | "[" | "{") => depth += 1,
                Kind::Mark("," | ")" | "]" | "}") if depth == 0 => return,
                Kind::Mark(")" | "]" | "}") => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// `path` relative to `root`, with `/`; `None` when it leaves the folder.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.strip_prefix(root).ok()?.components() {
        match part {
            std::path::Component::Normal(name) => parts.push(name.to_str()?.to_owned()),
            std::path::Component::ParentDir => {
                parts.pop()?;
            }
            std::path::Component::CurDir | std::path::Component::RootDir => {}
            std::path::Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

#[derive(Debug, Clone, Copy)]
enum Cast {
    Text,
    Integer,
    Float,
    Flag,
    List,
}

impl Cast {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "string" => Self::Text,
            "int" | "integer" => Self::Integer,
            "float" | "double" => Self::Float,
            "bool" | "boolean" => Self::Flag,
            "array" => Self::List,
            _ => return None,
        })
    }

    fn of(self, value: Value) -> Value {
        match self {
            Self::Text => Value::String(key_text(&value)),
            Self::Integer => Value::from(whole(&value)),
            Self::Float => Value::from(key_text(&value).parse::<f64>().unwrap_or(0.0)),
            Self::Flag => Value::Bool(truthy(&value)),
            Self::List => match value {
                Value::Null => Value::Array(Vec::new()),
                list @ (Value::Array(_) | Value::Object(_)) => list,
                other => Value::Array(vec![other]),
            },
        }
    }
}

/// The whole number at the start of a text, as PHP casts.
fn whole(value: &Value) -> i64 {
    match value {
        Value::Bool(flag) => i64::from(*flag),
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => {
            let text = text.trim_start();
            let digits = text.char_indices().find(|(at, c)| !(c.is_ascii_digit() || (*at == 0 && *c == '-')));
            let end = digits.map_or(text.len(), |(at, _)| at);
            text.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// What PHP makes of a value where a string is wanted.
fn key_text(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(false) => String::new(),
        Value::Bool(true) => "1".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => "Array".to_owned(),
    }
}

fn truthy(value: &Value) -> bool {
    !crate::content::is_empty(Some(value))
}

fn joined(mark: &str, a: &Value, b: &Value) -> Option<Value> {
    if mark == "." {
        return Some(Value::String(key_text(a) + &key_text(b)));
    }
    if let ("+", Value::Object(a), Value::Object(b)) = (mark, a, b) {
        let mut all = b.clone();
        all.extend(a.clone());
        return Some(Value::Object(all));
    }
    let (a, b) = (a.as_i64()?, b.as_i64()?);
    let number = match mark {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        _ => a.checked_mul(b),
    };
    number.map(Value::from)
}

fn merged(arguments: &[Value]) -> Value {
    let mut list = Vec::new();
    let mut map = Map::new();
    for argument in arguments {
        match argument {
            Value::Array(items) => list.extend(items.iter().cloned()),
            Value::Object(entries) => map.extend(entries.clone()),
            _ => {}
        }
    }
    if map.is_empty() { Value::Array(list) } else { Value::Object(map) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(files: &[(&str, &str)]) -> (Option<Value>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let known = Known {
            root: folder.path().to_path_buf(),
            variables: BTreeMap::from([("isProduction".to_owned(), json!(true))]),
            environment: BTreeMap::from([("NAME".to_owned(), "Шины".to_owned())]),
        };
        let (value, unread) = returned(&known, files[0].0);
        (value, unread.iter().map(|u| format!("{}:{} {}", u.file, u.line, u.what)).collect())
    }

    #[test]
    fn settings_are_read_and_not_executed() {
        let (value, unread) = read(&[
            (
                "config/settings.php",
                "<?php\n// a comment\nuse App\\X;\n$root = dirname(__DIR__);\nif (is_file($root)) { $x = ['}' => 1]; }\n\
                 $isProduction = getenv('NO') === 'x';\n$level = $isProduction ? 'high' : 'low';\nreturn [\n\
                 'name' => (string) (getenv('NAME') ?: 'none'), 'none' => getenv('GONE') ?: \"a\\tb\",\n\
                 'level' => $level, 'n' => (int) '12px', 'f' => -1.5, 'list' => ['a', 'b',],\n\
                 'map' => ['x' => 1, 5 => 'y', 'z'], 'in' => in_array(strtolower('ON'), ['1', 'on'], true),\n\
                 'errors' => require __DIR__ . '/errors.php', 'either' => null ?? $level, 'both' => true && !false,\n];",
            ),
            ("config/errors.php", "<?php return array(404 => array('title' => 'Нет'));"),
        ]);
        assert!(unread.is_empty(), "{unread:?}");
        assert_eq!(
            value.unwrap(),
            json!({
                "name": "Шины", "none": "a\tb", "level": "high", "n": 12, "f": -1.5, "list": ["a", "b"],
                "map": {"x": 1, "5": "y", "6": "z"}, "in": true, "errors": {"404": {"title": "Нет"}},
                "either": "high", "both": true
            })
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_left_out() {
        let (value, unread) = read(&[(
            "settings.php",
            "<?php\nreturn [\n'a' => 1,\n'b' => static function () { return ['x' => 1]; },\n'c' => $later['x'],\n\
             'd' => \"to $name\",\n'e' => file_get_contents('/etc/passwd'),\n'f' => new X(1, [2]),\n\
             'g' => require '/etc/passwd',\n'h' => Other::VALUE,\n'i' => ['deep' => fopen('x')],\n'z' => 'last'\n];",
        )]);
        assert_eq!(value.unwrap(), json!({"a": 1, "i": [], "z": "last"}));
        assert_eq!(
            unread,
            [
                "settings.php:4 `b`: a function",
                "settings.php:5 `c`: `$later` is made at run time",
                "settings.php:6 `d`: a string with variables in it",
                "settings.php:7 `e`: `file_get_contents(…)` is worked out at run time",
                "settings.php:8 `f`: an object",
                "settings.php:9 `g`: a file outside the site folder is required",
                "settings.php:10 `h`: the constant of `Other`",
                "settings.php:11 `deep`: `fopen(…)` is worked out at run time",
            ]
        );
    }

    #[test]
    fn broken_files_end_with_a_fault_and_nothing_else() {
        for (text, fault) in [
            ("", "a.php:1 the file returns nothing"),
            ("<?php return", "a.php:1 the file ends too early"),
            ("<?php return [1, 2", "a.php:1 what follows here cannot be read"),
            ("<?php\nreturn foo;", "a.php:2 the constant `foo`"),
            ("<?php return '", ""),
            ("<?php return require __DIR__ . '/a.php';", "a.php:1 the files require each other in a circle"),
        ] {
            let (_, unread) = read(&[("a.php", text)]);
            assert_eq!(unread.first().map_or("", String::as_str), fault, "{text}");
        }
        let deep = format!("<?php return {}1;", "(".repeat(100_000));
        assert!(read(&[("a.php", &deep)]).1[0].contains("nested too deep"));
    }
}
