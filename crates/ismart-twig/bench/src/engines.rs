//! The engines that run in this process.

use askama::Template as _;
use ismart_twig::{Context, Environment, MemoryLoader, Value};
use serde::Deserialize;

use crate::workloads::Workload;

/// An engine with a workload's templates and data.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    run: Box<dyn Fn() -> String>,
}

impl Engine {
    pub(crate) fn render(&self) -> String {
        (self.run)()
    }
}

/// This engine first, minijinja second, then the others that can do the workload.
pub(crate) fn all(work: &Workload) -> Vec<Engine> {
    let mut all = vec![ours(work), minijinja(work), tera(work)];
    all.extend(askama(work));
    all
}

fn ours(work: &Workload) -> Engine {
    let env = Environment::with_loader(work.twig.iter().copied().collect::<MemoryLoader>());
    let template = env.get_template(work.twig[0].0).unwrap();
    let data = match Value::from(&work.data) {
        Value::Array(array) => array,
        _ => std::sync::Arc::default(),
    };
    let run = move || template.render(Context::from(data.clone())).unwrap();
    Engine { name: "ismart-twig", run: Box::new(run) }
}

fn minijinja(work: &Workload) -> Engine {
    let mut env = minijinja::Environment::new();
    env.set_syntax(minijinja::syntax::SyntaxConfig::builder().trim_blocks(true).build().unwrap());
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    for (name, source) in &work.jinja {
        env.add_template(name, source).unwrap();
    }
    let main = work.jinja[0].0;
    let data = minijinja::Value::from(minijinja::value::Serde(&work.data));
    let run = move || env.get_template(main).unwrap().render(&data).unwrap();
    Engine { name: "minijinja", run: Box::new(run) }
}

fn tera(work: &Workload) -> Engine {
    let mut tera = tera::Tera::default();
    tera.autoescape_on(vec![""]);
    tera.add_raw_templates(work.tera.clone()).unwrap();
    let main = work.tera[0].0;
    let data = tera::Context::from_value(work.data.clone()).unwrap();
    let run = move || tera.render(main, &data).unwrap();
    Engine { name: "tera", run: Box::new(run) }
}

/// Askama's templates are Rust: they are compiled with this program and their data has types.
fn askama(work: &Workload) -> Option<Engine> {
    let run: Box<dyn Fn() -> String> = match work.key {
        "table" => {
            let data: Table = serde_json::from_value(work.data.clone()).unwrap();
            Box::new(move || data.render().unwrap())
        }
        "page" => {
            let data: Page = serde_json::from_value(work.data.clone()).unwrap();
            Box::new(move || data.render().unwrap())
        }
        // It lacks most of the filters.
        _ => return None,
    };
    Some(Engine { name: "askama", run })
}

#[derive(askama::Template, Deserialize)]
#[template(path = "table.html")]
struct Table {
    rows: Vec<Vec<Cell>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    Number(i64),
    Text(String),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(n) => n.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[derive(askama::Template, Deserialize)]
#[template(path = "page.html")]
struct Page {
    site: String,
    page: Head,
    menu: Vec<MenuItem>,
    cards: Vec<Card>,
}

#[derive(Deserialize)]
struct Head {
    title: String,
    description: String,
}

#[derive(Deserialize)]
struct MenuItem {
    url: String,
    title: String,
    active: bool,
    children: Vec<SubItem>,
}

#[derive(Deserialize)]
struct SubItem {
    url: String,
    title: String,
}

#[derive(Deserialize)]
struct Card {
    title: String,
    text: String,
    price: i64,
    url: String,
}

/// A document without what engines do in ways of their own: entities, space between tags, print of floats.
pub(crate) fn text(html: &str) -> String {
    let mut out = html.to_owned();
    for (entity, sign) in [
        ("&#x2F;", "/"),
        ("&#x2f;", "/"),
        ("&#47;", "/"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#039;", "'"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        out = out.replace(entity, sign);
    }
    let words: Vec<String> = out.split_whitespace().map(number).collect();
    words.concat()
}

/// The number between two tags as six digits, or the word itself.
fn number(word: &str) -> String {
    let Some(inner) = word.strip_prefix("<i>").and_then(|w| w.strip_suffix("</i>")) else {
        return word.to_owned();
    };
    inner.parse::<f64>().map_or_else(|_| word.to_owned(), |n| format!("<i>{n:.6}</i>"))
}
