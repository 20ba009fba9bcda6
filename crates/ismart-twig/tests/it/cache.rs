//! The `cache` tag and its store.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ismart_twig::{Callable, Environment, ErrorKind, MemoryCache, MemoryLoader, Policy, Value};
use serde_json::json;

/// An environment with a store, a clock that the test moves, and `n()`, which counts its calls.
fn environment(loader: MemoryLoader) -> (Environment, Arc<MemoryCache>, Arc<AtomicI64>) {
    let mut env = Environment::with_loader(loader);
    let store = Arc::new(MemoryCache::new(1 << 20));
    let clock = Arc::new(AtomicI64::new(1_000));
    env.set_cache(store.clone());
    let now = clock.clone();
    env.set_clock(move || (now.load(Ordering::Relaxed), 0));
    let calls = AtomicI64::new(0);
    env.add(Callable::function("n", move |_| Ok(Value::Int(calls.fetch_add(1, Ordering::Relaxed) + 1))));
    (env, store, clock)
}

#[test]
fn a_fragment_is_shown_again_until_it_expires() {
    let (env, _, clock) = environment(MemoryLoader::new());
    let page = env.template_from_string("{% cache 'a' ttl(10) %}{{ n() }}{% endcache %}").unwrap();
    let show = || page.render(()).unwrap();
    assert_eq!((show(), show()), ("1".into(), "1".into()));
    clock.store(1_009, Ordering::Relaxed);
    assert_eq!(show(), "1");
    clock.store(1_010, Ordering::Relaxed);
    assert_eq!((show(), show()), ("2".into(), "2".into()));
}

#[test]
fn tags_and_clones_of_the_environment_share_the_store() {
    let (env, store, _) = environment(MemoryLoader::new());
    let source = "{% cache 'a' tags(['cms', 'blog']) %}{{ n() }}{% endcache %}{% cache 'b' tags('blog') %}{{ n() }}{% endcache %}";
    assert_eq!(env.render_str(source, ()).unwrap(), "12");
    assert_eq!(env.clone().render_str(source, ()).unwrap(), "12");
    assert_eq!(store.remove_tagged(&["cms"]), 1);
    assert_eq!(env.render_str(source, ()).unwrap(), "32");
    assert_eq!(store.remove_tagged(&["blog"]), 2);
    assert_eq!(env.render_str(source, ()).unwrap(), "45");
}

#[test]
fn what_a_body_sets_stays_inside_with_and_without_a_store() {
    let source = "{% set x = 1 %}{% cache 'k' %}{% set x = 2 %}{% set y = 3 %}{{ x }}{{ z }}{% endcache %}{{ x }}{{ y is defined ? 1 : 0 }}";
    let (env, ..) = environment(MemoryLoader::new());
    for env in [Environment::new(), env] {
        for _ in 0..2 {
            assert_eq!(env.render_str(source, &json!({"z": "<"})).unwrap(), "2&lt;10");
        }
    }
}

#[test]
fn bodies_hold_blocks_macros_loops_and_captures() {
    let mut loader = MemoryLoader::new();
    loader.add("layout", "{% block content %}{% endblock %}");
    loader.add(
        "page",
        "{% extends 'layout' %}{% block bar %}{% cache 'foo' %}{%- block content %}FOO{% endblock %}{% endcache %}{% endblock %}",
    );
    let (env, ..) = environment(loader);
    assert_eq!(env.render("page", ()).unwrap(), "FOO");
    let source = "{% macro out(bar) %}<{{ bar }}>{% endmacro %}{% for i in 1..2 %}{% cache 'item_' ~ i %}{{ _self.out(loop.index) }}{% apply upper %}{{ n() ~ 'x<' }}{% endapply %}{% endcache %}{% endfor %}";
    for _ in 0..2 {
        assert_eq!(env.render_str(source, ()).unwrap(), "<1>1X&amp;LT;<2>2X&amp;LT;");
    }
    let source = "{% set a %}{% cache 'c' ttl(3) %}{{ n() }}{% endcache %}{% endset %}{{ a }}{{ a }}";
    assert_eq!(env.render_str(source, ()).unwrap(), "33");
}

#[test]
fn a_body_that_fails_leaves_nothing_behind() {
    let (env, store, _) = environment(MemoryLoader::new());
    let page =
        env.template_from_string("{% cache 'k' %}{{ n() }}{{ 1 // zero }}{{ n() }}{% endcache %}").unwrap();
    assert!(page.render(&json!({"zero": 0})).is_err());
    assert!(store.is_empty());
    assert_eq!(page.render(&json!({"zero": 1})).unwrap(), "213");
}

#[test]
fn keys_lifetimes_and_tags_are_checked_as_symfony_checks_them() {
    let (env, store, _) = environment(MemoryLoader::new());
    let reserved = "contains reserved characters \"{}()/\\@:\".";
    let given = "Expiration date must be an integer, a DateInterval or null, ";
    for (head, why) in [
        ("''", "Cache key length must be greater than zero.".to_owned()),
        ("'a:b'", format!("Cache key \"a:b\" {reserved}")),
        ("'a/b'", format!("Cache key \"a/b\" {reserved}")),
        ("null", "Cache key must be string, \"null\" given.".to_owned()),
        ("[1]", "Cache key must be string, \"array\" given.".to_owned()),
        ("'k' ttl('5')", format!("{given}\"string\" given.")),
        ("'k' ttl(1.5)", format!("{given}\"float\" given.")),
        ("'k' tags('')", "Cache tag length must be greater than zero.".to_owned()),
        ("'k' tags(['a', 'b@c'])", format!("Cache tag \"b@c\" {reserved}")),
        (
            "'k' tags([5])",
            "Cache tag must be string or object that implements __toString(), \"int\" given.".to_owned(),
        ),
    ] {
        for env in [&env, &Environment::new()] {
            let page =
                env.template_from_named_string("p", &format!("\n{{% cache {head} %}}x{{% endcache %}}"));
            let error = page.unwrap().render(()).unwrap_err();
            assert_eq!(
                error.raw_message(),
                format!("An exception has been thrown during the rendering of a template (\"{why}\").")
            );
            assert_eq!((error.kind(), error.line()), (ErrorKind::Runtime, Some(2)));
        }
    }
    assert!(store.is_empty());
    for head in
        ["5", "'k' ttl(null)", "'k' ttl(date('2020-01-02').diff(date('2020-01-03')))", "'k' ttl(-1) tags([])"]
    {
        assert_eq!(env.render_str(&format!("{{% cache {head} %}}x{{% endcache %}}"), ()).unwrap(), "x");
        store.clear();
    }
    for (source, why) in [
        ("{% cache 'k' ttl() %}{% endcache %}", "The \"ttl\" modifier takes exactly one argument (0 given)."),
        (
            "{% cache 'k' tags(1, 2) %}{% endcache %}",
            "The \"tags\" modifier takes exactly one argument (2 given).",
        ),
        ("{% cache 'k' for(1) %}{% endcache %}", "Unknown \"for\" configuration."),
    ] {
        let error = env.template_from_string(source).unwrap_err();
        assert_eq!((error.kind(), error.raw_message()), (ErrorKind::Syntax, why));
    }
    let mut loader = MemoryLoader::new();
    loader.add("base", "");
    loader.add("child", "{% extends 'base' %}{% cache 'k' %}x{% endcache %}");
    let error = Environment::with_loader(loader).get_template("child").unwrap_err();
    assert!(error.raw_message().starts_with("A template that extends another one cannot include content"));
}

#[test]
fn the_sandbox_asks_for_the_tag_and_for_raw() {
    let (mut env, ..) = environment(MemoryLoader::new());
    env.set_sandboxed(true);
    env.set_sandbox_policy(Policy::new().tags(&["cache"]));
    let source = "{% cache 'k' %}x{% endcache %}";
    assert_eq!(env.render_str(source, ()).unwrap_err().raw_message(), "Filter \"raw\" is not allowed.");
    env.set_sandbox_policy(Policy::new().tags(&["cache"]).filters(&["raw"]));
    assert_eq!(env.render_str(source, ()).unwrap(), "x");
}
