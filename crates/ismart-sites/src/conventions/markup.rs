//! A template taken apart: what is Twig, what is text for people.

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Text outside of Twig, with its place in bytes.
    Text(usize, &'t str),
    /// `{{ … }}` or `{% … %}` without its delimiters.
    Code(usize, &'t str),
}

/// The pieces in order; comments and what stands in `verbatim` are left out.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let opens = ["{{", "{%", "{#"];
        let Some((start, open)) = opens.iter().filter_map(|open| Some((rest.find(open)?, *open))).min()
        else {
            pieces.push(Piece::Text(at, rest));
            break;
        };
        if start > 0 {
            pieces.push(Piece::Text(at, rest.get(..start).unwrap_or("")));
        }
        let inner = rest.get(start + 2..).unwrap_or("");
        let close = match open {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let length = if open == "{#" { inner.find(close) } else { end(inner, close) };
        let length = length.unwrap_or(inner.len());
        let code = inner.get(..length).unwrap_or("");
        if open != "{#" {
            pieces.push(Piece::Code(at + start + 2, code));
        }
        at += start + 2 + length + close.len().min(inner.len() - length);
        if open == "{%" && code.trim_matches(['-', '~', ' ', '\n']).trim() == "verbatim" {
            let rest = text.get(at..).unwrap_or("");
            at += rest.find("endverbatim").unwrap_or(rest.len());
            at += text.get(at..).and_then(|rest| rest.find("%}")).map_or(0, |end| end + 2);
        }
    }
    pieces
}

/// Where the code ends: the delimiter outside of quoted texts.
fn end(code: &str, close: &str) -> Option<usize> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in code.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if code.get(at..).is_some_and(|rest| rest.starts_with(close)) => return Some(at),
            None => {}
        }
    }
    None
}

/// The texts in quotation marks of a piece of code, with their places.
pub(super) fn quoted(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, c) in code.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some((start, quote)) if c == quote => {
                found.push((start + 1, code.get(start + 1..at).unwrap_or("")));
                open = None;
            }
            Some(_) => {}
            None if c == '\'' || c == '"' => open = Some((at, c)),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_taken_apart() {
        let text = "a{{ '}}' }}b{# {{ c }} #}{% if x %}d{% verbatim %}{{ e }}{% endverbatim %}f{{ g";
        let texts: Vec<&str> = pieces(text)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(at, text) => Some((at, text)).map(|(_, text)| text),
                Piece::Code(..) => None,
            })
            .collect();
        assert_eq!(texts, ["a", "b", "d", "f"]);
        for broken in ["{{", "{%", "{#", "{% verbatim %}", "{{ '", "{"] {
            assert!(pieces(broken).len() <= 2, "{broken}");
        }
    }

    #[test]
    fn quoted_texts_are_found() {
        assert_eq!(quoted("a == 'x\\'y' ~ \"z\""), [(6, "x\\'y"), (15, "z")]);
    }
}
