//! How an account is set up: people, pipelines, the fields that every account has.

use super::kind::Kind;
use super::store::{Choice, CustomField};
use serde::Serialize;

/// The stage of won leads, in every pipeline.
pub const WON: u64 = 142;
/// The stage of lost leads, in every pipeline.
pub const LOST: u64 = 143;

/// An employee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// His id.
    pub id: u64,
    /// What people read.
    pub name: String,
    /// His address, also his login.
    pub email: String,
    /// Whether he may work in the account.
    pub active: bool,
    /// Whether he may change its settings.
    pub admin: bool,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// Its id, unique in the account; 142 and 143 are in every pipeline.
    pub id: u64,
    /// What people read.
    pub name: String,
    /// Whether incoming requests wait here.
    pub unsorted: bool,
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pipeline {
    /// Its id.
    pub id: u64,
    /// What people read.
    pub name: String,
    /// Whether leads without a pipeline go here.
    pub main: bool,
    /// Closed by the client: it takes no leads and no list shows it.
    pub archived: bool,
    /// Its stages, in order.
    pub stages: Vec<Stage>,
}

impl Pipeline {
    /// A pipeline with these open stages, and those that every pipeline has.
    pub(super) fn new(id: u64, name: &str, main: bool, open: &[(u64, &str)]) -> Self {
        let stage = |id: u64, name: &str, unsorted: bool| Stage { id, name: name.to_owned(), unsorted };
        let first = open.first().map_or(id * 10, |(id, _)| id.saturating_sub(1));
        let mut stages = vec![stage(first, "Неразобранное", true)];
        stages.extend(open.iter().map(|(id, name)| stage(*id, name, false)));
        stages.push(stage(WON, "Успешно реализовано", false));
        stages.push(stage(LOST, "Закрыто и не реализовано", false));
        Self { id, name: name.to_owned(), main, archived: false, stages }
    }

    /// Where incoming requests wait.
    pub(super) fn unsorted(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.unsorted)
    }

    /// Where leads without a stage go.
    pub(super) fn first(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| !stage.unsorted)
    }
}

/// People and pipelines.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) account_id: u64,
    pub(super) subdomain: String,
    pub(super) users: Vec<User>,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) unsorted_on: bool,
}

impl Setup {
    pub(super) fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A pipeline that takes leads.
    pub(super) fn open_pipeline(&self, id: u64) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id && !pipeline.archived)
    }

    pub(super) fn main_pipeline(&self) -> Option<&Pipeline> {
        let open = || self.pipelines.iter().filter(|pipeline| !pipeline.archived);
        open().find(|pipeline| pipeline.main).or_else(|| open().next())
    }
}

/// The people of a new account.
pub(super) fn users() -> Vec<User> {
    let user = |id, name: &str, email: &str, admin| User {
        id,
        name: name.to_owned(),
        email: email.to_owned(),
        active: true,
        admin,
    };
    vec![
        user(504_141, "Анна Администратор", "anna@example.ru", true),
        user(504_142, "Борис Менеджер", "boris@example.ru", false),
    ]
}

/// The pipeline of a new account.
pub(super) fn main_pipeline() -> Pipeline {
    let open = [
        (47_521_001, "Первичный контакт"),
        (47_521_002, "Переговоры"),
        (47_521_003, "Принимают решение"),
        (47_521_004, "Согласование договора"),
    ];
    Pipeline::new(3_104_455, "Воронка", true, &open)
}

/// Marks of advertising that every account keeps on its leads.
const TRACKING: [&str; 11] = [
    "UTM_CONTENT",
    "UTM_MEDIUM",
    "UTM_CAMPAIGN",
    "UTM_SOURCE",
    "UTM_TERM",
    "UTM_REFERRER",
    "ROISTAT",
    "REFERRER",
    "GCLID",
    "YCLID",
    "_YM_UID",
];

/// The fields of a new account.
pub(super) fn fields() -> Vec<CustomField> {
    let mut id = 294_000;
    let mut field = |kind, name: &str, field_type: &str, code: &str, choices: &[&str]| {
        id += 100;
        let choice = |(at, code): (u64, &&str)| Choice {
            id: id + 1 + at,
            value: (*code).to_owned(),
            code: Some((*code).to_owned()),
        };
        CustomField {
            id,
            kind,
            name: name.to_owned(),
            field_type: field_type.to_owned(),
            code: Some(code.to_owned()),
            choices: (0..).zip(choices).map(choice).collect(),
            api_only: field_type == "tracking_data",
            predefined: true,
        }
    };
    let phones = ["WORK", "WORKDD", "MOB", "FAX", "HOME", "OTHER"];
    let emails = ["WORK", "PRIV", "OTHER"];
    let mut all = vec![
        field(Kind::Contact, "Должность", "text", "POSITION", &[]),
        field(Kind::Contact, "Телефон", "multitext", "PHONE", &phones),
        field(Kind::Contact, "Email", "multitext", "EMAIL", &emails),
        field(Kind::Company, "Телефон", "multitext", "PHONE", &phones),
        field(Kind::Company, "Email", "multitext", "EMAIL", &emails),
        field(Kind::Company, "Web", "url", "WEB", &[]),
        field(Kind::Company, "Адрес", "textarea", "ADDRESS", &[]),
    ];
    all.extend(TRACKING.map(|code| {
        field(Kind::Lead, &code.trim_start_matches('_').to_lowercase(), "tracking_data", code, &[])
    }));
    all
}
