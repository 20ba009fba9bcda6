//! Where a redirect may lead: only to pages of the console itself.

/// The page to go to, or the dashboard when `asked` leads anywhere else.
pub(super) fn safe(asked: &str) -> &str {
    let path = asked.split(['?', '#']).next().unwrap_or("");
    let ours = path == "/console" || path.starts_with("/console/");
    let plain = asked.len() <= 2000
        && asked.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
        && !path.contains("//")
        && !path.split('/').any(|part| matches!(part, "." | "..") || part.contains('%'));
    if ours && plain && !path.starts_with("/console/sign-") { asked } else { "/console" }
}

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        for good in ["/console", "/console/inbox", "/console/leads?q=%D0%98&state=paused", "/console?days=7"]
        {
            assert_eq!(safe(good), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console",
            "/console\\@evil.example",
            "/consoleevil",
            "/console/../admin",
            "/console//evil.example",
            "/console/%2e%2e/admin",
            "/console/\r\nset-cookie: a=b",
            "javascript:alert(1)",
            "/console/sign-in",
            "/console/sign-out",
            "/console/ы",
        ] {
            assert_eq!(safe(bad), "/console", "{bad}");
        }
    }

    #[test]
    fn texts_survive_an_address() {
        assert_eq!(encoded("Иван &=?"), "%D0%98%D0%B2%D0%B0%D0%BD%20%26%3D%3F");
    }
}
