//! Hostile templates stop at a limit with an error that says so.

use std::time::Duration;

use ismart_twig::{Environment, ErrorKind, Limits, MemoryLoader, Policy, Value};

fn limited(limits: Limits) -> Environment {
    let mut env = Environment::new();
    env.set_limits(limits);
    env
}

fn stops(env: &Environment, source: &str) {
    let error = env.render_str(source, ()).expect_err(source);
    assert_eq!(error.kind(), ErrorKind::Limit, "{source}: {error}");
}

#[test]
fn endless_work_runs_out_of_fuel() {
    let env = limited(Limits { fuel: Some(10_000), ..Limits::default() });
    stops(&env, "{% for i in 1..1000 %}{% for j in 1..1000 %}x{% endfor %}{% endfor %}");
    stops(&env, "{{ (1..100000)|map(x => x * 2)|length }}");
    assert_eq!(env.render_str("{% for i in 1..100 %}x{% endfor %}", ()).unwrap().len(), 100);
}

#[test]
fn huge_values_are_refused() {
    let env = limited(Limits { items: 100_000, output: 1_000_000, ..Limits::default() });
    stops(&env, "{{ range(0, 1000000000)|length }}");
    stops(&env, "{{ '%1000000000d'|format(1) }}");
    stops(&env, "{% set x = 'aaaaaaaaaa' %}{% for i in 1..60 %}{% set x = x ~ x %}{% endfor %}");
    stops(&env, "{% for i in 1..90000 %}aaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}");
    stops(&env, "{{ [1]|batch(1000000000, 'x')|length }}");
    stops(
        &env,
        "{% set x = 'aaaaaaaaaa' %}{% for i in 1..60 %}{% set x = x|replace({'a': 'aa'}) %}{% endfor %}",
    );
}

#[test]
fn deep_calls_are_refused() {
    let mut loader = MemoryLoader::new();
    loader.add("self", "{% include 'self' %}");
    loader.add("parent", "{% extends 'parent' %}");
    loader.add("macro", "{% macro m() %}{{ _self.m() }}{% endmacro %}{{ _self.m() }}");
    loader.add("block", "{% block b %}{{ block('b') }}{% endblock %}");
    loader.add("use", "{% use 'use' %}");
    let env = Environment::with_loader(loader);
    for name in ["self", "parent", "macro", "block", "use"] {
        let error = env.render(name, ()).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Limit, "{name}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused_when_compiling() {
    let env = Environment::new();
    for source in [
        format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(20_000)),
        format!("{{{{ {} }}}}", "[".repeat(20_000)),
        format!("{}x{}", "{% if 1 %}".repeat(20_000), "{% endif %}".repeat(20_000)),
    ] {
        let error = env.template_from_string(&source).expect_err("a nested template");
        assert_eq!(error.kind(), ErrorKind::Syntax);
    }
}

#[test]
fn long_chains_compile_and_run() {
    let env = Environment::new();
    let sum = format!("{{{{ {}n }}}}", "n + ".repeat(100));
    assert_eq!(env.render_str(&sum, ismart_twig::Context::new().with("n", 1)).unwrap(), "101");
    let long = format!("{{{{ {}1 }}}}", "1 + ".repeat(3000));
    assert_eq!(env.render_str(&long, ()).unwrap_err().kind(), ErrorKind::Syntax);
    let text = format!("{{{{ {}'a' }}}}", "'a' ~ ".repeat(3000));
    assert_eq!(env.render_str(&text, ()).unwrap().len(), 3001);
}

#[test]
fn catastrophic_patterns_stop() {
    let env = Environment::new();
    let source = r"{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' matches '/^(?:(a|aa)+\\1)+$/' }}";
    let error = env.render_str(source, ()).expect_err("a pattern that backtracks for ever");
    assert!(error.to_string().contains("Backtrack limit exhausted"), "{error}");
}

#[test]
fn time_is_limited() {
    let env = limited(Limits { time: Some(Duration::ZERO), ..Limits::default() });
    stops(&env, "{% for i in 1..100000 %}{{ i }}{% endfor %}");
}

#[test]
fn the_sandbox_forbids_what_is_not_listed() {
    let mut env = Environment::new();
    env.set_sandbox_policy(Policy::new().tags(&["if"]).filters(&["escape", "upper"]).functions(&["max"]));
    env.set_sandboxed(true);
    assert_eq!(env.render_str("{% if true %}{{ max(1, 2) }}{{ 'a'|upper }}{% endif %}", ()).unwrap(), "2A");
    for (source, kind) in [
        ("{% set x = 1 %}", ErrorKind::SecurityTag),
        ("{{ 'a'|lower }}", ErrorKind::SecurityFilter),
        ("{{ min(1, 2) }}", ErrorKind::SecurityFunction),
        ("{{ 1..2 }}", ErrorKind::SecurityFunction),
        ("{{ include('x') }}", ErrorKind::SecurityFunction),
        ("{% if false %}{{ source('x') }}{% endif %}", ErrorKind::SecurityFunction),
    ] {
        assert_eq!(env.render_str(source, ()).expect_err(source).kind(), kind, "{source}");
    }
    let date = env.render_str("{{ d.timestamp }}", Value::map([("d", Value::Null)]));
    assert!(date.is_ok());
}
