//! The environment as hosts use it.

use std::sync::Arc;

use ismart_twig::{
    Array, AutoEscape, CallArgs, Callable, ChainLoader, Context, Environment, Error, ErrorKind, FileLoader,
    MemoryLoader, Object, Value,
};
use serde_json::json;

#[test]
fn environments_and_templates_are_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Environment>();
    shared::<ismart_twig::Template>();
    shared::<Value>();
    shared::<Error>();
    let env = Environment::new();
    let template = env.template_from_string("{% for i in 1..n %}{{ i }},{% endfor %}").unwrap();
    std::thread::scope(|scope| {
        for n in 1..5 {
            let template = &template;
            scope.spawn(move || {
                let want: String = (1..=n).map(|i| format!("{i},")).collect();
                assert_eq!(template.render(&json!({ "n": n })).unwrap(), want);
            });
        }
    });
}

#[test]
fn own_variables_lie_over_shared_ones_and_globals() {
    let mut env = Environment::new();
    env.add_global("a", "global");
    env.add_global("b", "global");
    env.add_global("c", "global");
    let site: Arc<Array> =
        Arc::new([("b", Value::from("site")), ("c", Value::from("site"))].into_iter().collect());
    let context = Context::from(site.clone()).with("c", "own");
    let template = env.template_from_string("{{ a }} {{ b }} {{ c }} {{ _context|keys|join(',') }}").unwrap();
    assert_eq!(template.render(context).unwrap(), "global site own c,b,a");
    assert_eq!(Arc::strong_count(&site), 1);
}

#[test]
fn host_callables_take_named_arguments_defaults_and_context() {
    let mut env = Environment::new();
    env.add(
        Callable::function("link", |c| {
            let title = if c.arg(1).is_null() {
                c.variable("title").unwrap_or(Value::Null)
            } else {
                c.arg(1).clone()
            };
            Ok(Value::from(format!("<a href=\"{}\">{title}</a>", c.text(0)?)))
        })
        .params(&["url", "title?"])
        .safe(&["html"])
        .with_context(),
    );
    env.add_test("short", |c| Ok(Value::Bool(c.text(0)?.len() < 4)));
    env.add_function("sum", |c| Ok(Value::Int(c.args().map(Value::to_int).sum())));
    let data = json!({"title": "Home"});
    for (source, want) in [
        ("{{ link('/a') }}", "<a href=\"/a\">Home</a>"),
        ("{{ link(title: 'T', url: '/b') }}", "<a href=\"/b\">T</a>"),
        ("{{ 'abc' is short ? 1 : 0 }}{{ 'abcd' is short ? 1 : 0 }}", "10"),
        ("{{ sum(1, 2, ...[3, 4]) }}", "10"),
    ] {
        assert_eq!(env.render_str(source, &data).unwrap(), want);
    }
    let error = env.render_str("{{ link() }}", &data).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Syntax);
    assert_eq!(error.raw_message(), "Value for argument \"url\" is required for function \"link\".");
}

#[test]
fn a_failing_callable_is_wrapped_with_its_place() {
    let mut env = Environment::new();
    env.add_function("fail", |_| Err(Error::host("no connection")));
    let error = env.template_from_named_string("page", "a\n{{ fail() }}").unwrap().render(()).unwrap_err();
    assert_eq!(error.line(), Some(2));
    assert_eq!(
        error.raw_message(),
        "An exception has been thrown during the rendering of a template (\"no connection\")."
    );
}

#[test]
fn tags_of_the_host_take_expressions_and_a_body() {
    let mut env = Environment::new();
    env.add(Callable::tag("stamp", |c| Ok(Value::from(format!("[{}{}]", c.arg(0), c.arg(1))))));
    env.add(
        Callable::tag("box", |c| Ok(Value::from(format!("<div class={}>{}</div>", c.arg(1), c.arg(0)))))
            .with_body(),
    );
    assert_eq!(env.render_str("{% stamp 'a', 1 + 1 %}", ()).unwrap(), "[a2]");
    let boxed = "{% box 'red' %}{{ '<' ~ x }}{% endbox %}";
    assert_eq!(env.render_str(boxed, &json!({"x": 5})).unwrap(), "<div class=red>&lt;5</div>");
}

#[derive(Debug)]
struct User;

impl Object for User {
    fn class_name(&self) -> &str {
        "App\\User"
    }
    fn get(&self, name: &str) -> Option<Value> {
        (name == "id").then_some(Value::Int(7))
    }
    fn methods(&self) -> &[&str] {
        &["getName", "isActive", "hello"]
    }
    fn call(&self, method: &str, args: &CallArgs) -> Result<Value, Error> {
        Ok(match method {
            "getName" => Value::from("Ann"),
            "isActive" => Value::Bool(true),
            _ => Value::from(format!("Hello {}", args.get(0, "whom"))),
        })
    }
}

#[test]
fn objects_answer_as_in_php() {
    let mut env = Environment::new();
    env.set_strict_variables(true);
    env.add_global("user", Value::object(User));
    for (source, want) in [
        ("{{ user.id }} {{ user.name }} {{ user.active }} {{ user.getName() }}", "7 Ann 1 Ann"),
        ("{{ user.hello('you') }} {{ user.hello(whom: 'me') }}", "Hello you Hello me"),
        ("{{ user.nope is defined ? 1 : 0 }}{{ user.name is defined ? 1 : 0 }}", "01"),
    ] {
        assert_eq!(env.render_str(source, ()).unwrap(), want, "{source}");
    }
    let error = env.render_str("{{ user.nope }}", ()).unwrap_err();
    assert!(
        error.raw_message().starts_with("Neither the property \"nope\" nor one of the methods \"nope()\"")
    );
}

#[test]
fn folders_override_and_names_cannot_leave_them() {
    let root = std::env::temp_dir().join(format!("ismart-twig-{}", std::process::id()));
    let (own, base) = (root.join("own"), root.join("base"));
    std::fs::create_dir_all(&own).unwrap();
    std::fs::create_dir_all(&base).unwrap();
    std::fs::write(base.join("a.twig"), "base a").unwrap();
    std::fs::write(base.join("b.twig"), "base b").unwrap();
    std::fs::write(own.join("a.twig"), "own a").unwrap();
    std::fs::write(root.join("secret"), "secret").unwrap();
    let mut memory = MemoryLoader::new();
    memory.add("c.twig", "memory c");
    let files = FileLoader::new().folder(&own).folder(&base).namespace("ns", &base);
    let mut env = Environment::with_loader(ChainLoader::new().then(memory).then(files.clone()));
    assert_eq!(env.render("a.twig", ()).unwrap(), "own a");
    assert_eq!(env.render("b.twig", ()).unwrap(), "base b");
    assert_eq!(env.render("@ns/a.twig", ()).unwrap(), "base a");
    assert_eq!(env.render("c.twig", ()).unwrap(), "memory c");
    env.set_loader(files);
    for name in ["../secret", "/etc/passwd", "x/../../secret"] {
        assert_eq!(env.render(name, ()).unwrap_err().kind(), ErrorKind::Loader, "{name}");
    }
    let missing = env.render("none.twig", ()).unwrap_err();
    assert!(missing.raw_message().starts_with("Unable to find template \"none.twig\" (looked into: "));
    env.set_auto_reload(true);
    assert_eq!(env.render("b.twig", ()).unwrap(), "base b");
    std::fs::write(base.join("b.twig"), "changed base b").unwrap();
    assert_eq!(env.render("b.twig", ()).unwrap(), "changed base b");
    std::fs::remove_dir_all(root).unwrap();
}

#[test]
fn seeds_make_chance_repeatable() {
    let mut env = Environment::new();
    env.set_seed(42);
    let source = "{{ random(1000000) }} {{ [1, 2, 3, 4, 5, 6]|shuffle|join }}";
    let first = env.render_str(source, ()).unwrap();
    assert_eq!(env.render_str(source, ()).unwrap(), first);
    env.set_seed(43);
    assert_ne!(env.render_str(source, ()).unwrap(), first);
}

#[test]
fn the_clock_is_the_hosts() {
    let mut env = Environment::new();
    env.set_clock(|| (1_286_199_907, 0));
    env.set_timezone("Europe/Moscow").unwrap();
    assert_eq!(
        env.render_str("{{ 'now'|date('Y-m-d H:i') }} {{ date('tomorrow')|date('j') }}", ()).unwrap(),
        "2010-10-04 17:45 5"
    );
}

#[test]
fn strategies_of_escaping_can_be_added() {
    let mut env = Environment::new();
    env.add_escaper("csv", |text| Ok(format!("\"{}\"", text.replace('"', "\"\""))));
    env.set_autoescape(AutoEscape::Off);
    assert_eq!(env.render_str("{{ 'a\"b'|e('csv') }}", ()).unwrap(), "\"a\"\"b\"");
    let error = env.render_str("{{ 'a'|e('none') }}", ()).unwrap_err();
    assert!(error.raw_message().ends_with("\"html_attr_relaxed\", \"csv\")."));
}

#[test]
fn deprecations_are_reported_not_raised() {
    let env = Environment::new();
    let template = env
        .template_from_named_string(
            "p",
            "{{ 'a'|spaceless }}{% deprecated 'old' package='x/y' version='1.2' %}",
        )
        .unwrap();
    assert_eq!(template.warnings().len(), 1);
    let rendered = template.render_bytes(()).unwrap();
    assert_eq!(rendered.warnings.len(), 1);
    assert!(rendered.warnings[0].starts_with("Since x/y 1.2: old in \"p"));
}

#[test]
fn one_block_can_be_rendered() {
    let mut loader = MemoryLoader::new();
    loader.add("base", "{% block a %}A{{ x }}{% endblock %}{% block b %}B{% endblock %}");
    loader.add("page", "{% extends 'base' %}{% block b %}[{{ parent() }}]{% endblock %}");
    let env = Environment::with_loader(loader);
    let page = env.get_template("page").unwrap();
    assert_eq!(page.render_block("a", &json!({"x": 1})).unwrap(), "A1");
    assert_eq!(page.render_block("b", ()).unwrap(), "[B]");
    assert!(page.render_block("c", ()).is_err());
}
