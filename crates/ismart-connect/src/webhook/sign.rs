//! Signatures by the Standard Webhooks specification, version 1: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine::DecodePaddingMode};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ismart_domain::Secret;
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// People lose the signs of equality at the end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that signs.
#[derive(Clone)]
pub(super) struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

impl SigningKey {
    /// Reads `whsec_…`.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it.
    pub(super) fn read(secret: &Secret) -> Result<Self, &'static str> {
        let Some(coded) = secret.reveal().strip_prefix(PREFIX) else {
            return Err("must begin with whsec_ ; make one with: echo whsec_$(openssl rand -base64 32)");
        };
        let bytes =
            LENIENT.decode(coded).map_err(|_broken: base64::DecodeError| "must be base64 after whsec_")?;
        match bytes.len() {
            24..=64 => Ok(Self(bytes)),
            _ => Err(
                "must hold 24 to 64 bytes after whsec_ ; make one with: echo whsec_$(openssl rand -base64 32)",
            ),
        }
    }

    /// `v1,…`.
    pub(super) fn sign(&self, id: &str, at: &str, body: &[u8]) -> String {
        // A key of any length is good for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own example.
    #[test]
    fn the_published_example_is_signed_alike() {
        let key = SigningKey::read(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        assert_eq!(
            key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn wrong_secrets_are_refused_without_being_repeated() {
        for text in ["", "hush", "whsec_", "whsec_hush", "whsec_%%%%", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let reason = SigningKey::read(&Secret::new(text)).unwrap_err();
            assert!(reason.contains("whsec_") && !reason.contains("hush"), "{text}: {reason}");
        }
        assert!(!format!("{:?}", SigningKey(vec![7; 24])).contains('7'));
    }
}
