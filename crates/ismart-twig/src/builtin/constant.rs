//! `constant`: PHP's constants that templates use, and the host's.

use super::arg;
use crate::error::Error;
use crate::run::Rt;
use crate::text::json::flag;
use crate::value::{V, Value};

/// The constant that arguments name, if there is one.
pub(crate) fn find(rt: &Rt<'_>, args: &[V<'_>]) -> Result<Option<Value>, Error> {
    let name = arg(args, 0).to_text()?;
    let object = arg(args, 1);
    let name = if object.is_null() {
        name
    } else {
        if name == "class" {
            return Ok(Some(Value::from(object.type_name())));
        }
        if let Value::Object(o) = object
            && let Some(value) = o.get(&name)
        {
            return Ok(Some(value));
        }
        ecow::eco_format!("{}::{name}", object.type_name())
    };
    if let Some(value) = rt.engine.constants.get(&name) {
        return Ok(Some(value.clone()));
    }
    Ok(php(&name))
}

fn php(name: &str) -> Option<Value> {
    let int = |n: i64| Some(Value::Int(n));
    // table: the constants of PHP that templates name
    match name {
        "JSON_HEX_TAG" => int(flag::HEX_TAG),
        "JSON_HEX_AMP" => int(flag::HEX_AMP),
        "JSON_HEX_APOS" => int(flag::HEX_APOS),
        "JSON_HEX_QUOT" => int(flag::HEX_QUOT),
        "JSON_FORCE_OBJECT" => int(flag::FORCE_OBJECT),
        "JSON_NUMERIC_CHECK" => int(flag::NUMERIC_CHECK),
        "JSON_UNESCAPED_SLASHES" => int(flag::UNESCAPED_SLASHES),
        "JSON_PRETTY_PRINT" => int(flag::PRETTY_PRINT),
        "JSON_UNESCAPED_UNICODE" => int(flag::UNESCAPED_UNICODE),
        "JSON_PARTIAL_OUTPUT_ON_ERROR" => int(flag::PARTIAL_OUTPUT),
        "JSON_PRESERVE_ZERO_FRACTION" => int(flag::PRESERVE_ZERO_FRACTION),
        "JSON_UNESCAPED_LINE_TERMINATORS" => int(flag::UNESCAPED_LINE_TERMINATORS),
        "JSON_INVALID_UTF8_IGNORE" => int(flag::INVALID_UTF8_IGNORE),
        "JSON_INVALID_UTF8_SUBSTITUTE" => int(flag::INVALID_UTF8_SUBSTITUTE),
        "JSON_THROW_ON_ERROR" => int(flag::THROW_ON_ERROR),
        "PHP_INT_MAX" => int(i64::MAX),
        "PHP_INT_MIN" => int(i64::MIN),
        "PHP_INT_SIZE" => int(8),
        "PHP_FLOAT_EPSILON" => Some(Value::Float(f64::EPSILON)),
        "PHP_FLOAT_MAX" => Some(Value::Float(f64::MAX)),
        "PHP_FLOAT_MIN" => Some(Value::Float(f64::MIN_POSITIVE)),
        "M_PI" => Some(Value::Float(std::f64::consts::PI)),
        "M_E" => Some(Value::Float(std::f64::consts::E)),
        "NAN" => Some(Value::Float(f64::NAN)),
        "INF" => Some(Value::Float(f64::INFINITY)),
        "PHP_EOL" => Some(Value::from("\n")),
        "PHP_VERSION" => Some(Value::from("8.2.0")),
        "PHP_OS" | "PHP_OS_FAMILY" => Some(Value::from("Linux")),
        "DIRECTORY_SEPARATOR" => Some(Value::from("/")),
        "Twig\\Environment::VERSION" => Some(Value::from("3.30.0")),
        "Twig\\Environment::MAJOR_VERSION" => int(3),
        "Twig\\Environment::MINOR_VERSION" => int(30),
        "PATH_SEPARATOR" => Some(Value::from(":")),
        "M_SQRT2" => Some(Value::Float(std::f64::consts::SQRT_2)),
        "M_PI_2" => Some(Value::Float(std::f64::consts::FRAC_PI_2)),
        "M_PI_4" => Some(Value::Float(std::f64::consts::FRAC_PI_4)),
        "M_LN2" => Some(Value::Float(std::f64::consts::LN_2)),
        "M_LN10" => Some(Value::Float(std::f64::consts::LN_10)),
        _ => numbered(name).map(Value::Int).or_else(|| date_form(name).map(Value::from)),
    }
}

/// Constants that are small numbers.
fn numbered(name: &str) -> Option<i64> {
    // table: the constants of PHP that templates name
    Some(match name {
        "ENT_NOQUOTES" | "ENT_HTML401" | "SORT_REGULAR" | "COUNT_NORMAL" | "LC_CTYPE" | "STR_PAD_LEFT"
        | "JSON_ERROR_NONE" => 0,
        "E_ERROR"
        | "SORT_NUMERIC"
        | "COUNT_RECURSIVE"
        | "LC_NUMERIC"
        | "STR_PAD_RIGHT"
        | "PHP_ROUND_HALF_UP"
        | "JSON_OBJECT_AS_ARRAY" => 1,
        "E_WARNING"
        | "ENT_COMPAT"
        | "SORT_STRING"
        | "LC_TIME"
        | "STR_PAD_BOTH"
        | "PHP_ROUND_HALF_DOWN"
        | "JSON_BIGINT_AS_STRING"
        | "PHP_MINOR_VERSION" => 2,
        "ENT_QUOTES" | "SORT_DESC" | "LC_COLLATE" => 3,
        "E_PARSE" | "ENT_IGNORE" | "SORT_ASC" | "LC_MONETARY" => 4,
        "SORT_LOCALE_STRING" | "LC_MESSAGES" => 5,
        "SORT_NATURAL" | "LC_ALL" => 6,
        "E_NOTICE" | "ENT_SUBSTITUTE" | "SORT_FLAG_CASE" | "PHP_MAJOR_VERSION" => 8,
        "PHP_FLOAT_DIG" => 15,
        "ENT_HTML5" => 48,
        "E_USER_ERROR" => 256,
        "E_USER_WARNING" => 512,
        "E_USER_NOTICE" => 1024,
        "PHP_MAXPATHLEN" => 4096,
        "E_DEPRECATED" => 8192,
        "E_USER_DEPRECATED" => 16384,
        "E_ALL" => 32767,
        _ => return None,
    })
}

/// The formats of dates, as `DATE_ATOM` or `DateTimeInterface::ATOM`.
fn date_form(name: &str) -> Option<&'static str> {
    let form = name.strip_prefix("DATE_").or_else(|| {
        let (class, form) = name.split_once("::")?;
        matches!(class, "DateTimeInterface" | "DateTime" | "DateTimeImmutable").then_some(form)
    })?;
    Some(match form {
        "ATOM" | "RFC3339" | "W3C" => "Y-m-d\\TH:i:sP",
        "COOKIE" => "l, d-M-Y H:i:s T",
        "ISO8601" => "Y-m-d\\TH:i:sO",
        "ISO8601_EXPANDED" => "X-m-d\\TH:i:sP",
        "RFC822" | "RFC1036" => "D, d M y H:i:s O",
        "RFC850" => "l, d-M-y H:i:s T",
        "RFC1123" | "RFC2822" | "RSS" => "D, d M Y H:i:s O",
        "RFC7231" => "D, d M Y H:i:s \\G\\M\\T",
        "RFC3339_EXTENDED" => "Y-m-d\\TH:i:s.vP",
        _ => return None,
    })
}

/// `constant(name, object)`.
pub(super) fn constant(rt: &mut Rt<'_>, args: &[V<'_>]) -> Result<Value, Error> {
    let found = find(rt, args)?;
    if arg(args, 2).truthy() {
        return Ok(Value::Bool(found.is_some()));
    }
    if let Some(value) = found {
        return Ok(value);
    }
    let name = arg(args, 0).to_text()?;
    let object = arg(args, 1);
    let name = if object.is_null() { name } else { ecow::eco_format!("{}::{name}", object.type_name()) };
    if name.to_ascii_lowercase().ends_with("::class") {
        return Err(Error::runtime(format!(
            "You cannot use the Twig function \"constant\" to access \"{name}\". You could provide an object and call constant(\"class\", $object) or use the class name directly as a string."
        )));
    }
    Err(Error::runtime(format!("Constant \"{name}\" is undefined.")))
}
