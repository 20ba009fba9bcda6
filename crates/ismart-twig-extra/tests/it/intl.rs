//! Names and formats beyond what another version of CLDR answers alike.

use crate::environment;

#[test]
fn the_environments_locale_and_zone_are_the_defaults() {
    let mut env = environment("ru");
    env.set_timezone("Europe/Moscow").unwrap();
    env.set_clock(|| (1_565_221_152, 0));
    for (source, want) in [
        (
            "{{ 'RU'|country_name }} {{ 'USD'|currency_name }} {{ 'de'|language_name }}",
            "Россия доллар США немецкий",
        ),
        ("{{ 1234567.891|format_number }}", "1\u{a0}234\u{a0}567,891"),
        ("{{ 1990000|format_currency('RUB', {fraction_digit: 0}) }}", "1\u{a0}990\u{a0}000\u{a0}₽"),
        ("{{ null|format_datetime('long', 'short') }}", "8 августа 2019\u{202f}г. в 02:39"),
        (
            "{{ 'now'|format_date('relative_long') }} {{ 'tomorrow'|format_date('relative_short') }}",
            "сегодня завтра",
        ),
        ("{{ '2019-08-07'|format_datetime('relative_medium', 'short') }}", "вчера, 00:00"),
        ("{{ '2019-01-01'|format_date('relative_short') }}", "01.01.2019"),
        ("{{ 'now'|format_time('full') }}", "02:39:12 Москва, стандартное время"),
        ("{{ ['a', 'b', 'c']|format_list }} {{ ['a', 'b']|format_list('or', 'en') }}", "a, b и c a or b"),
        (
            "{{ []|format_list }}{{ ['x']|format_list }} {{ ['a', 'b', 'c']|format_list(locale: 'en') }}",
            "x a, b, and c",
        ),
        ("{{ country_timezones('KZ')|first }} {{ 'Europe/Moscow'|timezone_name }}", "Asia/Almaty Москва"),
        (
            "{{ 'fr_CA'|locale_name }} {{ 'sr_Latn_RS'|locale_name('en') }}",
            "французский (Канада) Serbian (Latin, Serbia)",
        ),
        (
            "{{ 3|format_ordinal_number(locale: 'en') }} {{ 0.256|format_percent_number({fraction_digit: 1}) }}",
            "3rd 25,6\u{a0}%",
        ),
    ] {
        assert_eq!(env.render_str(source, ()).unwrap(), want, "{source}");
    }
}

#[test]
fn unknown_codes_are_shown_and_unknown_formats_refused() {
    let env = environment("ru");
    let codes = "{{ 'QQ'|country_name }} {{ ''|currency_name }}{{ null|language_name }} {{ 'x_y'|locale_name }} {{ 'Mars/Base'|timezone_name }}";
    assert_eq!(env.render_str(codes, ()).unwrap(), "QQ  x_y Mars/Base");
    assert_eq!(env.render_str("{{ country_timezones('QQ')|length }}", ()).unwrap(), "0");
    for (source, why) in [
        (
            "1|format_number(locale: 'xx')",
            "The locale \"xx\" has no formats, known locales are: \"be\", \"de\"",
        ),
        ("1|format_number(style: 'big')", "The style \"big\" does not exist, known styles are: \"decimal\""),
        ("1|format_spellout_number", "Numbers of the style \"spellout\" are not available"),
        ("1|format_number({digits: 1})", "The number formatter attribute \"digits\" does not exist"),
        ("1|format_number({rounding_mode: 'x'})", "The number formatter rounding mode \"x\" does not exist"),
        ("1|format_number(type: 'byte')", "The type \"byte\" does not exist"),
        ("'x y z'|format_date", "An exception has been thrown during the rendering of a template"),
        ("'now'|format_date('huge')", "The date format \"huge\" does not exist"),
        ("'now'|format_time('relative_short')", "The time format \"relative_short\" does not exist"),
        ("'now'|format_date(timezone: 'Mars/Base')", "An exception has been thrown"),
        ("5|format_list", "The \"format_list\" filter expects a sequence or a mapping, got \"int\"."),
        ("[1]|format_list('xor')", "The list type \"xor\" does not exist"),
    ] {
        let error = env.render_str(&format!("{{{{ {source} }}}}"), ()).expect_err(source);
        assert!(error.raw_message().starts_with(why), "{source}: {error}");
    }
}

#[test]
fn numbers_at_their_edges() {
    let env = environment("en");
    for (source, want) in [
        ("{{ (2 ** 63)|format_number }}", "9,223,372,036,854,776,000"),
        ("{{ 9223372036854775807|format_currency('USD') }}", "$9,223,372,036,854,775,807.00"),
        ("{{ (0 - 9223372036854775807 - 1)|format_number }}", "-9,223,372,036,854,775,808"),
        ("{{ 1e300|format_number|length > 300 ? 'long' }}", "long"),
        ("{{ 5e-324|format_number({max_fraction_digit: 400})|length > 300 ? 'long' }}", "long"),
        ("{{ 1|format_number({min_fraction_digit: 99999999})|length }}", "402"),
        ("{{ 1|format_number({format_width: 99999999})|length }}", "400"),
        ("{{ 0.5|format_number({fraction_digit: 0}) }} {{ 9.5|format_number({fraction_digit: 0}) }}", "0 10"),
        ("{{ 1e21|format_scientific_number }} {{ 0|format_scientific_number }}", "1E21 0E0"),
        ("{{ (1e300 * 1e300)|format_number }}", "∞"),
    ] {
        assert_eq!(env.render_str(source, ()).unwrap(), want, "{source}");
    }
}
