//! The REST interface: `register.do` and `getOrderStatusExtended.do`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{BankOrder, Core, Mood, OrderStatus, parse_form};

const MAX_BODY: usize = 256 * 1024;
/// The longest number that a shop may give.
const NUMBER: usize = 36;

pub(super) async fn call(
    State(core): State<Arc<Core>>,
    Path(method): Path<String>,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY).await.unwrap_or_default();
    let mut params = parse_form(&query);
    params.extend(parse_form(&String::from_utf8_lossy(&body)));
    let mood = {
        let mut state = core.lock();
        state.calls += 1;
        state.mood
    };
    match mood {
        Mood::Well => answer(&perform(&core, &method, params)),
        Mood::Down => {
            let page = "<html><body><h1>503 Service Unavailable</h1></body></html>";
            (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Mood::Mute => {
            perform(&core, &method, params);
            let broken = futures::stream::once(async {
                Err::<Bytes, std::io::Error>(std::io::ErrorKind::ConnectionReset.into())
            });
            Body::from_stream(broken).into_response()
        }
        Mood::Hanging => {
            perform(&core, &method, params);
            std::future::pending().await
        }
        Mood::Troubled => answer(&refuse("7", "Системная ошибка")),
    }
}

fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], value.to_string()).into_response()
}

fn refuse(code: &str, message: &str) -> Value {
    json!({ "errorCode": code, "errorMessage": message })
}

fn perform(core: &Core, method: &str, mut params: BTreeMap<String, String>) -> Value {
    let (user, password) = (params.remove("userName"), params.remove("password"));
    if user.as_deref() != Some(&core.username) || password.as_deref() != Some(&core.password) {
        return refuse("5", "Доступ запрещён");
    }
    match method {
        "register.do" => register(core, params),
        "getOrderStatusExtended.do" => status(core, &params),
        _ => refuse("5", "Неизвестный метод"),
    }
}

fn register(core: &Core, params: BTreeMap<String, String>) -> Value {
    let text = |key: &str| params.get(key).map(|value| value.trim()).filter(|value| !value.is_empty());
    let Some(number) = text("orderNumber").filter(|number| number.len() <= NUMBER) else {
        return refuse("4", "Номер заказа не может быть пуст");
    };
    let Some(amount) = text("amount").and_then(|amount| amount.parse::<i64>().ok()).filter(|a| *a > 0) else {
        return refuse("5", "Неверная сумма");
    };
    if text("returnUrl").is_none_or(|url| !url.starts_with("http")) {
        return refuse("4", "URL возврата не может быть пуст");
    }
    let currency = text("currency").unwrap_or("643");
    if !["643", "810"].contains(&currency) {
        return refuse("3", "Неизвестная валюта");
    }
    let description = text("description").unwrap_or_default();
    if description.chars().count() > 99 || description.contains(['%', '+', '\r', '\n']) {
        return refuse("5", "Неверное описание заказа");
    }
    let phone_good = |phone: &str| {
        let digits = phone.strip_prefix('+').unwrap_or(phone);
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if text("phone").is_some_and(|phone| !phone_good(phone)) {
        return refuse("5", "Неверный номер телефона");
    }
    if let Some(bundle) = text("orderBundle")
        && !sums_agree(bundle, amount)
    {
        return refuse("8", "Сумма корзины не совпадает с суммой заказа");
    }
    let mut state = core.lock();
    if state.orders.iter().any(|order| order.number == number) {
        return refuse("1", "Заказ с таким номером уже обработан");
    }
    let id = core.fresh_id();
    state.orders.push(BankOrder {
        id: id.clone(),
        number: number.to_owned(),
        amount,
        deposited: 0,
        // Whatever the contract calls the rouble, answers name today's code.
        currency: "643".to_owned(),
        status: OrderStatus::Registered,
        params: params.clone(),
    });
    json!({ "orderId": id, "formUrl": format!("{}/payment/merchants/pay?mdOrder={id}", core.base) })
}

/// A basket must cost what the order costs.
fn sums_agree(bundle: &str, amount: i64) -> bool {
    let Ok(bundle) = serde_json::from_str::<Value>(bundle) else { return false };
    let items = bundle.pointer("/cartItems/items").and_then(Value::as_array);
    let sums = items.into_iter().flatten().map(|item| {
        let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        (number("/itemAmount"), number("/itemPrice") * number("/quantity/value"))
    });
    let sums: Vec<(i64, i64)> = sums.collect();
    !sums.is_empty()
        && sums.iter().all(|(sum, counted)| sum == counted)
        && sums.iter().map(|(sum, _)| sum).sum::<i64>() == amount
}

fn status(core: &Core, params: &BTreeMap<String, String>) -> Value {
    let state = core.lock();
    let named = |key: &str| params.get(key).filter(|value| !value.is_empty());
    let found = state.orders.iter().find(|order| match named("orderId") {
        Some(id) => order.id == *id,
        None => named("orderNumber") == Some(&order.number),
    });
    let Some(order) = found else { return refuse("6", "Заказ не найден") };
    let (payment, action, words) = match order.status {
        OrderStatus::Registered => ("CREATED", -100, ""),
        OrderStatus::Held => ("APPROVED", 0, "Запрос успешно обработан"),
        OrderStatus::Deposited => ("DEPOSITED", 0, "Запрос успешно обработан"),
        OrderStatus::Refunded => ("REFUNDED", 0, "Деньги возвращены"),
        OrderStatus::Declined => ("DECLINED", 116, "Недостаточно средств"),
    };
    json!({
        "errorCode": "0",
        "errorMessage": "Успешно",
        "orderNumber": order.number,
        "orderStatus": order.status.code(),
        "actionCode": action,
        "actionCodeDescription": words,
        "amount": order.amount,
        "currency": order.currency,
        "attributes": [{ "name": "mdOrder", "value": order.id }],
        "paymentAmountInfo": {
            "paymentState": payment,
            "approvedAmount": order.deposited,
            "depositedAmount": order.deposited,
            "refundedAmount": 0,
        },
    })
}
