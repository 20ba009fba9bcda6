//! Objects of the host.

use std::fmt;

use super::{Array, Value};
use crate::error::Error;

/// The arguments of a method call: positional ones, then named ones.
#[derive(Debug, Default)]
pub struct CallArgs {
    /// The arguments by position.
    pub positional: Vec<Value>,
    /// The arguments by name.
    pub named: Vec<(String, Value)>,
}

impl CallArgs {
    /// The argument at a position or, failing that, of a name; `null` if neither was given.
    pub fn get(&self, at: usize, name: &str) -> Value {
        if let Some((_, value)) = self.named.iter().find(|(n, _)| n == name) {
            return value.clone();
        }
        self.positional.get(at).cloned().unwrap_or(Value::Null)
    }
}

/// A value with behaviour of its own that templates can read, call, iterate and print.
///
/// Attributes are resolved as Twig does: [`Object::get`] (a property or a constant), then a method of
/// the name, of `get` + name, `is` + name or `has` + name, then [`Object::call`] with
/// [`Object::answers_all`].
pub trait Object: fmt::Debug + Send + Sync {
    /// The class, as errors and `dump` name it.
    fn class_name(&self) -> &str;

    /// Whether the object is of a class or one that it is derived from, as policies of the sandbox name it.
    fn is_a(&self, class: &str) -> bool {
        self.class_name() == class
    }

    /// A public property or constant.
    fn get(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// The names of the public methods in their own case.
    fn methods(&self) -> &[&str] {
        &[]
    }

    /// Whether [`Object::call`] answers any name (PHP's `__call`).
    fn answers_all(&self) -> bool {
        false
    }

    /// Calls a method by one of the names of [`Object::methods`], or any name with
    /// [`Object::answers_all`]; an error of [`Object::call`] for an unknown name is
    /// `BadMethodCallException`'s.
    ///
    /// # Errors
    /// Whatever the method fails with.
    fn call(&self, method: &str, args: &CallArgs) -> Result<Value, Error> {
        let _ = args;
        Err(Error::host(format!("Call to undefined method {}::{method}()", self.class_name())))
    }

    /// The text of the object, if it has one (PHP's `__toString`).
    fn text(&self) -> Option<Result<Value, Error>> {
        None
    }

    /// The number of elements, if the object is countable.
    fn count(&self) -> Option<usize> {
        None
    }

    /// The pairs of keys and values, if the object is iterable.
    fn iterate(&self) -> Option<Vec<(Value, Value)>> {
        None
    }

    /// Whether the object is read by index (PHP's `ArrayAccess`).
    fn is_indexed(&self) -> bool {
        false
    }

    /// The element of a key, for an indexed object.
    fn index(&self, key: &Value) -> Option<Value> {
        let _ = key;
        None
    }

    /// The public properties for `json_encode`, `dump` and comparison.
    fn properties(&self) -> Array {
        Array::new()
    }

    /// The properties `is mapping` and `is sequence` look at; `None` for an object that is neither.
    fn as_sequence(&self) -> Option<Array> {
        None
    }

    /// Calls the object as a function, if it is callable.
    fn invoke(&self, args: &[Value]) -> Option<Result<Value, Error>> {
        let _ = args;
        None
    }
}
