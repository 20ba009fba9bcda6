//! Values from anything that `serde` can serialise.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::de::SerdeError;
use super::{Array, Key, Value};
use crate::error::Error;

impl Value {
    /// The template value of anything serialisable: sequences become lists, maps and structs become
    /// arrays with keys in their order.
    ///
    /// # Errors
    /// What the value's own `Serialize` fails with, and keys that are neither text nor numbers.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        value.serialize(ToValue).map_err(|e| Error::host(e.0))
    }
}

/// A list becomes a sequence, another array a map with its keys as text; dates and other values with a text become
/// that text. Arrow functions and templates cannot be serialised.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Float(f) => serializer.serialize_f64(*f),
            Self::Str(text) | Self::Markup(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Array(array) => array.serialize(serializer),
            other => match other.to_text() {
                Ok(text) => serializer.serialize_str(&text),
                Err(_) => Err(serde::ser::Error::custom(format!(
                    "a value of type {} has no data",
                    other.type_name()
                ))),
            },
        }
    }
}

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_list() {
            return serializer.collect_seq(self.values());
        }
        serializer.collect_map(self.iter().map(|(key, value)| (key.to_string(), value)))
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => match n.as_i64() {
                Some(i) => Self::Int(i),
                None => Self::Float(n.as_f64().unwrap_or(0.0)),
            },
            Json::String(s) => Self::from(s.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from)),
            Json::Object(map) => Self::map(map.iter().map(|(k, v)| (Key::from_string(k), Self::from(v)))),
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        Self::from(&json)
    }
}

struct ToValue;

struct Items {
    items: Vec<Value>,
    /// The name of an enum's variant that wraps the items.
    variant: Option<&'static str>,
}

impl Items {
    fn new(len: usize, variant: Option<&'static str>) -> Self {
        Self { items: Vec::with_capacity(len), variant }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        self.items.push(value.serialize(ToValue)?);
        Ok(())
    }

    fn end(self) -> Value {
        wrap(self.variant, Value::list(self.items))
    }
}

struct Pairs {
    array: Array,
    key: Option<Key>,
    variant: Option<&'static str>,
}

impl Pairs {
    fn new(variant: Option<&'static str>) -> Self {
        Self { array: Array::new(), key: None, variant }
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), SerdeError> {
        self.array.insert(Key::from_string(key), value.serialize(ToValue)?);
        Ok(())
    }

    fn end(self) -> Value {
        wrap(self.variant, self.array.into())
    }
}

fn wrap(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(name) => Value::map([(name, value)]),
        None => value,
    }
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = SerdeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Pairs;
    type SerializeStructVariant = Pairs;

    fn serialize_bool(self, v: bool) -> Result<Value, SerdeError> {
        Ok(Value::Bool(v))
    }
    fn serialize_i8(self, v: i8) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<Value, SerdeError> {
        Ok(Value::Int(v))
    }
    fn serialize_u8(self, v: u8) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<Value, SerdeError> {
        Ok(Value::Int(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<Value, SerdeError> {
        // What does not fit an integer becomes a float, as PHP's JSON decoder does.
        Ok(i64::try_from(v)
            .map_or_else(|_| v.to_string().parse().map_or(Value::Null, Value::Float), Value::Int))
    }
    fn serialize_f32(self, v: f32) -> Result<Value, SerdeError> {
        Ok(Value::Float(v.into()))
    }
    fn serialize_f64(self, v: f64) -> Result<Value, SerdeError> {
        Ok(Value::Float(v))
    }
    fn serialize_char(self, v: char) -> Result<Value, SerdeError> {
        Ok(Value::from(v.to_string()))
    }
    fn serialize_str(self, v: &str) -> Result<Value, SerdeError> {
        Ok(Value::from(v))
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Value, SerdeError> {
        Ok(Value::from_bytes(v))
    }
    fn serialize_none(self) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, SerdeError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, SerdeError> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, SerdeError> {
        Ok(Value::from(variant))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        v: &T,
    ) -> Result<Value, SerdeError> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, SerdeError> {
        Ok(wrap(Some(variant), value.serialize(ToValue)?))
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Items, SerdeError> {
        Ok(Items::new(len.unwrap_or(0).min(4096), None))
    }
    fn serialize_tuple(self, len: usize) -> Result<Items, SerdeError> {
        Ok(Items::new(len, None))
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, SerdeError> {
        Ok(Items::new(len, None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, SerdeError> {
        Ok(Items::new(len, Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Pairs, SerdeError> {
        Ok(Pairs::new(None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Pairs, SerdeError> {
        Ok(Pairs::new(None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Pairs, SerdeError> {
        Ok(Pairs::new(Some(variant)))
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        self.push(value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Items::end(self))
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        self.push(value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Items::end(self))
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        self.push(value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Items::end(self))
    }
}

impl SerializeTupleVariant for Items {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        self.push(value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Items::end(self))
    }
}

impl SerializeMap for Pairs {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), SerdeError> {
        let key = key.serialize(ToValue)?;
        self.key =
            Some(key.to_key().ok_or_else(|| SerdeError("a map key must be text or a number".to_owned()))?);
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), SerdeError> {
        let key = self.key.take().ok_or_else(|| SerdeError("a map value came before its key".to_owned()))?;
        self.array.insert(key, value.serialize(ToValue)?);
        Ok(())
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Pairs::end(self))
    }
}

impl SerializeStruct for Pairs {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), SerdeError> {
        self.field(key, value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Pairs::end(self))
    }
}

impl SerializeStructVariant for Pairs {
    type Ok = Value;
    type Error = SerdeError;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), SerdeError> {
        self.field(key, value)
    }
    fn end(self) -> Result<Value, SerdeError> {
        Ok(Pairs::end(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structs_become_arrays_in_field_order() {
        #[derive(serde::Serialize)]
        struct Page {
            title: &'static str,
            hits: u64,
            tags: Vec<&'static str>,
            kind: Kind,
        }
        #[derive(serde::Serialize)]
        enum Kind {
            Plain,
        }
        let v =
            Value::from_serialize(&Page { title: "t", hits: 3, tags: vec!["a"], kind: Kind::Plain }).unwrap();
        let keys: Vec<String> = v.as_array().unwrap().keys().map(|k| k.to_string()).collect();
        assert_eq!(keys, ["title", "hits", "tags", "kind"]);
        assert_eq!(v.get("kind"), Some(&Value::from("Plain")));
    }
}
