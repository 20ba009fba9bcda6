//! The graph in its forms.

use ismart_contracts::graph::{Form, Graph};
use ismart_contracts::{Config, Tree};
use serde_json::Value;

use crate::shop::Shop;

#[test]
fn files_and_arrows_are_those_of_the_code() {
    let shop = Shop::with_contracts();
    let graph = Graph::of(&shop.tree(), &[]);
    let place = |path: &str| graph.nodes.iter().position(|node| node.path == path).unwrap();
    let has = |from: &str, to: &str| {
        graph.edges.iter().any(|edge| edge.from == place(from) && edge.to == place(to))
    };
    assert!(
        has("src/Orders/Checkout.php", "src/Orders/Cart.php")
            && !has("src/Orders/Cart.php", "src/Orders/Checkout.php")
    );
    assert!(graph.nodes.iter().all(|node| !node.path.starts_with("tests/")));
    let node = &graph.nodes[place("src/Orders/Checkout.php")];
    assert_eq!(node.contract.as_deref(), Some("src/Orders/Checkout.contract.md"));
    assert_eq!(node.purpose.as_deref(), Some("Turns a cart into an order."));
    assert_eq!((node.items.len(), node.promises.len(), node.key), (3, 1, true));
    let part = Graph::of(&shop.tree(), &["src/Orders/Checkout.php".to_owned()]);
    assert!(part.nodes.len() < graph.nodes.len() && part.nodes.len() >= 3);
}

#[test]
fn mermaid_and_graphviz_name_every_file_once() {
    let shop = Shop::new();
    let graph = Graph::of(&shop.tree(), &[]);
    let mermaid = graph.print(Form::Mermaid);
    assert!(mermaid.starts_with("flowchart LR\n"));
    assert_eq!(mermaid.matches("[\"Checkout\"]").count(), 1);
    assert_eq!(mermaid.matches(" --> ").count(), graph.edges.len());
    assert_eq!(mermaid.matches("subgraph").count(), mermaid.matches("  end\n").count());
    // Key code without contract is marked.
    assert!(mermaid.contains("class n") && mermaid.contains(" bare\n"));
    let dot = graph.print(Form::Dot);
    assert!(dot.starts_with("digraph code {") && dot.trim_end().ends_with('}'));
    assert_eq!(dot.matches(" -> ").count(), graph.edges.len());
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
}

#[test]
fn names_of_files_break_no_form() {
    let tree = Tree::of(
        Config::default(),
        [(
            "src/a\"]<\\script>#x.php",
            "<?php /** </script><b>\" */ class A { function f($a = \"</script>\") {} }",
        )],
    );
    let graph = Graph::of(&tree, &[]);
    assert!(graph.print(Form::Mermaid).contains("#quot;"));
    assert!(graph.print(Form::Dot).contains("\\\""));
    let page = graph.print(Form::Html);
    assert_eq!(page.matches("</script>").count(), 2, "only the page's own elements end");
}

#[test]
fn the_page_carries_everything_and_asks_for_nothing() {
    let shop = Shop::with_contracts();
    let graph = Graph::of(&shop.tree(), &[]);
    let page = graph.print(Form::Html);
    let (_, rest) = page.split_once("id=\"graph\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    let told: Value = serde_json::from_str(data).unwrap();
    let json: Value = serde_json::from_str(&graph.print(Form::Json)).unwrap();
    assert_eq!(told, json);
    assert_eq!(told["nodes"].as_array().unwrap().len(), graph.nodes.len());
    for outside in ["http://", "https://", "src=", "@import", "fetch("] {
        assert!(!page.replace(data, "").contains(outside), "{outside}");
    }
    assert!(!page.contains("{{"));
}
