//! `.env` of an old site: read as its loaders read it, without giving anything to the process.

use std::collections::BTreeMap;

/// Name → value of the lines `NAME=value`; quotes are taken off, comments and other lines passed over.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            continue;
        }
        all.insert(name.to_owned(), value_of(value.trim()));
    }
    all
}

fn value_of(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.split(quote).next()) {
            return inner.to_owned();
        }
    }
    text.split(" #").next().unwrap_or(text).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_platform_reads_them() {
        let all = parse(
            "# c\nAPP_ENV=production\n\nNAME=\"Экосистема # итали\" # x\nexport A='b c'\nB=1 # two\nbad line\n=x\nA B=c\nURL=http://x/#y\n",
        );
        let pairs: Vec<_> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("A", "b c"),
                ("APP_ENV", "production"),
                ("B", "1"),
                ("NAME", "Экосистема # итали"),
                ("URL", "http://x/#y")
            ]
        );
    }
}
