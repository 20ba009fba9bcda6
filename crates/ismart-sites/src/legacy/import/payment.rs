//! Online payment of an old site: `PAYMENT_…` of its `.env` → `[payment]`. Secrets become files beside `site.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value as Toml};

use super::super::detect::Generation::Gen3;
use super::mends::{Fault, Sign};
use super::{Imported, Item};

/// The class that takes payments; a site without it never sold anything.
const CODE: &str = "src/Action/PayCreateAction.php";
/// Where the secrets of a site lie, relative to its folder.
pub(super) const SECRETS: &str = "config/secrets";

/// Addresses of the online payment.
const URLS: &[&str] = &["/api/pay", "/pay/return", "/pay/callback"];

/// Secrets: name in `.env`, key in `[payment]`.
const SECRET: &[(&str, &str)] = &[
    ("PAYMENT_PASSWORD", "password"),
    ("PAYMENT_TOKEN", "token"),
    ("PAYMENT_CALLBACK_TOKEN", "callback_token"),
];

/// What was wrong with the payment of the platform.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "pay-form-token",
        what: "the form that pays had no token, so that every payment was refused with 419; pages give it one",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "pay-form-policy",
        what: "the Content-Security-Policy kept browsers from going to the bank after the form; pages that pay allow it",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "paid-becomes-failed",
        what: "a return from the bank while it could not be asked turned a paid order into a failed one; the order stays open and the bank is asked until it answers",
        urls: URLS,
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "paid-never-noticed",
        what: "an order whose buyer closed the page stayed open for ever without reports of the bank, and a report that came while the bank could not be asked was lost; the bank is asked by itself",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "paid-by-another",
        what: "a return could name the bank's id of another, paid order and so make an unpaid one paid; the bank's answer must be about the order itself",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "paid-sum",
        what: "what was paid was not compared with what was asked; another sum waits for a person",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "paid-twice",
        what: "return and report of the bank at one time told of one sale twice; a paid order is one lead",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "seats-oversold",
        what: "seats were never counted down, and an event without seats could still be paid; what is sold and what is being paid is taken off",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
    Fault {
        id: "pay-flood",
        what: "orders could be made without limit; haste is answered with 429",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::File(CODE),
    },
];

/// Whether a flag of `.env` is set, as the platform reads it.
fn on(text: &str) -> bool {
    ["1", "true", "yes", "on"].contains(&text.to_lowercase().as_str())
}

/// The default that the site's own code has for a name: `getenv('NAME') ?: 'default'`.
fn default_of(settings: &str, name: &str) -> Option<String> {
    let (_, rest) = settings.split_once(&format!("getenv('{name}') ?: '"))?;
    let text = rest.split('\'').next()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Reads what `.env` and the code say about payment; `None` when the site sells nothing online.
pub(super) fn read(
    root: &Path,
    environment: &BTreeMap<String, String>,
    imported: &mut Imported,
) -> Option<Table> {
    if !root.join(CODE).is_file() {
        return None;
    }
    let code = std::fs::read_to_string(root.join("config/settings.php")).unwrap_or_default();
    let env = |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let said = |name: &str| env(name).map(str::to_owned).or_else(|| default_of(&code, name));
    let enabled = on(env("PAYMENT_ENABLED").unwrap_or_default());
    let knows_shop =
        env("PAYMENT_TOKEN").or_else(|| env("PAYMENT_USERNAME").and(env("PAYMENT_PASSWORD"))).is_some();
    if !enabled && !knows_shop {
        let how = "switched off in .env, as before: its addresses say so; [payment] in config/site.toml switches it on";
        imported.carried.push(Item::new("payment", how));
        return None;
    }
    let mut table = Table::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            table.insert(key.to_owned(), value.into());
        }
    };
    let production = environment.get("APP_ENV").is_some_and(|name| name == "production");
    let gate = env("PAYMENT_ENV").map_or(production, |gate| gate.eq_ignore_ascii_case("prod"));
    put("bank", Some("alfa".to_owned()));
    put("gate", Some(if gate { "live" } else { "trial" }.to_owned()));
    put("username", env("PAYMENT_USERNAME").map(str::to_owned));
    put("currency", said("PAYMENT_CURRENCY"));
    put("description", said("PAYMENT_DESCRIPTION"));
    put("item_name", said("PAYMENT_ITEM_NAME"));
    let base = env("PAYMENT_RETURN_BASE").or_else(|| env("APP_BASE_URL")).map(str::to_owned);
    let base = base.or_else(|| default_of(&code, "APP_BASE_URL"));
    put(
        "return_base",
        base.map(|base| base.trim_end_matches('/').to_owned()).filter(|b| b.starts_with("http")),
    );
    if on(env("PAYMENT_FISCAL_ENABLED").unwrap_or_default()) {
        put("receipt", Some("on".to_owned()));
        put("tax_type", Some(env("PAYMENT_FISCAL_TAX_TYPE").unwrap_or("0").to_owned()));
        put("measure", said("PAYMENT_FISCAL_MEASURE"));
    }
    if let Some(seconds) = env("PAYMENT_SESSION_TIMEOUT").and_then(|text| text.parse::<i64>().ok()) {
        table.insert("session_seconds".to_owned(), seconds.into());
    }
    table.insert("enabled".to_owned(), enabled.into());
    for (name, key) in SECRET {
        if let Some(secret) = env(name) {
            let file = format!("{SECRETS}/payment_{key}");
            let place = Table::from_iter([("file".to_owned(), Toml::from(file.clone()))]);
            table.insert((*key).to_owned(), Toml::Table(place));
            imported.secrets.insert(file, secret.to_owned());
        }
    }
    told(enabled, knows_shop, env("PAYMENT_CALLBACK_TOKEN").is_some(), imported);
    Some(table)
}

fn told(enabled: bool, knows_shop: bool, reports: bool, imported: &mut Imported) {
    let state = if enabled { "on" } else { "off, as in .env" };
    let what =
        format!("[payment] with Alfa-Bank, {state}; passwords lie in {SECRETS}, for the server's user alone");
    imported.carried.push(Item::new("payment", what));
    if !knows_shop {
        let what = "neither PAYMENT_USERNAME with PAYMENT_PASSWORD nor PAYMENT_TOKEN is in .env: put them into [payment]";
        imported.left.push(Item::new("shop at the bank", what));
    }
    if !reports {
        let what = "PAYMENT_CALLBACK_TOKEN is not in .env: without it payments are noticed by asking the bank, a little later";
        imported.left.push(Item::new("reports of the bank", what));
    }
    let what = "var/orders is not read: orders that are still open must be finished on the old site";
    imported.left.push(Item::new("old orders", what));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_code_are_found() {
        let code =
            "'currency' => (string) (getenv('PAYMENT_CURRENCY') ?: '810'),\n(getenv('PAYMENT_TOKEN') ?: '')";
        assert_eq!(default_of(code, "PAYMENT_CURRENCY").as_deref(), Some("810"));
        assert_eq!(default_of(code, "PAYMENT_TOKEN"), None);
        assert_eq!(default_of(code, "PAYMENT_ITEM_NAME"), None);
    }
}
