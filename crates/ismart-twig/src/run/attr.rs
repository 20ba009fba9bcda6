//! Resolves attributes, keys and methods.

use ecow::EcoString;

use super::{Frame, Rt};
use crate::error::{Error, ErrorKind};
use crate::num;
use crate::program::{AttrEx, AttrKey, Ex};
use crate::syntax::ast::CallType;
use crate::value::{Array, CallArgs, V, Value};

/// A key at run time.
enum RunKey<'a> {
    Const(&'a AttrKey),
    Value(Value),
}

impl Rt<'_> {
    /// The value of a chain of attributes; `None` if it is missing and that is allowed, or if a null-safe
    /// step met `null`.
    pub(super) fn attr_chain<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        attr: &'a AttrEx,
        quiet: bool,
    ) -> Result<Option<V<'a>>, Error> {
        self.attr_step(frame, attr, quiet, true)
    }

    /// One step of a chain; `last` for the outermost.
    fn attr_step<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        attr: &'a AttrEx,
        quiet: bool,
        last: bool,
    ) -> Result<Option<V<'a>>, Error> {
        let object = match &attr.object {
            Ex::Attr(inner) => match self.attr_step(frame, inner, quiet, false)? {
                Some(object) => object,
                None if quiet => {
                    // A missing step is null to the next one.
                    V::Own(Value::Null)
                }
                None => return Ok(None),
            },
            Ex::Var(slot, _) => {
                // An array that the frame owns is read in place.
                if let (AttrKey::Name(..) | AttrKey::Index(..), CallType::Any | CallType::Array) =
                    (&attr.key, attr.call)
                    && let super::Slot::Own(Value::Array(array)) = frame.slot(*slot)
                    && let Some(found) = attr.key.of(array)
                {
                    return Ok(Some(V::Own(found.clone())));
                }
                // A null-safe step within a chain asks for its variable in any case.
                match if quiet && (last || !attr.null_safe) {
                    frame.read(*slot)
                } else {
                    Some(self.eval(frame, &attr.object)?)
                } {
                    Some(object) => object,
                    None => V::Own(Value::Null),
                }
            }
            other if quiet => match self.eval_opt(frame, other)? {
                Some(object) => object,
                None => V::Own(Value::Null),
            },
            other => self.eval(frame, other)?,
        };
        if attr.null_safe && object.is_null() {
            return Ok(None);
        }
        if let (V::Ref(Value::Array(array)), CallType::Any | CallType::Array) = (&object, attr.call)
            && let Some(found) = attr.key.of(array)
        {
            return Ok(Some(V::Ref(found)));
        }
        let key = match &attr.key {
            AttrKey::Dynamic(ex) => RunKey::Value(self.eval(frame, ex)?.into_owned()),
            key => RunKey::Const(key),
        };
        let args = if attr.args.is_empty() { CallArgs::default() } else { self.call_args(frame, attr)? };
        if let (V::Ref(Value::Array(array)), RunKey::Value(key), CallType::Any | CallType::Array) =
            (&object, &key, attr.call)
            && let Some(found) = dynamic_get(array, key)?
        {
            return Ok(Some(V::Ref(found)));
        }
        let found = match self.lookup(&object, &key, attr.call, &args, attr.line) {
            // What the sandbox forbids is not defined.
            Err(error) if quiet && forbidden(&error) => None,
            found => found?,
        };
        match found {
            Some(value) => Ok(Some(V::Own(value))),
            // What is no key is refused even where a missing one is not.
            None if !quiet
                && !self.strict()
                && attr.call == CallType::Array
                && matches!(&*object, Value::Array(a) if !a.is_empty())
                && key_value(&key).to_key().is_none() =>
            {
                Err(Error::host("Illegal offset type").with_line(attr.line))
            }
            None if quiet || !self.strict() => Ok(if quiet { None } else { Some(V::Own(Value::Null)) }),
            None => Err(refusal(&object, &key, attr.call)?.with_line(attr.line)),
        }
    }

    /// `a.b is defined`: methods are looked for, not called.
    pub(super) fn attr_defined<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        attr: &'a AttrEx,
    ) -> Result<bool, Error> {
        let object = match self.eval_opt(frame, &attr.object)? {
            Some(object) => object,
            None => return Ok(false),
        };
        if attr.null_safe && object.is_null() {
            return Ok(false);
        }
        let key = match &attr.key {
            AttrKey::Dynamic(ex) => RunKey::Value(self.eval(frame, ex)?.into_owned()),
            key => RunKey::Const(key),
        };
        if !attr.args.is_empty() {
            self.call_args(frame, attr)?;
        }
        if attr.call != CallType::Method
            && let Value::Array(array) = &*object
        {
            return Ok(match &key {
                RunKey::Const(key) => key.of(array).is_some(),
                RunKey::Value(key) => dynamic_get(array, key)?.is_some(),
            });
        }
        let value = key_value(&key);
        if attr.call != CallType::Method
            && let Value::Object(o) = &*object
            && o.is_indexed()
            && o.index(&value).is_some()
        {
            return Ok(self.index_allowed(&object, &value)?.is_none());
        }
        if attr.call == CallType::Array || !object.is_object() {
            return Ok(false);
        }
        let name = value.to_text()?;
        if attr.call != CallType::Method && property(&object, &name).is_some() {
            return Ok(self.property_allowed(&object, &name).is_ok());
        }
        Ok(match method(&object, &name) {
            Some(found) => self.method_allowed(&object, &found).is_ok(),
            None => false,
        })
    }

    /// The value of a property of a value, for destructuring.
    pub(super) fn attr_of(&mut self, object: &Value, key: &AttrKey, line: u32) -> Result<Value, Error> {
        let key = RunKey::Const(key);
        match self.lookup(object, &key, CallType::Any, &CallArgs::default(), line)? {
            Some(value) => Ok(value),
            None if !self.strict() => Ok(Value::Null),
            None => Err(refusal(object, &key, CallType::Any)?.with_line(line)),
        }
    }

    fn call_args<'a>(&mut self, frame: &mut Frame<'a>, attr: &'a AttrEx) -> Result<CallArgs, Error> {
        let mut args = CallArgs::default();
        for (name, ex) in &attr.args {
            if let Ex::Spread(inner) = ex {
                let value = self.eval(frame, inner)?;
                let Some(pairs) = value.to_pairs() else {
                    return Err(Error::host("Only arrays and Traversables can be unpacked"));
                };
                for (key, item) in pairs.iter() {
                    match key {
                        crate::value::KeyRef::Int(_) => args.positional.push(item.clone()),
                        crate::value::KeyRef::Str(name) => args.named.push((name.to_string(), item.clone())),
                    }
                }
                continue;
            }
            let value = self.eval(frame, ex)?.into_owned();
            match name {
                Some(name) => args.named.push((name.to_string(), value)),
                None => args.positional.push(value),
            }
        }
        Ok(args)
    }

    /// Key, property, then method.
    fn lookup(
        &mut self,
        object: &Value,
        key: &RunKey<'_>,
        call: CallType,
        args: &CallArgs,
        line: u32,
    ) -> Result<Option<Value>, Error> {
        let mut refused = None;
        if call != CallType::Method {
            match object {
                Value::Array(array) => {
                    let found = match key {
                        RunKey::Const(key) => key.of(array),
                        RunKey::Value(key) => dynamic_get(array, key)?,
                    };
                    return Ok(found.cloned());
                }
                Value::Object(o) if o.is_indexed() => {
                    let value = index_key(key);
                    refused = self.index_allowed(object, &value)?;
                    if refused.is_none()
                        && let Some(found) = o.index(&value)
                    {
                        return Ok(Some(found));
                    }
                }
                _ => {}
            }
            if refused.is_none() && (call == CallType::Array || !object.is_object()) {
                return Ok(None);
            }
        }
        if !object.is_object() {
            return Ok(None);
        }
        let name = key_value(key).to_text()?;
        if call != CallType::Method && refused.is_none() {
            match self.property_allowed(object, &name) {
                Ok(()) => {
                    if let Some(found) = property(object, &name) {
                        return Ok(Some(found));
                    }
                }
                Err(error) => refused = Some(error),
            }
        }
        let Some(found) = method(object, &name) else {
            return match refused {
                Some(error) => Err(error.with_line(line)),
                None => Ok(None),
            };
        };
        if let Err(error) = self.method_allowed(object, &found) {
            return Err(refused.unwrap_or(error).with_line(line));
        }
        self.call_method(object, &found, args).map(Some)
    }

    /// The error of a policy that forbids an element of an indexed object.
    fn index_allowed(&self, object: &Value, key: &Value) -> Result<Option<Error>, Error> {
        if !self.sandboxed || object.class_name().is_some_and(crate::sandbox::array_like) {
            return Ok(None);
        }
        Ok(self.property_allowed(object, &key.to_text()?).err())
    }

    fn property_allowed(&self, object: &Value, name: &str) -> Result<(), Error> {
        self.with_policy(|policy| policy.check_property(object, name))
    }

    fn method_allowed(&self, object: &Value, name: &str) -> Result<(), Error> {
        self.with_policy(|policy| policy.check_method(object, name))
    }

    fn call_method(&mut self, object: &Value, name: &str, args: &CallArgs) -> Result<Value, Error> {
        match object {
            Value::Object(o) => o.call(name, args),
            Value::Date(_) | Value::Interval(_) | Value::Zone(_) => {
                crate::date::call_method(self.engine, object, name, args)
            }
            Value::Markup(s) => Ok(match name {
                "count" => Value::from(s.chars().count()),
                _ => Value::Str(s.clone()),
            }),
            Value::Closure(closure) => {
                let mut prepared = super::Prepared::new(closure);
                prepared.call(self, &args.positional)
            }
            _ => Err(Error::host(format!("Call to undefined method {}::{name}()", object.type_name()))),
        }
    }
}

/// Whether the policy refused an attribute.
fn forbidden(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::SecurityProperty | ErrorKind::SecurityMethod) && !error.has_template()
}

fn dynamic_get<'v>(array: &'v Array, key: &Value) -> Result<Option<&'v Value>, Error> {
    Ok(match key {
        Value::Int(n) => array.get_int(*n),
        Value::Str(s) | Value::Markup(s) => array.get_str(s),
        Value::Bool(b) => array.get_int((*b).into()),
        Value::Float(f) => array.get_int(num::int(*f)),
        Value::Null => array.get_str(""),
        other => array.get_str(&other.to_text()?),
    })
}

/// The key as PHP hands it to an indexed object.
fn index_key(key: &RunKey<'_>) -> Value {
    let value = key_value(key);
    match value {
        Value::Bool(b) => Value::Int(b.into()),
        Value::Float(f) => Value::Int(num::int(f)),
        other => other,
    }
}

fn key_value(key: &RunKey<'_>) -> Value {
    match key {
        RunKey::Const(AttrKey::Name(_, value, _) | AttrKey::Index(_, value)) => value.clone(),
        RunKey::Const(AttrKey::Dynamic(_)) => Value::Null,
        RunKey::Value(value) => value.clone(),
    }
}

/// A public property or constant.
fn property(object: &Value, name: &str) -> Option<Value> {
    match object {
        Value::Object(o) => o.get(name),
        Value::Date(_) | Value::Interval(_) => crate::date::property(object, name),
        _ => None,
    }
}

/// The method a name means: itself, `get`, `is` or `has` before it, or any with `__call`.
fn method(object: &Value, name: &str) -> Option<EcoString> {
    let (methods, answers_all): (&[&str], bool) = match object {
        Value::Object(o) => (o.methods(), o.answers_all()),
        Value::Date(_) | Value::Interval(_) | Value::Zone(_) => (crate::date::methods(object), false),
        Value::Markup(_) => (&["__toString", "count", "jsonSerialize", "getCharset"], false),
        Value::Closure(_) => (&["__invoke"], false),
        _ => (&[], false),
    };
    let find = |wanted: &str| methods.iter().find(|m| m.eq_ignore_ascii_case(wanted));
    for prefix in ["", "get", "is", "has"] {
        if let Some(found) = find(&format!("{prefix}{name}")) {
            return Some((*found).into());
        }
    }
    answers_all.then(|| name.into())
}

/// The error of a missing attribute in strict mode.
fn refusal(object: &Value, key: &RunKey<'_>, call: CallType) -> Result<Error, Error> {
    let raw = key_value(key);
    let text = |v: &Value| v.to_text();
    let class = object.type_name();
    if call != CallType::Method && (call == CallType::Array || !object.is_object()) {
        let item = index_key(key);
        let message = match object {
            Value::Object(o) if o.is_indexed() => match &item {
                Value::Array(_) | Value::Object(_) => format!(
                    "Key of type \"{}\" does not exist in ArrayAccess-able object of class \"{class}\".",
                    item.type_name()
                ),
                _ => format!(
                    "Key \"{}\" does not exist in ArrayAccess-able object of class \"{class}\".",
                    text(&item)?
                ),
            },
            Value::Array(array) if array.is_empty() => {
                format!("Key \"{}\" does not exist as the sequence/mapping is empty.", text(&item)?)
            }
            Value::Array(array) => {
                let keys: Vec<String> = array.keys().map(|k| k.to_string()).collect();
                format!(
                    "Key \"{}\" for sequence/mapping with keys \"{}\" does not exist.",
                    text(&item)?,
                    keys.join(", ")
                )
            }
            Value::Null if call == CallType::Array => {
                format!("Impossible to access a key (\"{}\") on a null variable.", text(&raw)?)
            }
            Value::Null => {
                format!("Impossible to access an attribute (\"{}\") on a null variable.", text(&raw)?)
            }
            _ if object.is_object() => format!(
                "Impossible to access a key \"{}\" on an object of class \"{class}\" that does not implement ArrayAccess interface.",
                text(&raw)?
            ),
            _ => format!(
                "Impossible to access {} (\"{}\") on a {class} variable (\"{}\").",
                if call == CallType::Array { "a key" } else { "an attribute" },
                text(&raw)?,
                text(object)?
            ),
        };
        return Ok(Error::runtime(message));
    }
    let name = text(&raw)?;
    Ok(Error::runtime(match object {
        Value::Null => format!("Impossible to invoke a method (\"{name}\") on a null variable."),
        Value::Array(_) => format!("Impossible to invoke a method (\"{name}\") on a sequence/mapping."),
        _ if object.is_object() => format!(
            "Neither the property \"{name}\" nor one of the methods \"{name}()\", \"get{name}()\", \"is{name}()\", \"has{name}()\" or \"__call()\" exist and have public access in class \"{class}\"."
        ),
        _ => format!(
            "Impossible to invoke a method (\"{name}\") on a {class} variable (\"{}\").",
            text(object)?
        ),
    }))
}
