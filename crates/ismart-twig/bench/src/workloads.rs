//! What is rendered.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

/// Templates by name.
pub(crate) type Templates = Vec<(&'static str, &'static str)>;

/// A template with the data it shows.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    /// Renders a measurement.
    pub(crate) renders: u32,
    /// In Twig; the first is rendered.
    pub(crate) twig: Templates,
    /// In minijinja's dialect.
    pub(crate) jinja: Templates,
    /// In tera's dialect.
    pub(crate) tera: Templates,
    pub(crate) data: Json,
}

macro_rules! templates {
    ($($name:literal),+) => {
        vec![$(($name, include_str!(concat!("../templates/", $name)))),+]
    };
}

pub(crate) fn all() -> Vec<Workload> {
    vec![table(), page(), filters()]
}

/// A table of 1000 rows and 10 columns.
fn table() -> Workload {
    let cell = |r: usize, c: usize| match c {
        0 => json!(format!("Row {r} & co")),
        1 => json!(r * 17),
        2 => json!(format!("<b>{r}</b>")),
        _ => json!(format!("value {c} of {r}, plain")),
    };
    let rows: Vec<Json> = (0..1000).map(|r| (0..10).map(|c| cell(r, c)).collect()).collect();
    Workload {
        name: "table 1000 x 10 with escaping",
        key: "table",
        renders: 40,
        twig: templates!["table.twig"],
        jinja: templates!["table.twig"],
        tera: templates!["table.twig"],
        data: json!({ "rows": rows }),
    }
}

/// A page with inheritance, a menu, 20 includes and 30 macro calls.
fn page() -> Workload {
    let text = "A text of some length with a <tag> and \"quotes\" in it, as cards have it, so that it takes two lines or three.";
    let cards: Vec<Json> = (0..20)
        .map(|i| json!({"title": format!("Card {i} & more"), "text": text, "price": i * 100, "url": format!("/card/{i}")}))
        .collect();
    let menu: Vec<Json> = (0..8)
        .map(|i| {
            let children = json!([{"url": "/a", "title": "A & B"}, {"url": "/b", "title": "B"}]);
            json!({"url": format!("/m{i}"), "title": format!("Menu {i}"), "active": i == 2, "children": children})
        })
        .collect();
    Workload {
        name: "page with inheritance, 20 includes, 30 macro calls",
        key: "page",
        renders: 1500,
        twig: templates!["page.twig", "page-base.twig", "macros.twig", "card.twig"],
        jinja: templates!["page.jinja", "page-base.twig", "macros.twig", "card.twig"],
        tera: templates!["page.tera", "page-base.tera", "macros.tera", "card.twig"],
        data: json!({"site": "Site & Co", "page": {"title": "Home <1>", "description": "About"}, "menu": menu, "cards": cards}),
    }
}

/// 200 items with 20 filters each.
fn filters() -> Workload {
    let items: Vec<Json> = (0..200)
        .map(|i| json!({"name": format!("  Item number {i} & co  "), "tags": ["red", "green", "<blue>"], "price": f64::from(i) * 1.37 - 50.003, "url": format!("/i?a={i}&b=1")}))
        .collect();
    Workload {
        name: "200 items with 20 filters each",
        key: "filters",
        renders: 40,
        twig: templates!["filters.twig"],
        jinja: templates!["filters.jinja"],
        tera: templates!["filters.tera"],
        data: json!({ "items": items }),
    }
}

/// Templates of about 500 lines: one as pages are, one where each line is full of expressions.
pub(crate) fn sources() -> [(&'static str, String); 2] {
    let mut plain = String::new();
    for i in 0..50 {
        write!(
            plain,
            "<section class=\"section section--{i}\" id=\"{{{{ section.id }}}}\">\n  <div class=\"container\">\n    {{% if section.title %}}\n      <h2 class=\"section__title\">{{{{ section.title }}}}</h2>\n    {{% endif %}}\n    {{% for item in section.items %}}\n      {{% include 'card.twig' with {{item: item}} %}}\n    {{% endfor %}}\n  </div>\n</section>\n"
        )
        .unwrap();
    }
    let mut dense = String::new();
    for i in 0..100 {
        write!(
            dense,
            "<section id=\"s{i}\">\n{{% if page.items[{i}] is defined and page.visible %}}\n  {{% for item in page.items[{i}].children|default([])|slice(0, 5) %}}<a href=\"{{{{ item.url|e('html_attr') }}}}\">{{{{ item.title|upper }}}}</a>{{% endfor %}}\n{{% else %}}<p>{{{{ page.text ~ ' ' ~ loop_{i}|default('-') }}}}</p>{{% endif %}}\n</section>\n"
        )
        .unwrap();
    }
    [("page", plain), ("dense", dense)]
}
