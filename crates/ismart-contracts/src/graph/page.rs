//! The page: one file with the graph in it, which asks nothing of any server.

use serde_json::json;

use super::Graph;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn html(graph: &Graph) -> String {
    // Nothing in the data can end the element that holds it.
    let graph = json!(graph).to_string().replace('<', "\\u003c").replace('\u{2028}', "\\u2028");
    let (before, after) = PAGE.split_once("{{graph}}").unwrap_or((PAGE, ""));
    let dressed = |part: &str| part.replace("{{style}}", STYLE).replace("{{script}}", SCRIPT);
    format!("{}{graph}{}", dressed(before), dressed(after))
}
