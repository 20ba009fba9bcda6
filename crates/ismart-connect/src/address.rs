//! Addresses of destinations.

use std::net::IpAddr;

use url::Url;

/// Whether a host can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || literal.is_ok_and(|address| address.is_loopback())
}

/// An address that secrets may go to: `https`, or `http` to this machine.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub(crate) fn confidential(text: &str) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(text) else { return Err("is no address; it begins with https://") };
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        _ if host.is_empty() => Err("names no host; it looks like https://HOST/…"),
        _ if !url.username().is_empty() || url.password().is_some() => {
            Err("must not hold a user or a password")
        }
        "https" => Ok(url),
        "http" if is_loopback(host) => Ok(url),
        "http" => Err("must begin with https:// ; http would show what is sent to the network"),
        _ => Err("must begin with https://"),
    }
}

/// Host and, where it is not the usual one, port.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A body of `application/x-www-form-urlencoded`, or a query.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(pairs);
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_only_where_nobody_listens() {
        for good in ["https://a.ru/x", "http://127.0.0.1:9/x", "http://localhost/", "http://[::1]:1/"] {
            assert!(confidential(good).is_ok(), "{good}");
        }
        for bad in
            ["", "a.ru", "http://a.ru/", "ftp://a.ru/", "https://u:hush@a.ru/", "http://127.0.0.1.a.ru/"]
        {
            let reason = confidential(bad).unwrap_err();
            assert!(!reason.contains("hush"), "{bad}: {reason}");
        }
        assert_eq!(authority(&confidential("https://a.ru:8443/x").unwrap()), "a.ru:8443");
    }
}
