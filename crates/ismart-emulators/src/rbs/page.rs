//! The page where a person pays, or does not.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::{BankOrder, Core, OrderStatus, callback, parse_form};
use crate::php::escape_html;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:32rem;padding:0 1rem}\
.note{background:#fff3cd;color:#4d3800;border-left:.5rem solid #b58100;padding:.75rem 1rem}\
button{font:inherit;padding:.75rem 1.25rem;margin:.25rem .5rem .25rem 0}:root{color-scheme:light dark}";

/// Buttons: what they are called, and what they mean.
const CHOICES: &[(&str, &str)] =
    &[("pay", "Оплатить"), ("decline", "Карта отклонена"), ("leave", "Вернуться без оплаты")];

fn found(core: &Core, id: &str) -> Option<BankOrder> {
    core.lock().orders.iter().find(|order| order.id == id).cloned()
}

pub(super) async fn show(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Response {
    let params = parse_form(&query.unwrap_or_default());
    let Some(order) = params.get("mdOrder").and_then(|id| found(&core, id)) else {
        return (StatusCode::NOT_FOUND, Html("<h1>Заказ не найден</h1>")).into_response();
    };
    let mut buttons = String::new();
    for (code, title) in CHOICES {
        let written = write!(buttons, "<button name=\"choice\" value=\"{code}\">{title}</button>");
        // Writing to a text cannot fail.
        debug_assert!(written.is_ok());
    }
    let page = format!(
        "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         <title>Эмулятор банка (симуляция)</title><style>{STYLE}</style></head><body><main>\
         <h1>Эмулятор банка (симуляция)</h1>\
         <p class=\"note\">Это не настоящий банк: деньги здесь не списываются.</p>\
         <p>{description}</p><p>К оплате: <strong>{roubles},{kopecks:02} ₽</strong></p>\
         <form method=\"post\"><input type=\"hidden\" name=\"mdOrder\" value=\"{id}\">{buttons}</form>\
         </main></body></html>",
        description = escape_html(order.params.get("description").map_or("", String::as_str)),
        roubles = order.amount / 100,
        kopecks = order.amount % 100,
        id = escape_html(&order.id),
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    ([(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, "no-store")], Html(page))
        .into_response()
}

pub(super) async fn decide(State(core): State<Arc<Core>>, body: Bytes) -> Response {
    let params = parse_form(&String::from_utf8_lossy(&body));
    let Some(order) = params.get("mdOrder").and_then(|id| found(&core, id)) else {
        return (StatusCode::NOT_FOUND, Html("<h1>Заказ не найден</h1>")).into_response();
    };
    let (status, kopecks) = match params.get("choice").map(String::as_str) {
        // Money that was taken once stays taken.
        _ if order.status == OrderStatus::Deposited => (OrderStatus::Deposited, order.deposited),
        Some("pay") => (OrderStatus::Deposited, order.amount),
        Some("decline") => (OrderStatus::Declined, 0),
        _ => (order.status, order.deposited),
    };
    let Some(to) = core.settle(&order.number, status, kopecks) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if status != OrderStatus::Registered {
        let (core, number) = (core.clone(), order.number.clone());
        tokio::spawn(async move { callback::deliver(&core, &number).await });
    }
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}
