//! The package `string`: `u`, `slug`, `plural`, `singular`.

mod inflect;
mod slug;
mod unicode;

use ismart_twig::{Call, Callable, Environment, Error, Value};

/// Adds the package.
pub fn register(env: &mut Environment) {
    env.add(Callable::filter("u", |call| Ok(unicode::value(&call.text(0)?))).params(&[]));
    env.add(Callable::filter("slug", slug_filter).params(&["separator?", "locale?"]));
    let plural = |call: &Call<'_>| inflected(call, inflect::plurals);
    let singular = |call: &Call<'_>| inflected(call, inflect::singulars);
    env.add(Callable::filter("plural", plural).params(&["locale?", "all?"]));
    env.add(Callable::filter("singular", singular).params(&["locale?", "all?"]));
}

fn slug_filter(call: &Call<'_>) -> Result<Value, Error> {
    let separator = match call.arg(1) {
        Value::Null => "-".into(),
        given => given.to_text()?,
    };
    let locale = match call.arg(2) {
        Value::Null => None,
        given => Some(given.to_text()?),
    };
    Ok(unicode::value(&slug::slug(&call.text(0)?, &separator, locale.as_deref())))
}

fn inflected(call: &Call<'_>, forms: fn(&str) -> Vec<String>) -> Result<Value, Error> {
    if !call.arg(1).is_null() {
        let locale = call.text(1)?;
        if locale != "en" {
            return Err(Error::host(format!("Locale \"{locale}\" is not supported.")));
        }
    }
    let forms = forms(&call.text(0)?);
    if call.arg(2).truthy() {
        return Ok(Value::list(forms.into_iter().map(Value::from)));
    }
    Ok(forms.into_iter().next().map_or(Value::Null, Value::from))
}
