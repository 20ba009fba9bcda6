//! Commands of a `batch`: a method with its parameters in PHP's query form.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

/// One command of a batch.
#[derive(Debug, Clone)]
pub(super) struct Command {
    /// The key under which its answer comes back.
    pub(super) key: &'static str,
    /// The method.
    pub(super) method: &'static str,
    /// Its parameters, an object.
    pub(super) params: Value,
}

impl Command {
    /// `crm.item.list?entityTypeId=1&filter%5B%3DoriginId%5D=lead-7`.
    pub(super) fn line(&self) -> String {
        let mut pairs = Vec::new();
        flatten(String::new(), &self.params, &mut pairs);
        if pairs.is_empty() { self.method.to_owned() } else { format!("{}?{}", self.method, pairs.join("&")) }
    }
}

fn flatten(name: String, value: &Value, pairs: &mut Vec<String>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}[{key}]") };
    let text = match value {
        Value::Object(map) => return map.iter().for_each(|(key, value)| flatten(inner(key), value, pairs)),
        Value::Array(list) => {
            let numbered = list.iter().enumerate();
            return numbered.for_each(|(index, value)| flatten(inner(&index.to_string()), value, pairs));
        }
        Value::Null => return,
        Value::Bool(flag) => if *flag { "1" } else { "0" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
    };
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    pairs.push(format!("{}={}", encode(&name), encode(&text)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_parameters_become_a_query() {
        let command = Command {
            key: "k",
            method: "crm.item.list",
            params: json!({"entityTypeId": 1, "filter": {"=originId": "a&b=с"}, "select": ["id", "title"],
                           "none": null, "flag": true}),
        };
        assert_eq!(
            command.line(),
            "crm.item.list?entityTypeId=1&filter%5B%3DoriginId%5D=a%26b%3D%D1%81&select%5B0%5D=id\
             &select%5B1%5D=title&flag=1"
        );
        assert_eq!(Command { key: "k", method: "scope", params: json!({}) }.line(), "scope");
    }
}
