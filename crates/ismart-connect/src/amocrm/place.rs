//! The address of an account.

use url::Url;

use crate::address::is_loopback;

/// Where an account is reached: `https://NAME.amocrm.ru`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    base: String,
    /// Host and, where it is not the usual one, port.
    pub(super) host: String,
}

const SHAPE: &str = "must look like https://NAME.amocrm.ru ; copy it from the browser's address bar";

/// The domains under which accounts live. Others would be shown the token.
const DOMAINS: [&str; 3] = [".amocrm.ru", ".kommo.com", ".amocrm.com"];

impl Place {
    /// Reads an address, with or without `https://`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&whole).map_err(|error| format!("{SHAPE} ({error})"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        let plain = url.username().is_empty() && url.password().is_none();
        let named =
            DOMAINS.iter().any(|domain| host.strip_suffix(domain).is_some_and(|name| !name.is_empty()));
        match url.scheme() {
            _ if !plain => return Err(SHAPE.into()),
            "https" if named && url.port().is_none() => {}
            "https" | "http" if is_loopback(host) => {}
            "http" if named => return Err("must begin with https:// ; http would show the token".into()),
            _ => return Err(SHAPE.into()),
        }
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { base: format!("{}://{host}", url.scheme()), host })
    }

    /// The address of an operation of API v4.
    pub(super) fn api(&self, path: &str) -> String {
        format!("{}/api/v4/{path}", self.base)
    }

    /// Where tokens are exchanged.
    pub(super) fn oauth(&self) -> String {
        format!("{}/oauth2/access_token", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_copy_them() {
        for text in ["acme.amocrm.ru", "https://acme.amocrm.ru", " https://ACME.amocrm.ru/leads/list/?x=1 "] {
            let place = Place::parse(text).unwrap();
            assert_eq!(
                (place.host.as_str(), place.api("account").as_str()),
                ("acme.amocrm.ru", "https://acme.amocrm.ru/api/v4/account")
            );
        }
        assert!(Place::parse("https://acme.kommo.com").is_ok());
        assert_eq!(Place::parse("http://127.0.0.1:4000").unwrap().host, "127.0.0.1:4000");
    }

    #[test]
    fn the_token_is_shown_to_nobody_else() {
        for text in [
            "",
            "acme",
            "https://amocrm.ru",
            "https://.amocrm.ru",
            "https://acme.amocrm.ru.evil.example",
            "https://evil.example/acme.amocrm.ru",
            "http://acme.amocrm.ru",
            "https://acme.amocrm.ru:8443",
            "https://me:hush@acme.amocrm.ru",
            "ftp://acme.amocrm.ru",
            "https://10.0.0.5",
        ] {
            let reason = Place::parse(text).unwrap_err();
            assert!(reason.contains("https://") && !reason.contains("hush"), "{text}: {reason}");
        }
    }
}
