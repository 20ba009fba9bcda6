//! The package `markdown`: `markdown_to_html`, `html_to_markdown`.

use htmd::HtmlToMarkdown;
use html5ever::tendril::TendrilSink;
use ismart_twig::{Call, Callable, Environment, Error, ErrorKind, Value};
use markup5ever_rcdom::RcDom;
use pulldown_cmark::{Options, Parser};

/// Adds the package. HTML inside of Markdown is let through, as PHP Twig does: sanitise what strangers wrote.
pub fn register(env: &mut Environment) {
    env.add(Callable::filter("markdown_to_html", to_html).params(&[]).safe(&["all"]));
    env.add(Callable::filter("html_to_markdown", to_markdown).params(&["options?"]).safe(&["all"]));
}

/// CommonMark to HTML. What indents the first line is taken off every line.
fn to_html(call: &Call<'_>) -> Result<Value, Error> {
    let body = call.text(0)?;
    let white = body.len() - body.trim_start_matches([' ', '\t', '\r', '\n', '\0', '\u{b}']).len();
    let white = body.get(..white).unwrap_or("");
    let body = if white.is_empty() {
        body.to_string()
    } else {
        let rest = body.get(white.len()..).unwrap_or("");
        let indent = white.rsplit('\n').next().unwrap_or("");
        let lines = rest.split_inclusive('\n').map(|line| line.strip_prefix(indent).unwrap_or(line));
        lines.collect()
    };
    let mut html = String::with_capacity(body.len() * 2);
    pulldown_cmark::html::push_html(&mut html, Parser::new_ext(&body, Options::empty()));
    Ok(Value::from(html))
}

/// Elements inside of each other that are turned into Markdown: the converter calls itself for each.
const NESTING: usize = 100;

/// Tags that open an element: what reads HTML looks at all elements that are open for each of them.
const TAGS: usize = 20_000;

/// Refuses HTML that is nested deeper than the converter's stack bears, or that would take for ever to read.
fn check_nesting(html: &str) -> Result<(), Error> {
    let opens = |pair: &[u8]| matches!(pair, [b'<', letter] if letter.is_ascii_alphabetic());
    if html.as_bytes().windows(2).filter(|pair| opens(pair)).count() > TAGS {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("HTML of more than {TAGS} elements cannot be turned into Markdown."),
        ));
    }
    let document = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
    let mut open = vec![(document.document.clone(), 0)];
    while let Some((node, depth)) = open.pop() {
        if depth > NESTING {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "HTML that is nested more than {NESTING} elements deep cannot be turned into Markdown."
                ),
            ));
        }
        open.extend(node.children.borrow().iter().map(|child| (child.clone(), depth + 1)));
    }
    Ok(())
}

/// HTML to Markdown, without the nodes that `remove_nodes` names (`head style` unless it is given).
fn to_markdown(call: &Call<'_>) -> Result<Value, Error> {
    let mut skip = vec!["head".to_owned(), "style".to_owned()];
    if let Some(given) = call.arg(1).get("remove_nodes") {
        skip = given.to_text()?.split_whitespace().map(str::to_owned).collect();
    }
    let mut converter = HtmlToMarkdown::builder();
    // The converter takes no empty list.
    if !skip.is_empty() {
        converter = converter.skip_tags(skip.iter().map(String::as_str).collect());
    }
    let html = call.text(0)?;
    check_nesting(&html)?;
    let text = converter
        .build()
        .convert(&html)
        .map_err(|e| Error::host(format!("The HTML could not be turned into Markdown: {e}")))?;
    Ok(Value::from(text))
}
