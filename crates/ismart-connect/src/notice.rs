//! A request as a message to people: for messengers.

use ismart_domain::lead::Lead;

use crate::story::story;
use crate::text::one_line;

/// A request in lines, the heading apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// `Заявка № 12: Тест-драйв`; people know a repeat by its number.
    pub(crate) heading: String,
    /// Everything else.
    pub(crate) body: String,
}

impl Notice {
    /// Of a lead; `own` is the client's own remark.
    pub(crate) fn of(lead: &Lead, own: Option<&str>) -> Self {
        let mut lines = story(lead, true, own).into_iter();
        let mark = if lead.draft.test { "Тест. " } else { "" };
        let heading = one_line(&format!("{mark}{}", lines.next().unwrap_or_default()));
        let body: Vec<String> = lines.map(|line| visible(&line)).collect();
        Self { heading, body: body.join("\n") }
    }

    /// As plain text of at most `limit` UTF-16 units, which is how messengers count.
    pub(crate) fn plain(&self, limit: usize) -> String {
        fit(&format!("{}\n\n{}", self.heading, self.body), limit)
    }

    /// As HTML of messengers, whose text without markup has at most `limit` UTF-16 units.
    pub(crate) fn html(&self, limit: usize) -> String {
        let heading = fit(&self.heading, limit / 2);
        let left = limit.saturating_sub(units(&heading) + 2);
        format!("<b>{}</b>\n\n{}", escape(&heading), escape(&fit(&self.body, left))).trim_end().to_owned()
    }
}

/// The text without what no screen shows; line ends stay.
fn visible(text: &str) -> String {
    let kept = |c: &char| *c == '\n' || !c.is_control();
    text.replace("\r\n", "\n").replace('\t', " ").chars().filter(kept).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// At most `limit` UTF-16 units; what is cut shows an ellipsis.
fn fit(text: &str, limit: usize) -> String {
    let text = text.trim_end();
    if units(text) <= limit {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|c| {
        used += c.len_utf16();
        used <= limit
    });
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messengers_count_pairs_twice_and_markup_not_at_all() {
        let notice = Notice { heading: "Заявка <№ 1>".into(), body: "🚗".repeat(3000) };
        let plain = notice.plain(4096);
        assert_eq!(plain.encode_utf16().count(), 4095, "half a pair is none");
        assert!(plain.ends_with('…'));
        let html = notice.html(100);
        assert!(html.starts_with("<b>Заявка &lt;№ 1&gt;</b>\n\n🚗"), "{html}");
        let text = html.replace("<b>", "").replace("</b>", "").replace("&lt;", "<").replace("&gt;", ">");
        assert!(text.encode_utf16().count() <= 100);
        assert_eq!(Notice { heading: "a".into(), body: String::new() }.html(50), "<b>a</b>");
        assert_eq!(fit("абв", 3), "абв");
    }

    #[test]
    fn what_no_screen_shows_is_left_out() {
        assert_eq!(visible("a\u{0}\u{1b}[31m\r\nb\tc"), "a[31m\nb c");
    }
}
