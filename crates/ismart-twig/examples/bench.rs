//! Renders three workloads with this engine, with minijinja and, where it is installed, with PHP Twig.
//!
//! `cargo run --release -p ismart-twig --example bench -- [AUTOLOAD.php [NAME]]` with the path of PHP Twig's autoloader
//! (`/usr/share/php/Twig/autoload.php` by default). Figures are CPU time of the process, in microseconds a
//! render: the best and the median of interleaved rounds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a command for developers"
)]

use std::fmt::Write as _;
use std::process::Command;

use ismart_twig::{Array, Context, Environment, MemoryLoader, Value};
use serde_json::{Value as Json, json};

const ROUNDS: usize = 9;

struct Workload {
    name: &'static str,
    renders: u32,
    twig: Vec<(&'static str, String)>,
    jinja: Vec<(&'static str, String)>,
    data: Json,
}

fn table() -> Workload {
    let source = "<table>\n{% for row in rows %}\n<tr><th>{{ loop.index }}</th>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>\n{% endfor %}\n</table>\n";
    let cells =
        |r: usize| -> Vec<Json> { (0..10).map(|c| json!(format!("<b>row {r} & cell {c}</b>"))).collect() };
    let rows: Vec<Json> = (0..1000).map(|r| Json::Array(cells(r))).collect();
    Workload {
        name: "W1 table",
        renders: 50,
        twig: vec![("index", source.to_owned())],
        jinja: vec![("index", source.to_owned())],
        data: json!({ "rows": rows }),
    }
}

fn page() -> Workload {
    let mut base = String::from(
        "<html><head><title>{% block title %}Site{% endblock %}</title>{% block head %}<meta charset=\"utf-8\">{% endblock %}</head><body>\n<nav>{% for item in menu %}<a href=\"{{ item.url }}\"{% if item.active %} class=\"active\"{% endif %}>{{ item.title }}</a>{% for sub in item.children %}<a href=\"{{ sub.url }}\">{{ sub.title }}</a>{% endfor %}{% endfor %}</nav>\n",
    );
    let mut child = String::from("{% extends 'base' %}\n{% import 'macros' as ui %}\n");
    for name in ["content", "aside", "footer", "scripts"] {
        writeln!(base, "<div>{{% block {name} %}}<p>default {name}</p>{{% endblock %}}</div>").unwrap();
    }
    base.push_str("</body></html>\n");
    child.push_str("{% block title %}{{ page.title }} | {{ parent() }}{% endblock %}{% block head %}{{ parent() }}<meta name=\"description\" content=\"{{ page.description }}\">{% endblock %}\n");
    child.push_str("{% block content %}{{ parent() }}");
    for i in 0..20 {
        write!(child, "{{% include 'card' with {{'card': cards[{i}]}} %}}").unwrap();
    }
    child.push_str("{% endblock %}\n{% block aside %}{{ parent() }}{% import 'macros' as ui %}");
    for i in 0..30 {
        write!(child, "{{{{ ui.input('field{i}', page.title, 'text') }}}}").unwrap();
    }
    child.push_str("{% endblock %}\n{% block footer %}{{ parent() }}<small>{{ site }}</small>{% endblock %}{% block scripts %}{{ parent() }}<script src=\"/app.js\"></script>{% endblock %}\n");
    let macros = "{% macro input(name, value, type) %}<label>{{ name }}<input type=\"{{ type }}\" name=\"{{ name }}\" value=\"{{ value }}\"></label>{% endmacro %}";
    let card = "<article class=\"card\"><h2>{{ card.title }}</h2><p>{{ card.text }}</p>{% if card.price %}<b>{{ card.price }}</b>{% endif %}<a href=\"{{ card.url }}\">{{ site }}</a></article>\n";
    let jinja_child = {
        let mut text = child.replace("parent()", "super()");
        for i in 0..20 {
            text = text.replace(
                &format!("{{% include 'card' with {{'card': cards[{i}]}} %}}"),
                &format!("{{% set card = cards[{i}] %}}{{% include 'card' %}}"),
            );
        }
        text
    };
    let cards: Vec<Json> = (0..20)
        .map(|i| json!({"title": format!("Card {i} & more"), "text": "A text of some length with <tags> and \"quotes\" in it.", "price": i * 100, "url": format!("/card/{i}")}))
        .collect();
    let menu: Vec<Json> = (0..8)
        .map(|i| json!({"url": format!("/m{i}"), "title": format!("Menu {i}"), "active": i == 2, "children": [{"url": "/a", "title": "A & B"}, {"url": "/b", "title": "B"}]}))
        .collect();
    Workload {
        name: "W2 page",
        renders: 2000,
        twig: vec![
            ("index", child),
            ("base", base.clone()),
            ("macros", macros.to_owned()),
            ("card", card.to_owned()),
        ],
        jinja: vec![
            ("index", jinja_child),
            ("base", base),
            ("macros", macros.to_owned()),
            ("card", card.to_owned()),
        ],
        data: json!({"site": "Site & Co", "page": {"title": "Home <1>", "description": "About"}, "menu": menu, "cards": cards}),
    }
}

fn filters() -> Workload {
    let both = [
        "i.name|upper",
        "i.name|lower",
        "i.name|capitalize",
        "i.name|title",
        "i.name|trim",
        "i.name|length",
        "i.missing|default('none')",
        "i.tags|join(', ')",
        "i.tags|first",
        "i.tags|last",
        "i.tags|length",
        "i.tags|sort|join('-')",
        "i.name|reverse",
        "i.tags|reverse|join('/')",
        "i.price|abs",
        "i.name|escape",
        "i.url|e",
        "i.name|lower|trim",
    ];
    let twig_only = ["i.name|replace({'Item': 'Thing'})", "i.price|round(1)"];
    let jinja_only = ["i.name|replace('Item', 'Thing')", "i.price|round(1)"];
    let build = |own: [&str; 2]| {
        let mut text = String::from("{% for i in items %}<li>");
        for expr in both.iter().chain(&own) {
            write!(text, "<i>{{{{ {expr} }}}}</i>").unwrap();
        }
        text.push_str("</li>\n{% endfor %}\n");
        text
    };
    let items: Vec<Json> = (0..200)
        .map(|i| json!({"name": format!("  Item number {i} & co  "), "tags": ["red", "green", "<blue>"], "price": f64::from(i) * 1.37 - 50.0, "url": format!("/i?a={i}&b=1")}))
        .collect();
    Workload {
        name: "W3 filters",
        renders: 50,
        twig: vec![("index", build(twig_only))],
        jinja: vec![("index", build(jinja_only))],
        data: json!({ "items": items }),
    }
}

/// Nanoseconds the thread has run on a CPU.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn measure(renders: u32, mut render: impl FnMut() -> usize) -> f64 {
    let start = cpu();
    let mut bytes = 0;
    for _ in 0..renders {
        bytes += render();
    }
    std::hint::black_box(bytes);
    (cpu() - start) as f64 / 1000.0 / f64::from(renders)
}

const PHP: &str = r#"<?php
require $argv[1];
$work = json_decode(file_get_contents($argv[2]), true);
$dir = sys_get_temp_dir().'/ismart-twig-bench-cache';
$twig = new \Twig\Environment(new \Twig\Loader\ArrayLoader($work['templates']), ['cache' => $dir, 'auto_reload' => false]);
$t = $twig->load('index');
file_put_contents($argv[3], $t->render($work['data']));
for ($i = 0; $i < 3; $i++) { $t->render($work['data']); }
$cpu = function () { $r = getrusage(); return $r['ru_utime.tv_sec'] * 1e6 + $r['ru_utime.tv_usec'] + $r['ru_stime.tv_sec'] * 1e6 + $r['ru_stime.tv_usec']; };
$start = $cpu();
for ($i = 0; $i < $work['renders']; $i++) { $t->render($work['data']); }
echo ($cpu() - $start) / $work['renders'];
"#;

struct Php {
    autoload: String,
    dir: std::path::PathBuf,
}

impl Php {
    fn find(autoload: &str) -> Option<Self> {
        let works = Command::new("php").arg("-v").output().is_ok_and(|o| o.status.success());
        if !works || !std::path::Path::new(autoload).exists() {
            return None;
        }
        let dir = std::env::temp_dir().join("ismart-twig-bench");
        std::fs::create_dir_all(&dir).ok()?;
        std::fs::write(dir.join("bench.php"), PHP).ok()?;
        Some(Self { autoload: autoload.to_owned(), dir })
    }

    fn run(&self, work: &Workload) -> Option<(f64, String)> {
        let templates: serde_json::Map<String, Json> =
            work.twig.iter().map(|(n, s)| ((*n).to_owned(), json!(s))).collect();
        let file = self.dir.join("work.json");
        let out = self.dir.join("out.html");
        let job = json!({"templates": templates, "data": work.data, "renders": work.renders});
        std::fs::write(&file, job.to_string()).ok()?;
        let result = Command::new("php")
            .args(["-d", "opcache.enable_cli=1", "-d", "opcache.file_update_protection=0"])
            .arg(self.dir.join("bench.php"))
            .arg(&self.autoload)
            .arg(&file)
            .arg(&out)
            .output()
            .ok()?;
        let time = String::from_utf8_lossy(&result.stdout).trim().parse().ok()?;
        Some((time, std::fs::read_to_string(out).ok()?))
    }
}

fn show(name: &str, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[times.len() / 2]);
    println!("  {name:<28} {best:>10.1} us best {median:>10.1} us median");
    median
}

fn run(work: &Workload, php: Option<&Php>) {
    println!("{}", work.name);
    let loader: MemoryLoader = work.twig.iter().map(|(n, s)| (*n, s.as_str())).collect();
    let env = Environment::with_loader(loader);
    let template = env.get_template("index").unwrap();
    let data: std::sync::Arc<Array> = match Value::from(&work.data) {
        Value::Array(array) => array,
        _ => std::sync::Arc::new(Array::new()),
    };
    let mut jinja = minijinja::Environment::new();
    jinja.set_syntax(minijinja::syntax::SyntaxConfig::builder().trim_blocks(true).build().unwrap());
    jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    for (name, source) in &work.jinja {
        jinja.add_template(name, source).unwrap();
    }
    let jinja_data = minijinja::Value::from(minijinja::value::Serde(&work.data));
    let other = jinja.get_template("index").unwrap();
    let ours = template.render(Context::from(data.clone())).unwrap();
    let theirs = other.render(&jinja_data).unwrap_or_else(|e| format!("{e:#}"));
    println!("  {} bytes (minijinja {})", ours.len(), theirs.len());
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(measure(work.renders, || template.render(Context::from(data.clone())).unwrap().len()));
        b.push(measure(work.renders, || other.render(&jinja_data).unwrap().len()));
        if let Some(php) = php
            && c.len() < 5
            && let Some((time, html)) = php.run(work)
        {
            c.push(time);
            if html != ours {
                println!("  bytes differ from PHP Twig's ({} and {})", ours.len(), html.len());
            }
        }
    }
    let ours = show("ismart-twig", a);
    let theirs = show("minijinja", b);
    println!("  of minijinja's time: {:.2}", ours / theirs);
    if !c.is_empty() {
        let theirs = show("PHP Twig, opcache, cached", c);
        println!("  times as fast as PHP Twig: {:.1}", theirs / ours);
    }
}

/// Compiles a template of 500 lines again and again.
fn compile() {
    let mut source = String::new();
    for i in 0..100 {
        write!(
            source,
            "<section id=\"s{i}\">\n{{% if page.items[{i}] is defined and page.visible %}}\n  {{% for item in page.items[{i}].children|default([])|slice(0, 5) %}}<a href=\"{{{{ item.url|e('html_attr') }}}}\">{{{{ item.title|upper }}}}</a>{{% endfor %}}\n{{% else %}}<p>{{{{ page.text ~ ' ' ~ loop_{i}|default('-') }}}}</p>{{% endif %}}\n</section>\n"
        )
        .unwrap();
    }
    let env = Environment::new();
    let mut times = Vec::new();
    for round in 0..9 {
        let mut count = 0;
        times.push(measure(50, || {
            count += 1;
            // A string template is compiled once, so each has to differ.
            let unique = format!("{source}{{# {round} {count} #}}");
            env.template_from_string(&unique).unwrap().source().len()
        }));
    }
    println!("compile, {} lines, {} bytes", source.lines().count(), source.len());
    show("ismart-twig", times);
}

fn main() {
    let autoload = std::env::args().nth(1).unwrap_or_else(|| "/usr/share/php/Twig/autoload.php".to_owned());
    let php = Php::find(&autoload);
    if php.is_none() {
        println!("PHP Twig is skipped: no php command or no {autoload}");
    }
    let only = std::env::args().nth(2).unwrap_or_default();
    compile();
    for work in [table(), page(), filters()].iter().filter(|w| w.name.contains(&only)) {
        run(work, php.as_ref());
    }
}
