//! Mermaid and Graphviz.

use super::{Graph, Node};
use std::collections::BTreeMap;

/// Nodes by folder, each with its place.
fn by_folder(graph: &Graph) -> BTreeMap<&str, Vec<(usize, &Node)>> {
    let mut folders: BTreeMap<&str, Vec<(usize, &Node)>> = BTreeMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        folders.entry(&node.folder).or_default().push((at, node));
    }
    folders
}

fn label(node: &Node) -> &str {
    let file = node.path.rsplit('/').next().unwrap_or(&node.path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

pub(super) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    // Quotation marks end a label and `#` begins an entity.
    let quoted = |text: &str| text.replace('#', "#35;").replace('"', "#quot;");
    for (at, (folder, nodes)) in by_folder(graph).into_iter().enumerate() {
        let name = if folder.is_empty() { "." } else { folder };
        text.push_str(&format!("  subgraph f{at} [\"{}\"]\n", quoted(name)));
        for (place, node) in nodes {
            text.push_str(&format!("    n{place}[\"{}\"]\n", quoted(label(node))));
        }
        text.push_str("  end\n");
    }
    for edge in &graph.edges {
        text.push_str(&format!("  n{} --> n{}\n", edge.from, edge.to));
    }
    let bare: Vec<String> = without_contract(graph).map(|place| format!("n{place}")).collect();
    if !bare.is_empty() {
        text.push_str(&format!("  classDef bare stroke-dasharray: 4 3\n  class {} bare\n", bare.join(",")));
    }
    text
}

/// Key code without a contract is drawn with a broken line.
fn without_contract(graph: &Graph) -> impl Iterator<Item = usize> {
    let nodes = graph.nodes.iter().enumerate();
    nodes.filter(|(_, node)| node.key && node.contract.is_none()).map(|(place, _)| place)
}

pub(super) fn dot(graph: &Graph) -> String {
    let mut text =
        String::from("digraph code {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    for (at, (folder, nodes)) in by_folder(graph).into_iter().enumerate() {
        let name = if folder.is_empty() { "." } else { folder };
        text.push_str(&format!("  subgraph cluster_{at} {{\n    label=\"{}\";\n", quoted(name)));
        for (place, node) in nodes {
            let purpose = node.purpose.as_deref().map(|purpose| format!(", tooltip=\"{}\"", quoted(purpose)));
            text.push_str(&format!(
                "    n{place} [label=\"{}\"{}];\n",
                quoted(label(node)),
                purpose.unwrap_or_default()
            ));
        }
        text.push_str("  }\n");
    }
    for place in without_contract(graph) {
        text.push_str(&format!("  n{place} [style=dashed];\n"));
    }
    for edge in &graph.edges {
        text.push_str(&format!("  n{} -> n{};\n", edge.from, edge.to));
    }
    text.push_str("}\n");
    text
}
