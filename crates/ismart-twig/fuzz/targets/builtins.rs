//! Filters that read little languages of their own: dates, formats, patterns, encodings.
#![no_main]

use std::time::Duration;

use ismart_twig::{Context, Environment, Limits};
use libfuzzer_sys::fuzz_target;

const USES: &[&str] = &[
    "{{ a|date(b) }}",
    "{{ a|date('c', b) }}",
    "{{ date(a)|date_modify(b)|date('Y-m-d H:i:s.u P e I L N jS z t o W') }}",
    "{{ date(a).diff(date(b))|date('%y %m %d %h %i %s %a %R %% ' ~ c) }}",
    "{{ date(a) < date(b) ? 1 : 0 }}",
    "{{ a|format(b, 7, -1.5, c, [1]) }}",
    "{{ a matches b ? 1 : 0 }}",
    "{{ a matches '/' ~ b ~ '/u' ? 1 : 0 }}",
    "{{ a|number_format(b, c, a) }}",
    "{{ a|round(b, 'floor') }}{{ a|round(b) }}",
    "{{ a|trim(b, 'left') }}|{{ a|trim(b) }}",
    "{{ a|split(b)|json_encode }}{{ a|split(b, c) | length }}",
    "{{ a|split('', 3)|join(b, c) }}",
    "{{ a|replace({(b): c}) }}{{ a|replace({(b): c, (c): b, '': a}) }}",
    "{{ a|convert_encoding('UTF-8', b) }}",
    "{{ a|convert_encoding(b, 'UTF-8')|length }}",
    "{{ a|striptags(b) }}",
    "{{ a|title }}{{ a|capitalize }}{{ a|upper }}{{ a|lower }}{{ a|reverse }}{{ a|length }}",
    "{{ a|e('js') }}{{ a|e('css') }}{{ a|e('html_attr') }}{{ a|e('html_attr_relaxed') }}{{ a|e('url') }}",
    "{{ a|json_encode }}{{ a|url_encode }}{{ a|nl2br }}{{ {(a): b, (b): c}|url_encode }}",
    "{{ a|slice(b, c) }}{{ a|first }}{{ a|last }}",
    "{{ random(a)|length }}{{ cycle([a, b], c) }}{{ max(a, b, c) }}{{ min(a, b, c) }}",
    "{{ (a..b)|join(',') }}{{ range(a, b, c)|join(',') }}",
    "{{ a == b ? 1 : 0 }}{{ a <=> b }}{{ a in b ? 1 : 0 }}{{ [a, b, c]|sort|join }}{{ a < b ? 1 : 0 }}",
    "{{ a + b }}{{ a * c }}{{ a ** 2 }}{{ a // 3 }}{{ a % 7 }}{{ -a }}",
    "{{ constant(a) }}",
    "{{ include(template_from_string(a), {a: b}) }}",
    "{{ [a, b, c]|batch(b, c)|json_encode }}",
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
    env.set_limits(Limits {
        fuel: Some(20_000),
        depth: 16,
        output: 1 << 20,
        items: 50_000,
        time: Some(Duration::from_secs(2)),
        ..Limits::default()
    });
    env.set_clock(|| (1_286_199_907, 0));
    env.set_seed(1);
    let context = Context::new().with("a", part()).with("b", part()).with("c", part());
    if let Err(error) = env.template_from_named_string("f", template).unwrap().render_bytes(context) {
        assert!(error.template().is_some(), "{error:?} has no template");
    }
});
