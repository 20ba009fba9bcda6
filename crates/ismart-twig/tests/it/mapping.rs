//! Source maps and streaming.

use ismart_twig::{Environment, Mapped, MemoryLoader, Origin};
use serde_json::{Value as Json, json};

fn env(templates: &[(&str, &str)]) -> Environment {
    Environment::with_loader(templates.iter().copied().collect::<MemoryLoader>())
}

fn mapped(templates: &[(&str, &str)], data: &Json) -> Mapped {
    let template = env(templates).get_template("index").unwrap();
    let mapped = template.render_mapped(data).unwrap();
    assert_eq!(mapped.bytes, template.render_bytes(data).unwrap().bytes, "following values changes nothing");
    let mut end = 0;
    for segment in mapped.map.segments() {
        assert_eq!(segment.output.start, end, "segments leave no gap");
        end = segment.output.end;
    }
    assert_eq!(end, mapped.bytes.len(), "segments cover the output");
    mapped
}

/// Each piece of the output with its origin: `text<path`, `text<~path` for derived, `text<?` for computed.
fn shown(templates: &[(&str, &str)], data: &Json) -> Vec<String> {
    let mapped = mapped(templates, data);
    let pieces = mapped.map.segments().iter().filter_map(|segment| {
        let text = String::from_utf8_lossy(&mapped.bytes[segment.output.clone()]).into_owned();
        match &segment.origin {
            Origin::Template => None,
            Origin::Value(path) => Some(format!("{text}<{path}")),
            Origin::Derived(path) => Some(format!("{text}<~{path}")),
            _ => Some(format!("{text}<?")),
        }
    });
    pieces.collect()
}

fn one(source: &str, data: &Json) -> Vec<String> {
    shown(&[("index", source)], data)
}

#[test]
fn values_are_found_however_they_came() {
    let data = json!({
        "page": {"title": "Tom & co", "n": 5, "items": [{"name": "x"}, {"name": "y"}], "empty": ""},
        "key": "title"
    });
    for (source, want) in [
        ("{{ page.title }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.title|raw }}", vec!["Tom & co<page.title"]),
        ("{{ page[key] }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.n }}", vec!["5<page.n"]),
        ("{{ page.n + 1 }}", vec!["6<~page.n"]),
        ("{{ page.title|upper }}", vec!["TOM &amp; CO<~page.title"]),
        ("{{ page.title|e }}", vec!["Tom &amp; co<page.title"]),
        ("{% set t = page.title %}{{ t }}", vec!["Tom &amp; co<page.title"]),
        ("{% set t %}<b>{{ page.title }}</b>{% endset %}{{ t }}{{ t }}", vec!["Tom &amp; co<page.title"; 2]),
        (
            "{% for i in page.items %}{{ i.name }}{% endfor %}",
            vec!["x<page.items[0].name", "y<page.items[1].name"],
        ),
        (
            "{% for i in page.items|reverse %}{{ i.name }}{% endfor %}",
            vec!["y<page.items[1].name", "x<page.items[0].name"],
        ),
        ("{{ page.empty ?: page.title }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.missing ?? page.title }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.missing|default(page.title) }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.n > 3 ? page.title : key }}", vec!["Tom &amp; co<page.title"]),
        ("{{ page.title ~ key }}", vec!["Tom &amp; cotitle<~page.title"]),
        ("{{ (page|merge({'title': key})).title }}", vec!["title<key"]),
        ("{{ page.items|map(i => i.name)|join(', ') }}", vec!["x, y<~page.items"]),
        ("{{ page.items|map(i => i.name)|first }}", vec!["x<page.items[0].name"]),
        ("{{ 1 + 1 }}{{ 'constant' }}", vec!["2<?"]),
        ("{{ [1, 2]|join('+') }}", vec!["1+2<?"]),
    ] {
        assert_eq!(one(source, &data), want, "{source}");
    }
}

#[test]
fn values_are_followed_into_other_templates() {
    let templates = [
        (
            "index",
            "{% extends 'base' %}{% import 'macros' as m %}{% block body %}{{ parent() }}{{ m.field(page.name) }}{% include 'card' with {title: page.name, sub: {t: page.name}} only %}{{ include('card', {title: page.tags[0]}) }}{% endblock %}",
        ),
        ("base", "<title>{{ page.name }}</title>{% block body %}<i>{{ page.tags[1] }}</i>{% endblock %}"),
        ("macros", "{% macro field(value) %}<input value=\"{{ value }}\">{% endmacro %}"),
        ("card", "<h2>{{ title }}</h2>{{ sub.t|default('-') }}"),
    ];
    let data = json!({"page": {"name": "N", "tags": ["a", "b"]}});
    assert_eq!(
        shown(&templates, &data),
        [
            "N<page.name",
            "b<page.tags[1]",
            "N<page.name",
            "N<page.name",
            "N<page.name",
            "a<page.tags[0]",
            "-<?"
        ]
    );
    let mapped = mapped(&templates, &data);
    let places: Vec<(String, (usize, usize))> = mapped
        .map
        .segments()
        .iter()
        .filter(|s| s.origin != Origin::Template)
        .map(|s| (s.template().to_owned(), s.position()))
        .collect();
    assert_eq!(places[0], ("base".to_owned(), (1, 8)));
    assert_eq!(places[2], ("macros".to_owned(), (1, 39)));
    assert_eq!(places[3], ("card".to_owned(), (1, 5)));
}

#[test]
fn a_template_made_of_a_text_tells_which_text_it_was() {
    let source = "{{ include(template_from_string(page.a)) }}{% for i in items %}{{ include(template_from_string(i.t)) }}{% endfor %}{{ include(template_from_string('x' ~ n)) }}";
    let data = json!({"page": {"a": "same"}, "items": [{"t": "same"}, {"t": "<b>{{ n }}</b>"}], "n": 5});
    let mapped = mapped(&[("index", source)], &data);
    let made: Vec<String> = mapped
        .map
        .segments()
        .iter()
        .map(|s| s.made_of().map_or_else(|| "-".to_owned(), ToString::to_string))
        .collect();
    assert_eq!(made, ["page.a", "items[0].t", "items[1].t", "items[1].t", "items[1].t", "-"]);
}

#[test]
fn a_place_is_told_by_line_and_column() {
    let mapped = mapped(&[("index", "Привет,\n  {{- ' ' }} мир {{ name }}!")], &json!({"name": "N"}));
    let last = mapped.map.segments().iter().find(|s| matches!(s.origin, Origin::Value(_))).unwrap();
    assert_eq!(last.position(), (2, 18));
    assert_eq!(mapped.map.at(0).unwrap().position(), (1, 1));
    assert!(mapped.map.at(mapped.bytes.len()).is_none());
}

/// Counts how often it is written to and what the largest piece was.
#[derive(Default)]
struct Pieces {
    all: Vec<u8>,
    sizes: Vec<usize>,
    fail_after: Option<usize>,
}

impl std::io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.fail_after.is_some_and(|n| self.all.len() >= n) {
            return Err(std::io::Error::other("the reader went away"));
        }
        self.all.extend_from_slice(bytes);
        self.sizes.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn output_is_handed_on_while_rendering() {
    let source = "head{% flush %}{% for i in 1..5000 %}<p>{{ name|upper }} {{ i }}</p>{% endfor %}{% set x %}{% for i in 1..3000 %}{{ name }}{% endfor %}{% endset %}{{ x|length }}{{ x }}";
    let template = env(&[("index", source)]).get_template("index").unwrap();
    let data = json!({"name": "Ann & Bob"});
    let mut pieces = Pieces::default();
    template.render_to(&data, &mut pieces).unwrap();
    assert_eq!(pieces.all, template.render_bytes(&data).unwrap().bytes);
    assert_eq!(pieces.sizes[0], 4, "a flush tag hands on what there is");
    assert!(pieces.sizes.len() > 5, "{:?}", pieces.sizes);
    let (last, rest) = pieces.sizes.split_last().unwrap();
    assert!(rest.iter().all(|n| *n < 40_000), "{rest:?}");
    assert!(*last > 30_000, "a captured text comes at once: {last}");
}

#[test]
fn a_writer_that_fails_ends_the_rendering() {
    let template = env(&[("index", "{% for i in 1..100000 %}line {{ i }}\n{% endfor %}")])
        .get_template("index")
        .unwrap();
    let mut pieces = Pieces { fail_after: Some(40_000), ..Pieces::default() };
    let error = template.render_to((), &mut pieces).unwrap_err();
    assert!(error.to_string().contains("The output could not be written: the reader went away"), "{error}");
    assert!(pieces.all.len() < 80_000, "{}", pieces.all.len());
}

#[test]
fn the_limit_of_output_counts_what_was_handed_on() {
    let mut env = env(&[("index", "{% for i in 1..100000 %}line {{ i }}\n{% endfor %}")]);
    env.set_limits(ismart_twig::Limits { output: 100_000, ..ismart_twig::Limits::default() });
    let mut pieces = Pieces::default();
    let error = env.get_template("index").unwrap().render_to((), &mut pieces).unwrap_err();
    assert!(error.to_string().contains("put out more than its limit"), "{error}");
    assert!(pieces.all.len() <= 140_000, "{}", pieces.all.len());
}
