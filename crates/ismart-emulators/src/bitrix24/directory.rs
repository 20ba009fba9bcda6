//! What the portal is set up with: fields, dictionaries, funnels, users, mode.

use super::entity::Entity;
use super::fields::{self, Field};
use serde::Serialize;
use std::collections::HashMap;

/// One entry of a dictionary (`crm.status.list`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The dictionary: `STATUS`, `SOURCE`, `DEAL_STAGE`, `DEAL_STAGE_9` …
    pub entity_id: String,
    /// The code objects refer to: `NEW`, `C9:NEW`, `WEB` …
    pub status_id: String,
    /// The name people see.
    pub name: String,
    /// `P` in work, `S` success, `F` failure; stages only.
    pub semantics: Option<char>,
}

/// One funnel of deals (`crm.category.list`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Category {
    /// 0 is the common funnel.
    pub id: i64,
    /// The name people see.
    pub name: String,
}

/// One employee (`user.get`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id `assignedById` refers to.
    pub id: u64,
    /// First name.
    pub name: String,
    /// Last name.
    pub last_name: String,
    /// Address for letters.
    pub email: String,
    /// A dismissed employee is inactive.
    pub active: bool,
}

#[derive(Debug)]
pub(super) struct Directory {
    fields: HashMap<Entity, Vec<Field>>,
    pub(super) statuses: Vec<Status>,
    pub(super) categories: Vec<Category>,
    pub(super) users: Vec<User>,
    pub(super) simple_mode: bool,
}

const STAGES: [(&str, &str, char); 5] = [
    ("NEW", "Не обработан", 'P'),
    ("IN_PROCESS", "В работе", 'P'),
    ("PROCESSED", "Обработан", 'P'),
    ("CONVERTED", "Качественный лид", 'S'),
    ("JUNK", "Некачественный лид", 'F'),
];

const DEAL_STAGES: [(&str, &str, char); 7] = [
    ("NEW", "Новая", 'P'),
    ("PREPARATION", "Подготовка документов", 'P'),
    ("PREPAYMENT_INVOICE", "Счёт на предоплату", 'P'),
    ("EXECUTING", "В работе", 'P'),
    ("FINAL_INVOICE", "Финальный счёт", 'P'),
    ("WON", "Сделка успешна", 'S'),
    ("LOSE", "Сделка провалена", 'F'),
];

const SOURCES: [(&str, &str); 12] = [
    ("CALL", "Звонок"),
    ("EMAIL", "Электронная почта"),
    ("WEB", "Веб-сайт"),
    ("ADVERTISING", "Реклама"),
    ("PARTNER", "Существующий клиент"),
    ("RECOMMENDATION", "По рекомендации"),
    ("TRADE_SHOW", "Выставка"),
    ("WEBFORM", "CRM-форма"),
    ("CALLBACK", "Обратный звонок"),
    ("RC_GENERATOR", "Генератор продаж"),
    ("STORE", "Интернет-магазин"),
    ("OTHER", "Другое"),
];

const OTHERS: [(&str, &str, &str); 8] = [
    ("DEAL_TYPE", "SALE", "Продажа"),
    ("DEAL_TYPE", "SERVICE", "Сервисное обслуживание"),
    ("CONTACT_TYPE", "CLIENT", "Клиенты"),
    ("CONTACT_TYPE", "PARTNER", "Партнёры"),
    ("COMPANY_TYPE", "CUSTOMER", "Клиент"),
    ("INDUSTRY", "IT", "Информационные технологии"),
    ("HONORIFIC", "HNR_RU_1", "г-н"),
    ("HONORIFIC", "HNR_RU_2", "г-жа"),
];

fn status(entity_id: &str, status_id: &str, name: &str, semantics: Option<char>) -> Status {
    Status { entity_id: entity_id.into(), status_id: status_id.into(), name: name.into(), semantics }
}

impl Directory {
    pub(super) fn new(owner: u64) -> Self {
        let leads = STAGES.iter().map(|(id, name, sem)| status("STATUS", id, name, Some(*sem)));
        let deals = DEAL_STAGES.iter().map(|(id, name, sem)| status("DEAL_STAGE", id, name, Some(*sem)));
        let sources = SOURCES.iter().map(|(id, name)| status("SOURCE", id, name, None));
        let others = OTHERS.iter().map(|(entity, id, name)| status(entity, id, name, None));
        let person = |id: u64, name: &str, last: &str| User {
            id,
            name: name.into(),
            last_name: last.into(),
            email: format!("user{id}@example.ru"),
            active: true,
        };
        let mut users = vec![person(1, "Анна", "Администратор")];
        if owner != 1 {
            users.push(person(owner, "Олег", "Менеджеров"));
        }
        Self {
            fields: Entity::ALL.into_iter().map(|entity| (entity, fields::system(entity))).collect(),
            statuses: leads.chain(deals).chain(sources).chain(others).collect(),
            categories: vec![Category { id: 0, name: "Общая".into() }],
            users,
            simple_mode: false,
        }
    }

    pub(super) fn fields(&self, entity: Entity) -> &[Field] {
        self.fields.get(&entity).map_or(&[], Vec::as_slice)
    }

    pub(super) fn add_field(&mut self, entity: Entity, field: Field) {
        self.fields.entry(entity).or_default().push(field);
    }

    /// Removes a field known under either of its names; false when there is none.
    pub(super) fn remove_field(&mut self, entity: Entity, name: &str) -> bool {
        let fields = self.fields.entry(entity).or_default();
        let before = fields.len();
        fields.retain(|field| field.camel != name && field.classic != name);
        fields.len() != before
    }

    /// Makes a field obligatory on creation; false when there is none of that name.
    pub(super) fn require_field(&mut self, entity: Entity, name: &str) -> bool {
        let fields = self.fields.entry(entity).or_default();
        let mut found = false;
        for field in fields.iter_mut().filter(|field| field.camel == name || field.classic == name) {
            field.required = true;
            found = true;
        }
        found
    }

    /// Removes a dictionary entry; false when there is none.
    pub(super) fn remove_status(&mut self, entity_id: &str, status_id: &str) -> bool {
        let before = self.statuses.len();
        self.statuses.retain(|status| status.entity_id != entity_id || status.status_id != status_id);
        self.statuses.len() != before
    }

    /// Adds a funnel of deals with the usual stages, coded `C{id}:NEW` and so on.
    pub(super) fn add_category(&mut self, id: i64, name: &str) {
        self.categories.push(Category { id, name: name.into() });
        let dictionary = format!("DEAL_STAGE_{id}");
        for (code, name, semantics) in DEAL_STAGES {
            self.statuses.push(status(&dictionary, &format!("C{id}:{code}"), name, Some(semantics)));
        }
    }

    pub(super) fn dictionary(&self, entity_id: &str) -> impl Iterator<Item = &Status> {
        self.statuses.iter().filter(move |status| status.entity_id == entity_id)
    }

    pub(super) fn status(&self, entity_id: &str, status_id: &str) -> Option<&Status> {
        self.dictionary(entity_id).find(|status| status.status_id == status_id)
    }

    pub(super) fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }
}

/// The dictionary that holds the stages of a funnel of deals.
pub(super) fn deal_stages(category: i64) -> String {
    if category == 0 { "DEAL_STAGE".to_owned() } else { format!("DEAL_STAGE_{category}") }
}
