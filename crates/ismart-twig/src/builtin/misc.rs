//! Functions of no other theme.

use super::arg;
use crate::error::{Error, ErrorKind};
use crate::run::Rt;
use crate::template::Template;
use crate::value::{Op2, V, Value};

type Out = Result<Value, Error>;

pub(super) fn cycle(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let values = arg(args, 0);
    let pairs = match values {
        Value::Array(_) => values.to_pairs(),
        Value::Object(o) if o.is_indexed() => {
            if o.count().is_none() {
                rt.warnings.push("Since twig/twig 3.12: Passing a non-countable sequence of values to \"Twig\\Extension\\CoreExtension::cycle()\" is deprecated.".to_owned());
            }
            values.to_pairs()
        }
        _ => None,
    };
    let Some(pairs) = pairs else {
        return Err(Error::runtime(
            "The \"cycle\" function expects an array or \"ArrayAccess\" as first argument.",
        ));
    };
    if pairs.is_empty() {
        return Err(Error::runtime("The \"cycle\" function expects a non-empty sequence."));
    }
    let count = Value::Int(crate::num::len(pairs.len()));
    let at = Op2::Mod.apply(arg(args, 1), &count)?.to_int();
    Ok(pairs.get_int(at).cloned().unwrap_or(Value::Null))
}

pub(super) fn source(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let name = arg(args, 0);
    if name.is_null() {
        return Err(Error::host(
            "Twig\\Loader\\LoaderInterface::getSourceContext(): Argument #1 ($name) must be of type string, null given",
        ));
    }
    let name = name.to_text()?;
    match rt.engine.loader.source(&name)? {
        Some(source) => Ok(Value::from(source)),
        None if arg(args, 1).truthy() => Ok(Value::from("")),
        None => Err(Error::new(ErrorKind::Loader, rt.engine.loader.missing(&name))),
    }
}

pub(super) fn template_from_string(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let source = arg(args, 0);
    if matches!(source, Value::Null | Value::Array(_)) {
        return Err(Error::host(format!(
            "Twig\\Extension\\StringLoaderExtension::templateFromString(): Argument #2 ($template) must be of type Stringable|string, {} given",
            source.type_name()
        )));
    }
    let value = source;
    let source = value.to_text()?;
    let name = arg(args, 1);
    let name = if name.is_null() { None } else { Some(name.to_text()?) };
    let loaded = rt.engine.load_string(&source, name.as_deref())?;
    if let Some(mapper) = &mut rt.mapper {
        mapper.made(&loaded.code.name, value);
    }
    Ok(Value::Template(Template::new(rt.engine.clone(), loaded)))
}
