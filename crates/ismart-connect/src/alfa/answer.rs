//! What the bank answers. An error code stands in the body, under status 200, as a text or as a number.

use ismart_domain::payment::{GatewayError, Registered, Report, Standing};
use serde_json::{Map, Value};

/// Codes of roubles: that of today, and the old one which the bank's contracts still name.
const ROUBLES: [&str; 2] = ["643", "810"];

/// The object of an answer.
pub(super) fn object(status: u16, body: &[u8]) -> Result<Map<String, Value>, GatewayError> {
    let unreadable = |what: &str| GatewayError::Unreachable {
        ambiguous: true,
        reason: format!("it answers {what} with status {status}"),
    };
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) if status < 500 => Ok(map),
        Ok(Value::Object(_)) => Err(unreadable("a failure")),
        Ok(_) => Err(unreadable("JSON that is no object")),
        Err(_) => Err(unreadable("something that is no JSON")),
    }
}

fn text(map: &Map<String, Value>, key: &str) -> String {
    match map.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The refusal in an answer, if it is one.
fn refusal(map: &Map<String, Value>) -> Option<(String, String)> {
    let code = text(map, "errorCode");
    let refused = !code.is_empty() && code != "0";
    refused.then(|| (code, text(map, "errorMessage").chars().take(200).collect()))
}

/// The bank's own trouble, after which nothing is certain.
const TROUBLE: &str = "7";

fn refused((code, reason): (String, String)) -> GatewayError {
    if code == TROUBLE {
        return GatewayError::Unreachable { ambiguous: true, reason: format!("system error: {reason}") };
    }
    GatewayError::Refused { code, reason }
}

/// The answer to `register.do`.
pub(super) fn registered(map: &Map<String, Value>) -> Result<Registered, GatewayError> {
    if let Some(refusal) = refusal(map) {
        return Err(refused(refusal));
    }
    let (bank_id, pay_url) = (text(map, "orderId"), text(map, "formUrl"));
    if bank_id.is_empty() || pay_url.is_empty() {
        let reason = "it registered an order without an id or a page to pay".to_owned();
        return Err(GatewayError::Unreachable { ambiguous: true, reason });
    }
    Ok(Registered { bank_id, pay_url })
}

/// The answer to `getOrderStatusExtended.do`.
pub(super) fn report(map: &Map<String, Value>) -> Result<Report, GatewayError> {
    let standing = match refusal(map) {
        // "No such order".
        Some((code, _)) if code == "6" => Standing::Unknown,
        Some(refusal) => return Err(refused(refusal)),
        None => standing(map)?,
    };
    let attribute = map.get("attributes").and_then(Value::as_array).and_then(|all| {
        let named = |item: &&Value| item.get("name").and_then(Value::as_str) == Some("mdOrder");
        Some(all.iter().find(named)?.get("value")?.as_str()?.to_owned())
    });
    Ok(Report { number: text(map, "orderNumber"), bank_id: attribute, standing })
}

fn standing(map: &Map<String, Value>) -> Result<Standing, GatewayError> {
    let sums = map.get("paymentAmountInfo").and_then(Value::as_object);
    let deposited = sums.and_then(|sums| sums.get("depositedAmount")).and_then(Value::as_i64);
    let state = sums.and_then(|sums| sums.get("paymentState")).and_then(Value::as_str);
    let status = text(map, "orderStatus");
    let reason = || {
        let said = text(map, "actionCodeDescription");
        if said.is_empty() { format!("orderStatus {status}") } else { said.chars().take(200).collect() }
    };
    Ok(match status.as_str() {
        "2" => paid(map, deposited),
        _ if state == Some("DEPOSITED") => paid(map, deposited),
        "0" => Standing::Open,
        "1" | "5" => Standing::Moving,
        "3" | "4" | "6" => Standing::Failed { reason: reason() },
        other => {
            let reason = format!("it names an order status that is not known: `{other}`");
            return Err(GatewayError::Unreachable { ambiguous: false, reason });
        }
    })
}

/// What arrived: the deposited sum, where it is told apart from the sum of the order.
fn paid(map: &Map<String, Value>, deposited: Option<i64>) -> Standing {
    let minor = deposited.or_else(|| map.get("amount").and_then(Value::as_i64)).unwrap_or(0);
    let currency = text(map, "currency");
    let ours = currency.is_empty() || ROUBLES.contains(&currency.as_str());
    Standing::Paid { minor, currency: (!ours).then_some(currency) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        object(200, value.to_string().as_bytes()).unwrap()
    }

    fn stands(value: &Value) -> Standing {
        report(&map(value)).unwrap().standing
    }

    #[test]
    fn codes_are_read_as_texts_and_as_numbers() {
        let good = json!({"orderId": "b", "formUrl": "https://bank/pay", "errorCode": 0});
        assert_eq!(registered(&map(&good)).unwrap().bank_id, "b");
        for code in [json!("1"), json!(1)] {
            let again = json!({"errorCode": code, "errorMessage": "Заказ уже обработан"});
            assert!(
                matches!(registered(&map(&again)), Err(GatewayError::Refused { code, .. }) if code == "1")
            );
        }
        let trouble = json!({"errorCode": "7", "errorMessage": "Системная ошибка"});
        let lost = |error| matches!(error, Err(GatewayError::Unreachable { ambiguous: true, .. }));
        assert!(lost(registered(&map(&trouble))));
        assert!(lost(registered(&map(&json!({"orderId": "b"})))), "a page to pay is missing");
    }

    #[test]
    fn what_is_no_answer_leaves_the_matter_open() {
        for (status, body) in [(503, "<html>"), (200, ""), (200, "[]"), (500, "{}")] {
            let error = object(status, body.as_bytes()).unwrap_err();
            assert!(matches!(error, GatewayError::Unreachable { ambiguous: true, .. }), "{status} {body}");
        }
        let odd = json!({"errorCode": "0", "orderNumber": "n", "orderStatus": 99});
        assert!(report(&map(&odd)).is_err(), "an unknown status is not a failure of the person");
        assert!(report(&map(&json!({"errorCode": "0"}))).is_err());
    }

    #[test]
    fn every_status_of_the_bank_has_its_meaning() {
        let with = |status: i64| {
            json!({"errorCode": "0", "orderNumber": "n", "orderStatus": status, "amount": 500,
            "currency": "643", "actionCodeDescription": "Недостаточно средств"})
        };
        assert_eq!(stands(&with(0)), Standing::Open);
        assert_eq!(stands(&with(1)), Standing::Moving);
        assert_eq!(stands(&with(2)), Standing::Paid { minor: 500, currency: None });
        assert_eq!(stands(&with(5)), Standing::Moving);
        for status in [3, 4, 6] {
            assert_eq!(stands(&with(status)), Standing::Failed { reason: "Недостаточно средств".into() });
        }
        assert_eq!(stands(&json!({"errorCode": "6", "errorMessage": "Заказ не найден"})), Standing::Unknown);
        let partly = json!({"errorCode": "0", "orderNumber": "n", "orderStatus": 2, "amount": 500,
            "currency": "840", "paymentAmountInfo": {"paymentState": "DEPOSITED", "depositedAmount": 300}});
        assert_eq!(stands(&partly), Standing::Paid { minor: 300, currency: Some("840".into()) });
    }
}
