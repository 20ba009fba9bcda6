//! A reader of HTML that sees tags and attributes, enough to follow links.

/// One start tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Lower case.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute, entities decoded.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Addresses that the tag makes a browser follow or load.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        // `preconnect` and the like name hosts, `canonical` and alternates are checked by their own pages.
        let hint = self.name == "link" && matches!(self.get("rel"), Some("preconnect" | "dns-prefetch"));
        let single = ["href", "src", "poster", "data-src"].into_iter().filter_map(|name| self.get(name));
        let set = self
            .get("srcset")
            .into_iter()
            .flat_map(|set| set.split(',').filter_map(|candidate| candidate.split_whitespace().next()));
        single.chain(set).filter(move |_| !hint)
    }
}

/// All start tags of a document in order; comments and the text of scripts and styles are passed over.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or("");
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        if matches!(tag.name.as_str(), "script" | "style" | "textarea" | "title") {
            let end = format!("</{}", tag.name);
            rest = rest.find(&end).and_then(|at| rest.get(at..)).unwrap_or("");
        }
        tags.push(tag);
    }
    tags
}

/// The tag that `text` starts with (its name first), and what follows it.
fn tag(text: &str) -> (Tag, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(text.len());
    let (name, mut rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            rest = after;
            break;
        }
        if rest.is_empty() {
            break;
        }
        let end =
            rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
        // An attribute of no length would stop the walk: pass over the sign instead.
        let end = if end == 0 { 1 } else { end };
        let (key, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after.trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            (value, rest) = attribute_value(after.trim_start());
        }
        attributes.push((key.to_ascii_lowercase(), decode(value)));
    }
    (Tag { name: name.to_ascii_lowercase(), attributes }, rest)
}

fn attribute_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&quot;", "\"")
        .replace("&#039;", "'")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_where_browsers_look() {
        let html = r#"<!doctype html><!-- <a href="/no"> --><a class=x href='/a?b=1&amp;c=2'>A</a>
            <script>var x = '<a href="/no">';</script><img src=/i.png srcset="/s1.webp 1x, /s2.webp 2x" alt="">
            <link rel="preconnect" href="https://mc.example"><br/><a href>x</a> 1 < 2 <a"#;
        let links: Vec<String> =
            tags(html).iter().flat_map(|t| t.links().map(str::to_owned).collect::<Vec<_>>()).collect();
        assert_eq!(links, ["/a?b=1&c=2", "/i.png", "/s1.webp", "/s2.webp", ""]);
    }

    #[test]
    fn broken_markup_ends() {
        for html in ["<a =", "<a href=\"", "<", "<a b=c", "<script", "<!--", "<a /=/>"] {
            assert!(tags(html).len() <= 1, "{html}");
        }
    }
}
