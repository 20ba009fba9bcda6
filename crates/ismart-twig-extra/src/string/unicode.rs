//! The value of the filter `u`: a text with methods that count what a reader sees as letters.

use std::fmt;

use ismart_twig::{CallArgs, Error, ErrorKind, Object, Value};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Bytes that `repeat` and the pads may make.
const MOST: usize = 16 << 20;

/// What `trim` takes off.
const BLANK: &[char] = &[' ', '\t', '\n', '\r', '\0', '\u{b}', '\u{c}', '\u{a0}', '\u{feff}'];

const METHODS: &[&str] = &[
    "after",
    "afterLast",
    "append",
    "ascii",
    "before",
    "beforeLast",
    "camel",
    "chunk",
    "collapseWhitespace",
    "containsAny",
    "endsWith",
    "ensureEnd",
    "ensureStart",
    "equalsTo",
    "folded",
    "ignoreCase",
    "indexOf",
    "indexOfLast",
    "isEmpty",
    "join",
    "kebab",
    "length",
    "lower",
    "normalize",
    "padBoth",
    "padEnd",
    "padStart",
    "pascal",
    "prepend",
    "repeat",
    "replace",
    "reverse",
    "slice",
    "snake",
    "splice",
    "split",
    "startsWith",
    "title",
    "toString",
    "trim",
    "trimEnd",
    "trimPrefix",
    "trimStart",
    "trimSuffix",
    "truncate",
    "upper",
    "width",
    "wordwrap",
];

/// The value of a text.
pub(super) fn value(text: &str) -> Value {
    Value::object(Unicode { text: text.nfc().collect(), ignore_case: false })
}

#[derive(Clone, Debug)]
struct Unicode {
    text: String,
    ignore_case: bool,
}

impl fmt::Display for Unicode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first letter in the case of titles.
fn titled(c: char) -> String {
    match c {
        'ß' => "Ss".to_owned(),
        'ǆ' | 'Ǆ' | 'ǅ' => "ǅ".to_owned(),
        c => c.to_uppercase().collect(),
    }
}

/// Arguments with their errors.
struct Args<'a>(&'a CallArgs, &'a str);

impl Args<'_> {
    fn text(&self, at: usize, name: &str, default: &str) -> Result<String, Error> {
        match self.0.get(at, name) {
            Value::Null if default == "\0" => Err(Error::host(format!(
                "Too few arguments to function Symfony\\Component\\String\\UnicodeString::{}(), {} passed and at least {} expected",
                self.1,
                self.0.positional.len(),
                at + 1
            ))),
            Value::Null => Ok(default.to_owned()),
            value => Ok(value.to_text()?.to_string()),
        }
    }

    /// One text or several.
    fn texts(&self, at: usize, name: &str) -> Result<Vec<String>, Error> {
        match self.0.get(at, name) {
            Value::Array(list) => list.values().map(|v| Ok(v.to_text()?.to_string())).collect(),
            _ => Ok(vec![self.text(at, name, "\0")?]),
        }
    }

    fn int(&self, at: usize, name: &str, default: i64) -> i64 {
        match self.0.get(at, name) {
            Value::Null => default,
            value => value.to_int(),
        }
    }

    fn flag(&self, at: usize, name: &str, default: bool) -> bool {
        match self.0.get(at, name) {
            Value::Null => default,
            value => value.truthy(),
        }
    }
}

impl Unicode {
    fn with(&self, text: String) -> Value {
        Value::object(Self { text: text.nfc().collect(), ignore_case: self.ignore_case })
    }

    fn letters(&self) -> Vec<&str> {
        self.text.graphemes(true).collect()
    }

    fn length(&self) -> usize {
        self.text.graphemes(true).count()
    }

    /// The text in which places are looked for.
    fn folded(&self, text: &str) -> String {
        if self.ignore_case { text.to_lowercase() } else { text.to_owned() }
    }

    /// The number of letters before a needle, from an offset in letters on (from the end, if negative).
    fn index_of(&self, needle: &str, offset: i64, last: bool) -> Option<usize> {
        if needle.is_empty() {
            return None;
        }
        let (hay, needle) = (self.folded(&self.text), self.folded(needle));
        let starts: Vec<usize> = hay.grapheme_indices(true).map(|(at, _)| at).collect();
        let from = clamp(offset, starts.len());
        let fits = |at: &&usize| hay.get(**at..).is_some_and(|rest| rest.starts_with(&needle));
        let found = |at: &usize| starts.iter().position(|s| s == at);
        if last && offset >= 0 {
            starts.iter().skip(from).rev().find(fits).and_then(found)
        } else if last {
            starts.iter().take(from + 1).rev().find(fits).and_then(found)
        } else {
            starts.iter().skip(from).find(fits).and_then(found)
        }
    }

    fn first_of(&self, needles: &[String], offset: i64) -> Option<(usize, String)> {
        let places = needles.iter().filter_map(|n| Some((self.index_of(n, offset, false)?, n.clone())));
        places.min_by_key(|(at, _)| *at)
    }

    fn last_of(&self, needles: &[String], offset: i64) -> Option<(usize, String)> {
        let places = needles.iter().filter_map(|n| Some((self.index_of(n, offset, true)?, n.clone())));
        places.max_by_key(|(at, _)| *at)
    }

    fn slice(&self, start: i64, length: Option<i64>) -> String {
        let letters = self.letters();
        let from = clamp(start, letters.len());
        let to = match length {
            None => letters.len(),
            Some(length) if length < 0 => clamp(length, letters.len()).max(from),
            Some(length) => from.saturating_add(clamp(length, usize::MAX)).min(letters.len()),
        };
        letters.get(from..to).unwrap_or(&[]).concat()
    }

    /// The part before or after the first or last of needles; the whole text if none is there.
    fn part(&self, args: &Args<'_>, method: &str) -> Result<Value, Error> {
        let needles = args.texts(0, "needle")?;
        let include = args.flag(1, "includeNeedle", false);
        let offset = args.int(2, "offset", 0);
        let last = method.ends_with("Last");
        let found = if last { self.last_of(&needles, offset) } else { self.first_of(&needles, offset) };
        let Some((at, needle)) = found else { return Ok(self.with(self.text.clone())) };
        let size = needle.graphemes(true).count();
        let after = method.starts_with("after");
        let at = if include == after { at } else { at + size };
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        Ok(self.with(if after { self.slice(at, None) } else { self.slice(0, Some(at)) }))
    }

    fn starts(&self, prefix: &str) -> bool {
        !prefix.is_empty() && self.folded(&self.text).starts_with(&self.folded(prefix))
    }

    fn ends(&self, suffix: &str) -> bool {
        !suffix.is_empty() && self.folded(&self.text).ends_with(&self.folded(suffix))
    }

    fn truncated(&self, args: &Args<'_>) -> Result<Value, Error> {
        let length = clamp(args.int(0, "length", 0), usize::MAX);
        let ellipsis = args.text(1, "ellipsis", "")?;
        if self.length() <= length {
            return Ok(self.with(self.text.clone()));
        }
        let mut dots = ellipsis.graphemes(true).count();
        if length < dots {
            dots = 0;
        }
        let mut keep = length;
        if !args.flag(2, "cut", true) {
            let from = i64::try_from(length.max(1) - 1).unwrap_or(i64::MAX);
            let blanks: Vec<String> = [" ", "\r", "\n", "\t"].map(str::to_owned).to_vec();
            match self.first_of(&blanks, from) {
                None => return Ok(self.with(self.text.clone())),
                Some((at, _)) => keep = at + dots,
            }
        }
        let part = self.slice(0, i64::try_from(keep - dots).ok());
        Ok(self.with(if dots > 0 { part.trim_end_matches(BLANK).to_owned() + &ellipsis } else { part }))
    }

    /// Lines of at most a width, broken at spaces as PHP's `wordwrap()` does.
    fn wrapped(&self, args: &Args<'_>) -> Result<Value, Error> {
        let width = clamp(args.int(0, "width", 75), usize::MAX);
        let line_break = args.text(1, "break", "\n")?;
        let cut = args.flag(2, "cut", false);
        if width == 0 && cut {
            return Err(Error::host(
                "wordwrap(): Argument #4 ($cut_long_words) cannot be true when argument #2 ($width) is 0",
            ));
        }
        let lines: Vec<&str> =
            if line_break.is_empty() { vec![&self.text] } else { self.text.split(&line_break).collect() };
        let lines: Vec<String> = lines.into_iter().map(|line| wrap(line, width, &line_break, cut)).collect();
        Ok(self.with(lines.join(&line_break)))
    }

    fn camel(&self) -> String {
        let words: String = self
            .text
            .chars()
            .map(|c| if c.is_alphabetic() || c.is_ascii_digit() { c } else { ' ' })
            .collect();
        let mut out = String::new();
        let mut changed = 0;
        for word in words.split_whitespace() {
            let mut chars = word.chars();
            let Some(first) = chars.next() else { continue };
            // A word whose second letter is large keeps its first one.
            if chars.clone().next().is_some_and(char::is_uppercase) {
                out.push(first);
            } else {
                changed += 1;
                out.push_str(&if changed == 1 { first.to_lowercase().to_string() } else { titled(first) });
            }
            out.push_str(chars.as_str());
        }
        out
    }

    fn snake(&self, sign: char) -> String {
        let chars: Vec<char> = self.camel().chars().collect();
        let mut out = String::new();
        for (at, c) in chars.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|b| chars.get(b));
            let next_small = chars.get(at + 1).is_some_and(|n| n.is_lowercase());
            let starts = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit())
                || before.is_some_and(|b| b.is_uppercase()) && next_small;
            if c.is_uppercase() && starts {
                out.push(sign);
            }
            out.extend(c.to_lowercase());
        }
        out
    }

    fn title(&self, all: bool) -> String {
        let mut out = String::new();
        let mut inside = false;
        let mut done = false;
        for c in self.text.chars() {
            let word = c.is_alphanumeric() || c == '_';
            if word && !inside && !done {
                out.push_str(&titled(c));
                done = !all;
            } else {
                out.push(c);
            }
            inside = word;
        }
        out
    }

    fn padded(&self, args: &Args<'_>, left: bool, right: bool) -> Result<Value, Error> {
        let length = clamp(args.int(0, "length", 0), usize::MAX);
        let pad = args.text(1, "padStr", " ")?;
        if pad.is_empty() {
            return Err(Error::host("Padding string cannot be empty."));
        }
        let free = length.saturating_sub(self.length());
        bounded(free.saturating_mul(pad.len().min(4)))?;
        let (before, after) = match (left, right) {
            (true, true) => (free / 2, free - free / 2),
            (true, false) => (free, 0),
            _ => (0, free),
        };
        let side = |n: usize| pad.graphemes(true).cycle().take(n).collect::<String>();
        Ok(self.with(side(before) + &self.text + &side(after)))
    }

    fn blanks(&self) -> String {
        let mut out = String::new();
        let mut run = String::new();
        let flush = |run: &mut String, out: &mut String| {
            out.push_str(if run.len() > 1 || run != " " && !run.is_empty() { " " } else { run.as_str() });
            run.clear();
        };
        for c in self.text.chars() {
            if matches!(c, ' ' | '\n' | '\r' | '\t' | '\u{c}') {
                run.push(c);
            } else {
                flush(&mut run, &mut out);
                out.push(c);
            }
        }
        flush(&mut run, &mut out);
        out.trim_matches([' ', '\n', '\r', '\t', '\u{c}']).to_owned()
    }

    /// Methods that say something of the text.
    fn ask(&self, method: &str, args: &Args<'_>) -> Result<Value, Error> {
        let number = |n: Option<usize>| n.map_or(Value::Null, Value::from);
        Ok(match method {
            "containsAny" => Value::Bool(self.first_of(&args.texts(0, "needle")?, 0).is_some()),
            "endsWith" => Value::Bool(args.texts(0, "suffix")?.iter().any(|s| self.ends(s))),
            "startsWith" => Value::Bool(args.texts(0, "prefix")?.iter().any(|p| self.starts(p))),
            "equalsTo" => {
                let own = self.folded(&self.text);
                Value::Bool(args.texts(0, "string")?.iter().any(|t| self.folded(t) == own))
            }
            "indexOf" => {
                number(self.first_of(&args.texts(0, "needle")?, args.int(1, "offset", 0)).map(|f| f.0))
            }
            "indexOfLast" => {
                number(self.last_of(&args.texts(0, "needle")?, args.int(1, "offset", 0)).map(|f| f.0))
            }
            "isEmpty" => Value::Bool(self.text.is_empty()),
            "length" => Value::from(self.length()),
            "width" => Value::from(self.text.split('\n').map(UnicodeWidthStr::width).max().unwrap_or(0)),
            "toString" => Value::from(self.text.as_str()),
            "chunk" => {
                let size = clamp(args.int(0, "length", 1), usize::MAX);
                if size == 0 {
                    return Err(Error::host("The chunk length must be greater than zero."));
                }
                Value::list(self.letters().chunks(size).map(|part| self.with(part.concat())))
            }
            _ => {
                let delimiter = args.text(0, "delimiter", "\0")?;
                if delimiter.is_empty() {
                    return Err(Error::host("Split delimiter is empty."));
                }
                let most = clamp(args.int(1, "limit", i64::MAX), usize::MAX).max(1);
                Value::list(self.text.splitn(most, &delimiter).map(|part| self.with(part.to_owned())))
            }
        })
    }

    /// Methods that take pieces off or add them.
    fn edit(&self, method: &str, args: &Args<'_>) -> Result<String, Error> {
        let joined = || -> Result<String, Error> {
            let parts = args.0.positional.iter().map(|v| v.to_text());
            Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
        };
        let signs = |default: &[char]| -> Result<Vec<char>, Error> {
            Ok(match args.0.get(0, "chars") {
                Value::Null => default.to_vec(),
                given => given.to_text()?.chars().collect(),
            })
        };
        Ok(match method {
            "append" => format!("{}{}", self.text, joined()?),
            "prepend" => format!("{}{}", joined()?, self.text),
            "trim" => self.text.trim_matches(&*signs(BLANK)?).to_owned(),
            "trimStart" => self.text.trim_start_matches(&*signs(BLANK)?).to_owned(),
            "trimEnd" => self.text.trim_end_matches(&*signs(BLANK)?).to_owned(),
            "trimPrefix" => {
                let found = args.texts(0, "prefix")?.into_iter().find(|p| self.starts(p));
                found.and_then(|p| self.text.get(p.len()..)).unwrap_or(&self.text).to_owned()
            }
            "trimSuffix" => {
                let found = args.texts(0, "suffix")?.into_iter().find(|s| self.ends(s));
                found
                    .and_then(|s| self.text.get(..self.text.len() - s.len()))
                    .unwrap_or(&self.text)
                    .to_owned()
            }
            "ensureStart" => {
                let prefix = args.text(0, "prefix", "\0")?;
                let mut rest = self.text.as_str();
                while !prefix.is_empty() && rest.starts_with(&prefix) {
                    rest = rest.get(prefix.len()..).unwrap_or("");
                }
                format!("{prefix}{rest}")
            }
            "ensureEnd" => {
                let suffix = args.text(0, "suffix", "\0")?;
                let mut rest = self.text.as_str();
                while !suffix.is_empty() && rest.ends_with(&suffix) {
                    rest = rest.get(..rest.len() - suffix.len()).unwrap_or("");
                }
                format!("{rest}{suffix}")
            }
            "repeat" => {
                let times = args.int(0, "multiplier", 0);
                if times < 0 {
                    return Err(Error::host(format!("Multiplier must be positive, {times} given.")));
                }
                let times = clamp(times, usize::MAX);
                bounded(times.saturating_mul(self.text.len()))?;
                self.text.repeat(times)
            }
            "replace" => {
                let (from, to) = (args.text(0, "from", "\0")?, args.text(1, "to", "\0")?);
                if from.is_empty() {
                    return Ok(self.text.clone());
                }
                bounded(self.text.matches(&from).count().saturating_mul(to.len()))?;
                self.replaced(&from, &to)
            }
            "slice" => {
                let length = args.0.get(1, "length");
                self.slice(args.int(0, "start", 0), (!length.is_null()).then(|| length.to_int()))
            }
            "splice" => {
                let start = args.int(1, "start", 0);
                let length = args.0.get(2, "length");
                let total = self.length();
                let from = clamp(start, total);
                let to = match length {
                    Value::Null => total,
                    length if length.to_int() < 0 => clamp(length.to_int(), total).max(from),
                    length => from.saturating_add(clamp(length.to_int(), usize::MAX)).min(total),
                };
                let letters = self.letters();
                let side = |range: Option<&[&str]>| range.unwrap_or(&[]).concat();
                side(letters.get(..from)) + &args.text(0, "replacement", "\0")? + &side(letters.get(to..))
            }
            _ => {
                let Value::Array(parts) = args.0.get(0, "strings") else {
                    return Err(Error::host("join() takes an array of texts."));
                };
                let parts = parts
                    .values()
                    .map(|v| Ok(v.to_text()?.to_string()))
                    .collect::<Result<Vec<String>, Error>>()?;
                let last = args.text(1, "lastGlue", &self.text)?;
                match parts.split_last() {
                    Some((end, rest)) if !rest.is_empty() => rest.join(&self.text) + &last + end,
                    Some((end, _)) => end.clone(),
                    None => String::new(),
                }
            }
        })
    }

    fn replaced(&self, from: &str, to: &str) -> String {
        if !self.ignore_case {
            return self.text.replace(from, to);
        }
        let (low, needle) = (self.text.to_lowercase(), from.to_lowercase());
        if low.len() != self.text.len() {
            return self.text.replace(from, to);
        }
        let mut out = String::new();
        let mut at = 0;
        while let Some(found) = low.get(at..).and_then(|rest| rest.find(&needle)) {
            out.push_str(self.text.get(at..at + found).unwrap_or(""));
            out.push_str(to);
            at += found + needle.len();
        }
        out + self.text.get(at..).unwrap_or("")
    }
}

/// A count that PHP may give negative: from the end then.
fn clamp(n: i64, total: usize) -> usize {
    let magnitude = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n < 0 { total.saturating_sub(magnitude) } else { magnitude.min(total) }
}

fn bounded(bytes: usize) -> Result<(), Error> {
    if bytes > MOST {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("A text would grow to {bytes} bytes; {MOST} are allowed."),
        ));
    }
    Ok(())
}

/// A line without breaks of its own, broken at spaces.
fn wrap(line: &str, width: usize, line_break: &str, cut: bool) -> String {
    let letters: Vec<&str> = line.graphemes(true).collect();
    let part = |from: usize, to: usize| letters.get(from..to).unwrap_or(&[]).concat();
    let mut out = String::new();
    let (mut start, mut space) = (0, 0);
    for (at, letter) in letters.iter().enumerate() {
        if *letter == " " {
            if at - start >= width {
                out.push_str(&part(start, at));
                out.push_str(line_break);
                start = at + 1;
            }
            space = at;
        } else if at - start >= width && cut && start >= space {
            out.push_str(&part(start, at));
            out.push_str(line_break);
            start = at;
            space = at;
        } else if at - start >= width && start < space {
            out.push_str(&part(start, space));
            out.push_str(line_break);
            start = space + 1;
            space = start;
        }
    }
    out + &part(start, letters.len())
}

impl Object for Unicode {
    fn class_name(&self) -> &str {
        "Symfony\\Component\\String\\UnicodeString"
    }

    fn methods(&self) -> &[&str] {
        METHODS
    }

    fn text(&self) -> Option<Result<Value, Error>> {
        Some(Ok(Value::from(self.text.as_str())))
    }

    fn call(&self, method: &str, args: &CallArgs) -> Result<Value, Error> {
        let args = Args(args, method);
        // table: one arm for each method
        Ok(match method {
            "after" | "afterLast" | "before" | "beforeLast" => self.part(&args, method)?,
            "ascii" => self.with(super::slug::ascii(&self.text, "")),
            "camel" => self.with(self.camel()),
            "pascal" => {
                let camel = self.camel();
                let mut chars = camel.chars();
                self.with(chars.next().map_or_else(String::new, |c| titled(c) + chars.as_str()))
            }
            "snake" => self.with(self.snake('_')),
            "kebab" => self.with(self.snake('-')),
            "collapseWhitespace" => self.with(self.blanks()),
            "lower" => self.with(self.text.to_lowercase()),
            "folded" => self.with(self.text.to_lowercase().replace('ß', "ss")),
            "upper" => self.with(self.text.to_uppercase()),
            "title" => self.with(self.title(args.flag(0, "allWords", false))),
            "ignoreCase" => Value::object(Self { ignore_case: true, ..self.clone() }),
            "normalize" => self.with(self.text.clone()),
            "padBoth" => self.padded(&args, true, true)?,
            "padStart" => self.padded(&args, true, false)?,
            "padEnd" => self.padded(&args, false, true)?,
            "reverse" => self.with(self.text.graphemes(true).rev().collect()),
            "truncate" => self.truncated(&args)?,
            "wordwrap" => self.wrapped(&args)?,
            "append" | "prepend" | "trim" | "trimStart" | "trimEnd" | "trimPrefix" | "trimSuffix"
            | "ensureStart" | "ensureEnd" | "repeat" | "replace" | "slice" | "splice" | "join" => {
                self.with(self.edit(method, &args)?)
            }
            _ => self.ask(method, &args)?,
        })
    }
}
