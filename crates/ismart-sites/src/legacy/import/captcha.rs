//! The captcha of an old site: `CAPTCHA_…` of its `.env` → `[captcha]`. The key of the server becomes a file.

use std::collections::BTreeMap;

use toml::{Table, Value as Toml};

use super::payment::SECRETS;
use super::{Imported, Item};

/// Reads what `.env` says; `None` where the platform asked nobody: switched off, or one of the keys is missing.
pub(super) fn read(environment: &BTreeMap<String, String>, imported: &mut Imported) -> Option<Table> {
    let env = |name: &str| environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let on = env("CAPTCHA_ENABLE")
        .is_some_and(|flag| ["1", "true", "yes", "on"].contains(&flag.to_lowercase().as_str()));
    let key = env("CAPTCHA_SERVER_KEY").filter(|_| on && env("CAPTCHA_CLIENT_KEY").is_some())?;
    let file = format!("{SECRETS}/captcha_server_key");
    let place = Table::from_iter([("file".to_owned(), Toml::from(file.clone()))]);
    let mut table = Table::from_iter([("server_key".to_owned(), Toml::Table(place))]);
    if let Some(seconds) = env("CAPTCHA_TIMEOUT").and_then(|text| text.parse::<i64>().ok()).filter(|s| *s > 0)
    {
        table.insert("timeout_seconds".to_owned(), seconds.into());
    }
    let what = format!("[captcha]; its server key lies in {SECRETS}, for the server's user alone");
    imported.carried.push(Item::new("captcha", what));
    imported.secrets.insert(file, key.to_owned());
    Some(table)
}
