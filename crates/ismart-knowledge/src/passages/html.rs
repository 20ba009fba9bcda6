//! From markup to plain text.

/// Elements after which a new line begins.
const BLOCKS: [&str; 18] = [
    "p",
    "div",
    "br",
    "li",
    "ul",
    "ol",
    "tr",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "blockquote",
    "hr",
];

/// Stands where a template would have put a value that is not known here.
pub(super) const HOLE: char = '\u{fffc}';

/// Strips tags, scripts, styles and Twig marks, resolves the usual entities, collapses spaces. Blocks become
/// lines.
#[must_use]
pub fn plain_text(markup: &str) -> String {
    tidy(&text_with_holes(markup).replace(HOLE, ""))
}

/// The same with a [`HOLE`] for every value that a template would have put.
pub(super) fn text_with_holes(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '{', '&']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        rest = special(from, &mut out);
    }
    out.push_str(rest);
    tidy(&out)
}

/// Handles what begins with `<`, `{` or `&`; gives what follows it.
fn special<'a>(from: &'a str, out: &mut String) -> &'a str {
    for (open, close) in [("<!--", "-->"), ("{{", "}}"), ("{%", "%}"), ("{#", "#}")] {
        if let Some(inside) = from.strip_prefix(open) {
            if open == "{{" {
                out.push(HOLE);
            }
            return inside.split_once(close).map_or("", |(_, after)| after);
        }
    }
    if let Some((entity, after)) = entity(from) {
        out.push(entity);
        return after;
    }
    if let Some((name, after)) = tag(from) {
        if BLOCKS.contains(&name.trim_start_matches('/')) {
            out.push('\n');
        } else if matches!(name.as_str(), "td" | "th" | "/td" | "/th") {
            out.push(' ');
        }
        if matches!(name.as_str(), "script" | "style" | "svg" | "template") {
            let end = format!("</{name}");
            return after
                .split_once(end.as_str())
                .and_then(|(_, tail)| tail.split_once('>'))
                .map_or("", |p| p.1);
        }
        return after;
    }
    let mut chars = from.chars();
    out.extend(chars.next());
    chars.as_str()
}

/// The lower-case name of the tag at the beginning and what follows the tag; `<` before anything but a
/// letter or a slash is a plain sign.
fn tag(from: &str) -> Option<(String, &str)> {
    let inside = from.strip_prefix('<')?;
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
        return None;
    }
    let (inside, after) = inside.split_once('>')?;
    let name: String =
        inside.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect::<String>();
    let name = name.to_ascii_lowercase();
    let name = if name.starts_with('/') { name } else { name.trim_end_matches('/').to_owned() };
    Some((name, after))
}

fn entity(from: &str) -> Option<(char, &str)> {
    let (name, after) = from.strip_prefix('&')?.split_once(';')?;
    let c = match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "laquo" => '«',
        "raquo" => '»',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "copy" => '©',
        "shy" => '\u{ad}',
        "rub" => '₽',
        _ => {
            let code = name.strip_prefix('#')?;
            let number = match code.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => code.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    Some((c, after))
}

/// One space between words, one line break between blocks, none at the ends; soft hyphens go.
fn tidy(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split(|c: char| c.is_whitespace()).filter(|w| !w.is_empty()).collect();
        words.join(" ").replace('\u{ad}', "")
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_lines_of_text() {
        let cases = [
            ("<p>Раз&nbsp;два</p><p>три</p>", "Раз два\nтри"),
            ("a<br/>b<br>c", "a\nb\nc"),
            ("цена < 5 & > 3", "цена < 5 & > 3"),
            ("<script>alert('<p>')</script>текст<!-- x -->", "текст"),
            ("{{ city }} и {% if a %}б{% endif %}", "и б"),
            ("<b>жир</b>ный <a href=\"/x?a=1&amp;b=2\">link</a>", "жирный link"),
            ("&#1071;&#x41; &unknown; &", "ЯA &unknown; &"),
            ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
            ("<p", "<p"),
            ("{{ never closed", ""),
        ];
        for (markup, expected) in cases {
            assert_eq!(plain_text(markup), expected, "{markup}");
        }
    }
}
