//! Values into anything that `serde` can deserialise.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};

use super::{KeyRef, Number, Value, parse_numeric};
use crate::error::Error;

impl Value {
    /// Reads the value as a type of the host. As in PHP, numbers may come as text, text as numbers, and anything is
    /// true or false; arrays become sequences, maps or structs.
    ///
    /// # Errors
    /// A host error that says what was expected and what was found.
    ///
    /// ```
    /// use ismart_twig::Value;
    /// #[derive(serde::Deserialize)]
    /// struct Size { width: u32, height: Option<u32> }
    /// let size: Size = Value::from(&serde_json::json!({"width": "640"})).to().unwrap();
    /// assert_eq!((size.width, size.height), (640, None));
    /// let error = Value::from("wide").to::<i64>().unwrap_err();
    /// assert_eq!(error.to_string(), "invalid type: string \"wide\", expected i64.");
    /// ```
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(FromValue(self)).map_err(|e| Error::host(format!("{}.", e.0)))
    }
}

/// What serde says, in words.
#[derive(Debug)]
pub(super) struct SerdeError(pub(super) String);

impl fmt::Display for SerdeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SerdeError {}

impl serde::ser::Error for SerdeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl de::Error for SerdeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A value as a source for `serde`.
#[derive(Clone, Copy)]
struct FromValue<'v>(&'v Value);

impl<'v> IntoDeserializer<'v, SerdeError> for FromValue<'v> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl FromValue<'_> {
    /// The number that a number or a numeric text means.
    fn number(self) -> Option<Number> {
        match self.0 {
            Value::Int(n) => Some(Number::Int(*n)),
            Value::Float(f) => Some(Number::Float(*f)),
            Value::Bool(b) => Some(Number::Int((*b).into())),
            Value::Str(_) | Value::Bytes(_) => self.0.str_bytes().and_then(parse_numeric),
            _ => None,
        }
    }

    /// A whole number, also when it was written as a float.
    fn whole(self) -> Option<i64> {
        match self.number()? {
            Number::Int(n) => Some(n),
            Number::Float(f) if f.fract() == 0.0 && crate::num::fits(f) => Some(crate::num::int(f)),
            Number::Float(_) => None,
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match self.whole() {
                Some(n) => visitor.visit_i64(n),
                None => self.deserialize_any(visitor),
            }
        })*
    };
}

macro_rules! floats {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match self.number() {
                Some(n) => visitor.visit_f64(n.float()),
                None => self.deserialize_any(visitor),
            }
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
            match self.0 {
                Value::Array(_) | Value::Closure(_) | Value::Template(_) => self.deserialize_any(visitor),
                value => match value.to_text() {
                    Ok(text) => visitor.visit_str(&text),
                    Err(_) => self.deserialize_any(visitor),
                },
            }
        })*
    };
}

impl<'de> Deserializer<'de> for FromValue<'de> {
    type Error = SerdeError;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    floats! { deserialize_f32 deserialize_f64 }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    serde::forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct seq tuple tuple_struct map struct ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Int(n) => visitor.visit_i64(*n),
            Value::Float(f) => visitor.visit_f64(*f),
            Value::Str(text) | Value::Markup(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::Array(array) if array.is_list() => {
                visitor.visit_seq(SeqDeserializer::new(array.values().map(FromValue)))
            }
            Value::Array(array) => visitor.visit_map(MapDeserializer::new(
                array.iter().map(|(key, value)| (Name(key), FromValue(value))),
            )),
            value => match value.to_text() {
                Ok(text) => visitor.visit_str(&text),
                Err(_) => Err(de::Error::invalid_type(de::Unexpected::Other(value.type_name()), &visitor)),
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        visitor.visit_bool(self.0.truthy())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, SerdeError> {
        match self.0.as_str() {
            Some(name) => visitor.visit_enum(name.into_deserializer()),
            None => Err(de::Error::invalid_type(
                de::Unexpected::Other(self.0.type_name()),
                &"the name of a variant",
            )),
        }
    }
}

/// A key as a source for `serde`.
struct Name<'v>(KeyRef<'v>);

impl<'v> IntoDeserializer<'v, SerdeError> for Name<'v> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = SerdeError;

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.0 {
            KeyRef::Int(n) => visitor.visit_i64(n),
            KeyRef::Str(text) => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        match self.0 {
            KeyRef::Int(n) => visitor.visit_str(itoa::Buffer::new().format(n)),
            KeyRef::Str(text) => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, SerdeError> {
        self.deserialize_str(visitor)
    }
}

/// A template value in a type of the host keeps what serde's data model knows: no markup, no objects.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that templates know")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        // PHP reads an integer that is too large as a float.
        i64::try_from(n)
            .map(Value::Int)
            .or_else(|_| n.to_string().parse().map(Value::Float).map_err(E::custom))
    }

    fn visit_f64<E: de::Error>(self, f: f64) -> Result<Value, E> {
        Ok(Value::Float(f))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::from_bytes(bytes))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::list(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut pairs: A) -> Result<Value, A::Error> {
        let mut array = super::Array::new();
        while let Some((key, value)) = pairs.next_entry::<String, Value>()? {
            array.insert(key.as_str(), value);
        }
        Ok(array.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Side {
        Left,
        Right,
    }

    #[derive(serde::Deserialize, Debug, PartialEq)]
    struct Box {
        side: Side,
        width: u16,
        ratio: f64,
        tags: Vec<String>,
        note: Option<String>,
    }

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn types_of_the_host_are_read_as_php_would_pass_them() {
        let read: Box = value(r#"{"side": "left", "width": "640", "ratio": 2, "tags": ["a", 5], "x": null}"#)
            .to()
            .unwrap();
        let want =
            Box { side: Side::Left, width: 640, ratio: 2.0, tags: vec!["a".into(), "5".into()], note: None };
        assert_eq!(read, want);
        assert_eq!(value("3.0").to::<i32>().unwrap(), 3);
        assert!(!value("\"0\"").to::<bool>().unwrap());
        assert_eq!(value("12.5").to::<String>().unwrap(), "12.5");
        assert_eq!(value("[1, 2]").to::<(i64, i64)>().unwrap(), (1, 2));
        let map: BTreeMap<String, i64> = value(r#"{"7": 1, "a": 2}"#).to().unwrap();
        assert_eq!(map, BTreeMap::from([("7".to_owned(), 1), ("a".to_owned(), 2)]));
    }

    #[test]
    fn values_survive_serde() {
        let json = r#"{"b":[1,2.5,"x",null,true],"a":{"7":1,"k":[]},"c":"<b>"}"#;
        assert_eq!(serde_json::to_string(&value(json)).unwrap(), json);
        assert_eq!(Value::from_serialize(&value(json)).unwrap(), value(json));
        assert_eq!(serde_json::to_string(&Value::markup("<b>")).unwrap(), "\"<b>\"");
    }

    #[test]
    fn what_does_not_fit_says_what_was_expected() {
        for (json, message) in [
            ("\"wide\"", "invalid type: string \"wide\", expected u8."),
            ("300", "invalid value: integer `300`, expected u8."),
            ("1.5", "invalid type: floating point `1.5`, expected u8."),
            ("[1]", "invalid type: sequence, expected u8."),
        ] {
            assert_eq!(value(json).to::<u8>().unwrap_err().to_string(), message);
        }
        let unknown = value("\"up\"").to::<Side>().unwrap_err().to_string();
        assert_eq!(unknown, "unknown variant `up`, expected `left` or `right`.");
        assert!(value("5").to::<Side>().is_err());
        assert!(value("{}").to::<String>().is_err());
    }
}
