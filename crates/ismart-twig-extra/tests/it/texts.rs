//! Strings, nouns, slugs and Markdown beyond what PHP answers alike.

use ismart_twig::ErrorKind;
use serde_json::json;

use crate::environment;

#[test]
fn nouns_are_inflected_where_php_errs() {
    let env = environment("en");
    for (one, many) in [
        ("analysis", "analyses"),
        ("page", "pages"),
        ("price", "prices"),
        ("house", "houses"),
        ("cookie", "cookies"),
        ("shoe", "shoes"),
        ("human", "humans"),
        ("person", "people"),
        ("leaf", "leaves"),
        ("status", "statuses"),
        ("tax", "taxes"),
        ("bookshelf", "bookshelves"),
        ("salesman", "salesmen"),
        ("Address", "Addresses"),
        ("CITY", "CITIES"),
    ] {
        let source = format!("{{{{ '{one}'|plural }}}} {{{{ '{many}'|singular }}}}");
        assert_eq!(env.render_str(&source, ()).unwrap(), format!("{many} {one}"));
    }
    let error = env.render_str("{{ 'x'|plural('ru') }}", ()).unwrap_err();
    assert!(error.raw_message().contains("Locale \"ru\" is not supported."), "{error}");
}

#[test]
fn slugs_read_what_icu_leaves_out() {
    let env = environment("ru");
    for (text, locale, want) in [
        ("қазақ тілі", "kk", "qazaq-tili"),
        ("Хёндэ Крета", "ru", "Khende-Kreta"),
        ("ЩЁКИ Щёки", "ru", "SHCHEKI-Shcheki"),
        ("«Ёлка»: 50 %", "ru", "Yelka-50"),
        ("ﬁnal ½", "en", "final-1-2"),
    ] {
        let data = json!({"t": text, "l": locale});
        assert_eq!(env.render_str("{{ t|slug(locale: l) }}", &data).unwrap(), want);
    }
    assert_eq!(env.render_str("{{ 'Новый год'|slug.lower }}", ()).unwrap(), "novyj-god");
}

#[test]
fn methods_of_texts_are_bounded_and_checked() {
    let env = environment("en");
    for method in ["repeat(9999999999)", "padEnd(99999999)", "padBoth(99999999, 'ab')"] {
        let error = env.render_str(&format!("{{{{ 'abc'|u.{method} }}}}"), ()).expect_err(method);
        assert_eq!(error.kind(), ErrorKind::Limit, "{method}: {error}");
    }
    for (method, why) in [
        ("padEnd(5, '')", "Padding string cannot be empty."),
        ("repeat(-1)", "Multiplier must be positive, -1 given."),
        ("split('')", "Split delimiter is empty."),
        ("chunk(0)", "The chunk length must be greater than zero."),
        ("startsWith()", "Too few arguments to function"),
        ("append(date('2020-01-01'))", "could not be converted to string"),
        ("join(5)", "join() takes an array of texts."),
    ] {
        let error = env.render_str(&format!("{{{{ 'abc'|u.{method} }}}}"), ()).expect_err(method);
        assert!(error.raw_message().contains(why), "{method}: {error}");
    }
    let shown = "{{ 'a<b'|u }} {{ ('a'|u.append('<'))|length }} {{ 'x' ~ 'y'|u.upper }}";
    assert_eq!(env.render_str(shown, ()).unwrap(), "a&lt;b 2 xY");
    assert_eq!(env.render_str("{{ '👨‍👩‍👧é'|u.length }} {{ 'e\u{301}a'|u.reverse }}", ()).unwrap(), "2 aé");
}

#[test]
fn html_that_nobody_could_read_is_refused() {
    let env = environment("en");
    let markdown = |html: &str| env.render_str("{{ h|html_to_markdown }}", &json!({"h": html}));
    for html in [
        "<b>".repeat(5_000),
        "<div><!--</div>-->".repeat(500),
        "<i a='</i>'>".repeat(300),
        "<p>x".repeat(30_000),
    ] {
        let error = markdown(&html).expect_err("hostile HTML");
        assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    }
    assert_eq!(markdown(&("<div>".repeat(90) + "x")).unwrap(), "x");
    assert_eq!(markdown(&"<li>x".repeat(300)).unwrap().matches('x').count(), 300);
    let deep = env.render_str("{{ h|markdown_to_html|length }}", &json!({"h": ">".repeat(5_000) + "x"}));
    assert_eq!(deep.unwrap(), "135009");
}

#[test]
fn markdown_becomes_html_and_back() {
    let env = environment("en");
    let source = "{% apply markdown_to_html %}\n    # Title\n\n    - a *b*\n    - [c](http://x/?a&b)\n\n    <b>raw</b>\n{% endapply %}";
    assert_eq!(
        env.render_str(source, ()).unwrap(),
        "<h1>Title</h1>\n<ul>\n<li>a <em>b</em></li>\n<li><a href=\"http://x/?a&amp;b\">c</a></li>\n</ul>\n<p><b>raw</b></p>\n"
    );
    let html = "<head><title>t</title></head><h1>Title</h1><p>a <strong>b</strong> <em>c</em></p><ul><li>x</li></ul><style>p {}</style>";
    let back = env.render_str("{{ h|html_to_markdown }}", &json!({"h": html})).unwrap();
    assert_eq!(back, "# Title\n\na **b** *c*\n\n*   x");
    let kept =
        env.render_str("{{ '<p>a</p><del>b</del>'|html_to_markdown({remove_nodes: 'del'}) }}", ()).unwrap();
    assert_eq!(kept, "a");
    let all = env.render_str("{{ '<style>p</style>a'|html_to_markdown({remove_nodes: ''}) }}", ()).unwrap();
    assert!(all.ends_with('a'), "{all}");
    assert_eq!(env.render_str("{{ ''|markdown_to_html }}{{ ''|html_to_markdown }}", ()).unwrap(), "");
}
