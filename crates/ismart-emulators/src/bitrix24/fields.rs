//! The fields of each kind of object, under both of their names.

use super::entity::Entity;
use serde_json::{Map, Value, json};

/// What a field holds; decides how a value is read and how it is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Double,
    Flag,
    Date,
    DateTime,
    User,
    Users,
    /// A value of a dictionary; the stage of a deal depends on its funnel as well.
    Status(&'static str),
    Currency,
    Category,
    Ref(&'static str),
    Refs(&'static str),
}

impl Kind {
    pub(super) fn is_multiple(self) -> bool {
        matches!(self, Kind::Users | Kind::Refs(_))
    }

    fn type_name(self, classic: bool) -> &'static str {
        match self {
            Kind::Text => "string",
            Kind::Int => "integer",
            Kind::Double => "double",
            Kind::Flag if classic => "char",
            Kind::Flag => "boolean",
            Kind::Date => "date",
            Kind::DateTime => "datetime",
            Kind::User | Kind::Users => "user",
            Kind::Status(_) => "crm_status",
            Kind::Currency => "crm_currency",
            Kind::Category => "crm_category",
            Kind::Ref(name) | Kind::Refs(name) => name,
        }
    }
}

/// One field: its name in `crm.item.*`, its name in the classic methods, and its nature.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Name in `crm.item.*`; empty when only the classic methods know the field.
    pub(super) camel: String,
    /// Name in `crm.lead.*` and its sisters; empty when only `crm.item.*` knows the field.
    pub(super) classic: String,
    pub(super) kind: Kind,
    pub(super) read_only: bool,
    pub(super) required: bool,
    /// A custom field (`UF_CRM_…`).
    pub(super) custom: bool,
    pub(super) title: String,
}

impl Field {
    /// The name under which a value is stored.
    pub(super) fn key(&self) -> &str {
        if self.custom || self.camel.is_empty() { &self.classic } else { &self.camel }
    }

    /// The name `crm.item.*` shows, which for custom fields depends on `useOriginalUfNames`.
    pub(super) fn item_name(&self, original_uf: bool) -> &str {
        if self.custom && original_uf { &self.classic } else { &self.camel }
    }

    pub(super) fn description(&self, classic: bool) -> Value {
        let mut map = Map::new();
        map.insert("type".into(), self.kind.type_name(classic).into());
        map.insert("isRequired".into(), self.required.into());
        map.insert("isReadOnly".into(), self.read_only.into());
        map.insert("isImmutable".into(), (self.kind == Kind::Category).into());
        map.insert("isMultiple".into(), self.kind.is_multiple().into());
        map.insert("isDynamic".into(), self.custom.into());
        if let Kind::Status(dictionary) = self.kind {
            map.insert("statusType".into(), dictionary.into());
        }
        map.insert("title".into(), self.title.clone().into());
        if !classic {
            map.insert("upperName".into(), self.classic.clone().into());
        }
        Value::Object(map)
    }
}

/// The multi-field types; classic methods know them by these names, `crm.item.*` inside `fm`.
pub(super) const MULTI: [&str; 5] = ["PHONE", "EMAIL", "WEB", "IM", "LINK"];

/// The description the classic `…fields` methods give of one multi-field.
pub(super) fn multi_description(type_id: &str) -> Value {
    json!({"type": "crm_multifield", "isRequired": false, "isReadOnly": false, "isImmutable": false,
           "isMultiple": true, "isDynamic": false, "title": type_id})
}

type Row = (&'static str, &'static str, Kind, &'static str);

const NAMES: &[Row] = &[
    ("honorific", "HONORIFIC", Kind::Status("HONORIFIC"), "Обращение"),
    ("name", "NAME", Kind::Text, "Имя"),
    ("secondName", "SECOND_NAME", Kind::Text, "Отчество"),
    ("lastName", "LAST_NAME", Kind::Text, "Фамилия"),
    ("birthdate", "BIRTHDATE", Kind::Date, "Дата рождения"),
    ("post", "POST", Kind::Text, "Должность"),
];

const ADDRESS: &[Row] = &[
    ("address", "ADDRESS", Kind::Text, "Адрес"),
    ("", "ADDRESS_2", Kind::Text, "Адрес (стр. 2)"),
    ("", "ADDRESS_CITY", Kind::Text, "Город"),
    ("", "ADDRESS_POSTAL_CODE", Kind::Text, "Почтовый индекс"),
    ("", "ADDRESS_REGION", Kind::Text, "Район"),
    ("", "ADDRESS_PROVINCE", Kind::Text, "Область"),
    ("", "ADDRESS_COUNTRY", Kind::Text, "Страна"),
    ("", "ADDRESS_COUNTRY_CODE", Kind::Text, "Код страны"),
];

const SHARED: &[Row] = &[
    ("opened", "OPENED", Kind::Flag, "Доступно для всех"),
    ("comments", "COMMENTS", Kind::Text, "Комментарий"),
    ("assignedById", "ASSIGNED_BY_ID", Kind::User, "Ответственный"),
    ("originatorId", "ORIGINATOR_ID", Kind::Text, "Внешний источник"),
    ("originId", "ORIGIN_ID", Kind::Text, "Идентификатор во внешнем источнике"),
    ("observers", "", Kind::Users, "Наблюдатели"),
    ("utmSource", "UTM_SOURCE", Kind::Text, "Рекламная система"),
    ("utmMedium", "UTM_MEDIUM", Kind::Text, "Тип трафика"),
    ("utmCampaign", "UTM_CAMPAIGN", Kind::Text, "Рекламная кампания"),
    ("utmContent", "UTM_CONTENT", Kind::Text, "Содержание кампании"),
    ("utmTerm", "UTM_TERM", Kind::Text, "Условие поиска"),
];

const SOURCE: &[Row] = &[
    ("sourceId", "SOURCE_ID", Kind::Status("SOURCE"), "Источник"),
    ("sourceDescription", "SOURCE_DESCRIPTION", Kind::Text, "Дополнительно об источнике"),
];

const MONEY: &[Row] = &[
    ("currencyId", "CURRENCY_ID", Kind::Currency, "Валюта"),
    ("opportunity", "OPPORTUNITY", Kind::Double, "Сумма"),
    ("isManualOpportunity", "IS_MANUAL_OPPORTUNITY", Kind::Flag, "Ручной режим суммы"),
];

const LEAD: &[Row] = &[
    ("title", "TITLE", Kind::Text, "Название"),
    ("companyTitle", "COMPANY_TITLE", Kind::Text, "Название компании"),
    ("stageId", "STATUS_ID", Kind::Status("STATUS"), "Стадия"),
    ("statusDescription", "STATUS_DESCRIPTION", Kind::Text, "Дополнительно о стадии"),
    ("companyId", "COMPANY_ID", Kind::Ref("crm_company"), "Компания"),
    ("contactId", "CONTACT_ID", Kind::Ref("crm_contact"), "Контакт"),
    ("contactIds", "CONTACT_IDS", Kind::Refs("crm_contact"), "Контакты"),
    ("webformId", "WEBFORM_ID", Kind::Int, "Создано CRM-формой"),
    ("", "TRACE", Kind::Text, "Трассировка сквозной аналитики"),
];

const LEAD_READ: &[Row] = &[
    ("stageSemanticId", "STATUS_SEMANTIC_ID", Kind::Text, "Группа стадии"),
    ("isReturnCustomer", "IS_RETURN_CUSTOMER", Kind::Flag, "Повторный лид"),
    ("dateClosed", "DATE_CLOSED", Kind::DateTime, "Дата завершения"),
];

const DEAL: &[Row] = &[
    ("title", "TITLE", Kind::Text, "Название"),
    ("typeId", "TYPE_ID", Kind::Status("DEAL_TYPE"), "Тип"),
    ("categoryId", "CATEGORY_ID", Kind::Category, "Воронка"),
    ("stageId", "STAGE_ID", Kind::Status("DEAL_STAGE"), "Стадия сделки"),
    ("isRecurring", "IS_RECURRING", Kind::Flag, "Регулярная сделка"),
    ("isReturnCustomer", "IS_RETURN_CUSTOMER", Kind::Flag, "Повторная сделка"),
    ("isRepeatedApproach", "IS_REPEATED_APPROACH", Kind::Flag, "Повторное обращение"),
    ("probability", "PROBABILITY", Kind::Int, "Вероятность"),
    ("taxValue", "TAX_VALUE", Kind::Double, "Сумма налога"),
    ("leadId", "LEAD_ID", Kind::Ref("crm_lead"), "Лид"),
    ("companyId", "COMPANY_ID", Kind::Ref("crm_company"), "Компания"),
    ("contactId", "CONTACT_ID", Kind::Ref("crm_contact"), "Контакт"),
    ("contactIds", "CONTACT_IDS", Kind::Refs("crm_contact"), "Контакты"),
    ("quoteId", "QUOTE_ID", Kind::Ref("crm_quote"), "Предложение"),
    ("begindate", "BEGINDATE", Kind::Date, "Дата начала"),
    ("closedate", "CLOSEDATE", Kind::Date, "Дата завершения"),
    ("closed", "CLOSED", Kind::Flag, "Закрыта"),
    ("additionalInfo", "ADDITIONAL_INFO", Kind::Text, "Дополнительная информация"),
    ("locationId", "LOCATION_ID", Kind::Text, "Местоположение"),
    ("webformId", "", Kind::Int, "Создано CRM-формой"),
    ("", "TRACE", Kind::Text, "Трассировка сквозной аналитики"),
];

const DEAL_READ: &[Row] = &[
    ("stageSemanticId", "STAGE_SEMANTIC_ID", Kind::Text, "Группа стадии"),
    ("isNew", "IS_NEW", Kind::Flag, "Новая сделка"),
];

const CONTACT: &[Row] = &[
    ("typeId", "TYPE_ID", Kind::Status("CONTACT_TYPE"), "Тип контакта"),
    ("export", "EXPORT", Kind::Flag, "Участвует в экспорте"),
    ("companyId", "COMPANY_ID", Kind::Ref("crm_company"), "Компания"),
    ("companyIds", "COMPANY_IDS", Kind::Refs("crm_company"), "Компании"),
    ("leadId", "LEAD_ID", Kind::Ref("crm_lead"), "Лид"),
    ("originVersion", "ORIGIN_VERSION", Kind::Text, "Версия оригинала"),
    ("", "TRACE", Kind::Text, "Трассировка сквозной аналитики"),
];

const COMPANY: &[Row] = &[
    ("title", "TITLE", Kind::Text, "Название"),
    ("typeId", "COMPANY_TYPE", Kind::Status("COMPANY_TYPE"), "Тип компании"),
    ("industry", "INDUSTRY", Kind::Status("INDUSTRY"), "Сфера деятельности"),
    ("employees", "EMPLOYEES", Kind::Status("EMPLOYEES"), "Количество сотрудников"),
    ("currencyId", "CURRENCY_ID", Kind::Currency, "Валюта"),
    ("revenue", "REVENUE", Kind::Double, "Годовой оборот"),
    ("isMyCompany", "IS_MY_COMPANY", Kind::Flag, "Моя компания"),
    ("contactIds", "", Kind::Refs("crm_contact"), "Контакты"),
    ("leadId", "LEAD_ID", Kind::Ref("crm_lead"), "Лид"),
];

const ID: &[Row] = &[("id", "ID", Kind::Int, "ID")];

const SYSTEM: &[Row] = &[
    ("createdBy", "CREATED_BY_ID", Kind::User, "Кем создан"),
    ("updatedBy", "MODIFY_BY_ID", Kind::User, "Кем изменён"),
    ("createdTime", "DATE_CREATE", Kind::DateTime, "Когда создан"),
    ("updatedTime", "DATE_MODIFY", Kind::DateTime, "Когда изменён"),
    ("lastActivityBy", "LAST_ACTIVITY_BY", Kind::User, "Последняя активность, кто"),
    ("lastActivityTime", "LAST_ACTIVITY_TIME", Kind::DateTime, "Последняя активность"),
];

const MOVED: &[Row] = &[
    ("movedBy", "MOVED_BY_ID", Kind::User, "Кто сменил стадию"),
    ("movedTime", "MOVED_TIME", Kind::DateTime, "Когда сменилась стадия"),
];

const HAS: &[Row] = &[
    ("hasPhone", "HAS_PHONE", Kind::Flag, "Задан телефон"),
    ("hasEmail", "HAS_EMAIL", Kind::Flag, "Задан e-mail"),
    ("hasImol", "HAS_IMOL", Kind::Flag, "Задана открытая линия"),
];

/// The system fields of a kind, in the order in which the portal lists them.
pub(super) fn system(entity: Entity) -> Vec<Field> {
    let (write, read): (&[&[Row]], &[&[Row]]) = match entity {
        Entity::Lead => (&[LEAD, NAMES, SOURCE, MONEY, ADDRESS, SHARED], &[LEAD_READ, MOVED, HAS, SYSTEM]),
        Entity::Deal => (&[DEAL, SOURCE, MONEY, SHARED], &[DEAL_READ, MOVED, SYSTEM]),
        Entity::Contact => (&[CONTACT, NAMES, SOURCE, ADDRESS, SHARED], &[HAS, SYSTEM]),
        Entity::Company => (&[COMPANY, ADDRESS, SHARED], &[HAS, SYSTEM]),
    };
    let make = |read_only: bool| {
        move |(camel, classic, kind, title): &Row| Field {
            camel: (*camel).to_owned(),
            classic: (*classic).to_owned(),
            kind: *kind,
            read_only,
            required: false,
            custom: false,
            title: (*title).to_owned(),
        }
    };
    let writable = write.iter().flat_map(|rows| rows.iter()).map(make(false));
    let readable = read.iter().flat_map(|rows| rows.iter()).map(make(true));
    ID.iter().map(make(true)).chain(writable).chain(readable).collect()
}

/// A custom field of type string.
pub(super) fn custom(name: &str, title: &str) -> Field {
    Field {
        camel: camel_custom_name(name),
        classic: name.to_owned(),
        kind: Kind::Text,
        read_only: false,
        required: false,
        custom: true,
        title: title.to_owned(),
    }
}

/// `UF_CRM_2_1639` is shown as `ufCrm2_1639`: words are joined, but a closing run of digits keeps
/// its underscore.
pub(super) fn camel_custom_name(name: &str) -> String {
    let parts: Vec<&str> = name.split('_').collect();
    let last = parts.len().saturating_sub(1);
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        let lower = part.to_lowercase();
        if index == 0 {
            out.push_str(&lower);
        } else if index == last && !lower.is_empty() && lower.bytes().all(|byte| byte.is_ascii_digit()) {
            out.push('_');
            out.push_str(&lower);
        } else {
            let mut chars = lower.chars();
            out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
            out.push_str(chars.as_str());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_names_follow_the_documented_pairs() {
        assert_eq!(camel_custom_name("UF_CRM_2_1639669411830"), "ufCrm2_1639669411830");
        assert_eq!(camel_custom_name("UF_CRM_1721244707107"), "ufCrm_1721244707107");
        assert_eq!(camel_custom_name("UF_CRM_CONSENT_ID"), "ufCrmConsentId");
    }

    #[test]
    fn no_kind_has_one_name_twice() {
        for entity in Entity::ALL {
            let fields = system(entity);
            for pick in [|f: &Field| f.camel.clone(), |f: &Field| f.classic.clone()] {
                let mut names: Vec<String> = fields.iter().map(pick).filter(|n| !n.is_empty()).collect();
                let before = names.len();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), before, "a name repeats in {entity:?}");
            }
        }
    }
}
