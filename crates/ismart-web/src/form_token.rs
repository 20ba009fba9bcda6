//! The token that a page's forms carry: `{unix}.{first 32 hex of HMAC-SHA256(unix, secret)}`, as the PHP platform
//! makes it. It proves that the form was really shown, and when.

use hmac::{Hmac, KeyInit, Mac};
use ismart_domain::Secret;
use jiff::Timestamp;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A form sent sooner than this after it was shown was not filled in by a person, seconds.
pub(crate) const MIN_AGE: i64 = 3;
/// A page may stay open this long, seconds.
const MAX_AGE: i64 = 7200;

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// Not one of ours.
    Invalid,
    /// Sent too soon; seconds to wait.
    TooSoon(i64),
    /// The page was open too long.
    Expired,
}

/// A token for a form shown now.
pub(crate) fn issue(secret: &Secret, now: Timestamp) -> String {
    let unix = now.as_second().to_string();
    let sign = sign(secret, &unix);
    format!("{unix}.{sign}")
}

/// Checks a token.
pub(crate) fn check(secret: &Secret, token: &str, now: Timestamp) -> Result<(), TokenFault> {
    let (unix, given) = token.split_once('.').ok_or(TokenFault::Invalid)?;
    let issued: i64 = unix.parse().or(Err(TokenFault::Invalid))?;
    let expected = sign(secret, unix);
    if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
        return Err(TokenFault::Invalid);
    }
    let age = now.as_second().saturating_sub(issued);
    match age {
        ..MIN_AGE => Err(TokenFault::TooSoon(MIN_AGE - age)),
        MIN_AGE..=MAX_AGE => Ok(()),
        _ => Err(TokenFault::Expired),
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length; the constructor cannot fail")]
pub(crate) fn sign(secret: &Secret, unix: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("HMAC takes any key");
    mac.update(unix.as_bytes());
    let full = hex::encode(mac.finalize().into_bytes());
    full.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_token_has_its_time() {
        let (secret, shown) = (Secret::new("s"), Timestamp::from_second(1_800_000_000).unwrap());
        let token = issue(&secret, shown);
        let at = |seconds| check(&secret, &token, shown + SignedDuration::from_secs(seconds));
        assert_eq!(at(1), Err(TokenFault::TooSoon(2)));
        assert_eq!(at(3), Ok(()));
        assert_eq!(at(7200), Ok(()));
        assert_eq!(at(7201), Err(TokenFault::Expired));
        let other = Secret::new("t");
        let later = shown + SignedDuration::from_secs(5);
        assert_eq!(check(&other, &token, later), Err(TokenFault::Invalid));
        for bad in ["", "x", "1.2", &token.replace('.', ":")] {
            assert_eq!(check(&secret, bad, later), Err(TokenFault::Invalid), "{bad}");
        }
    }
}
