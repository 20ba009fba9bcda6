//! The fields of a portal's records, and whether a mapping fits them.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::rehearsal::{Misfit, PortalField};
use serde_json::{Map, Value, json};

use super::portal::Portal;
use super::record::Entity;
use super::settings::Mode;
use crate::effect::Effect;
use crate::mapping::{Rule, Source, decimal};
use crate::story::COMMENT_LIMIT;
use crate::text::{cut, one_line, plain};

/// What we fill ourselves and a rule may not: the record is found again by it.
const KEYS: [&str; 2] = ["ORIGINATOR_ID", "ORIGIN_ID"];
/// What every delivery fills, so that a portal may demand it.
const FILLED: [&str; 9] = [
    "TITLE",
    "NAME",
    "FM",
    "PHONE",
    "COMMENTS",
    "SOURCE_ID",
    "SOURCE_DESCRIPTION",
    "ORIGINATOR_ID",
    "ORIGIN_ID",
];

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The name under which it is sent.
    key: String,
    /// The name that people know: `UF_CRM_1`, `SOURCE_ID`.
    upper: String,
    title: String,
    kind: String,
    required: bool,
    writable: bool,
    multiple: bool,
    /// Id and title.
    choices: Vec<(String, String)>,
}

/// The fields of one kind of record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema(Vec<Field>);

/// Which method describes the records.
pub(super) fn method(mode: Mode, entity: Entity) -> (&'static str, Value) {
    match (mode, entity) {
        (Mode::Item, _) => ("crm.item.fields", json!({"entityTypeId": entity.type_id()})),
        (Mode::Lead, Entity::Deal) => ("crm.deal.fields", json!({})),
        (Mode::Lead, _) => ("crm.lead.fields", json!({})),
    }
}

impl Schema {
    /// Asks the portal.
    pub(super) async fn ask(portal: &Portal, mode: Mode, entity: Entity) -> Result<Self, DeliveryError> {
        let (method, params) = method(mode, entity);
        Ok(Self::read(&portal.call(method, &params, Effect::Reads).await?))
    }

    /// Reads the answer of `crm.item.fields` and its sisters.
    pub(super) fn read(result: &Value) -> Self {
        let fields = result.get("fields").unwrap_or(result).as_object();
        Self(fields.into_iter().flatten().map(|(key, value)| field(key, value)).collect())
    }

    /// The field that a rule names, in either spelling.
    fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.key == name || field.upper.eq_ignore_ascii_case(name))
    }

    /// The fields for whoever writes a mapping.
    pub(super) fn shown(&self) -> Vec<PortalField> {
        let shown = self.0.iter().map(|field| PortalField {
            key: field.upper.clone(),
            title: field.title.clone(),
            kind: field.kind.clone(),
            required: field.required,
            writable: field.writable && !KEYS.contains(&field.upper.as_str()),
            choices: field.choices.clone(),
        });
        shown.collect()
    }

    /// What of the rules does not fit, and what the portal demands that nothing fills.
    pub(super) fn misfits(&self, rules: &[Rule]) -> Vec<Misfit> {
        let of_rule = |rule: &Rule| {
            let (reason, remedy) = match self.get(&rule.target) {
                None => (
                    "does not exist in the portal: it was deleted, or is misspelt".to_owned(),
                    "take a field of the portal's list in `fields`".to_owned(),
                ),
                Some(field) => field.unfit(&rule.target, &rule.source)?,
            };
            Some(Misfit { field: rule.target.clone(), reason, remedy })
        };
        let filled = |field: &Field| {
            FILLED.contains(&field.upper.as_str())
                || rules.iter().any(|rule| self.get(&rule.target).is_some_and(|named| named.key == field.key))
        };
        let demanded = self.0.iter().filter(|field| field.required && field.writable && !filled(field));
        let demanded = demanded.map(|field| Misfit {
            field: field.upper.clone(),
            reason: format!("“{}” is demanded by the portal and nothing fills it", field.title),
            remedy: format!("write {}=… in `fields`, or make it optional in the portal", field.upper),
        });
        rules.iter().filter_map(of_rule).chain(demanded).collect()
    }

    /// Name and value of every field that the rules fill for this lead. What does not fit is left out: it must not cost
    /// the lead.
    pub(super) fn values(&self, rules: &[Rule], lead: &Lead) -> Map<String, Value> {
        let filled = rules.iter().filter_map(|rule| {
            let field =
                self.get(&rule.target).filter(|field| field.unfit(&rule.target, &rule.source).is_none())?;
            let value = field.value(&rule.source, lead)?;
            Some((field.key.clone(), if field.multiple { json!([value]) } else { value }))
        });
        filled.collect()
    }
}

impl Field {
    fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "integer" | "double" | "money" | "user" | "employee" | "crm_category")
    }

    fn is_text(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "string" | "text" | "char" | "url" | "address" | "crm_status" | "crm_currency"
        )
    }

    /// Why the field cannot hold what a rule writes, and what to do.
    fn unfit(&self, named: &str, source: &Source) -> Option<(String, String)> {
        let title = &self.title;
        let known = || -> String {
            let all: Vec<String> = self.choices.iter().map(|(id, title)| format!("{id} “{title}”")).collect();
            if all.is_empty() { "none".to_owned() } else { all.join(", ") }
        };
        let is_list = self.kind == "enumeration";
        let told = |reason: String, remedy: String| Some((reason, remedy));
        if KEYS.contains(&self.upper.as_str()) {
            return told(
                format!("“{title}” holds the lead's key"),
                "take another field in `fields`".to_owned(),
            );
        }
        if !self.writable {
            return told(format!("“{title}” can only be read"), "take another field in `fields`".to_owned());
        }
        match source {
            Source::Choice(choice) if is_list => {
                let missing = self.choices.iter().all(|(id, _)| *id != choice.to_string());
                missing.then(|| {
                    let reason = format!("“{title}” has no value {choice}; its values are {}", known());
                    (reason, "correct `fields`".to_owned())
                })
            }
            Source::Choice(_) => told(
                format!("“{title}” is no list of values"),
                format!("write a word or form:NAME behind {named}= in `fields`"),
            ),
            Source::Form(_) if is_list => None,
            _ if is_list => told(
                format!("“{title}” is a list of values"),
                format!(
                    "write {named}=#NUMBER of a value in `fields`, or form:NAME whose values are the titles; they are {}",
                    known()
                ),
            ),
            _ if self.is_number() && !source.may_be_number() => told(
                format!("“{title}” holds a number ({})", self.kind),
                format!("fill it from number, amount or form:NAME: {named}=… in `fields`"),
            ),
            _ if matches!(self.kind.as_str(), "date" | "datetime") && !source.may_be_date() => told(
                format!("“{title}” holds a {}", self.kind),
                format!("fill it from date or form:NAME: {named}=… in `fields`"),
            ),
            Source::Form(_) | Source::Text(_) if self.kind == "boolean" => None,
            _ if self.kind == "boolean" => told(
                format!("“{title}” holds yes or no"),
                format!("fill it from form:NAME or text:yes: {named}=… in `fields`"),
            ),
            _ if self.is_number() || self.is_text() || matches!(self.kind.as_str(), "date" | "datetime") => {
                None
            }
            _ => told(
                format!("“{title}” is a {} and takes no texts", self.kind),
                "take another field in `fields`".to_owned(),
            ),
        }
    }

    /// What goes into the field; `None` when this lead has nothing that fits.
    fn value(&self, source: &Source, lead: &Lead) -> Option<Value> {
        if let Source::Choice(choice) = source {
            return Some(json!(choice));
        }
        let text = source.text(lead)?;
        match self.kind.as_str() {
            "enumeration" => {
                let wanted = text.trim().to_lowercase();
                let (id, _) = self.choices.iter().find(|(_, title)| title.trim().to_lowercase() == wanted)?;
                Some(id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id)))
            }
            "integer" | "user" | "employee" | "crm_category" => {
                let number = decimal(&text)?;
                let whole = number.split('.').next()?;
                whole.parse::<i64>().ok().map(Value::from)
            }
            "double" => decimal(&text).map(Value::from),
            "money" => decimal(&text).map(|sum| format!("{sum}|RUB").into()),
            "boolean" => match text.trim().to_lowercase().as_str() {
                "y" | "yes" | "да" | "1" | "on" | "true" => Some("Y".into()),
                "n" | "no" | "нет" | "0" | "off" | "false" => Some("N".into()),
                _ => None,
            },
            "date" | "datetime" => date(&text).map(Value::from),
            _ => Some(cut(&plain(text.trim()), COMMENT_LIMIT).into()),
        }
    }
}

/// A date or moment in ISO 8601: as it is, or written as people do, `31.12.2026`.
fn date(text: &str) -> Option<String> {
    let line = one_line(text);
    if line.parse::<jiff::Timestamp>().is_ok() {
        return Some(line);
    }
    let day = line.split(' ').next().unwrap_or_default();
    let date = day.parse().or_else(|_| jiff::civil::Date::strptime("%d.%m.%Y", day));
    date.ok().map(|date: jiff::civil::Date| date.to_string())
}

fn field(key: &str, value: &Value) -> Field {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
    // Classic methods hide the words of a custom field behind its labels.
    let title = text("formLabel").or_else(|| text("listLabel")).or_else(|| text("title")).unwrap_or(key);
    let choices = value.get("items").and_then(Value::as_array);
    Field {
        key: key.to_owned(),
        upper: text("upperName").unwrap_or(key).to_owned(),
        title: one_line(title),
        kind: text("type").unwrap_or_default().to_owned(),
        required: flag("isRequired"),
        writable: !flag("isReadOnly"),
        multiple: flag("isMultiple"),
        choices: choices
            .into_iter()
            .flatten()
            .filter_map(|one| {
                let id = match one.get("ID")? {
                    Value::String(id) => id.clone(),
                    Value::Number(id) => id.to_string(),
                    _ => return None,
                };
                Some((id, one.get("VALUE").and_then(Value::as_str).unwrap_or_default().to_owned()))
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::rules;

    fn schema() -> Schema {
        Schema::read(&json!({"fields": {
            "title": {"type": "string", "isRequired": false, "title": "Название", "upperName": "TITLE"},
            "id": {"type": "integer", "isReadOnly": true, "title": "ID", "upperName": "ID"},
            "originId": {"type": "string", "title": "Ключ", "upperName": "ORIGIN_ID"},
            "ufCrm_1": {"type": "string", "isRequired": true, "title": "Модель", "upperName": "UF_CRM_1"},
            "ufCrm_2": {"type": "enumeration", "title": "Цвет", "upperName": "UF_CRM_2", "isMultiple": true,
                        "items": [{"ID": "31", "VALUE": "Белый"}, {"ID": "32", "VALUE": "Чёрный"}]},
            "ufCrm_3": {"type": "double", "title": "Бюджет", "upperName": "UF_CRM_3"},
            "ufCrm_4": {"type": "date", "title": "Когда", "upperName": "UF_CRM_4"},
            "ufCrm_5": {"type": "boolean", "title": "Кредит", "upperName": "UF_CRM_5"},
            "ufCrm_6": {"type": "file", "title": "Скан", "upperName": "UF_CRM_6"},
        }}))
    }

    fn found(text: &str) -> Vec<(String, String)> {
        let misfits = schema().misfits(&rules(text).unwrap());
        misfits.into_iter().map(|one| (one.field, format!("{}; {}", one.reason, one.remedy))).collect()
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_remedy() {
        assert_eq!(
            found("UF_CRM_1=subject; UF_CRM_2=#31; ufCrm_3=amount; UF_CRM_4=date; UF_CRM_5=form:Кредит"),
            []
        );
        assert_eq!(found("UF_CRM_1=page; uf_crm_2=form:Цвет; TITLE=intent"), []);
        for (text, words) in [
            ("UF_CRM_9=subject", ["does not exist", "list"]),
            ("ID=number", ["only be read", "another"]),
            ("ORIGIN_ID=number", ["the lead's key", "another"]),
            ("UF_CRM_2=subject", ["list of values", "31 “Белый”, 32 “Чёрный”"]),
            ("UF_CRM_2=#33", ["no value 33", "31 “Белый”"]),
            ("UF_CRM_3=#31", ["no list", "UF_CRM_3="]),
            ("UF_CRM_3=subject", ["holds a number", "form:NAME"]),
            ("UF_CRM_4=subject", ["holds a date", "form:NAME"]),
            ("UF_CRM_5=subject", ["yes or no", "text:yes"]),
            ("UF_CRM_6=subject", ["is a file", "another"]),
        ] {
            let all = found(&format!("UF_CRM_1=page; {text}"));
            assert_eq!(all.len(), 1, "{text}: {all:?}");
            assert!(words.iter().all(|word| all[0].1.contains(word)), "{text}: {all:?}");
        }
        let demanded = found("");
        assert_eq!(demanded[0].0, "UF_CRM_1");
        assert!(demanded[0].1.contains("demanded") && demanded[0].1.contains("UF_CRM_1=…"), "{demanded:?}");
    }

    #[test]
    fn dates_are_read_as_forms_send_them() {
        assert_eq!(date("31.12.2026").as_deref(), Some("2026-12-31"));
        assert_eq!(date("2026-12-31").as_deref(), Some("2026-12-31"));
        assert_eq!(date("2026-12-31T10:00:00Z").as_deref(), Some("2026-12-31T10:00:00Z"));
        assert_eq!(date("завтра"), None);
    }
}
