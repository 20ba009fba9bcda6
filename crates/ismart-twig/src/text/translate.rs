//! PCRE patterns in the syntax of the engine that runs them.

/// What the modifiers after a pattern ask for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) caseless: bool,
    pub(crate) multiline: bool,
    pub(crate) dotall: bool,
    pub(crate) extended: bool,
    pub(crate) ungreedy: bool,
    pub(crate) anchored: bool,
    pub(crate) dollar_end: bool,
    pub(crate) utf8: bool,
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    groups: Vec<usize>,
    /// Whether a quantifier may follow.
    quantifiable: bool,
}

/// The pattern in the other syntax, or PCRE's complaint.
pub(crate) fn translate(pattern: &str, flags: Flags) -> Result<String, String> {
    let mut t = Translator {
        chars: pattern.chars().collect(),
        at: 0,
        out: String::with_capacity(pattern.len() + 16),
        flags,
        groups: Vec::new(),
        quantifiable: false,
    };
    t.prefix();
    while let Some(c) = t.peek(0) {
        t.piece(c)?;
    }
    if !t.groups.is_empty() {
        return Err(format!("Compilation failed: missing closing parenthesis at offset {}", t.chars.len()));
    }
    if flags.anchored {
        t.out.push(')');
    }
    Ok(t.out)
}

const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = "\\t\\n\\x0B\\x0C\\r ";

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c))
    }

    fn prefix(&mut self) {
        let mut on = String::new();
        let f = self.flags;
        for (set, letter) in
            [(f.caseless, 'i'), (f.multiline, 'm'), (f.dotall, 's'), (f.extended, 'x'), (f.ungreedy, 'U')]
        {
            if set {
                on.push(letter);
            }
        }
        if !on.is_empty() {
            self.out.push_str(&format!("(?{on})"));
        }
        if f.anchored {
            self.out.push_str("\\A(?:");
        }
    }

    fn fail(&self, what: &str) -> String {
        format!("Compilation failed: {what} at offset {}", self.at)
    }

    fn piece(&mut self, c: char) -> Result<(), String> {
        let quantifiable = std::mem::replace(&mut self.quantifiable, true);
        match c {
            '\\' => return self.escape(false),
            '[' => return self.class(),
            '(' => {
                self.quantifiable = false;
                return self.group();
            }
            ')' => {
                if self.groups.pop().is_none() {
                    return Err(self.fail("unmatched closing parenthesis"));
                }
                self.out.push(')');
            }
            '$' => {
                self.out.push_str(match (self.flags.multiline, self.flags.dollar_end) {
                    (true, _) => "$",
                    (false, true) => "\\z",
                    (false, false) => "(?=\\n?\\z)",
                });
            }
            '^' => self.out.push('^'),
            '*' | '+' | '?' => {
                if !quantifiable {
                    return Err(self.fail("quantifier does not follow a repeatable item"));
                }
                self.out.push(c);
                if let Some(more @ ('?' | '+')) = self.peek(1) {
                    self.out.push(more);
                    self.at += 1;
                }
                self.quantifiable = false;
            }
            '{' => return self.brace(quantifiable),
            '|' => {
                self.out.push('|');
                self.quantifiable = false;
            }
            '}' | ']' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '#' if self.flags.extended => {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                self.quantifiable = quantifiable;
                return Ok(());
            }
            c if self.flags.extended && c.is_ascii_whitespace() => self.quantifiable = quantifiable,
            '&' | '~' | '#' => {
                self.out.push('\\');
                self.out.push(c);
            }
            _ => self.out.push(c),
        }
        self.at += 1;
        Ok(())
    }

    /// `{2,3}`; any other brace stands for itself.
    fn brace(&mut self, quantifiable: bool) -> Result<(), String> {
        let mut end = 1;
        let mut digits = 0;
        while self.peek(end).is_some_and(|c| c.is_ascii_digit()) {
            end += 1;
            digits += 1;
        }
        if digits > 0 && self.peek(end) == Some(',') {
            end += 1;
            while self.peek(end).is_some_and(|c| c.is_ascii_digit()) {
                end += 1;
            }
        }
        if digits == 0 || self.peek(end) != Some('}') {
            self.out.push_str("\\{");
            self.at += 1;
            return Ok(());
        }
        if !quantifiable {
            return Err(self.fail("quantifier does not follow a repeatable item"));
        }
        for i in 0..=end {
            self.out.extend(self.peek(i));
        }
        self.at += end + 1;
        if let Some(more @ ('?' | '+')) = self.peek(0) {
            self.out.push(more);
            self.at += 1;
        }
        self.quantifiable = false;
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.groups.push(self.at);
        if self.starts("(?#") {
            self.groups.pop();
            while let Some(c) = self.peek(0) {
                self.at += 1;
                if c == ')' {
                    return Ok(());
                }
            }
            return Err(self.fail("missing ) after (?# comment"));
        }
        for (from, to) in [("(?P<", "(?<"), ("(?'", "(?<")] {
            if self.starts(from) {
                self.out.push_str(to);
                self.at += from.chars().count();
                let close = if from == "(?'" { '\'' } else { '>' };
                while let Some(c) = self.peek(0) {
                    self.at += 1;
                    if c == close {
                        self.out.push('>');
                        return Ok(());
                    }
                    self.out.push(c);
                }
                return Err(self.fail("syntax error in subpattern name (missing terminator?)"));
            }
        }
        if self.starts("(?") {
            self.out.push_str("(?");
            self.at += 2;
            // Lookarounds, atomic groups, names and flags are the same in both.
            while let Some(c) = self.peek(0) {
                if !matches!(c, ':' | '=' | '!' | '<' | '>' | '|' | '-')
                    && !c.is_ascii_alphanumeric()
                    && c != '_'
                {
                    break;
                }
                self.out.push(c);
                self.at += 1;
                if matches!(c, ':' | '=' | '!' | '|') || (c == '>') {
                    break;
                }
            }
            return Ok(());
        }
        self.out.push('(');
        self.at += 1;
        Ok(())
    }

    /// A backslash and what follows, in or outside a class.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.peek(1) else {
            self.at += 1;
            return Err(self.fail("\\ at end of pattern"));
        };
        self.at += 2;
        let ascii = !self.flags.utf8;
        let set = |positive: &str| if in_class { positive.to_owned() } else { format!("[{positive}]") };
        // table: the escapes of PCRE
        match c {
            'd' if ascii => self.out.push_str(&set("0-9")),
            'w' if ascii => self.out.push_str(&set(WORD)),
            's' if ascii => self.out.push_str(&set(SPACE)),
            'D' if ascii => self.out.push_str("[^0-9]"),
            'W' if ascii => self.out.push_str(&format!("[^{WORD}]")),
            'S' if ascii => self.out.push_str(&format!("[^{SPACE}]")),
            'h' => self.out.push_str(&set("\\t ")),
            'H' => self.out.push_str("[^\\t ]"),
            'v' => self.out.push_str(&set("\\n\\x0B\\x0C\\r")),
            'V' => self.out.push_str("[^\\n\\x0B\\x0C\\r]"),
            'N' if !in_class => self.out.push_str("[^\\n]"),
            'R' if !in_class => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r])"),
            'Z' if !in_class => self.out.push_str("(?=\\n?\\z)"),
            'b' if in_class => self.out.push_str("\\x08"),
            'b' if ascii => {
                self.out.push_str(&format!("(?:(?<=[{WORD}])(?![{WORD}])|(?<![{WORD}])(?=[{WORD}]))"));
                self.quantifiable = false;
            }
            'B' if ascii && !in_class => {
                self.out.push_str(&format!("(?:(?<=[{WORD}])(?=[{WORD}])|(?<![{WORD}])(?![{WORD}]))"));
            }
            'e' => self.out.push_str("\\x1B"),
            'a' => self.out.push_str("\\x07"),
            'f' => self.out.push_str("\\x0C"),
            'Q' => {
                while self.peek(0).is_some() && !self.starts("\\E") {
                    if let Some(c) = self.peek(0) {
                        self.literal(c);
                    }
                    self.at += 1;
                }
                self.at = (self.at + 2).min(self.chars.len());
            }
            'E' => {}
            'c' => {
                if let Some(c) = self.peek(0) {
                    let code = u32::from(c.to_ascii_uppercase()) ^ 64;
                    self.out.push_str(&format!("\\x{{{code:X}}}"));
                    self.at += 1;
                }
            }
            'x' if self.peek(0) != Some('{') => {
                let mut hex = String::new();
                while hex.len() < 2 && self.peek(0).is_some_and(|c| c.is_ascii_hexdigit()) {
                    hex.extend(self.peek(0));
                    self.at += 1;
                }
                self.out.push_str(&format!("\\x{{{}}}", if hex.is_empty() { "0" } else { &hex }));
            }
            '0' => {
                let mut value = 0;
                let mut used = 0;
                while used < 2
                    && let Some(d) = self.peek(0).and_then(|c| c.to_digit(8))
                {
                    value = value * 8 + d;
                    used += 1;
                    self.at += 1;
                }
                self.out.push_str(&format!("\\x{{{value:X}}}"));
            }
            'p' | 'P' => self.property(c)?,
            'x' => self.braced('x')?,
            'g' => self.reference()?,
            'k' => {
                let close = match self.peek(0) {
                    Some('{') => '}',
                    Some('\'') => '\'',
                    _ => '>',
                };
                self.at += 1;
                let name = self.until(close).ok_or_else(|| {
                    self.fail("\\k is not followed by a braced, angle-bracketed, or quoted name")
                })?;
                self.out.push_str(&format!("\\k<{name}>"));
            }
            c if c.is_ascii_alphanumeric() => {
                self.out.push('\\');
                self.out.push(c);
            }
            c => self.literal(c),
        }
        Ok(())
    }

    /// What stands before a closing sign, which is passed.
    fn until(&mut self, close: char) -> Option<String> {
        let mut text = String::new();
        loop {
            let c = self.peek(0)?;
            self.at += 1;
            if c == close {
                return Some(text);
            }
            text.push(c);
        }
    }

    /// `\x{…}`.
    fn braced(&mut self, letter: char) -> Result<(), String> {
        self.at += 1;
        let text =
            self.until('}').ok_or_else(|| self.fail("missing terminating } for hexadecimal escape"))?;
        self.out.push_str(&format!("\\{letter}{{{}}}", text.trim()));
        Ok(())
    }

    /// `\pL`, `\p{Lu}`, `\p{^Lu}`, `\P{Lu}`.
    fn property(&mut self, letter: char) -> Result<(), String> {
        if self.peek(0) != Some('{') {
            self.out.push('\\');
            self.out.push(letter);
            return Ok(());
        }
        self.at += 1;
        let name = self.until('}').ok_or_else(|| self.fail("malformed \\P or \\p sequence"))?;
        let (name, turned) = match name.strip_prefix('^') {
            Some(rest) => (rest, true),
            None => (name.as_str(), false),
        };
        let letter = if turned == (letter == 'p') { 'P' } else { 'p' };
        let known = match name {
            "Any" => "any",
            "L&" => "LC",
            "Xan" => "Alphabetic",
            "Xsp" | "Xps" => "White_Space",
            other => other,
        };
        if fancy_regex::Regex::new(&format!("\\p{{{known}}}")).is_err() {
            return Err(self.fail("unknown property after \\P or \\p"));
        }
        self.out.push_str(&format!("\\{letter}{{{known}}}"));
        Ok(())
    }

    /// `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`.
    fn reference(&mut self) -> Result<(), String> {
        let braced = self.peek(0) == Some('{');
        let name = if braced {
            self.at += 1;
            self.until('}').ok_or_else(|| self.fail("a numbered reference must not be zero"))?
        } else {
            let mut digits = String::new();
            while let Some(c) =
                self.peek(0).filter(|c| c.is_ascii_digit() || (*c == '-' && digits.is_empty()))
            {
                digits.push(c);
                self.at += 1;
            }
            digits
        };
        match name.parse::<i64>() {
            Ok(n) if n > 0 => self.out.push_str(&format!("(?:\\{n})")),
            Ok(_) => self.out.push_str(&format!("\\k<{name}>")),
            Err(_) => self.out.push_str(&format!("\\k<{name}>")),
        }
        Ok(())
    }

    /// A character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation()
            && !matches!(
                c,
                '<' | '>' | '_' | '/' | '"' | '\'' | '%' | ',' | ':' | ';' | '=' | '@' | '`' | '!'
            )
        {
            self.out.push('\\');
        }
        if c == ' ' && self.flags.extended {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn class(&mut self) -> Result<(), String> {
        let chars = self.chars.len();
        let unterminated =
            || format!("Compilation failed: missing terminating ] for character class at offset {chars}");
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some('^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut first = true;
        loop {
            let Some(c) = self.peek(0) else { return Err(unterminated()) };
            match c {
                ']' if !first => {
                    self.out.push(']');
                    self.at += 1;
                    return Ok(());
                }
                '\\' => {
                    self.escape(true)?;
                    first = false;
                    continue;
                }
                '[' if matches!(self.peek(1), Some(':')) => {
                    let rest: String = self.chars.iter().skip(self.at).take(14).collect();
                    if let Some(end) = rest.find(":]") {
                        let name = rest.get(..end + 2).unwrap_or("");
                        self.out.push_str(name);
                        self.at += name.chars().count();
                        first = false;
                        continue;
                    }
                    self.out.push_str("\\[");
                }
                '[' | ']' | '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '-' if self.peek(1) == Some(']') || first => self.out.push_str("\\-"),
                ' ' | '#' if self.flags.extended => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                _ => self.out.push(c),
            }
            first = false;
            self.at += 1;
        }
    }
}
