//! PCRE patterns in the syntax of the engine that runs them.

mod class;

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
    pub(crate) same_names: bool,
}

/// A group that a pattern refers to.
enum Reference {
    Number(usize),
    Name(String),
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    flags: Flags,
    /// What was switched on before each open group.
    groups: Vec<Flags>,
    /// How many groups capture so far, and the names of some.
    captures: usize,
    names: Vec<String>,
    /// The groups referred to, and the offset of the complaint where there is none.
    references: Vec<(usize, Reference)>,
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
        captures: 0,
        names: Vec::new(),
        references: Vec::new(),
        quantifiable: false,
    };
    t.prefix();
    while let Some(c) = t.peek(0) {
        t.piece(c)?;
    }
    if !t.groups.is_empty() {
        return Err(format!("Compilation failed: missing closing parenthesis at offset {}", t.chars.len()));
    }
    for (offset, reference) in &t.references {
        let known = match reference {
            Reference::Number(n) => *n <= t.captures,
            Reference::Name(name) => t.names.contains(name),
        };
        if !known {
            return Err(complaint("reference to non-existent subpattern", *offset));
        }
    }
    if flags.anchored {
        t.out.push(')');
    }
    Ok(t.out)
}

fn complaint(what: &str, offset: usize) -> String {
    format!("Compilation failed: {what} at offset {offset}")
}

const UNSUPPORTED: &str = "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u";

/// What `\w` means with `u`.
const LETTERS: &str = "\\p{L}\\p{N}_";
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
        complaint(what, self.at)
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
                let Some(before) = self.groups.pop() else {
                    return Err(self.fail("unmatched closing parenthesis"));
                };
                self.flags = before;
                self.out.push(')');
            }
            '$' => {
                self.out.push_str(match (self.flags.multiline, self.flags.dollar_end) {
                    (true, _) => "$",
                    (false, true) => "\\z",
                    (false, false) => "(?=\\n?\\z)",
                });
                self.quantifiable = false;
            }
            '^' => {
                // Not after the last line's end.
                self.out.push_str(if self.flags.multiline { "(?:\\A|(?<=\\n)(?!\\z))" } else { "^" });
                self.quantifiable = false;
            }
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
        let text: String = (1..end).filter_map(|i| self.peek(i)).collect();
        let (least, most) = text.split_once(',').unwrap_or((&text, ""));
        let [least, most] = [least, most].map(|digits| digits.parse::<u32>().ok());
        let place = self.at + end;
        if least.max(most).is_none_or(|n| n > 65535) {
            return Err(complaint("number too big in {} quantifier", place));
        }
        if most.is_some() && most < least {
            return Err(complaint("numbers out of order in {} quantifier", place));
        }
        if !quantifiable {
            return Err(complaint("quantifier does not follow a repeatable item", place));
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
        self.groups.push(self.flags);
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
        if self.starts("(?") {
            self.at += 2;
            return self.special();
        }
        self.captures += 1;
        self.out.push('(');
        self.at += 1;
        Ok(())
    }

    /// What follows `(?`.
    fn special(&mut self) -> Result<(), String> {
        let next = self.peek(1);
        match self.peek(0) {
            Some('<') if matches!(next, Some('=' | '!')) => {
                self.out.push_str("(?<");
                self.out.extend(next);
                self.at += 2;
            }
            Some(quote @ ('<' | '\'')) => return self.named(1, quote),
            Some('P') if next == Some('<') => return self.named(2, '<'),
            Some(sign @ ('&' | 'P')) if sign == '&' || matches!(next, Some('=' | '>')) => {
                self.at += if sign == '&' { 1 } else { 2 };
                let call = next != Some('=') || sign == '&';
                let offset = self.at;
                self.groups.pop();
                let name = self.until(')').ok_or_else(|| self.fail("missing closing parenthesis"))?;
                self.refer(offset, &name, call);
                self.quantifiable = true;
            }
            Some(sign)
                if sign == 'R'
                    || sign.is_ascii_digit()
                    || (matches!(sign, '+' | '-') && next.is_some_and(|c| c.is_ascii_digit())) =>
            {
                self.groups.pop();
                let text = self.until(')').ok_or_else(|| self.fail("missing closing parenthesis"))?;
                self.number(&text, self.at - 1, self.at - 1)?;
                self.quantifiable = true;
            }
            Some('|') => {
                self.out.push_str("(?:");
                self.at += 1;
            }
            Some('(') if next != Some('?') => {
                self.at += 1;
                let offset = self.at;
                let text = self.until(')').ok_or_else(|| self.fail("missing closing parenthesis"))?;
                if let Ok(n) = text.parse() {
                    self.references.push((offset - 1, Reference::Number(n)));
                    self.out.push_str(&format!("(?({n})"));
                } else {
                    let name = text.trim_matches(['<', '>', '\'']);
                    let quoted = usize::from(name.len() < text.len());
                    self.references.push((offset + quoted, Reference::Name(name.to_owned())));
                    self.out.push_str(&format!("(?(<{name}>)"));
                }
            }
            Some('(') => self.out.push_str("(?"),
            _ => return self.switches(),
        }
        Ok(())
    }

    /// `(?i-m)`, `(?i:`, `(?^)`, lookaheads and atomic groups.
    fn switches(&mut self) -> Result<(), String> {
        let outer = self.flags;
        let mut on = String::new();
        let mut off = String::new();
        let mut set = true;
        if self.peek(0) == Some('^') {
            off.push_str("imsx");
            self.at += 1;
        }
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                ')' | ':' | '=' | '!' | '>' => {
                    for (letters, value) in [(&off, false), (&on, true)] {
                        self.flags.caseless = if letters.contains('i') { value } else { self.flags.caseless };
                        self.flags.multiline =
                            if letters.contains('m') { value } else { self.flags.multiline };
                        self.flags.extended = if letters.contains('x') { value } else { self.flags.extended };
                    }
                    off.retain(|c| !on.contains(c));
                    let minus = if off.is_empty() { "" } else { "-" };
                    self.out.push_str(&format!("(?{on}{minus}{off}"));
                    if c == ')' {
                        // It holds to the end of the group around it.
                        self.groups.pop();
                        if on.is_empty() && off.is_empty() {
                            self.out.push(':');
                        }
                    }
                    self.out.push(c);
                    return Ok(());
                }
                '-' => set = false,
                'J' | 'n' => {}
                'i' | 'm' | 's' | 'x' | 'U' => {
                    let letters = if set { &mut on } else { &mut off };
                    if !letters.contains(c) {
                        letters.push(c);
                    }
                }
                'P' if self.peek(0).is_none() => {}
                _ => {
                    self.at -= 1;
                    return Err(self.fail("unrecognized character after (? or (?-"));
                }
            }
        }
        self.flags = outer;
        Ok(())
    }

    /// A group with a name, which stands a number of characters further.
    fn named(&mut self, ahead: usize, quote: char) -> Result<(), String> {
        self.at += ahead;
        let close = if quote == '<' { '>' } else { quote };
        if self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.fail("subpattern name must start with a non-digit"));
        }
        let mut name = String::new();
        while let Some(c) = self.peek(0).filter(|c| *c == '_' || c.is_alphanumeric()) {
            name.push(c);
            self.at += 1;
        }
        if name.is_empty() {
            return Err(self.fail("subpattern name expected"));
        }
        if self.peek(0) != Some(close) {
            return Err(self.fail("syntax error in subpattern name (missing terminator?)"));
        }
        self.at += 1;
        if self.names.contains(&name) && !self.flags.same_names {
            return Err(self.fail("two named subpatterns have the same name (PCRE2_DUPNAMES not set)"));
        }
        self.captures += 1;
        self.out.push_str(&format!("(?<{name}>"));
        self.names.push(name);
        Ok(())
    }

    /// A reference to a group by its name, or a call of it.
    fn refer(&mut self, offset: usize, name: &str, call: bool) {
        self.references.push((offset, Reference::Name(name.to_owned())));
        self.out.push_str(&format!("\\{}<{name}>", if call { 'g' } else { 'k' }));
    }

    /// A call of a group by its number, which a sign makes relative.
    fn number(&mut self, text: &str, offset: usize, relative: usize) -> Result<(), String> {
        let missing = || complaint("reference to non-existent subpattern", relative);
        let count = i64::try_from(self.captures).unwrap_or(0);
        let number = match (text.parse::<i64>(), text.as_bytes().first()) {
            (Ok(n), Some(b'+')) => count + n,
            (Ok(n), Some(b'-')) => count + 1 + n,
            (Ok(n), _) => n,
            (Err(_), _) => 0,
        };
        if number < 0 || (number == 0 && text.starts_with('-')) {
            return Err(missing());
        }
        let number = usize::try_from(number).unwrap_or(0);
        self.references.push((offset, Reference::Number(number)));
        self.out.push_str(&format!("\\g<{number}>"));
        Ok(())
    }

    /// A digit but 0 after a backslash: a reference or a character in octal.
    fn digits(&mut self, in_class: bool) -> Result<(), String> {
        self.at -= 1;
        let text: String = (0..).map_while(|i| self.peek(i)).take_while(char::is_ascii_digit).collect();
        let number = text.parse().unwrap_or(usize::MAX);
        if !in_class && (number < 10 || text.starts_with(['8', '9']) || number <= self.captures) {
            self.at += text.len();
            self.references.push((self.at - 1, Reference::Number(number)));
            self.out.push_str(&format!("(?:\\{number})"));
            return Ok(());
        }
        if text.starts_with(['8', '9']) {
            self.at += 1;
            self.out.push_str(text.get(..1).unwrap_or(""));
            return Ok(());
        }
        self.octal(3)
    }

    /// A character by its octal digits.
    fn octal(&mut self, most: usize) -> Result<(), String> {
        let mut value = 0;
        let mut used = 0;
        while used < most
            && let Some(d) = self.peek(0).and_then(|c| c.to_digit(8))
        {
            value = value * 8 + d;
            used += 1;
            self.at += 1;
        }
        if value > 255 && !self.flags.utf8 {
            return Err(self.fail("octal value is greater than \\377 in 8-bit non-UTF-8 mode"));
        }
        self.out.push_str(&format!("\\x{{{value:X}}}"));
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
            'w' if !ascii => self.out.push_str(&set(LETTERS)),
            'W' if !ascii => self.out.push_str(&format!("[^{LETTERS}]")),
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
            'N' if !in_class && self.peek(0) != Some('{') => self.out.push_str("[^\\n]"),
            'R' if !in_class => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\x0C\\r])"),
            'N' if in_class => return Err(self.fail("\\N is not supported in a class")),
            'B' | 'R' | 'X' if in_class => {
                self.at -= 1;
                return Err(self.fail("escape sequence is invalid in character class"));
            }
            'b' if in_class => self.out.push_str("\\x08"),
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
            'c' => match self.peek(0) {
                None => return Err(self.fail("\\c at end of pattern")),
                Some(c) if !matches!(c, ' '..='~') => {
                    return Err(self.fail("\\c must be followed by a printable ASCII character"));
                }
                Some(c) => {
                    let code = u32::from(c.to_ascii_uppercase()) ^ 64;
                    self.out.push_str(&format!("\\x{{{code:X}}}"));
                    self.at += 1;
                }
            },
            'x' if self.peek(0) != Some('{') => {
                let mut hex = String::new();
                while hex.len() < 2 && self.peek(0).is_some_and(|c| c.is_ascii_hexdigit()) {
                    hex.extend(self.peek(0));
                    self.at += 1;
                }
                self.out.push_str(&format!("\\x{{{}}}", if hex.is_empty() { "0" } else { &hex }));
            }
            '0' => self.octal(2)?,
            '1'..='9' => self.digits(in_class)?,
            'o' if self.peek(0) != Some('{') => {
                self.at -= 1;
                return Err(self.fail("missing opening brace after \\o"));
            }
            'o' => self.braced(8, "non-octal character in \\o{} (closing brace missing?)")?,
            'F' | 'L' | 'l' | 'U' | 'u' => return Err(self.fail(UNSUPPORTED)),
            'N' if self.peek(0) == Some('{') => return Err(self.fail(UNSUPPORTED)),
            'I' | 'i' | 'J' | 'j' | 'M' | 'm' | 'O' | 'q' | 'T' | 'Y' | 'y' => {
                self.at -= 1;
                return Err(self.fail("unrecognized character follows \\"));
            }
            'C' if !in_class => self.out.push_str("(?s:.)"),
            'X' if !in_class => self.out.push_str("(?:\\r\\n|\\P{M}\\p{M}*|\\p{M}+)"),
            'A' | 'B' | 'G' | 'Z' | 'b' | 'z' if !in_class => {
                self.assertion(c, ascii);
                self.quantifiable = false;
            }
            'p' | 'P' => self.property(c, in_class)?,
            'x' => self.braced(16, "non-hex character in \\x{} (closing brace missing?)")?,
            'g' => self.reference()?,
            'k' => {
                let close = match self.peek(0) {
                    Some('{') => '}',
                    Some('\'') => '\'',
                    Some('<') => '>',
                    _ => {
                        return Err(
                            self.fail("\\k is not followed by a braced, angle-bracketed, or quoted name")
                        );
                    }
                };
                self.at += 1;
                let offset = self.at;
                let name = self.until(close).ok_or_else(|| complaint("subpattern name expected", offset))?;
                self.refer(offset, &name, false);
            }
            c if c.is_ascii_alphanumeric() => {
                self.out.push('\\');
                self.out.push(c);
            }
            c => self.literal(c),
        }
        Ok(())
    }

    /// `\b` and the like.
    fn assertion(&mut self, letter: char, ascii: bool) {
        let word = if ascii { WORD } else { LETTERS };
        match letter {
            'Z' => self.out.push_str("(?=\\n?\\z)"),
            'b' => {
                self.out.push_str(&format!("(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"));
            }
            'B' => {
                self.out.push_str(&format!("(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"));
            }
            _ => {
                self.out.push('\\');
                self.out.push(letter);
            }
        }
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

    /// `\x{…}` and `\o{…}`.
    fn braced(&mut self, base: u32, wrong: &str) -> Result<(), String> {
        self.at += 1;
        let mut code: u32 = 0;
        let from = self.at;
        while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(base)) {
            code = code.saturating_mul(base).saturating_add(digit);
            self.at += 1;
        }
        if self.peek(0) != Some('}') || self.at == from {
            return Err(self.fail(wrong));
        }
        if code > if self.flags.utf8 { 0x10_ffff } else { 0xff } {
            return Err(self.fail("character code point value in \\x{} or \\o{} is too large"));
        }
        self.at += 1;
        self.out.push_str(&format!("\\x{{{code:X}}}"));
        Ok(())
    }

    /// `\pL`, `\p{Lu}`, `\p{^Lu}`, `\P{Lu}`.
    fn property(&mut self, letter: char, in_class: bool) -> Result<(), String> {
        let malformed = "malformed \\P or \\p sequence";
        let name = match self.peek(0) {
            Some('{') => {
                self.at += 1;
                self.until('}').ok_or_else(|| self.fail(malformed))?
            }
            Some(c) => {
                self.at += 1;
                c.to_string()
            }
            None => return Err(self.fail(malformed)),
        };
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
        if name.starts_with("Is") || fancy_regex::Regex::new(&format!("\\p{{{known}}}")).is_err() {
            return Err(self.fail("unknown property after \\P or \\p"));
        }
        let property = format!("\\{letter}{{{known}}}");
        // A property keeps to its case.
        if self.flags.caseless && !in_class {
            self.out.push_str(&format!("(?-i:{property})"));
        } else {
            self.out.push_str(&property);
        }
        Ok(())
    }

    /// `\g1`, `\g{1}`, `\g{-1}`, `\g{name}`.
    fn reference(&mut self) -> Result<(), String> {
        let start = self.at;
        let name = match self.peek(0) {
            Some('{') => {
                self.at += 1;
                self.until('}').ok_or_else(|| self.fail("subpattern name expected"))?
            }
            Some(quote @ ('<' | '\'')) => {
                self.at += 1;
                let name = self
                    .until(if quote == '<' { '>' } else { quote })
                    .ok_or_else(|| self.fail("subpattern name expected"))?;
                if name.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
                    return self.number(&name, self.at - 1, self.at - 1);
                }
                self.refer(start + 1, &name, true);
                return Ok(());
            }
            _ => {
                let text: String = (0..)
                    .map_while(|i| self.peek(i).filter(|c| c.is_ascii_digit() || (*c == '-' && i == 0)))
                    .collect();
                self.at += text.len();
                text
            }
        };
        let place = self.at - 1;
        let missing =
            if self.peek(0).is_none() && place + 1 == start + name.len() { place + 1 } else { start };
        match name.parse::<i64>() {
            Ok(n) => {
                let n = if n < 0 { i64::try_from(self.captures).unwrap_or(0) + 1 + n } else { n };
                let number = usize::try_from(n)
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or_else(|| complaint("reference to non-existent subpattern", missing))?;
                self.references.push((place, Reference::Number(number)));
                self.out.push_str(&format!("(?:\\{number})"));
            }
            Err(_) if name.is_empty() => {
                return Err(self.fail(
                    "\\g is not followed by a braced, angle-bracketed, or quoted name/number or by a plain number",
                ));
            }
            Err(_) => self.refer(start + 1, &name, false),
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
}
