//! What a person sees who opens the emulator in a browser: the leads that arrived.

use super::core::Core;
use super::entity::Entity;
use super::params::escape_html;
use super::store::StoredItem;
use super::value::iso;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use std::fmt::Write as _;
use std::sync::Arc;

/// The newest leads are shown, no more than this.
const SHOWN: usize = 200;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
.note{background:#fff3cd;color:#4d3800;border-left:.5rem solid #b58100;padding:.75rem 1rem}\
.wrap{overflow-x:auto}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.5rem;border-bottom:1px solid #8a8a8a;vertical-align:top}\
caption{text-align:left;padding:.5rem 0}:root{color-scheme:light dark}";

pub(super) async fn leads(State(core): State<Arc<Core>>) -> Response {
    let page = {
        let state = core.lock();
        let total = state.store.count(Entity::Lead);
        let skip = total.saturating_sub(SHOWN);
        let mut newest: Vec<Arc<StoredItem>> =
            state.store.iter(Entity::Lead, None).skip(skip).cloned().collect();
        newest.reverse();
        let source = |code: &str| match state.directory.status("SOURCE", code) {
            Some(status) => status.name.clone(),
            None => code.to_owned(),
        };
        let rows: Vec<[String; 6]> = newest
            .iter()
            .map(|lead| {
                [
                    lead.id.to_string(),
                    lead.text("title").to_owned(),
                    [lead.text("name"), lead.text("lastName")].join(" ").trim().to_owned(),
                    lead.phones().join(", "),
                    source(lead.text("sourceId")),
                    iso(lead.created_at, state.offset),
                ]
            })
            .collect();
        render(&rows, total)
    };
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")], Html(page))
        .into_response()
}

fn render(rows: &[[String; 6]], total: usize) -> String {
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
         <title>Эмулятор Bitrix24 (симуляция)</title><style>{STYLE}</style></head><body><main>\
         <h1>Эмулятор Bitrix24 (симуляция)</h1>\
         <p class=\"note\">Это не настоящий портал Bitrix24, а его имитация на вашем компьютере: \
         сюда приходят заявки демонстрации, и никуда дальше они не уходят.</p>{content}</main></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_visitors_typed_cannot_become_markup() {
        let row = ["1", "<script>alert(1)</script>", "\"Иван\"", "+7", "WEB", "2026"].map(str::to_owned);
        let page = render(&[row], 1);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!page.contains("<script"));
        assert!(page.contains("&quot;Иван&quot;"));
    }
}
