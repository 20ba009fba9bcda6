//! Signatures of webhooks as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`, `v1,` and Base64, any of
//! several signatures and any of several secrets, and no message that is much older or younger than now.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ismart_domain::Secret;
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// How far the sender's clock may be from ours.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// Repeats are looked up by their ids: more characters than this are refused.
const LONGEST_ID: usize = 256;

/// Why a message is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// A header is missing.
    #[error("the header `{0}` is missing: sign messages as https://www.standardwebhooks.com describes")]
    Missing(&'static str),
    /// The id is empty or too long.
    #[error("`webhook-id` has 1 to 256 visible characters")]
    Id,
    /// The time cannot be read.
    #[error("`webhook-timestamp` is no number of seconds since 1970")]
    Timestamp,
    /// The message was signed too long ago, or in the future.
    #[error(
        "the message was signed at {signed}, more than five minutes from now: set the sender's clock, and sign each try anew"
    )]
    Stale {
        /// When it was signed.
        signed: Timestamp,
    },
    /// No signature fits.
    #[error(
        "no signature in `webhook-signature` fits: sign `id.timestamp.body` with the secret of this door, without changing the body afterwards"
    )]
    Wrong,
}

/// Checks a message; gives its id, under which a repeat is known.
///
/// # Errors
/// [`SignatureFault`] when it must not be believed.
pub fn verify<'m>(
    secrets: &[Secret],
    id: Option<&'m str>,
    timestamp: Option<&str>,
    signatures: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<&'m str, SignatureFault> {
    let id = id.ok_or(SignatureFault::Missing("webhook-id"))?;
    let timestamp = timestamp.ok_or(SignatureFault::Missing("webhook-timestamp"))?;
    let signatures = signatures.ok_or(SignatureFault::Missing("webhook-signature"))?;
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(SignatureFault::Id);
    }
    let seconds = timestamp.parse().or(Err(SignatureFault::Timestamp))?;
    let signed = Timestamp::from_second(seconds).or(Err(SignatureFault::Timestamp))?;
    if now.duration_since(signed).abs() > TOLERANCE {
        return Err(SignatureFault::Stale { signed });
    }
    let given: Vec<Vec<u8>> = signatures
        .split_ascii_whitespace()
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|one| STANDARD.decode(one).ok())
        .collect();
    let fits = |secret: &Secret| {
        let mac = mac(secret, id, timestamp, body);
        given.iter().any(|given| mac.clone().verify_slice(given).is_ok())
    };
    if secrets.iter().any(fits) { Ok(id) } else { Err(SignatureFault::Wrong) }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length; the constructor cannot fail")]
fn mac(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)).expect("HMAC takes any key");
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

/// The bytes of a secret: Base64 after `whsec_`, its own letters otherwise.
fn key(secret: &Secret) -> Vec<u8> {
    let text = secret.reveal().trim();
    let encoded = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    encoded.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: &str = "1614265330";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// The example of the standard's own libraries.
    #[test]
    fn the_published_example_is_believed() {
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let believed =
            verify(&[Secret::new(SECRET)], Some(ID), Some(SENT), Some(signature), BODY, at(1_614_265_400));
        assert_eq!(believed, Ok(ID));
    }

    #[test]
    fn what_is_changed_stale_or_foreign_is_not_believed() {
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let (secret, now) = ([Secret::new(SECRET)], at(1_614_265_330));
        let judged = |id, sent, given, body| verify(&secret, id, sent, given, body, now);
        assert_eq!(judged(None, Some(SENT), Some(good), BODY), Err(SignatureFault::Missing("webhook-id")));
        assert_eq!(judged(Some(""), Some(SENT), Some(good), BODY), Err(SignatureFault::Id));
        assert_eq!(judged(Some(ID), Some("soon"), Some(good), BODY), Err(SignatureFault::Timestamp));
        assert_eq!(judged(Some(ID), Some(SENT), Some(good), b"{}"), Err(SignatureFault::Wrong));
        assert_eq!(judged(Some("other"), Some(SENT), Some(good), BODY), Err(SignatureFault::Wrong));
        for given in ["", "v1", "v1,", "v1,!!!", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert_eq!(
                judged(Some(ID), Some(SENT), Some(given), BODY),
                Err(SignatureFault::Wrong),
                "{given}"
            );
        }
        let late = verify(&secret, Some(ID), Some(SENT), Some(good), BODY, at(1_614_265_330 + 301));
        assert_eq!(late, Err(SignatureFault::Stale { signed: now }));
        let early = verify(&secret, Some(ID), Some(SENT), Some(good), BODY, at(1_614_265_330 - 301));
        assert_eq!(early, Err(SignatureFault::Stale { signed: now }));
    }

    #[test]
    fn while_secrets_change_both_are_believed_and_afterwards_one() {
        let both = [Secret::new("whsec_bmV3"), Secret::new(SECRET)];
        let signatures = "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let now = at(1_614_265_330);
        assert_eq!(verify(&both, Some(ID), Some(SENT), Some(signatures), BODY, now), Ok(ID));
        let one = both.first().cloned().into_iter().collect::<Vec<_>>();
        assert_eq!(
            verify(&one, Some(ID), Some(SENT), Some(signatures), BODY, now),
            Err(SignatureFault::Wrong)
        );
        assert_eq!(
            verify(&[], Some(ID), Some(SENT), Some(signatures), BODY, now),
            Err(SignatureFault::Wrong)
        );
    }
}
