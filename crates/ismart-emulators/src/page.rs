//! What a person sees who opens an emulator in a browser: the leads that arrived.

use crate::php::escape_html;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
.note{background:#fff3cd;color:#4d3800;border-left:.5rem solid #b58100;padding:.75rem 1rem}\
.wrap{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.5rem;border-bottom:1px solid #8a8a8a;vertical-align:top}\
caption{text-align:left;padding:.5rem 0}:root{color-scheme:light dark}";

/// The page of one service.
pub(crate) struct Page {
    /// Its name.
    pub(crate) service: &'static str,
    /// What it calls the place where leads are kept, masculine.
    pub(crate) place: &'static str,
}

/// A page that no script can run on and nobody keeps.
pub(crate) fn shown(page: String) -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")], Html(page))
        .into_response()
}

impl Page {
    /// Rows of id, title, name, phones, source and time, the newest first.
    pub(crate) fn render(&self, rows: &[[String; 6]], total: usize) -> String {
        let Self { service, place } = self;
        let mut body = String::new();
        for row in rows {
            body.push_str("<tr>");
            for (index, cell) in row.iter().enumerate() {
                let cell = escape_html(cell);
                let written = if index == 0 {
                    write!(body, "<th scope=\"row\">{cell}</th>")
                } else {
                    write!(body, "<td>{cell}</td>")
                };
                // Writing to a string cannot fail.
                debug_assert!(written.is_ok());
            }
            body.push_str("</tr>\n");
        }
        let content = if rows.is_empty() {
            "<p>Лидов пока нет: заявка с сайта появится здесь, как только будет доставлена.</p>".to_owned()
        } else {
            format!(
                "<div class=\"wrap\" tabindex=\"0\" role=\"region\" aria-label=\"Лиды\"><table>\
                 <caption>Всего лидов: {total}; показаны последние: {shown}</caption>\
                 <thead><tr><th scope=\"col\">ID</th><th scope=\"col\">Название</th><th scope=\"col\">Имя</th>\
                 <th scope=\"col\">Телефон</th><th scope=\"col\">Источник</th><th scope=\"col\">Создан</th></tr></thead>\
                 <tbody>\n{body}</tbody></table></div>",
                shown = rows.len()
            )
        };
        format!(
            "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
             <title>Эмулятор {service} (симуляция)</title><style>{STYLE}</style></head><body><main>\
             <h1>Эмулятор {service} (симуляция)</h1>\
             <p class=\"note\">Это не настоящий {place} {service}, а его имитация на вашем компьютере: \
             сюда приходят заявки демонстрации, и никуда дальше они не уходят.</p>{content}</main></body></html>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_visitors_typed_cannot_become_markup() {
        let row = ["1", "<script>alert(1)</script>", "\"Иван\"", "+7", "WEB", "2026"].map(str::to_owned);
        let page = Page { service: "Bitrix24", place: "портал" }.render(&[row], 1);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!page.contains("<script"));
        assert!(page.contains("&quot;Иван&quot;"));
        assert!(page.contains("Это не настоящий портал Bitrix24,"));
    }
}
