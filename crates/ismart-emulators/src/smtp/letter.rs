//! A letter as it was taken, and what is odd about one.

/// A letter that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `Message-ID`, with its brackets; empty when it has none.
    pub id: String,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The letter, without dot-stuffing.
    pub raw: String,
    /// How often it came.
    pub times: usize,
}

impl Letter {
    /// A header's value, continued lines joined.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        headers(&self.raw).into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn headers(raw: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in raw.split("\r\n").take_while(|line| !line.is_empty()) {
        match (line.starts_with([' ', '\t']), all.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                let (key, value) = line.split_once(':').unwrap_or((line, ""));
                all.push((key.to_owned(), value.trim().to_owned()));
            }
        }
    }
    all
}

/// What a careful server or reader would find wrong with a letter.
pub(super) fn oddities(raw: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let bare = raw.iter().enumerate().any(|(at, byte)| {
        let before = at.checked_sub(1).and_then(|at| raw.get(at));
        (*byte == b'\n' && before != Some(&b'\r')) || (*byte == b'\r' && raw.get(at + 1) != Some(&b'\n'))
    });
    if bare {
        found.push("a bare CR or LF".to_owned());
    }
    let text = String::from_utf8_lossy(raw);
    if text.split("\r\n").any(|line| line.len() > 998) {
        found.push("a line of more than 998 bytes".to_owned());
    }
    let (head, _) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    if !head.is_ascii() {
        found.push("letters beyond ASCII in a header".to_owned());
    }
    let all = headers(&text);
    for name in ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version"] {
        let times = all.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count();
        if times != 1 {
            found.push(format!("{times} headers {name}"));
        }
    }
    for (name, _) in &all {
        const KNOWN: [&str; 11] = [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Reply-To",
            "Content-Type",
            "Content-Transfer-Encoding",
            "Auto-Submitted",
            "X-iSmart-Lead",
        ];
        if !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            found.push(format!("a header {name} that nobody meant to send"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oddities_are_told_and_a_plain_letter_has_none() {
        let good = "From: a@b.ru\r\nTo: c@d.ru\r\nSubject: =?utf-8?b?0Y8=?=\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\
                    Message-ID: <1@b.ru>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nя\r\n";
        assert_eq!(oddities(good.as_bytes()), Vec::<String>::new());
        for (change, word) in [
            (good.replace("Subject", "Bcc: x@y.ru\r\nSubject"), "Bcc"),
            (good.replace("=?utf-8?b?0Y8=?=", "я"), "beyond ASCII"),
            (good.replace("Message-ID", "Message-IDX"), "0 headers Message-ID"),
            (good.replace("я\r\n", "я\n"), "bare"),
            (good.replace('я', &"x".repeat(999)), "998"),
        ] {
            let found = oddities(change.as_bytes()).join("; ");
            assert!(found.contains(word), "{found}");
        }
    }
}
