//! The bank's gateway against its emulator.

use ismart_connect::{Egress, GATEWAYS, find_gateway};
use ismart_domain::Money;
use ismart_domain::payment::{
    Asked, GatewayError, Notice, NoticeFault, Order, OrderNumber, OrderState, Purchase, Standing, Ways,
};
use ismart_domain::ports::PaymentGateway;
use ismart_emulators::rbs::{Bank, BankHandle, Mood, OrderStatus};
use ismart_http::{AddressPolicy, Client, Settings};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::leads;

const PASSWORD: &str = "hushpassword";
const KEY: &str = "hushkey";

fn egress() -> Egress {
    Egress::new(Client::new(Settings { allow: AddressPolicy::AllowLoopback, ..Settings::default() }).unwrap())
}

async fn bank() -> BankHandle {
    Bank::new("shop-api", PASSWORD).callback_key(KEY).start().await.unwrap()
}

fn gateway(bank: &BankHandle, more: &Value) -> Arc<dyn PaymentGateway> {
    let mut settings = json!({
        "api_url": bank.api_url(), "username": "shop-api", "password": PASSWORD, "callback_token": KEY,
        "description": "Билеты: 100% + сервис\n«Утро»",
    });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    let entry = find_gateway("alfa").unwrap();
    (entry.open)(settings.as_object().unwrap(), &egress()).unwrap().gateway
}

fn order(number: u32, tickets: u32) -> Order {
    let lead = leads::full(number);
    let purchase = Purchase {
        site_id: lead.draft.site_id,
        item: "dinner".into(),
        title: "Ужин".into(),
        date: "15 августа".into(),
        page: "/events/dinner".into(),
        tickets,
        unit: Money { minor: 199_999, ..Money::roubles(0) },
        phone: "8 (910) 123-45-67".into(),
        lead: lead.draft,
        idempotency_key: None,
        request_id: "r".into(),
    };
    Order {
        number: OrderNumber::of([u8::try_from(number).unwrap(); 12]),
        client_id: lead.client_id,
        amount: purchase.amount(),
        purchase,
        state: OrderState::New,
        bank_id: None,
        pay_url: None,
        reason: None,
        lead_id: None,
        created_at: lead.accepted_at,
        updated_at: lead.accepted_at,
        paid_at: None,
        due_at: None,
        checks: 0,
    }
}

fn ways() -> Ways {
    Ways {
        back: "https://utro.example/pay/return?order=1".into(),
        failed: "https://utro.example/pay/return?order=1&fail=1".into(),
    }
}

#[tokio::test]
async fn p1_an_order_is_registered_with_all_that_the_bank_needs() {
    let bank = bank().await;
    let gateway = gateway(&bank, &json!({"receipt": "on", "tax_type": "6"}));
    let order = order(1, 3);
    let taken = gateway.register(&order, &ways()).await.unwrap();
    let known = bank.order(order.number.as_str()).unwrap();
    assert_eq!((known.amount, &known.id), (599_997, &taken.bank_id));
    assert!(taken.pay_url.starts_with("http://127.0.0.1:"), "{}", taken.pay_url);
    let said = |name: &str| known.params.get(name).map(String::as_str);
    assert_eq!(said("currency"), Some("810"));
    assert_eq!(said("description"), Some("Билеты: 100 сервис «Утро»"));
    assert_eq!(said("phone"), Some("+79101234567"));
    assert_eq!(said("jsonParams"), Some("{\"email\":\"Anna@mail.ru\"}"));
    assert_eq!(said("sessionTimeoutSecs"), Some("1200"));
    assert_eq!(said("failUrl"), Some("https://utro.example/pay/return?order=1&fail=1"));
    let bundle: Value = serde_json::from_str(said("orderBundle").unwrap()).unwrap();
    assert_eq!(bundle.pointer("/cartItems/items/0/itemAmount"), Some(&json!(599_997)));
    assert_eq!(bundle.pointer("/cartItems/items/0/tax/taxType"), Some(&json!(6)));
    assert_eq!(gateway.form_action(), bank.api_url().trim_end_matches("/payment/rest"));
}

#[tokio::test]
async fn p2_a_number_is_registered_once() {
    let bank = bank().await;
    let gateway = gateway(&bank, &json!({}));
    gateway.register(&order(1, 1), &ways()).await.unwrap();
    let again = gateway.register(&order(1, 1), &ways()).await.unwrap_err();
    assert!(matches!(&again, GatewayError::Refused { code, .. } if code == "1"), "{again}");
    assert_eq!(bank.orders().len(), 1);
}

#[tokio::test]
async fn p3_the_report_tells_how_an_order_stands() {
    let bank = bank().await;
    let gateway = gateway(&bank, &json!({}));
    let order = order(1, 2);
    let number = order.number.as_str();
    let unknown = gateway.report(Asked::Number(number)).await.unwrap();
    assert_eq!(unknown.standing, Standing::Unknown);
    let taken = gateway.register(&order, &ways()).await.unwrap();
    let open = gateway.report(Asked::Number(number)).await.unwrap();
    assert_eq!((open.standing, open.bank_id.as_deref()), (Standing::Open, Some(taken.bank_id.as_str())));
    assert!(bank.pay(number, 399_998).unwrap().contains("orderId="));
    let paid = gateway.report(Asked::BankId(&taken.bank_id)).await.unwrap();
    assert_eq!(
        (paid.number.as_str(), paid.standing),
        (number, Standing::Paid { minor: 399_998, currency: None })
    );
    bank.end(number, OrderStatus::Declined).unwrap();
    let declined = gateway.report(Asked::BankId(&taken.bank_id)).await.unwrap();
    assert_eq!(declined.standing, Standing::Failed { reason: "Недостаточно средств".into() });
}

#[tokio::test]
async fn p4_a_lost_answer_is_ambiguous_and_the_order_is_found() {
    let bank = bank().await;
    let gateway = gateway(&bank, &json!({}));
    for (mood, known) in [(Mood::Down, 0), (Mood::Troubled, 0), (Mood::Mute, 1)] {
        bank.set_mood(mood);
        let error = gateway.register(&order(7, 1), &ways()).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreachable { ambiguous: true, .. }), "{mood:?}: {error}");
        let error = gateway.report(Asked::BankId("x")).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unreachable { .. }), "{mood:?}: {error}");
        assert_eq!(bank.orders().len(), known, "{mood:?}");
    }
    bank.set_mood(Mood::Well);
    let found = gateway.report(Asked::Number(order(7, 1).number.as_str())).await.unwrap();
    assert_eq!(found.standing, Standing::Open);
    let url = bank.api_url();
    drop(bank);
    let entry = find_gateway("alfa").unwrap();
    let settings = json!({"api_url": url, "token": "t"});
    let gone = (entry.open)(settings.as_object().unwrap(), &egress()).unwrap().gateway;
    let mut ambiguous = true;
    for _ in 0..50 {
        // The listener is closed by a task that ends in its own time.
        match gone.register(&order(8, 1), &ways()).await.unwrap_err() {
            GatewayError::Unreachable { ambiguous: false, .. } => {
                ambiguous = false;
                break;
            }
            _ => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
    assert!(!ambiguous, "where nobody listens nothing was registered");
}

#[tokio::test]
async fn p5_strangers_are_refused_and_secrets_stay_out_of_texts() {
    let bank = bank().await;
    let gateway = gateway(&bank, &json!({"password": "wrongpassword"}));
    let error = gateway.register(&order(1, 1), &ways()).await.unwrap_err();
    assert!(matches!(&error, GatewayError::Refused { code, .. } if code == "5"), "{error}");
    for secret in ["wrongpassword", PASSWORD, KEY, "Anna", "9101234567"] {
        assert!(!error.to_string().contains(secret), "{error}");
    }
    assert!(bank.orders().is_empty());
}

#[tokio::test]
async fn p6_only_signed_reports_are_believed() {
    let bank = bank().await;
    bank.report_to("https://utro.example/pay/callback");
    let gateway = gateway(&bank, &json!({}));
    let order = order(1, 1);
    gateway.register(&order, &ways()).await.unwrap();
    let url = bank
        .pay(order.number.as_str(), order.amount.minor)
        .and_then(|_| bank.report_url(order.number.as_str()));
    let query = url.unwrap().split_once('?').unwrap().1.to_owned();
    let pairs = |query: &str| -> Vec<(String, String)> {
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    };
    let notice = Notice { number: order.number.to_string(), paid: true };
    assert_eq!(gateway.notice(&pairs(&query)), Ok(notice));
    let forged = query.replace("status=1", "status=1&more=1");
    assert_eq!(gateway.notice(&pairs(&forged)), Err(NoticeFault::Forged));
    let cheap = query.replace("amount=199999", "amount=1");
    assert_ne!(cheap, query);
    assert_eq!(gateway.notice(&pairs(&cheap)), Err(NoticeFault::Forged));
    bank.end(order.number.as_str(), OrderStatus::Declined).unwrap();
    let declined = bank.report_url(order.number.as_str()).unwrap();
    assert_eq!(
        gateway.notice(&pairs(declined.split_once('?').unwrap().1)).map(|notice| notice.paid),
        Ok(false)
    );
}

#[test]
fn p7_every_bank_describes_itself() {
    for entry in GATEWAYS {
        for field in entry.fields {
            let texts = [field.title_ru, field.title_en, field.help_ru, field.help_en];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}: {}", entry.kind, field.key);
        }
        let wrong = json!({"password": "hushpassword", "token": 7, "colour": "red"});
        let error = (entry.open)(wrong.as_object().unwrap(), &egress()).err().unwrap();
        assert!(!error.to_string().contains("hushpassword"), "{error}");
        assert!(error.problems.iter().any(|problem| problem.key == "colour"), "{error}");
    }
}
