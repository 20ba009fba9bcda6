//! Errors without rendering.

use ismart_twig::{Environment, MemoryLoader};

#[test]
fn every_error_of_a_source_is_reported() {
    let env = Environment::new();
    let source = "{{ a|nope }}\n{% if x %}\n{{ b|upper( }}\n{% endif %}\n{% for %}\n{% endfor %}\n{{ ok }}\n{{ 1 is nope }}\n";
    let lines: Vec<_> = env.check_source("page", source).iter().map(|e| e.line().unwrap()).collect();
    assert_eq!(lines, [1, 3, 5, 8]);
    assert!(env.check_source("page", "{{ a }}{% if b %}c{% endif %}").is_empty());
}

#[test]
fn errors_carry_the_lines_around() {
    let env = Environment::new();
    let errors = env.check_source("page", "one\ntwo {{ a b }}\nthree");
    assert_eq!(
        format!("{:?}", errors[0]),
        "Syntax: Unexpected token \"name\" of value \"b\" (\"end of print statement\" expected) in \"page\" at line 2 column 10.\n     1 | one\n>    2 | two {{ a b }}\n       |          ^\n     3 | three\n"
    );
}

#[test]
fn templates_are_checked_with_those_they_name() {
    let mut loader = MemoryLoader::new();
    loader.add(
        "page",
        "{% extends 'base' %}{% block a %}{% include 'part' %}{{ include('absent') }}{% endblock %}",
    );
    loader.add("base", "{% block a %}{% endblock %}{% import 'macros' as m %}");
    loader.add("part", "{{ broken");
    loader.add("macros", "{% macro a() %}{% endmacro %}");
    let env = Environment::with_loader(loader);
    let mut errors: Vec<String> = env.check("page").iter().map(ToString::to_string).collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "Template \"absent\" is not defined.",
            "Unexpected token \"end of template\" (\"end of print statement\" expected) in \"part\" at line 1 column 10.",
        ]
    );
    let page = env.get_template("page").unwrap();
    assert_eq!(page.references(), ["absent", "base", "part"]);
    assert_eq!(page.block_names(), ["a"]);
}
