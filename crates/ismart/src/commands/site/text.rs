//! Forms of text that sites have: JSON as editors indent it, names as addresses hold them.

use ismart_twig::{Array, Context, Environment, Value};
use serde::Serialize;

/// JSON with four spaces for each level and a final line end.
pub(super) fn json_text(value: &serde_json::Value) -> String {
    let mut bytes = Vec::new();
    let four = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, four));
    debug_assert!(written.is_ok(), "a value of JSON can always be written");
    bytes.push(b'\n');
    String::from_utf8(bytes).unwrap_or_default()
}

/// A name as part of an address: `Тихий берег` → `tihij-bereg`.
pub(super) fn slug(name: &str) -> String {
    let mut environment = Environment::new();
    ismart_twig_extra::register(&mut environment, "ru");
    let mut own = Array::new();
    own.insert("name", Value::from(name));
    environment.render_str("{{ name|slug|lower }}", Context::from(own)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_addresses() {
        for (name, made) in [("sever", "sever"), ("Дом у реки", "dom-u-reki"), ("A b/c..", "a-b-c"), ("", "")]
        {
            assert_eq!(slug(name), made);
        }
    }
}
