//! The settings of a shop at Alfa-Bank.

use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::payment::Order;
use serde_json::{Map, Value, json};
use url::Url;

use crate::settings::{Field, FieldKind, Reader, SettingsError};

/// The bank's gate for real money.
const LIVE: &str = "https://pay.alfabank.ru/payment/rest";
/// Its gate for trying out.
const TRIAL: &str = "https://alfa.rbsuat.com/payment/rest";

const TEXT: Field = Field {
    key: "",
    kind: FieldKind::Text,
    required: false,
    default: None,
    title_ru: "",
    title_en: "",
    help_ru: "",
    help_en: "",
};

pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "gate",
        kind: FieldKind::Choice(&["live", "trial"]),
        default: Some("trial"),
        title_ru: "Шлюз",
        title_en: "Gate",
        help_ru: "live — настоящие деньги, trial — проверка",
        help_en: "live takes real money, trial is for trying out",
        ..TEXT
    },
    Field {
        key: "api_url",
        title_ru: "Адрес шлюза",
        title_en: "Address of the gate",
        help_ru: "Только если банк дал другой адрес: https://…/payment/rest",
        help_en: "only where the bank gave another one: https://…/payment/rest",
        ..TEXT
    },
    Field {
        key: "username",
        title_ru: "Логин магазина",
        title_en: "Login of the shop",
        help_ru: "Логин с окончанием -api из кабинета банка",
        help_en: "the login that ends with -api, from the bank's cabinet",
        ..TEXT
    },
    Field {
        key: "password",
        kind: FieldKind::Secret,
        title_ru: "Пароль магазина",
        title_en: "Password of the shop",
        help_ru: "Пароль пользователя API из кабинета банка",
        help_en: "the password of the API user, from the bank's cabinet",
        ..TEXT
    },
    Field {
        key: "token",
        kind: FieldKind::Secret,
        title_ru: "Токен магазина",
        title_en: "Token of the shop",
        help_ru: "Вместо логина и пароля",
        help_en: "instead of login and password",
        ..TEXT
    },
    Field {
        key: "callback_token",
        kind: FieldKind::Secret,
        title_ru: "Ключ уведомлений",
        title_en: "Key of the bank's reports",
        help_ru: "Кабинет банка → Callback-уведомления, симметричный ключ; адрес уведомлений: https://САЙТ/pay/callback",
        help_en: "the bank's cabinet → callback notifications, symmetric key; their address: https://SITE/pay/callback",
        ..TEXT
    },
    Field {
        key: "currency",
        kind: FieldKind::Choice(&["643", "810"]),
        default: Some("810"),
        title_ru: "Код рубля",
        title_en: "Code of the rouble",
        help_ru: "810 или 643, как в договоре с банком",
        help_en: "810 or 643, as the contract with the bank says",
        ..TEXT
    },
    Field {
        key: "description",
        title_ru: "Назначение платежа",
        title_en: "Description of payments",
        help_ru: "До 99 знаков; видно на странице банка",
        help_en: "up to 99 characters, shown on the bank's page",
        ..TEXT
    },
    Field {
        key: "session_seconds",
        kind: FieldKind::Number,
        default: Some("1200"),
        title_ru: "Время на оплату, с",
        title_en: "Time to pay, s",
        help_ru: "Сколько действует страница банка",
        help_en: "how long the bank's page can be used",
        ..TEXT
    },
    Field {
        key: "item_name",
        default: Some("Электронный билет"),
        title_ru: "Название в чеке",
        title_en: "Name on the receipt",
        help_ru: "Позиция чека по 54-ФЗ",
        help_en: "the line of the fiscal receipt (54-FZ)",
        ..TEXT
    },
    Field {
        key: "receipt",
        kind: FieldKind::Choice(&["off", "on"]),
        default: Some("off"),
        title_ru: "Чек через банк",
        title_en: "Receipt by the bank",
        help_ru: "on — только если у магазина включена фискализация в банке, иначе банк отклонит заказ",
        help_en: "on only where the bank makes receipts for the shop; otherwise it refuses every order",
        ..TEXT
    },
    Field {
        key: "tax_type",
        kind: FieldKind::Choice(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]),
        default: Some("0"),
        title_ru: "Ставка НДС",
        title_en: "VAT rate",
        help_ru: "Код банка: 0 — без НДС, 1 — 0 %, 2 — 10 %, 6 — 20 %",
        help_en: "the bank's code: 0 none, 1 is 0 %, 2 is 10 %, 6 is 20 %",
        ..TEXT
    },
    Field {
        key: "measure",
        default: Some("шт"),
        title_ru: "Единица в чеке",
        title_en: "Unit on the receipt",
        help_ru: "Например, шт",
        help_en: "such as шт",
        ..TEXT
    },
];

/// Who asks.
#[derive(Debug)]
pub(super) enum Credentials {
    Token(Secret),
    Login { username: String, password: Secret },
}

impl Credentials {
    pub(super) fn pairs(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Token(token) => vec![("token", token.reveal())],
            Self::Login { username, password } => {
                vec![("userName", username), ("password", password.reveal())]
            }
        }
    }
}

/// What a receipt says (54-FZ).
#[derive(Debug)]
pub(super) struct Fiscal {
    item_name: String,
    measure: String,
    tax_type: u8,
}

impl Fiscal {
    /// The basket of an order: one line.
    pub(super) fn bundle(&self, order: &Order) -> Value {
        json!({ "cartItems": { "items": [{
            "positionId": 1,
            "name": self.item_name,
            "quantity": { "value": order.purchase.tickets, "measure": self.measure },
            "itemAmount": order.amount.minor,
            "itemCode": "ticket",
            "itemPrice": order.purchase.unit.minor,
            "tax": { "taxType": self.tax_type },
        }] } })
    }
}

/// Settings, read.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) api_url: String,
    pub(super) credentials: Credentials,
    pub(super) callback_token: Option<Secret>,
    pub(super) currency: String,
    pub(super) description: String,
    pub(super) session: Duration,
    pub(super) fiscal: Option<Fiscal>,
}

pub(super) fn read(values: &Map<String, Value>) -> Result<Settings, SettingsError> {
    let mut reader = Reader::new(values, FIELDS);
    let api_url = match reader.text("api_url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if reader.text("gate") == Some("live") => LIVE.to_owned(),
        None => TRIAL.to_owned(),
    };
    if !safe(&api_url) {
        let reason = "must begin with https:// ; http would show the shop's password to the network";
        reader.problem("api_url", reason);
    }
    let login = reader.text("username").zip(reader.secret("password"));
    let credentials = match (reader.secret("token"), login) {
        (Some(token), _) => Some(Credentials::Token(token)),
        (None, Some((username, password))) => {
            Some(Credentials::Login { username: username.to_owned(), password })
        }
        (None, None) => None,
    };
    let missing = "is missing: give `username` and `password`, or `token`, of the bank's cabinet";
    if credentials.is_none() {
        let key = if reader.text("username").is_some() { "password" } else { "username" };
        reader.problem(key, missing);
    }
    let text = |key: &str, default: &str| reader.text(key).unwrap_or(default).to_owned();
    let fiscal = (reader.text("receipt") == Some("on")).then(|| Fiscal {
        item_name: text("item_name", "Электронный билет"),
        measure: text("measure", "шт"),
        tax_type: reader.text("tax_type").and_then(|code| code.parse().ok()).unwrap_or(0),
    });
    let (callback_token, currency) = (reader.secret("callback_token"), text("currency", "810"));
    let description = text("description", "Покупка билета");
    let session = Duration::from_secs(reader.number("session_seconds").unwrap_or(1200).clamp(60, 86_400));
    reader.finish()?;
    let credentials = credentials.ok_or_else(|| SettingsError::of("username", missing))?;
    Ok(Settings { api_url, credentials, callback_token, currency, description, session, fiscal })
}

/// Encrypted, or on this machine.
fn safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(values: Value) -> Vec<String> {
        let Value::Object(values) = values else { panic!("not an object") };
        match read(&values) {
            Ok(_) => Vec::new(),
            Err(error) => error.problems.into_iter().map(|problem| problem.key).collect(),
        }
    }

    #[test]
    fn a_shop_needs_somebody_to_be() {
        assert_eq!(problems(json!({})), ["username"]);
        assert_eq!(problems(json!({"username": "shop-api"})), ["password"]);
        assert!(problems(json!({"username": "shop-api", "password": "p"})).is_empty());
        assert!(problems(json!({"token": "t", "gate": "live", "receipt": "on", "tax_type": "6"})).is_empty());
        assert_eq!(problems(json!({"token": "t", "currency": "840", "gate": "x"})), ["gate", "currency"]);
        assert_eq!(problems(json!({"token": "t", "api_url": "http://bank.example/rest"})), ["api_url"]);
        assert!(problems(json!({"token": "t", "api_url": "http://127.0.0.1:9/payment/rest/"})).is_empty());
        assert_eq!(problems(json!({"token": "t", "colour": "red"})), ["colour"]);
    }
}
