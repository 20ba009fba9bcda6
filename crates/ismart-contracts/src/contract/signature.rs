//! Signatures as text: taken apart and compared.

/// The signature at the beginning of a text without code font: a name, balanced brackets, a type of result.
pub(crate) fn leading(text: &str) -> Option<(&str, &str)> {
    let start = text.find(|c: char| !(c.is_alphanumeric() || "_:$".contains(c)))?;
    let name = text.get(..start)?;
    let after = text.get(start..)?;
    if name.trim_end_matches(':').is_empty() || !after.starts_with('(') {
        return None;
    }
    let mut depth = 0_usize;
    let mut end = None;
    for (at, c) in after.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            end = Some(start + at + 1);
            break;
        }
    }
    let mut end = end?;
    // `: string` is a result; `: Finds the page` are words, which begin after a space and go on.
    let tail = text.get(end..)?;
    if let Some(rest) = tail.strip_prefix(':') {
        let word = rest.trim_start();
        let ends = word.find(char::is_whitespace).unwrap_or(word.len());
        let ty = word.get(..ends)?.trim_end_matches([',', '.', ';', ':']);
        let alone = word.get(ends..)?.trim_start();
        if !ty.is_empty() && (alone.is_empty() || alone.starts_with(['-', '—', '–'])) {
            end = text.len() - word.len() + ty.len();
        }
    }
    text.split_at_checked(end)
}

/// Words before a signature that say nothing about how it is called.
const SILENT: &[&str] = &["public", "final", "function", "pub", "def"];

/// A signature as it is compared: white space only between words, no leading words of visibility, names of types
/// without their path, no comma at the end of a list.
pub(crate) fn canonical(signature: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote: Option<char> = None;
    for c in signature.chars() {
        if let Some(end) = quote {
            word.push(c);
            if c == end {
                words.push(std::mem::take(&mut word));
                quote = None;
            }
            continue;
        }
        if c.is_alphanumeric() || c == '_' || c == '\\' || c == '$' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match c {
            '\'' | '"' => {
                word.push(c);
                quote = Some(c);
            }
            c if c.is_whitespace() => {}
            c => words.push(c.to_string()),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let first = words.iter().position(|word| !SILENT.contains(&word.to_lowercase().as_str())).unwrap_or(0);
    let mut text = String::new();
    for word in words.iter().skip(first) {
        if matches!(word.as_str(), ")" | "]" | "}" | ">") && text.ends_with(',') {
            text.pop();
        }
        let name = if word.starts_with(['\'', '"']) {
            word.as_str()
        } else {
            word.rsplit('\\').next().unwrap_or(word)
        };
        let joins = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        if text.ends_with(joins) && name.starts_with(joins) {
            text.push(' ');
        }
        text.push_str(name);
    }
    text
}

/// The name that a claim of PHP is about: of a method, constant (`const X`), property (`$x`) or case (`case X`).
pub(crate) fn php_name(claim: &str) -> &str {
    let head = claim.split(['(', '=']).next().unwrap_or(claim).trim();
    let last = head.split_whitespace().next_back().unwrap_or(head);
    let last = last.rsplit("::").next().unwrap_or(last);
    last.trim_start_matches('&')
}

/// The path that a claim of Rust is about: owner and name.
pub(crate) fn rust_path(claim: &str) -> Option<Vec<&str>> {
    const WORDS: &[&str] = &[
        "pub", "async", "const", "unsafe", "fn", "struct", "enum", "trait", "type", "static", "use", "macro",
        "mod", "extern",
    ];
    let mut rest = claim.trim();
    while let Some((_, after)) = rest.split_once(' ').filter(|(word, _)| WORDS.contains(word)) {
        rest = after.trim_start();
    }
    let rest = rest.trim_start_matches('.');
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_:.".contains(c))).unwrap_or(rest.len());
    let path = rest.get(..end)?.trim_end_matches([':', '.']);
    let plain = |part: &&str| !part.is_empty() && !part.starts_with(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = path.split([':', '.']).filter(plain).collect();
    (!parts.is_empty()).then_some(parts)
}

/// Whether a claim of Rust is a whole signature.
pub(crate) fn is_rust_signature(claim: &str) -> bool {
    const WORDS: &[&str] = &[
        "pub ",
        "fn ",
        "async fn ",
        "const ",
        "unsafe fn ",
        "struct ",
        "enum ",
        "trait ",
        "type ",
        "static ",
    ];
    WORDS.iter().any(|word| claim.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_signature_is_equal_however_it_is_written() {
        let same = [
            ("resolve(array $segments): void", "public function resolve( array $segments ) : void"),
            ("a(\\App\\Foo $x, ?B\\C $y = null)", "a(Foo $x, ?C $y=null,)"),
            ("fn new(a: u8) -> Self", "pub fn new( a: u8, ) -> Self"),
        ];
        for (one, other) in same {
            assert_eq!(canonical(one), canonical(other));
        }
        let different = [
            ("a(Foo $x)", "a(Bar $x)"),
            ("a(int $x)", "a(int $y)"),
            ("a(int $x)", "a(int $x = 1)"),
            ("a(): int", "a(): ?int"),
            ("a($x = 'a b')", "a($x = 'ab')"),
            ("a($x = 'A\\B')", "a($x = 'B')"),
            ("static a()", "a()"),
        ];
        for (one, other) in different {
            assert_ne!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn names_are_found_in_claims() {
        assert_eq!(php_name("static make(int $a): self"), "make");
        assert_eq!(php_name("Router::resolve()"), "resolve");
        assert_eq!(php_name("const string LEVEL"), "LEVEL");
        assert_eq!(php_name("readonly ?Foo $bar"), "$bar");
        assert_eq!(php_name("case Draft = 'draft'"), "Draft");
        assert_eq!(rust_path("fn Desk::receive(&self)"), Some(vec!["Desk", "receive"]));
        assert_eq!(rust_path("client.get(url)"), Some(vec!["client", "get"]));
        assert_eq!(rust_path(".header(name)"), Some(vec!["header"]));
        assert_eq!(rust_path("Failure"), Some(vec!["Failure"]));
    }

    #[test]
    fn signatures_are_cut_out_of_plain_text() {
        assert_eq!(leading("verify(token): boolean").map(|(s, _)| s), Some("verify(token): boolean"));
        assert_eq!(leading("verify(a(b)): Checks the token"), Some(("verify(a(b))", ": Checks the token")));
        assert_eq!(leading("words (in brackets)"), None);
        assert_eq!(leading("open("), None);
    }
}
