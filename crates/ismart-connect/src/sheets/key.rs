//! The key of a service account, and the assertions that it signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ismart_domain::Secret;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use url::Url;

use crate::address::confidential;

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";
const TOKENS: &str = "https://oauth2.googleapis.com/token";
/// An assertion lives so many seconds; an hour is the most that is accepted.
const LIVES: i64 = 3600;

/// The key, read.
pub(super) struct Key {
    /// The account: people share the spreadsheet with it.
    pub(super) email: String,
    pub(super) token_url: Url,
    pem: Secret,
    pair: RsaKeyPair,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("email", &self.email).finish_non_exhaustive()
    }
}

impl Key {
    /// Reads the JSON that Google gives out.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub(super) fn read(json: &Secret) -> Result<Self, String> {
        const WHERE: &str =
            "Google Cloud → IAM → Service accounts → Keys → Add key → JSON; put the whole file there";
        let Ok(Value::Object(map)) = serde_json::from_str(json.reveal()) else {
            return Err(format!("is no JSON of a service account; {WHERE}"));
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let Some(email) = text("client_email") else { return Err(format!("has no client_email; {WHERE}")) };
        let Some(pem) = text("private_key") else { return Err(format!("has no private_key; {WHERE}")) };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let Ok(der) = der else { return Err(format!("its private_key is no PKCS#8 key; {WHERE}")) };
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der());
        let Ok(pair) = pair else { return Err(format!("its private_key is no RSA key; {WHERE}")) };
        let token_url = confidential(text("token_uri").unwrap_or(TOKENS))
            .map_err(|reason| format!("its token_uri {reason}"))?;
        Ok(Self { email: email.to_owned(), token_url, pem: Secret::new(pem), pair })
    }

    /// What must never be told.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let lines = self.pem.reveal().lines().filter(|line| !line.starts_with("-----") && line.len() >= 16);
        lines.map(Secret::new).collect()
    }

    /// A signed assertion that buys a token.
    ///
    /// # Errors
    /// When the key signs nothing.
    pub(super) fn assertion(&self, now: Timestamp) -> Result<String, &'static str> {
        let issued = now.as_second();
        let claims = json!({"iss": self.email, "scope": SCOPE, "aud": self.token_url.as_str(), "iat": issued,
                            "exp": issued + LIVES});
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", coded(&json!({"alg": "RS256", "typ": "JWT"})), coded(&claims));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).map_err(
            |_unspecified: ring::error::Unspecified| "the key of `key` signs nothing; make a new one",
        )?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
