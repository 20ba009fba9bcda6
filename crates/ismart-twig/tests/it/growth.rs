//! What is left out or done in place for speed shows nowhere: values that grow where they lie, the contexts that loops
//! find, variables that are looked up only when asked for.

use ismart_twig::{Environment, MemoryLoader};

fn shown(source: &str) -> String {
    Environment::new().render_str(source, ()).unwrap_or_else(|e| panic!("{source}: {e}"))
}

#[test]
fn lists_and_texts_that_grow_leave_their_copies_alone() {
    let cases = [
        (
            "{% set x = [1] %}{% set x = x|merge([2]) %}{% set y = x %}{% set x = x|merge([3]) %}{{ x|join(',') }} {{ y|join(',') }}",
            "1,2,3 1,2",
        ),
        ("{% set x = [1]|merge([2]) %}{% set x = x|merge(x) %}{{ x|join(',') }}", "1,2,1,2"),
        (
            "{% set x = [] %}{% for i in 1..3 %}{% set x = x|merge([x]) %}{% endfor %}{{ x|json_encode }}",
            "[[],[[]],[[],[[]]]]",
        ),
        (
            "{% set x = {} %}{% for i in 1..3 %}{% set x = x|merge({('k' ~ i): i, 'k1': 0}) %}{% endfor %}{{ x|json_encode|raw }}",
            "{\"k1\":0,\"k2\":2,\"k3\":3}",
        ),
        (
            "{% set x = {5: 'a'}|merge([]) %}{% set x = x|merge({7: 'b'}) %}{{ x|json_encode|raw }}",
            "[\"a\",\"b\"]",
        ),
        (
            "{% set x = {5: 'a', 'k': 1} %}{% for i in 1..2 %}{% set x = x|merge({7: 'b'}) %}{% endfor %}{{ x|json_encode|raw }}",
            "{\"0\":\"a\",\"k\":1,\"1\":\"b\",\"2\":\"b\"}",
        ),
        (
            "{% set x = 'a' %}{% set x = x ~ 'b' %}{% set y = x %}{% set x = x ~ x ~ '<' %}{{ x }} {{ y }}",
            "abab&lt; ab",
        ),
        (
            "{% set x = 'a' ~ 1 %}{% for i in 1..3 %}{% set x = x ~ i ~ loop.last %}{% endfor %}{{ x }}",
            "a11231",
        ),
        ("{% set x = '<b>'|raw %}{% set x = x ~ '<' %}{% set x = x ~ '>' %}{{ x }}", "&lt;b&gt;&lt;&gt;"),
        ("{% set x = 'a' ~ 'b' %}{% set x = x ~ (x|length) ~ x|upper %}{{ x }}", "ab2AB"),
        (
            "{% set x = ['a', 'b']|merge([]) %}{% for v in x %}{% set x = x|merge([v]) %}{% endfor %}{{ x|join }}",
            "abab",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(shown(source), expected, "{source}");
    }
}

#[test]
fn growing_refuses_what_merge_refuses() {
    let env = Environment::new();
    let error = env.render_str("{% set x = [1]|merge([]) %}\n{% set x = x|merge(5) %}", ()).unwrap_err();
    let words = "The \"merge\" filter expects a sequence or a mapping, got \"int\" for argument 2 in ";
    assert!(error.to_string().starts_with(words), "{error}");
    assert_eq!(error.line(), Some(2));
}

fn pages(pages: &[(&'static str, &'static str)]) -> Environment {
    let mut loader = MemoryLoader::new();
    for (name, source) in pages {
        loader.add(*name, *source);
    }
    Environment::with_loader(loader)
}

#[test]
fn a_template_that_is_compiled_late_finds_the_contexts_of_the_loops_around_it() {
    let env = pages(&[
        ("page", "{% set a = 'A' %}{% for i in 1..2 %}{% include 'row' %}{% endfor %}"),
        ("row", "{% for j in ['x'] %}{% include 'cell' %}{% endfor %}"),
        (
            "cell",
            "{{ loop.parent.loop.index }}{{ loop.parent.loop.parent.a }}{{ loop.parent.i }}{{ _parent.j ?? '-' }};",
        ),
    ]);
    for _ in 0..2 {
        assert_eq!(env.render("page", ()).unwrap(), "1A1-;2A2-;");
    }
    let mut streamed = Vec::new();
    let env = pages(&[
        ("page", "{% set a = 'A' %}{% for i in 1..2 %}{% include 'cell' %}{% endfor %}"),
        ("cell", "{{ loop.parent.a }}{{ loop.index }}"),
    ]);
    env.get_template("page").unwrap().render_to((), &mut streamed).unwrap();
    assert_eq!(String::from_utf8(streamed).unwrap(), "A1A2");
}

#[test]
fn an_outer_loop_is_found_through_templates_that_have_loops_of_their_own() {
    let env = pages(&[
        ("page", "{% for i in 1..2 %}{% include 'middle' %}{% endfor %}"),
        ("middle", "{% for j in 1..1 %}{% endfor %}{% include 'leaf' %}{% include 'all' %}"),
        ("leaf", "{{ loop.index }}{{ loop is defined ? 'd' : 'u' }}"),
        ("all", "{{ _context.loop.index0 }} "),
    ]);
    assert_eq!(env.render("page", ()).unwrap(), "1d0 2d1 ");
    let bare = pages(&[
        ("page", "{% include 'middle' %}"),
        (
            "middle",
            "{% for j in 1..1 %}{{ loop.last }}{% endfor %}{% include 'leaf' %}{{ _context|keys|join(',') }}",
        ),
        ("leaf", "{{ loop is defined ? 'd' : 'u' }}"),
    ]);
    assert_eq!(bare.render("page", ()).unwrap(), "1u");
}
