//! The address of an incoming webhook. Who has it has the rights of its owner, so it is a secret as a whole.

use ismart_domain::Secret;
use url::Url;

use crate::address::is_loopback;

/// An incoming webhook: `https://PORTAL/rest/USER/SECRET/`.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    /// The address up to the method's name.
    base: Secret,
    /// Its secret part, to be cut out of texts.
    key: Secret,
    /// The portal: host and, where it is not the usual one, port.
    pub(super) portal: String,
}

const SHAPE: &str = "must look like https://PORTAL/rest/USER/SECRET/ ; copy it from the portal's page \
                     Applications → Developers → Other → Incoming webhook";

impl Webhook {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub(super) fn parse(address: &Secret) -> Result<Self, String> {
        let url = Url::parse(address.reveal().trim()).map_err(|error| format!("{SHAPE} ({error})"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err("must begin with https:// ; http would show the secret to the network".into());
            }
            _ => return Err(SHAPE.into()),
        }
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let parts: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
        let ["rest", user, key] = parts.as_slice() else { return Err(SHAPE.into()) };
        let user_good = !user.is_empty() && user.chars().all(|c| c.is_ascii_digit());
        let key_good = key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !plain || !user_good || !key_good {
            return Err(SHAPE.into());
        }
        let portal = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let base = Secret::new(format!("{}://{portal}/rest/{user}/{key}/", url.scheme()));
        Ok(Self { base, key: Secret::new(*key), portal })
    }

    /// The address of a method; a secret, so only for the request itself.
    pub(super) fn method(&self, method: &str) -> String {
        format!("{}{method}.json", self.base.reveal())
    }

    /// The text with the secret part written as `***`.
    pub(super) fn mask(&self, text: &str) -> String {
        text.replace(self.key.reveal(), "***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Webhook, String> {
        Webhook::parse(&Secret::new(text))
    }

    #[test]
    fn addresses_are_taken_as_the_portal_shows_them() {
        for text in [
            "https://acme.bitrix24.ru/rest/17/abcDEF123/",
            "https://acme.bitrix24.ru/rest/17/abcDEF123",
            " https://ACME.bitrix24.ru:443/rest/17/abcDEF123/ ",
        ] {
            let webhook = parse(text).unwrap();
            assert_eq!(webhook.portal, "acme.bitrix24.ru");
            assert_eq!(webhook.method("scope"), "https://acme.bitrix24.ru/rest/17/abcDEF123/scope.json");
            assert_eq!(webhook.mask("/rest/17/abcDEF123/ failed"), "/rest/17/***/ failed");
            assert!(!format!("{webhook:?}").contains("abcDEF123"));
        }
        assert_eq!(parse("https://crm.acme.ru:8443/rest/1/k/").unwrap().portal, "crm.acme.ru:8443");
        for local in
            ["http://127.0.0.1:4000/rest/1/k/", "http://localhost/rest/1/k/", "http://[::1]:1/rest/1/k/"]
        {
            assert!(parse(local).is_ok(), "{local}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused_without_being_repeated() {
        for text in [
            "",
            "acme.bitrix24.ru",
            "ftp://acme.bitrix24.ru/rest/17/hush/",
            "http://acme.bitrix24.ru/rest/17/hush/",
            "http://10.0.0.5/rest/17/hush/",
            "http://127.0.0.1.acme.ru/rest/17/hush/",
            "https://acme.bitrix24.ru/",
            "https://acme.bitrix24.ru/rest/17/",
            "https://acme.bitrix24.ru/rest/admin/hush/",
            "https://acme.bitrix24.ru/rest/17/hush/profile.json",
            "https://acme.bitrix24.ru/rest/17/hush/?a=1",
            "https://acme.bitrix24.ru/rest/17/hush/#x",
            "https://me:hush@acme.bitrix24.ru/rest/17/hush/",
            "https://acme.bitrix24.ru/rest/17/hu%73h/",
            "https://acme.bitrix24.ru/api/17/hush/",
        ] {
            let reason = parse(text).unwrap_err();
            assert!(!reason.contains("hush"), "{text}: {reason}");
            assert!(reason.contains("https://"), "{text}: {reason}");
        }
    }
}
