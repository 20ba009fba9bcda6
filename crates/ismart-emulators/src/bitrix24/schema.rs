//! Checking requests against Bitrix24's published method descriptions, read from a folder.

use super::log::{Finding, FindingKind};
use super::params::is_php_array;
use super::value::{flag, integer, parse_moment};
use jiff::tz::Offset;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Why the method descriptions could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The folder or one of its files cannot be read.
    #[error("cannot read {}: {source}; give the folder that holds one JSON file per method", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is no method description.
    #[error("{}: not a method description: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The folder holds no `*.json`.
    #[error("{}: no *.json files; give the folder that holds one JSON file per method", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// The method descriptions of one folder.
#[derive(Debug, Clone, Default)]
pub struct MethodSchemas {
    methods: HashMap<String, Method>,
}

#[derive(Debug, Clone, Deserialize)]
struct Method {
    method: String,
    #[serde(default)]
    params: Vec<Param>,
    #[serde(default)]
    defs: HashMap<String, Def>,
}

#[derive(Debug, Clone, Deserialize)]
struct Param {
    name: String,
    base: String,
    /// `true`, `false` or the text `unknown`.
    #[serde(default)]
    required: Value,
    #[serde(default, rename = "ref")]
    reference: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Def {
    #[serde(default)]
    fields: Vec<Param>,
}

/// Parameters any method takes: authorisation, paging of lists, and marks that SDKs add.
const UNIVERSAL: [&str; 8] =
    ["auth", "start", "order", "filter", "select", "__order", "sessid", "auth_connector"];

/// The official JavaScript SDK marks its requests with parameters of this prefix.
const SDK_PREFIX: &str = "bx24_";

impl MethodSchemas {
    /// Reads every `*.json` of `folder`, one method description each.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, when a file is no description, or when there is none.
    pub fn load(folder: &Path) -> Result<Self, SchemaError> {
        let read = |path: &Path| {
            let path = path.to_path_buf();
            move |source| SchemaError::Read { path, source }
        };
        let mut methods = HashMap::new();
        for entry in std::fs::read_dir(folder).map_err(read(folder))? {
            let path = entry.map_err(read(folder))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = std::fs::read(&path).map_err(read(&path))?;
            let method: Method = serde_json::from_slice(&text)
                .map_err(|source| SchemaError::Parse { path: path.clone(), source })?;
            methods.insert(method.method.to_lowercase(), method);
        }
        if methods.is_empty() {
            return Err(SchemaError::Empty { path: folder.to_path_buf() });
        }
        Ok(Self { methods })
    }

    /// How many methods are described.
    #[must_use]
    pub fn len(&self) -> usize {
        self.methods.len()
    }

    /// Whether nothing is described.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.methods.is_empty()
    }

    /// Whether this method (any case) is described.
    #[must_use]
    pub fn describes(&self, method: &str) -> bool {
        self.methods.contains_key(&method.to_lowercase())
    }

    /// What in these parameters differs from the description; nothing for an undescribed method.
    #[must_use]
    pub fn check(&self, method: &str, params: &Map<String, Value>) -> Vec<Finding> {
        let Some(schema) = self.methods.get(&method.to_lowercase()) else { return Vec::new() };
        let mut check = Check { method: &schema.method, findings: Vec::new() };
        check.level("", &schema.params, params);
        check.unknown(&schema.params, params);
        for param in &schema.params {
            let (Some(def), Some(Value::Object(inner))) = (schema.definition(param), params.get(&param.name))
            else {
                continue;
            };
            check.level(&format!("{}.", param.name), &def.fields, inner);
        }
        check.findings
    }
}

impl Method {
    fn definition(&self, param: &Param) -> Option<&Def> {
        self.defs.get(param.reference.as_deref()?.strip_prefix("#/defs/")?)
    }
}

struct Check<'a> {
    method: &'a str,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn add(&mut self, kind: FindingKind, parameter: String, text: String) {
        self.findings.push(Finding { kind, method: self.method.to_owned(), parameter, text });
    }

    fn level(&mut self, prefix: &str, described: &[Param], sent: &Map<String, Value>) {
        for param in described {
            let name = format!("{prefix}{}", param.name);
            match sent.get(&param.name) {
                None if param.required == Value::Bool(true) => {
                    self.add(FindingKind::MissingRequired, name, "the description calls it required".into());
                }
                Some(value) if !mistold(param) => {
                    if let Some(text) = mismatch(&param.base, value) {
                        self.add(FindingKind::WrongType, name, text);
                    }
                }
                _ => {}
            }
        }
    }

    /// Only top-level names: the descriptions list the fields of one kind of object, while
    /// `fields` may belong to any; the portal's own field table judges those.
    fn unknown(&mut self, described: &[Param], sent: &Map<String, Value>) {
        for name in sent.keys() {
            let known = described.iter().any(|param| param.name == *name)
                || UNIVERSAL.contains(&name.as_str())
                || name.starts_with(SDK_PREFIX);
            if !known {
                self.add(
                    FindingKind::UnknownParameter,
                    name.clone(),
                    "the description does not name it".into(),
                );
            }
        }
    }
}

/// `user.get` describes its `FILTER`, a map, as a string; the text beside it says a map.
fn mistold(param: &Param) -> bool {
    param.base == "string" && param.name.eq_ignore_ascii_case("filter")
}

/// Says how a value differs from a base type, leniently: forms and batches carry text only.
fn mismatch(base: &str, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let text = value.as_str();
    let fits = match base {
        "integer" => integer(value).is_some() || text == Some(""),
        "number" => {
            value.is_number() || text.is_some_and(|t| t.is_empty() || t.trim().parse::<f64>().is_ok())
        }
        "boolean" => flag(value).is_some(),
        "char" => text.is_some_and(|t| t.chars().count() <= 1) || flag(value).is_some(),
        "string" => value.is_string() || value.is_number(),
        "object" => value.is_object() || value.as_array().is_some_and(Vec::is_empty),
        "array" => is_php_array(value),
        "date" | "datetime" => text.is_some_and(|t| t.is_empty() || parse_moment(t, Offset::UTC).is_some()),
        _ => true,
    };
    if fits {
        return None;
    }
    let shown: String = value.to_string().chars().take(60).collect();
    Some(format!("expected {base}, got {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas(description: &Value) -> MethodSchemas {
        let method: Method = serde_json::from_value(description.clone()).unwrap();
        MethodSchemas { methods: HashMap::from([(method.method.to_lowercase(), method)]) }
    }

    #[test]
    fn names_what_is_missing_wrong_and_unknown() {
        let schemas = schemas(&json!({"method": "crm.x.add", "params": [
            {"name": "entityTypeId", "base": "integer", "required": true},
            {"name": "maybe", "base": "object", "required": "unknown"},
            {"name": "fields", "base": "object", "required": true, "ref": "#/defs/f"}],
            "defs": {"f": {"fields": [{"name": "title", "base": "string", "required": false},
                                      {"name": "when", "base": "datetime", "required": true}]}}}));
        let sent = json!({"fields": {"title": ["a"], "other": 1}, "typo": 1, "start": 0});
        let found: Vec<(FindingKind, String)> = schemas
            .check("CRM.X.Add", sent.as_object().unwrap())
            .into_iter()
            .map(|finding| (finding.kind, finding.parameter))
            .collect();
        assert_eq!(
            found,
            [
                (FindingKind::MissingRequired, "entityTypeId".to_owned()),
                (FindingKind::UnknownParameter, "typo".to_owned()),
                (FindingKind::WrongType, "fields.title".to_owned()),
                (FindingKind::MissingRequired, "fields.when".to_owned()),
            ]
        );
    }

    #[test]
    fn text_is_a_number_when_it_reads_as_one() {
        assert_eq!(mismatch("integer", &json!("17")), None);
        assert_eq!(mismatch("number", &json!("5490000.00")), None);
        assert_eq!(mismatch("boolean", &json!("Y")), None);
        assert!(mismatch("integer", &json!("seventeen")).is_some());
        assert!(mismatch("number", &json!("1,5")).is_some());
        assert!(mismatch("date", &json!("soon")).is_some());
        assert!(mismatch("object", &json!([1])).is_some());
    }

    #[test]
    fn a_folder_without_descriptions_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = MethodSchemas::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no *.json files"), "{error}");
        std::fs::write(folder.path().join("x.json"), "{").unwrap();
        let error = MethodSchemas::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains("x.json: not a method description"), "{error}");
    }
}
