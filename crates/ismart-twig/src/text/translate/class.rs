//! Classes of characters, `[a-z]`.

use super::{LETTERS, Translator, complaint};

/// The classes of POSIX, and the letters in them with `u` where that makes a difference.
const POSIX: [(&str, &str); 14] = [
    ("alpha", "\\p{L}"),
    ("lower", "\\p{Ll}"),
    ("upper", "\\p{Lu}"),
    ("alnum", "\\p{L}\\p{N}"),
    ("ascii", ""),
    ("blank", "\\t\\p{Zs}"),
    ("cntrl", "\\p{Cc}"),
    ("digit", "\\p{Nd}"),
    ("graph", "[^\\p{Z}\\p{Cc}\\p{Cn}]"),
    ("print", "[^\\p{Zl}\\p{Zp}\\p{Cc}\\p{Cn}]"),
    ("punct", "\\p{P}$+<=>^`|\\~"),
    ("space", "\\s"),
    ("word", LETTERS),
    ("xdigit", ""),
];

/// The one character that a piece of a translated class stands for.
fn single(piece: &str) -> Option<u32> {
    let code = match piece {
        "\\t" => 9,
        "\\n" => 10,
        "\\r" => 13,
        _ => {
            if let Some(hex) = piece.strip_prefix("\\x{") {
                return u32::from_str_radix(hex.strip_suffix('}')?, 16).ok();
            }
            let mut chars = piece.chars();
            let c = match chars.next()? {
                '\\' => chars.next().filter(|c| !c.is_ascii_alphanumeric())?,
                c => c,
            };
            return chars.next().is_none().then_some(u32::from(c));
        }
    };
    Some(code)
}

/// What stands before a place within a class.
#[derive(Clone, Copy)]
enum Last {
    Start,
    Char(u32),
    Set,
    /// The lower end of a range and its hyphen.
    Range(u32),
    Ended,
}

impl Translator {
    pub(super) fn class(&mut self) -> Result<(), String> {
        let chars = self.chars.len();
        let unterminated =
            || format!("Compilation failed: missing terminating ] for character class at offset {chars}");
        if let Some(sign @ (':' | '.' | '=')) = self.peek(1) {
            let text: String =
                (2..).map_while(|i| self.peek(i)).take_while(|c| !matches!(c, ']' | '\\')).collect();
            if text.ends_with(sign) && self.peek(2 + text.chars().count()) == Some(']') {
                return Err(self.fail("POSIX named classes are supported only within a class"));
            }
        }
        self.out.push('[');
        self.at += 1;
        if self.peek(0) == Some('^') {
            self.out.push('^');
            self.at += 1;
        }
        let mut last = Last::Start;
        loop {
            let Some(c) = self.peek(0) else { return Err(unterminated()) };
            let from = self.out.len();
            let start = self.at;
            match c {
                ']' if !matches!(last, Last::Start) => {
                    self.out.push(']');
                    self.at += 1;
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '[' if matches!(self.peek(1), Some(':' | '.' | '=')) && self.posix()? => {}
                '-' if self.peek(1) != Some(']') && matches!(last, Last::Char(_) | Last::Set) => {
                    let Last::Char(low) = last else {
                        return Err(self.fail("invalid range in character class"));
                    };
                    self.out.push('-');
                    self.at += 1;
                    last = Last::Range(low);
                    continue;
                }
                '[' | ']' | '&' | '~' | '-' => {
                    self.out.push('\\');
                    self.out.push(c);
                    self.at += 1;
                }
                ' ' | '#' if self.flags.extended => {
                    self.out.push('\\');
                    self.out.push(c);
                    self.at += 1;
                }
                _ => {
                    self.out.push(c);
                    self.at += 1;
                }
            }
            let code = self.out.get(from..).and_then(single);
            last = match (last, code) {
                (Last::Range(low), Some(high)) if low > high => {
                    self.at -= 1;
                    return Err(self.fail("range out of order in character class"));
                }
                (Last::Range(_), None) if self.out.len() > from => {
                    self.at = if c == '[' { start + 1 } else { self.at };
                    return Err(self.fail("invalid range in character class"));
                }
                (Last::Range(_), Some(_)) => Last::Ended,
                (_, Some(code)) => Last::Char(code),
                (_, None) => Last::Set,
            };
        }
    }

    /// `[:alpha:]` within a class; false where it is something else.
    fn posix(&mut self) -> Result<bool, String> {
        let Some(sign) = self.peek(1) else { return Ok(false) };
        let text: String =
            (2..).map_while(|i| self.peek(i)).take_while(|c| !matches!(c, ']' | '\\')).collect();
        let ended = self.peek(2 + text.chars().count()) == Some(']');
        let Some(name) = text.strip_suffix(sign).filter(|_| ended) else { return Ok(false) };
        if sign != ':' {
            return Err(self.fail("POSIX collating elements are not supported"));
        }
        let (plain, not) = match name.strip_prefix('^') {
            Some(plain) => (plain, "^"),
            None => (name, ""),
        };
        let Some((_, wide)) = POSIX.iter().find(|(known, _)| *known == plain) else {
            return Err(complaint("unknown POSIX class name", self.at + 2));
        };
        if self.flags.utf8 && !wide.is_empty() {
            self.out.push_str(&format!("[{not}{wide}]"));
        } else {
            self.out.push_str(&format!("[:{name}:]"));
        }
        self.at += text.chars().count() + 3;
        Ok(true)
    }
}
