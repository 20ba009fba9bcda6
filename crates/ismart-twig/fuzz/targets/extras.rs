//! The extra packages: formats of numbers and dates, methods of texts, Markdown and attributes.
#![no_main]

use std::time::Duration;

use ismart_twig::{Context, Environment, Limits};
use libfuzzer_sys::fuzz_target;

const USES: &[&str] = &[
    "{{ a|format_datetime(pattern: b, locale: c) }}",
    "{{ a|format_datetime(b, c) }}{{ a|format_date(timezone: b) }}",
    "{{ a|format_number({fraction_digit: b, format_width: c}) }}{{ a|format_scientific_number }}",
    "{{ a|format_number({max_significant_digits_used: b, multiplier: c}) }}{{ a|format_ordinal_number(locale: c) }}",
    "{{ a|format_currency(b, {rounding_mode: 'up', max_fraction_digit: c}) }}",
    "{{ a|country_name(b) }}{{ a|locale_name(b) }}{{ a|timezone_name(b) }}{{ a|currency_symbol(b) }}",
    "{{ a|slug(b, c) }}{{ a|plural }}{{ a|singular }}",
    "{{ a|u.truncate(b, c) }}{{ a|u.truncate(b, c, false) }}{{ a|u.wordwrap(b, c, true) }}",
    "{{ a|u.slice(b, c) }}{{ a|u.splice(c, b, 2) }}{{ a|u.indexOf(b, c) }}{{ a|u.indexOfLast(b, c) }}",
    "{{ a|u.camel }}{{ a|u.snake }}{{ a|u.title(true) }}{{ a|u.ascii }}{{ a|u.reverse }}{{ a|u.width }}{{ a|u.collapseWhitespace }}",
    "{{ a|u.ignoreCase.replace(b, c) }}{{ a|u.before(b) }}{{ a|u.afterLast(b, true) }}{{ a|u.ensureEnd(b) }}{{ a|u.ensureStart(b) }}{{ a|u.trimSuffix(b) }}",
    "{{ a|u.padBoth(b, c) }}{{ a|u.repeat(b) }}{{ a|u.split(b, c)|join }}{{ a|u.chunk(b)|join }}",
    "{{ a|markdown_to_html }}",
    "{{ a|html_to_markdown }}{{ a|html_to_markdown({remove_nodes: b}) }}",
    "{{ html_attr({(a): b, class: [b, c], style: {(b): c}, ('data-' ~ a): [b]}) }}{{ a|data_uri(b) }}",
    "{{ html_classes(a, {(b): c}) }}{{ html_cva(a, {(b): {(c): 'x'}}).apply({(b): c}, a) }}",
    "{{ [a, b, c]|format_list(b, c) }}",
];

fuzz_target!(|input: &str| {
    let mut chars = input.chars();
    let Some(which) = chars.next() else { return };
    let Some(template) = USES.get(usize::try_from(u32::from(which)).unwrap_or(0) % USES.len()) else {
        return;
    };
    let mut parts = chars.as_str().split('\0');
    let mut part = || parts.next().unwrap_or("");
    let mut env = Environment::new();
    ismart_twig_extra::register(&mut env, "ru");
    env.set_limits(Limits {
        fuel: Some(20_000),
        output: 1 << 20,
        time: Some(Duration::from_secs(2)),
        ..Limits::default()
    });
    env.set_clock(|| (1_286_199_907, 0));
    let context = Context::new().with("a", part()).with("b", part()).with("c", part());
    if let Err(error) = env.template_from_named_string("f", template).unwrap().render_bytes(context) {
        assert!(error.template().is_some(), "{error:?} has no template");
    }
});
