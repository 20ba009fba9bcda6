//! The fields of an account's leads: our own one, the marks of advertising, those that settings fill.

use ismart_domain::delivery::DeliveryError;
use ismart_domain::rehearsal::PortalField;
use serde_json::{Value, json};

use super::account::Account;
use super::answer::{embedded, id};
use super::mapping::Target;
use crate::effect::Effect;

/// The field that finds a lead again.
pub(super) const OWN_NAME: &str = "iSmart ID";
pub(super) const OWN_CODE: &str = "ISMART_ID";
const FIELDS: &str = "leads/custom_fields";
/// A list of fields that has no end is broken. A page of fields holds fewer than pages of other lists.
const PAGES_AT_MOST: u32 = 40;

/// One field of leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) id: u64,
    pub(super) code: Option<String>,
    pub(super) name: String,
    pub(super) kind: String,
    /// Number and title.
    pub(super) choices: Vec<(u64, String)>,
}

impl Field {
    /// It holds one of its choices.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.kind.as_str(), "select" | "multiselect" | "radiobutton")
    }

    /// It holds a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "numeric" | "price" | "monetary")
    }

    /// It holds a text.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind.as_str(), "text" | "textarea" | "url" | "streetaddress" | "tracking_data")
    }
}

/// The fields of leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// Reads the account's fields.
    pub(super) async fn read(account: &Account) -> Result<Self, DeliveryError> {
        let mut fields = Vec::new();
        for page in 1..=PAGES_AT_MOST {
            let body = account.get(FIELDS, &format!("?limit=50&page={page}")).await?;
            fields.extend(embedded(body.as_ref(), "custom_fields").iter().filter_map(field));
            let next = body.as_ref().and_then(|body| body.get("_links")).and_then(|links| links.get("next"));
            if next.is_none() {
                break;
            }
        }
        Ok(Self { fields })
    }

    /// The field that holds our key.
    pub(super) fn own(&self) -> Option<u64> {
        let coded = self.fields.iter().find(|field| field.code.as_deref() == Some(OWN_CODE));
        let named = || self.fields.iter().find(|field| field.name.trim() == OWN_NAME && field.kind == "text");
        coded.or_else(named).map(|field| field.id)
    }

    /// Makes our field. Its code is unique, so that a second try makes no second one.
    pub(super) async fn make_own(&mut self, account: &Account) -> Result<u64, DeliveryError> {
        let wanted = json!([{"name": OWN_NAME, "type": "text", "code": OWN_CODE, "is_api_only": true}]);
        let judge = account.judge(FIELDS, Effect::Reads);
        let made = match account.post(FIELDS, &wanted, Effect::Repeatable).await {
            Ok(body) => embedded(body.as_ref(), "custom_fields").first().and_then(field),
            // Somebody else may have made it a moment ago.
            Err(DeliveryError::Rejected { .. }) => {
                *self = Self::read(account).await?;
                return self.own().ok_or_else(|| judge.settings(&by_hand(&account.place.host)));
            }
            Err(DeliveryError::Settings { reason }) => {
                return Err(judge.settings(&format!("{reason}; or: {}", by_hand(&account.place.host))));
            }
            Err(error) => return Err(error),
        };
        let Some(made) = made else {
            return Err(judge.later(None, "the account made a field and did not say its number"));
        };
        let id = made.id;
        self.fields.push(made);
        Ok(id)
    }

    /// The fields for whoever writes a mapping.
    pub(super) fn shown(&self) -> Vec<PortalField> {
        let price = PortalField {
            key: "price".to_owned(),
            title: "Бюджет".to_owned(),
            kind: "price".to_owned(),
            required: false,
            writable: true,
            choices: Vec::new(),
        };
        let own = self.own();
        let fields = self.fields.iter().map(|field| PortalField {
            key: field.id.to_string(),
            title: field.name.clone(),
            kind: field.kind.clone(),
            required: false,
            writable: Some(field.id) != own,
            choices: field.choices.iter().map(|(id, title)| (id.to_string(), title.clone())).collect(),
        });
        std::iter::once(price).chain(fields).collect()
    }

    /// A mark of advertising, if the account keeps it.
    pub(super) fn mark(&self, code: &str) -> Option<u64> {
        let marks = self.fields.iter().filter(|field| field.kind == "tracking_data");
        marks.filter(|field| field.code.as_deref() == Some(code)).map(|field| field.id).next()
    }

    /// The field that a setting names.
    pub(super) fn target(&self, target: &Target) -> Option<&Field> {
        match target {
            Target::Price => None,
            Target::Id(id) => self.fields.iter().find(|field| field.id == *id),
            Target::Code(code) => self.fields.iter().find(|field| field.code.as_deref() == Some(code)),
        }
    }
}

/// What a person can do where the token may make no fields.
pub(super) fn by_hand(host: &str) -> String {
    format!(
        "{host} has no field “{OWN_NAME}”, and the owner of `token` may not make it; make `token` under an \
         administrator, or add a text field of this name to the leads"
    )
}

fn field(value: &Value) -> Option<Field> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let choices = value.get("enums").and_then(Value::as_array);
    Some(Field {
        id: id(value)?,
        code: text("code"),
        name: text("name").unwrap_or_default(),
        kind: text("type").unwrap_or_default(),
        choices: choices
            .into_iter()
            .flatten()
            .filter_map(|one| {
                let title = one.get("value").and_then(Value::as_str).unwrap_or_default();
                Some((id(one)?, title.to_owned()))
            })
            .collect(),
    })
}
