//! Card payments through Alfa-Bank's internet acquiring (the RBS platform, REST).
//!
//! Promises stand in `gateway.contract.md`. Two calls: `register.do` tells the bank of an order and gives the page where
//! it is paid, `getOrderStatusExtended.do` tells how it stands. The bank also reports by itself; its reports are signed
//! with HMAC-SHA256 over their sorted parameters.

mod answer;
mod settings;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::BoxFuture;
use ismart_domain::payment::{Asked, GatewayError, Notice, NoticeFault, Order, Registered, Report, Ways};
use ismart_domain::ports::PaymentGateway;
use ismart_http::Client;
use serde_json::{Map, Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use self::settings::Settings;
use crate::gateways::{GatewayEntry, OpenedGateway};
use crate::{Egress, SettingsError};

/// The line in [`crate::GATEWAYS`].
pub(crate) const ENTRY: GatewayEntry = GatewayEntry {
    kind: "alfa",
    title_ru: "Альфа-Банк, интернет-эквайринг",
    title_en: "Alfa-Bank internet acquiring",
    fields: settings::FIELDS,
    open,
};

/// The bank is given this long; a person waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest description that the bank takes, characters.
const DESCRIPTION: usize = 99;
/// The longest address of mail that the bank takes, characters.
const EMAIL: usize = 40;

fn open(values: &Map<String, Value>, egress: &Egress) -> Result<OpenedGateway, SettingsError> {
    let settings = settings::read(values)?;
    let session = settings.session;
    Ok(OpenedGateway { gateway: Arc::new(Alfa { settings, http: egress.http().clone() }), session })
}

#[derive(Debug)]
struct Alfa {
    settings: Settings,
    http: Client,
}

impl Alfa {
    /// One call; the parameters hold the shop's password and travel in the body only.
    async fn call(&self, method: &str, pairs: &[(&str, String)]) -> Result<Map<String, Value>, GatewayError> {
        let url = format!("{}/{method}", self.settings.api_url);
        let request = self
            .http
            .post(&url)
            .timeout(PATIENCE)
            .body("application/x-www-form-urlencoded", self.form(pairs));
        let response = request.send().await.map_err(|failure| GatewayError::Unreachable {
            ambiguous: failure.may_have_been_executed(),
            reason: failure.to_string(),
        })?;
        answer::object(response.status(), response.body())
    }

    fn form(&self, pairs: &[(&str, String)]) -> String {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(self.settings.credentials.pairs());
        form.extend_pairs(pairs);
        form.finish()
    }

    fn description(&self) -> String {
        let plain: String = self
            .settings
            .description
            .chars()
            .map(|c| if matches!(c, '%' | '+' | '\r' | '\n') { ' ' } else { c })
            .collect();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        plain.chars().take(DESCRIPTION).collect::<String>().trim().to_owned()
    }

    async fn registered(&self, order: &Order, ways: &Ways) -> Result<Registered, GatewayError> {
        let mut pairs = vec![
            ("orderNumber", order.number.to_string()),
            ("amount", order.amount.minor.to_string()),
            ("currency", self.settings.currency.clone()),
            ("returnUrl", ways.back.clone()),
            ("failUrl", ways.failed.clone()),
            ("description", self.description()),
            ("language", "ru".to_owned()),
            ("sessionTimeoutSecs", self.settings.session.as_secs().to_string()),
        ];
        let email = order.purchase.lead.email.as_ref().map(|email| email.as_str());
        if let Some(email) = email.filter(|email| email.chars().count() <= EMAIL) {
            pairs.push(("email", email.to_owned()));
            pairs.push(("jsonParams", json!({ "email": email }).to_string()));
        }
        pairs.extend(phone(&order.purchase.phone).map(|phone| ("phone", phone)));
        if let Some(fiscal) = &self.settings.fiscal {
            pairs.push(("orderBundle", fiscal.bundle(order).to_string()));
        }
        let map = self.call("register.do", &pairs).await?;
        let taken = answer::registered(&map)?;
        self.trusted(&taken.pay_url)?;
        Ok(taken)
    }

    /// People are sent to encrypted pages only; the page of an emulator lies on this machine.
    fn trusted(&self, pay_url: &str) -> Result<(), GatewayError> {
        let url = Url::parse(pay_url).ok();
        let own = Url::parse(&self.settings.api_url).ok();
        let plain =
            |url: &Url| url.scheme() == "http" && own.as_ref().and_then(Url::host_str) == url.host_str();
        if url.as_ref().is_some_and(|url| url.scheme() == "https" || plain(url)) {
            return Ok(());
        }
        Err(GatewayError::Refused {
            code: "formUrl".to_owned(),
            reason: "the bank gave an address for paying that is not encrypted".to_owned(),
        })
    }
}

/// The form of phones that the bank takes; other numbers are left out, as a wrong one makes it refuse the order.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        11 => digits.strip_prefix(['7', '8']).map(|rest| format!("+7{rest}")),
        10 => Some(format!("+7{digits}")),
        _ => None,
    }
}

impl PaymentGateway for Alfa {
    fn kind(&self) -> &'static str {
        ENTRY.kind
    }

    fn register<'a>(
        &'a self,
        order: &'a Order,
        ways: &'a Ways,
    ) -> BoxFuture<'a, Result<Registered, GatewayError>> {
        Box::pin(self.registered(order, ways))
    }

    fn report<'a>(&'a self, order: Asked<'a>) -> BoxFuture<'a, Result<Report, GatewayError>> {
        Box::pin(async move {
            let by = match order {
                Asked::BankId(id) => ("orderId", id.to_owned()),
                Asked::Number(number) => ("orderNumber", number.to_owned()),
            };
            let map = self.call("getOrderStatusExtended.do", &[by, ("language", "ru".to_owned())]).await?;
            answer::report(&map)
        })
    }

    fn notice(&self, pairs: &[(String, String)]) -> Result<Notice, NoticeFault> {
        sign::check(self.settings.callback_token.as_ref(), pairs)?;
        let value =
            |name: &str| pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        Ok(Notice {
            number: value("orderNumber").unwrap_or_default().to_owned(),
            paid: value("operation") == Some("deposited") && value("status") == Some("1"),
        })
    }

    fn form_action(&self) -> String {
        // The bank's own pages lie on several of its hosts.
        match Url::parse(&self.settings.api_url) {
            Ok(url) if url.host_str().is_some_and(|host| host.ends_with(".alfabank.ru")) => {
                "https://*.alfabank.ru".to_owned()
            }
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::phone;

    #[test]
    fn only_phones_that_the_bank_takes_are_sent() {
        assert_eq!(phone("8 (910) 123-45-67").as_deref(), Some("+79101234567"));
        assert_eq!(phone("+7 910 123-45-67").as_deref(), Some("+79101234567"));
        assert_eq!(phone("910 123 45 67").as_deref(), Some("+79101234567"));
        for other in ["", "123", "+998 90 123 45 67", "49101234567"] {
            assert_eq!(phone(other), None, "{other}");
        }
    }
}
