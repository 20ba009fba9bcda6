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
    stops(&env, "{{ \"%'x90000d%'x90000d\"|format(1, 2) }}");
    stops(&env, "{{ (1..90000)|join('aaaaaaaaaaaaaaaaaaaaaaaa') }}");
    stops(&env, "{% set x %}{% for i in 1..90000 %}aaaaa{% endfor %}{% endset %}");
    stops(&env, "{% set x = '<' %}{% for i in 1..60 %}{% set x = x|e %}{% set x = x ~ x %}{% endfor %}");
    stops(&env, "{% set x = 'ab' %}{% for i in 1..60 %}{% set x = x|split('')|join(x) %}{% endfor %}");
    stops(&env, "{% set x = 'aaaaaaaaaa' %}{% for i in 1..60 %}{% set x = x ~ x %}{% endfor %}");
    stops(&env, "{% for i in 1..90000 %}aaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}");
    stops(&env, "{{ [1]|batch(1000000000, 'x')|length }}");
    stops(
        &env,
        "{% set x = 'aaaaaaaaaa' %}{% for i in 1..60 %}{% set x = x|replace({'a': 'aa'}) %}{% endfor %}",
    );
}

#[test]
fn values_that_nothing_could_walk_are_refused() {
    let env = limited(Limits::default());
    let grow = |step: &str, end: &str| {
        format!("{{% set x = [] %}}{{% for i in 1..2000 %}}{{% set x = {step} %}}{{% endfor %}}{end}")
    };
    for step in [
        "[x]",
        "{a: x}",
        "[1]|map(y => x)",
        "[x]|merge([1])",
        "y => x",
        "[x]|batch(1)",
        "_context",
        "[_context]",
    ] {
        stops(&env, &grow(step, ""));
    }
    stops(
        &env,
        &grow("x", "{% for i in 1..1000 %}{% for j in [1] %}{% set x = loop %}{% endfor %}{% endfor %}"),
    );
    let nested = "{% for i in 1..400 %}{% set x = [x] %}{% endfor %}";
    for (end, want) in [
        ("{{ x|json_encode|length }}", "802"),
        ("{{ x == x ? 1 : 0 }}{{ x is same as([x]) ? 1 : 0 }}", "10"),
        ("{{ x in [x] ? 1 : 0 }}", "1"),
        ("{{ {x}|url_encode|length }}", "0"),
    ] {
        let source = format!("{{% set x = [] %}}{nested}{end}");
        assert_eq!(env.render_str(&source, ()).unwrap(), want, "{end}");
    }
}

#[test]
fn values_that_double_are_refused() {
    let env = limited(Limits { items: 100_000, ..Limits::default() });
    for step in [
        "[x, x]",
        "{a: x, b: x}",
        "[...x, ...x]",
        "x|merge(x)",
        "[x]|merge([x])",
        "[1, 2]|map(v => x)",
        "[x, x]|reverse",
        "(x|json_encode) ~ (x|json_encode)",
        "x|json_encode|json_encode",
        "{a: x, b: x}|url_encode",
    ] {
        stops(
            &env,
            &format!("{{% set x = ['a'] %}}{{% for i in 1..100 %}}{{% set x = {step} %}}{{% endfor %}}"),
        );
    }
    let mut env = limited(Limits { items: 10_000, ..Limits::default() });
    env.set_debug(true);
    stops(&env, "{% set x = 'aaaaaaaaaa' %}{% for i in 1..200 %}{% set x = dump(x, x) %}{% endfor %}");
    let env = limited(Limits { fuel: Some(100_000), ..Limits::default() });
    stops(&env, "{{ (1..900000)|map(a => (1..900000))|length }}");
    stops(&env, "{% for i in 1..1000 %}{% set x = 'a'|split('')|merge(1..10000) %}{% endfor %}");
}

#[test]
fn long_filters_see_the_end_of_their_time() {
    let env = limited(Limits { time: Some(Duration::from_millis(200)), ..Limits::default() });
    stops(&env, "{% set x = (1..100000) %}{% for i in 1..100000 %}{% set y = x|sort|reverse %}{% endfor %}");
}

#[test]
fn deep_calls_are_refused() {
    let mut loader = MemoryLoader::new();
    loader.add("self", "{% include 'self' %}");
    loader.add("parent", "{% extends 'parent' %}");
    loader.add("macro", "{% macro m() %}{{ _self.m() }}{% endmacro %}{{ _self.m() }}");
    loader.add("block", "{% block b %}{{ block('b') }}{% endblock %}");
    loader.add("use", "{% use 'use' %}");
    loader.add("embed", "{% embed 'embed' %}{% endembed %}");
    loader.add("function", "{{ include('function') }}");
    loader.add("import", "{% import 'import' as m %}{% macro a() %}{% import 'import' as m %}{{ m.a() }}{% endmacro %}{{ m.a() }}");
    loader.add("string", "{{ include(template_from_string(t), {t}) }}");
    loader.add("arrow", "{% set f = x => x|invoke(x) %}{{ f|invoke(f) }}");
    loader.add("cached", "{% cache 'a' %}{% include 'cached' %}{% endcache %}");
    loader.add("pair", "{% include 'riap' %}");
    loader.add("riap", "{% extends 'pair' %}");
    let mut env = Environment::with_loader(loader);
    env.add_global("t", "{{ include(template_from_string(t)) }}");
    let names = [
        "self", "parent", "macro", "block", "use", "embed", "function", "import", "string", "arrow",
        "cached", "pair",
    ];
    for name in names {
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
fn patterns_that_would_fill_the_memory_are_refused() {
    let env = Environment::new();
    let matches = |pattern: &str| {
        env.render_str(
            "{{ s matches p ? 1 : 0 }}",
            ismart_twig::Context::new().with("s", "aaaa").with("p", pattern),
        )
    };
    for (pattern, why) in [
        ("/a{4,70000}/", "number too big in {} quantifier"),
        ("/(?<=a)o{4,99999999999999999999}/", "number too big in {} quantifier"),
        ("/(?=b)((a{1000}){1000}){1000}/", "regular expression is too large"),
        ("/((((a{1,99}){1,99}){1,99}){1,99}){1,99}/", "regular expression is too large"),
        ("/(a{9000}|b{9000}){90}\\1/", "regular expression is too large"),
    ] {
        let error = matches(pattern).expect_err(pattern);
        assert!(error.to_string().contains(why), "{pattern}: {error}");
    }
    for (pattern, want) in [
        ("/^a{4}$/", "1"),
        ("/^(a{2}){2}$/", "1"),
        ("/a{,99999999}/", "0"),
        ("/\\{99999999}/", "0"),
        ("/[{99999999}]/", "0"),
        ("/^(?:[a-z]{1,63}\\.){1,8}[a-z]{2,63}$/", "0"),
    ] {
        assert_eq!(matches(pattern).unwrap(), want, "{pattern}");
    }
}

#[test]
fn conditions_on_groups_that_are_not_there_are_refused() {
    let env = Environment::new();
    for (pattern, found) in [
        ("/(?(2))n/", None),
        ("/(a)(?(2)b)/", None),
        ("/(a)?(?(1)b|c)/", Some("1")),
        ("/(?(0))n/", Some("1")),
    ] {
        let source = format!("{{{{ 'cn' matches '{pattern}' ? 1 : 0 }}}}");
        match (env.render_str(&source, ()), found) {
            (Ok(got), Some(want)) => assert_eq!(got, want, "{pattern}"),
            (Err(error), None) => {
                assert!(error.to_string().contains("reference to non-existent subpattern"), "{error}");
            }
            (got, _) => panic!("{pattern}: {got:?}"),
        }
    }
    let dynamic = "{{ 'cn' matches '/(?' ~ '(7)x)n/' ? 1 : 0 }}";
    assert!(env.render_str(dynamic, ()).is_err());
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
