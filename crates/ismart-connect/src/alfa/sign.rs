//! The signature of the bank's reports: HMAC-SHA256 in hexadecimal over `name;value;` of all parameters but the
//! signature itself, sorted by name.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use ismart_domain::Secret;
use ismart_domain::payment::NoticeFault;
use sha2::Sha256;

/// Checks a report.
pub(super) fn check(key: Option<&Secret>, pairs: &[(String, String)]) -> Result<(), NoticeFault> {
    let key = key.ok_or(NoticeFault::NoKey)?;
    // Of two parameters with one name the last counts, as where the shop reads them; lists are not signed.
    let all: BTreeMap<&str, &str> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let given = all.get("checksum").copied().unwrap_or_default();
    let text: String = all
        .iter()
        .filter(|(name, _)| !matches!(**name, "checksum" | "sign_alias") && !name.contains('['))
        .map(|(name, value)| format!("{name};{value};"))
        .collect();
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()).or(Err(NoticeFault::NoKey))?;
    mac.update(text.as_bytes());
    let given = hex::decode(given).or(Err(NoticeFault::Forged))?;
    // Compared in constant time.
    mac.verify_slice(&given).or(Err(NoticeFault::Forged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn reports_are_believed_only_with_the_right_signature() {
        let key = Secret::new("yourSecretToken");
        let signed = |sum: &str| {
            pairs(&[
                ("amount", "35000099"),
                ("operation", "deposited"),
                ("mdOrder", "12b59da8-f68f-7c8d-12b5-9da8000826ea"),
                ("orderNumber", "10747"),
                ("status", "1"),
                ("sign_alias", "any"),
                ("checksum", sum),
            ])
        };
        let text = "amount;35000099;mdOrder;12b59da8-f68f-7c8d-12b5-9da8000826ea;operation;deposited;orderNumber;10747;status;1;";
        let mut mac = Hmac::<Sha256>::new_from_slice(b"yourSecretToken").unwrap();
        mac.update(text.as_bytes());
        let right = hex::encode_upper(mac.finalize().into_bytes());
        assert_eq!(check(Some(&key), &signed(&right)), Ok(()));
        assert_eq!(check(Some(&key), &signed(&right.to_lowercase())), Ok(()));
        for wrong in [
            "",
            "zz",
            right.trim_end_matches(char::is_alphanumeric),
            &right.replace('A', "B").replace('0', "1"),
        ] {
            assert_eq!(check(Some(&key), &signed(wrong)), Err(NoticeFault::Forged), "{wrong}");
        }
        assert_eq!(check(None, &signed(&right)), Err(NoticeFault::NoKey));
        assert_eq!(check(Some(&Secret::new("x")), &signed(&right)), Err(NoticeFault::Forged));
        assert_eq!(check(Some(&key), &[]), Err(NoticeFault::Forged));
    }
}
