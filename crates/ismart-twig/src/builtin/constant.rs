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
        // Errors are not thrown; PHP would stop where this gives an empty text.
        "JSON_THROW_ON_ERROR" => int(4_194_304),
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
        "E_NOTICE" => int(8),
        "E_WARNING" => int(2),
        "E_ERROR" => int(1),
        "E_ALL" => int(32767),
        "E_USER_NOTICE" => int(1024),
        "ENT_QUOTES" => int(3),
        "SORT_REGULAR" => int(0),
        "DATE_ATOM" | "DateTimeInterface::ATOM" | "DateTime::ATOM" | "DATE_RFC3339" | "DATE_W3C" => {
            Some(Value::from("Y-m-d\\TH:i:sP"))
        }
        "DATE_RFC2822" | "DATE_RSS" | "DateTimeInterface::RFC2822" => Some(Value::from("D, d M Y H:i:s O")),
        "DATE_RFC7231" => Some(Value::from("D, d M Y H:i:s \\G\\M\\T")),
        "DATE_COOKIE" => Some(Value::from("l, d-M-Y H:i:s T")),
        "Twig\\Environment::VERSION" => Some(Value::from("3.30.0")),
        "Twig\\Environment::MAJOR_VERSION" => int(3),
        "Twig\\Environment::MINOR_VERSION" => int(30),
        _ => None,
    }
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
