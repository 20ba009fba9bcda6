//! `POST /api/pay`, `GET /pay/return`, `GET /pay/callback`: tickets are paid online. Answers are those of the newest
//! generation of the PHP platform; what money is believed to be is decided in `ismart_leads::orders`.

mod page;
mod ticket;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_domain::payment::{Cause, NoticeFault, Order, OrderState, Verdict};
use ismart_leads::orders::{BuyError, SettleError, Settled};
use ismart_sites::legacy::Generation;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use super::{page_expired, reading};
use crate::form_token;
use crate::origin::{Asked, Origin, text};
use crate::platform::{Platform, Shop};
use crate::problem::Problem;
use crate::site;
pub(crate) use page::dress;
pub(crate) use ticket::seats_of;

/// The list of events, where a person goes when nothing better is known.
const LIST: &str = "/events";

/// Whether the addresses of payment are this site's: it sells, or it is of the generation that always had them.
fn follows(asked: &Asked, shop: Option<&Arc<Shop>>) -> bool {
    let newest = asked.site.config().legacy.as_ref().is_some_and(|l| l.generation == Generation::Gen3);
    shop.is_some() || newest
}

/// A refusal: as JSON for scripts, as a redirect to `to` for browsers.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    to: String,
    errors: Option<Box<Map<String, Value>>>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: &'static str, to: &str) -> Self {
        Self { status, code, message, to: to.to_owned(), errors: None }
    }

    fn invalid(errors: Map<String, Value>, to: &str) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Self {
            errors: Some(Box::new(errors)),
            ..Self::new(status, "VALIDATION_ERROR", "Проверьте поля формы", to)
        }
    }

    fn into_response(self, json: bool, origin: &Origin) -> Response {
        if !json {
            return see_other(&format!("{}?pay=error&code={}", self.to, self.code));
        }
        let mut body = Map::new();
        body.insert("success".to_owned(), false.into());
        body.insert("code".to_owned(), self.code.into());
        body.insert("message".to_owned(), self.message.into());
        body.insert("request_id".to_owned(), origin.request_id.clone().into());
        if let Some(errors) = self.errors {
            body.insert("errors".to_owned(), Value::Object(*errors));
        }
        (self.status, Json(Value::Object(body))).into_response()
    }
}

/// 303, with an empty body.
fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => (StatusCode::SEE_OTHER, [(header::LOCATION, LIST)]).into_response(),
    }
}

/// Whether a script asks.
fn wants_json(headers: &HeaderMap) -> bool {
    let is = |name: &str| text(headers, name).unwrap_or_default().to_lowercase();
    is("accept").contains("application/json") || is("x-requested-with") == "xmlhttprequest"
}

/// `POST /api/pay`: an order, and the way to the bank's page.
pub(crate) async fn create(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let shop = platform.shop(asked.place.site_id);
    if !follows(&asked, shop.as_ref()) {
        return site::serve(State(platform), origin, asked, request).await;
    }
    let headers = request.headers().clone();
    let json = wants_json(&headers);
    let bought = match shop {
        None => Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "PAYMENT_DISABLED",
            "Онлайн-оплата временно недоступна",
            LIST,
        )),
        Some(shop) => buy(&platform, &shop, &origin, &asked, &headers, request).await,
    };
    Ok(match bought {
        Ok((order, pay_url)) if json => Json(json!({
            "success": true, "formUrl": pay_url, "order_id": order.number, "request_id": origin.request_id,
        }))
        .into_response(),
        Ok((_, pay_url)) => see_other(&pay_url),
        Err(refusal) => {
            tracing::warn!(code = refusal.code, "an order was refused");
            refusal.into_response(json, &origin)
        }
    })
}

async fn buy(
    platform: &Platform,
    shop: &Shop,
    origin: &Origin,
    asked: &Asked,
    headers: &HeaderMap,
    request: Request,
) -> Result<(Order, String), Refusal> {
    let now = platform.env.now();
    platform.limits.take(origin.ip, now).map_err(|_wait| {
        let message = "Слишком много запросов. Попробуйте позже.";
        Refusal::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_EXCEEDED", message, LIST)
    })?;
    // A body that cannot be read has no fields, and so no token.
    let fields = reading::read(request).await.unwrap_or_else(|_unread| Fields::default());
    let token = fields.get("form_token").unwrap_or_default();
    form_token::check(&platform.options.form_secret, token, now).map_err(|_fault| {
        let message = "Не удалось подтвердить отправку. Обновите страницу и попробуйте снова.";
        Refusal::new(page_expired(), "TOKEN_INVALID", message, LIST)
    })?;
    // Seats are counted from what the editor wrote, not from what pages show of it after sales.
    let written = platform.site_of_key(&asked.place.slug).map(|(site, _)| site);
    let site = written.unwrap_or_else(|| asked.site.clone());
    let asked = Asked { site, place: asked.place.clone() };
    let (purchase, seats) = ticket::read(shop, &asked, origin, headers, &fields)?;
    let page = purchase.page.clone();
    let order = shop.till.buy(purchase, seats).await.map_err(|error| match error {
        BuyError::Seats { .. } => Refusal::invalid(ticket::wrong_count(), &page),
        BuyError::Busy | BuyError::Bank(_) => {
            let message = "Банк недоступен, попробуйте позже";
            Refusal::new(StatusCode::BAD_GATEWAY, "GATEWAY_ERROR", message, &page)
        }
        BuyError::Store(error) => {
            tracing::error!(error = %error, "an order could not be stored");
            let message = "Не удалось создать заказ";
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "ORDER_STORE_ERROR", message, &page)
        }
    })?;
    let pay_url = order.pay_url.clone().unwrap_or_default();
    Ok((order, pay_url))
}

/// `GET /pay/return`: the person is back from the bank. Where he came to says nothing: the bank is asked.
pub(crate) async fn back(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let shop = platform.shop(asked.place.site_id);
    if !follows(&asked, shop.as_ref()) {
        return site::serve(State(platform), origin, asked, request).await;
    }
    let Some(shop) = shop else { return Ok(see_other(LIST)) };
    let pairs = pairs(&request);
    let value = |name: &str| {
        let found = pairs.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.trim());
        found.filter(|value| !value.is_empty())
    };
    let till = &shop.till;
    let mut order = match value("order").map(str::parse) {
        Some(Ok(number)) => till.find(&number).await?,
        _ => None,
    };
    // Every question to the bank costs it and us something.
    let may_ask = platform.limits.take(origin.ip, platform.env.now()).is_ok();
    if let (None, Some(bank_id), true) = (&order, value("orderId"), may_ask) {
        order = till.find_by_bank_id(bank_id).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "the order of a return is not known");
            None
        });
    }
    let Some(order) = order else { return Ok(see_other(LIST)) };
    let back =
        |outcome: &str| see_other(&format!("{}?order={}&{outcome}", order.purchase.page, order.number));
    if !may_ask {
        return Ok(back(if order.state == OrderState::Paid { "paid=1" } else { "pay=pending" }));
    }
    Ok(match till.settle(&order, Cause::Return).await {
        Ok(Settled { verdict: Verdict::Paid, .. }) => back("paid=1"),
        Ok(Settled { verdict: Verdict::Open | Verdict::Failed(_), .. }) => back("pay=failed"),
        Ok(_) | Err(SettleError::Bank(_) | SettleError::Raced(_)) => back("pay=pending"),
        Err(error @ (SettleError::Store(_) | SettleError::Lead(_))) => {
            tracing::error!(error = %error, order = %order.number, "an order could not be settled");
            back("pay=pending")
        }
    })
}

/// `GET /pay/callback`: the bank reports by itself, signed, until it is answered with 200.
pub(crate) async fn notice(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let shop = platform.shop(asked.place.site_id);
    if !follows(&asked, shop.as_ref()) {
        return site::serve(State(platform), origin, asked, request).await;
    }
    let pairs = pairs(&request);
    if pairs.is_empty() {
        let body = "Приём уведомлений об оплате. Адрес рабочий, уведомления банк шлёт с параметрами.";
        return Ok(plain(StatusCode::OK, body));
    }
    let read = shop.as_ref().map_or(Err(NoticeFault::NoKey), |shop| shop.till.gateway().notice(&pairs));
    let (shop, notice) = match (shop, read) {
        (Some(shop), Ok(notice)) => (shop, notice),
        (_, Err(NoticeFault::Forged)) => {
            tracing::warn!("a report of the bank has a wrong signature");
            let body = "Уведомление отклонено: неверная контрольная сумма.";
            return Ok(plain(StatusCode::FORBIDDEN, body));
        }
        (_, _) => {
            tracing::error!("a report of the bank came, and no key is set to check it");
            let body = "Приём уведомлений не настроен: не задан ключ контрольной суммы.";
            return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, body));
        }
    };
    let known = match notice.number.parse() {
        Ok(number) if notice.paid => shop.till.find(&number).await?,
        _ => None,
    };
    let Some(order) = known else { return Ok(plain(StatusCode::OK, "OK")) };
    match shop.till.settle(&order, Cause::Notice).await {
        // That the bank has news is written down: it is asked again until it answers.
        Ok(_) | Err(SettleError::Bank(_) | SettleError::Raced(_)) => {}
        Err(error @ (SettleError::Store(_) | SettleError::Lead(_))) => {
            tracing::error!(error = %error, order = %order.number, "a report of the bank could not be stored");
            let body = "Уведомление не сохранено, повторите позже.";
            return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, body));
        }
    }
    Ok(plain(StatusCode::OK, "OK"))
}

fn plain(status: StatusCode, body: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

/// The pairs of the query, in order; those of a query that cannot be read are none.
fn pairs(request: &Request) -> Vec<(String, String)> {
    Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_or_else(|_| Vec::new(), |Query(pairs)| pairs)
}

/// Other methods at the addresses of payment: pages of the site.
pub(crate) async fn elsewhere(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    site::serve(State(platform), origin, asked, request).await
}
