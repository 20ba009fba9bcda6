//! `ismart twig` as its user meets it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::server::BINARY;

fn run(args: &[&str]) -> Output {
    Command::new(BINARY).arg("twig").args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        put(folder.path(), path, text);
    }
    folder
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn check_exits_with_what_it_found() {
    let place = folder(&[("ok/a.twig", "{{ a }}\n"), ("bad/a.twig", "{{ a|uper }}\n{% if %}\n")]);
    let path = |name: &str| place.path().join(name).display().to_string();
    let sound = run(&["check", &path("ok")]);
    assert_eq!((sound.status.code(), out(&sound).as_str()), (Some(0), "1 template checked, nothing found\n"));
    let broken = run(&["check", &path("bad")]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(out(&broken).contains(&format!("--> {}:1:6", path("bad/a.twig"))), "{}", out(&broken));
    assert!(out(&broken).ends_with("3 errors in 1 template\n"), "{}", out(&broken));
    for args in [&["check", "/no/such/folder"][..], &["check"], &["check", "--select", "nope", "."], &["x"]] {
        let refused = run(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {}", err(&refused));
    }
    assert!(err(&run(&["check", "/no/such/folder"])).contains("does not exist"));
}

#[test]
fn formats_for_machines_name_files() {
    let place = folder(&[("templates/a.twig", "{{ a|uper }}"), ("templates/b.twig", "\u{e9}")]);
    std::fs::write(place.path().join("templates/c.twig"), [0xff, 0xfe]).unwrap();
    let site = place.path().display().to_string();
    let json: serde_json::Value =
        serde_json::from_slice(&run(&["check", "--format", "json", &site]).stdout).unwrap();
    assert_eq!(json["summary"]["errors"], 2);
    let rules: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["unreadable", "unknown-filter"]);
    assert!(json["findings"][1]["file"].as_str().unwrap().ends_with("templates/a.twig"));
    let sarif: serde_json::Value =
        serde_json::from_slice(&run(&["check", "--format", "sarif", &site]).stdout).unwrap();
    let region = &sarif["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((region["startLine"].as_u64(), region["startColumn"].as_u64()), (Some(1), Some(6)));
    let github = out(&run(&["check", "--format", "github", "--select", "unknown-filter", &site]));
    assert!(github.starts_with("::error file="), "{github}");
    assert_eq!(github.lines().count(), 1);
}

#[test]
fn hosts_are_known_by_their_folders_and_settings() {
    let php = "<?php $x = [new TwigFunction('price', [$this, 'p']), new TwigFilter(\"rub\", 'f')]; $t->addGlobal('shop', 1);";
    let template = "{{ url('/') }}{{ price(1)|rub }}{{ shop }}{{ own() }}";
    let place = folder(&[
        ("site/composer.json", "{}"),
        ("site/src/Ext.php", php),
        ("site/templates/a.twig", template),
        ("site/templates/deep/b.twig", "{{ c }}"),
    ]);
    let site = place.path().join("site").display().to_string();
    let found = run(&["check", &site]);
    assert!(out(&found).contains("Unknown \"own\" function"), "{}", out(&found));
    assert!(out(&found).contains("1 error in 2 templates"), "{}", out(&found));
    assert_eq!(run(&["check", "--allow-function", "own", &site]).status.code(), Some(0));
    let deep = place.path().join("site/templates/deep/b.twig").display().to_string();
    assert_eq!(run(&["check", &deep]).status.code(), Some(0));
    let strict = run(&["lint", "--strict-context", "--select", "undefined-variable", &site]);
    assert!(out(&strict).contains("\"c\"") && !out(&strict).contains("shop"), "{}", out(&strict));
    put(place.path(), "site/ismart-twig.toml", "functions = [\"own\"]\ncontext = [\"c\"]\n");
    assert_eq!(run(&["check", &site]).status.code(), Some(0));
    assert_eq!(run(&["lint", "--strict-context", &site]).status.code(), Some(0));
    put(place.path(), "site/ismart-twig.toml", "function = []\n");
    let refused = run(&["check", &site]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        err(&refused).contains("ismart-twig.toml") && err(&refused).contains("function"),
        "{}",
        err(&refused)
    );
}

#[test]
fn the_demo_site_is_sound() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/avtograd");
    let found = run(&["check", demo]);
    assert_eq!(found.status.code(), Some(0), "{}", out(&found));
    let formatted = run(&["format", "--check", demo]);
    assert_eq!(formatted.status.code(), Some(0), "{}", out(&formatted));
}

#[test]
fn format_shows_writes_and_reads_standard_input() {
    let untidy = "{%if a%}\r\n{{b|join( \",\" )}}\r\n{%endif%}";
    let tidy = "{% if a %}\r\n{{ b|join(',') }}\r\n{% endif %}";
    let place = folder(&[("a.twig", untidy), ("b.twig", "{{ a }}")]);
    let path = place.path().display().to_string();
    let check = run(&["format", &path]);
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(out(&check).lines().count(), 1, "{}", out(&check));
    let diff = run(&["format", "--diff", &path]);
    assert!(out(&diff).contains("+{{ b|join(',') }}") && out(&diff).contains("-{{b|join"), "{}", out(&diff));
    assert_eq!(std::fs::read_to_string(place.path().join("a.twig")).unwrap(), untidy);
    assert_eq!(run(&["format", "--write", &path]).status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(place.path().join("a.twig")).unwrap(), tidy);
    assert_eq!(run(&["format", "--check", &path]).status.code(), Some(0));
    put(place.path(), "c.twig", "{% if %}");
    let broken = run(&["format", "--write", &path]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(err(&broken).contains("c.twig:1:7"), "{}", err(&broken));

    let mut child = Command::new(BINARY)
        .args(["twig", "format", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(untidy.as_bytes()).unwrap();
    let piped = child.wait_with_output().unwrap();
    assert_eq!((piped.status.code(), out(&piped).as_str()), (Some(0), tidy));
}

#[test]
fn lint_mends_what_it_can() {
    let page = "{% from 'forms.twig' import a, b, c %}\n{{b()}}{{ \"x\" }}\n<p onclick=\"x()\">\n";
    let forms = "{% macro a() %}{% endmacro %}{% macro b() %}{% endmacro %}{% macro c() %}{% endmacro %}\n";
    let place = folder(&[("page.twig", page), ("forms.twig", forms)]);
    let path = place.path().display().to_string();
    let found = run(&["lint", "--format", "json", &path]);
    let json: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(json["summary"]["fixable"], 5, "{json:#}");
    let fixed = run(&["lint", "--fix", &path]);
    assert_eq!(fixed.status.code(), Some(1));
    assert!(out(&fixed).contains("1 warning in 2 templates"), "{}", out(&fixed));
    let text = std::fs::read_to_string(place.path().join("page.twig")).unwrap();
    assert_eq!(text, "{% from 'forms.twig' import b %}\n{{ b() }}{{ 'x' }}\n<p onclick=\"x()\">\n");
    assert_eq!(run(&["lint", "--ignore", "inline-handler", &path]).status.code(), Some(0));
}

#[test]
fn explain_tells_of_one_template_or_all() {
    let base = "{% block a %}{{ title }}{% endblock %}";
    let page = "{% extends 'base.twig' %}\n{% block a %}{{ car.name|upper }}{% endblock %}\n";
    let place = folder(&[("templates/base.twig", base), ("templates/page.twig", page)]);
    let path = |name: &str| place.path().join("templates").join(name).display().to_string();
    let told = run(&["explain", &path("page.twig")]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    for part in ["extends base.twig", "here, line 2; over base.twig:1", "car.name", "escaped for html"] {
        assert!(out(&told).contains(part), "{part} is missing in:\n{}", out(&told));
    }
    let line = run(&["explain", "--line", "1", "--format", "json", &path("page.twig")]);
    let json: serde_json::Value = serde_json::from_slice(&line.stdout).unwrap();
    assert_eq!(json[0]["brings_in"][0]["way"], "extends");
    assert_eq!(json[0]["reads"], serde_json::json!([]));
    let all = run(&["explain", "--format", "json", &place.path().display().to_string()]);
    let json: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    put(place.path(), "templates/broken.twig", "{{ a b }}");
    let broken = run(&["explain", &path("broken.twig")]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(err(&broken).contains("broken.twig:1:6"), "{}", err(&broken));
}
