//! One form for the many spellings of a phone or an address.

/// The form in which duplicates are compared: digits without extension for phones, lower case for
/// everything else.
pub(crate) fn normalise(type_id: &str, value: &str) -> String {
    if type_id != "PHONE" {
        return value.trim().to_lowercase();
    }
    let lower = value.to_lowercase();
    let main = ["доб", "ext", "x", "#", ",", ";"]
        .iter()
        .filter_map(|mark| lower.split_once(mark).map(|(head, _)| head))
        .min_by_key(|head| head.len())
        .unwrap_or(&lower);
    let digits: String = main.chars().filter(char::is_ascii_digit).collect();
    match (digits.len(), digits.strip_prefix('8')) {
        (11, Some(rest)) => format!("7{rest}"),
        (10, _) => format!("7{digits}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_phone_are_one() {
        let one = "79990000001";
        for spelling in
            ["+7 (999) 000-00-01", "89990000001", "9990000001", "8 999 000 00 01 доб. 12", "+79990000001#5"]
        {
            assert_eq!(normalise("PHONE", spelling), one, "{spelling}");
        }
        assert_eq!(normalise("EMAIL", " I@Example.RU "), "i@example.ru");
    }
}
