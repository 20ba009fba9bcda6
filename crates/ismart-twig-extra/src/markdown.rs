//! The package `markdown`: `markdown_to_html`, `html_to_markdown`.

use htmd::HtmlToMarkdown;
use ismart_twig::{Call, Callable, Environment, Error, Value};
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
    let text = converter
        .build()
        .convert(&call.text(0)?)
        .map_err(|e| Error::host(format!("The HTML could not be turned into Markdown: {e}")))?;
    Ok(Value::from(text))
}
