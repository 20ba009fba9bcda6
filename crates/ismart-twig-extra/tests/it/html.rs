//! Attributes, as the documentation of Twig 3.24 shows them, and what they refuse.

use serde_json::json;

use crate::environment;

#[test]
fn attributes_come_from_mappings() {
    let env = environment("en");
    for (source, want) in [
        ("{class: ['foo', 'bar'], id: 'main'}", "class=\"foo bar\" id=\"main\""),
        (
            "{class: ['btn']}, {class: ['btn-primary'], disabled: true}",
            "class=\"btn btn-primary\" disabled=\"\"",
        ),
        ("{disabled: false, title: null}", ""),
        ("{'aria-pressed': true, 'aria-hidden': false}", "aria-pressed=\"true\" aria-hidden=\"false\""),
        (
            "{'data-config': {theme: 'dark', list: [1, 2]}, 'data-bool': true, 'data-false': false}",
            "data-config=\"{&quot;theme&quot;:&quot;dark&quot;,&quot;list&quot;:[1,2]}\" data-bool=\"true\"",
        ),
        (
            "{style: {color: 'red', 'font-size': '16px', width: null}}",
            "style=\"color: red; font-size: 16px;\"",
        ),
        ("{style: ['color: red;', 'font-size: 16px']}", "style=\"color: red; font-size: 16px;\""),
        (
            "{style: {color: 'red'}}, {style: {color: 'blue', background: 'white'}}",
            "style=\"color: blue; background: white;\"",
        ),
        ("{srcset: ['a.jpg 1x', 'b.jpg 2x']|html_attr_type('cst')}", "srcset=\"a.jpg 1x, b.jpg 2x\""),
        ("{a: ['x']|html_attr_type('cst')}, {a: ['y']}", "a=\"x, y\""),
        ("{a: ['x']}, {a: ['y']|html_attr_type('cst')}", "a=\"x, y\""),
        ("{a: 'x y'|html_attr_type}", "a=\"x y\""),
        ("{a: [null, false]}, {b: [true]}", "b=\"\""),
        ("{title: '\"<x>&'}, null, false, ''", "title=\"&quot;&lt;x&gt;&amp;\""),
        ("{'@click': 'go()', ':class': 'a', 'x\"y': 1}", "@click=\"go()\" :class=\"a\" x&quot;y=\"1\""),
        ("{id: 'old', n: 1.5}, {id: 'new'}", "id=\"new\" n=\"1.5\""),
        ("", ""),
    ] {
        assert_eq!(env.render_str(&format!("{{{{ html_attr({source}) }}}}"), ()).unwrap(), want, "{source}");
    }
    let merged = "{% set a = {class: ['btn'], id: 'x'}|html_attr_merge(true ? {class: ['big']}, false ? {x: 1}, null) %}{{ a|json_encode|raw }}";
    assert_eq!(env.render_str(merged, ()).unwrap(), "{\"class\":[\"btn\",\"big\"],\"id\":\"x\"}");
}

#[test]
fn attributes_that_do_not_fit_are_refused() {
    let env = environment("en");
    for (source, why) in [
        ("html_attr('x')", "Only empty strings may be passed as string arguments to html_attr_merge."),
        (
            "html_attr(5)",
            "html_attr_merge takes mappings of attributes, false, null and empty strings, got \"int\".",
        ),
        ("html_attr({a: ['x']}, {a: 'y'})", "Cannot merge incompatible values for key \"a\"."),
        ("html_attr({a: null|html_attr_type('sst')})", "SeparatedTokenList can only be constructed"),
        (
            "html_attr({a: 'x'|html_attr_type('style')})",
            "InlineStyle can only be created from iterable values.",
        ),
        ("html_attr({a: 'x'|html_attr_type('y')})", "Unknown attribute type \"y\""),
        ("html_attr({a: 'x'}, {a: ['y']|html_attr_type('cst')})", "SeparatedTokenList can only be merged"),
        ("html_attr({a: ['y']|html_attr_type('cst')}, {a: 'x'})", "Only iterable values can be appended"),
        ("html_attr({a: date('2020-01-01')})", "The \"a\" attribute value should be a scalar, an iterable"),
    ] {
        let error = env.render_str(&format!("{{{{ {source} }}}}"), ()).expect_err(source);
        assert!(error.raw_message().starts_with(why), "{source}: {error}");
        assert_eq!(error.line(), Some(1), "{source}");
    }
}

#[test]
fn data_uris_know_common_types() {
    let env = environment("en");
    for (data, want) in [
        ("\u{89}", "data:text/plain,%C2%89"),
        ("GIF89a", "data:image/gif;base64,R0lGODlh"),
        ("%PDF-1.7", "data:application/pdf;base64,JVBERi0xLjc="),
        ("<svg/>", "data:image/svg+xml;base64,PHN2Zy8+"),
        ("", "data:text/plain,"),
    ] {
        assert_eq!(env.render_str("{{ d|data_uri|raw }}", &json!({"d": data})).unwrap(), want);
    }
}
