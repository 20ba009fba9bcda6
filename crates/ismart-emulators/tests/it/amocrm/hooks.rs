use super::{Fixture, PIPELINE, complex, start, start_with};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use ismart_emulators::amocrm::{Manners, Switch};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A subscriber that writes down what it is told and answers as it is bidden.
struct Subscriber {
    told: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<(u16, Duration)>>,
    url: String,
}

type Shared = (Arc<Mutex<Vec<String>>>, Arc<Mutex<(u16, Duration)>>);

impl Subscriber {
    async fn start() -> Self {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let answer = Arc::new(Mutex::new((200, Duration::ZERO)));
        let app = Router::new().route("/hook/{*rest}", post(take)).with_state((told.clone(), answer.clone()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/s3cret", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { told, answer, url }
    }

    fn answers(&self, status: u16, after: Duration) {
        *self.answer.lock().unwrap() = (status, after);
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

async fn take(State((told, answer)): State<Shared>, body: String) -> StatusCode {
    told.lock().unwrap().push(body);
    let (status, after) = *answer.lock().unwrap();
    tokio::time::sleep(after).await;
    StatusCode::from_u16(status).unwrap()
}

async fn subscribe(t: &Fixture, subscriber: &Subscriber, settings: &[&str]) -> Value {
    let body = json!({"destination": subscriber.url, "settings": settings, "sort": 10});
    let (status, body) = t.call("POST", "webhooks", Some(body)).await;
    assert_eq!(status, 201, "{body}");
    body
}

async fn tries(t: &Fixture, count: usize) {
    let many = t.account.until(|account| account.deliveries().len() >= count);
    tokio::time::timeout(Duration::from_secs(20), many).await.expect("the hooks come");
}

fn decoded(body: &str) -> String {
    body.replace("%5B", "[").replace("%5D", "]")
}

#[tokio::test]
async fn p17_changes_arrive_as_nested_forms_with_gaps() {
    let t = start().await;
    let subscriber = Subscriber::start().await;
    subscribe(&t, &subscriber, &["add_lead", "status_lead", "add_contact"]).await;
    t.post("leads", json!([{"name": "А"}, {"name": "Б"}])).await;
    tries(&t, 1).await;
    let body = decoded(&subscriber.told()[0]);
    assert!(
        body.contains("leads[add][0][name]=%D0%90") && body.contains("leads[add][2][name]=%D0%91"),
        "{body}"
    );
    assert!(body.contains("account[id]=28805383") && body.contains("account[subdomain]=acme"), "{body}");
    assert!(subscriber.told()[0].contains("leads%5Badd%5D%5B0%5D%5Bid%5D="), "brackets are encoded");
    let made = t.post("leads/complex", json!([complex("В", "+79990000001")])).await;
    tries(&t, 2).await;
    let body = decoded(&subscriber.told()[1]);
    assert!(body.contains("contacts[add][0][type]=contact") && body.contains("leads[add][0]"), "{body}");
    assert!(body.contains("contacts[add][0][custom_fields][0][values][0][value]=%2B79990000001"), "{body}");
    let won = json!({"status_id": 142, "pipeline_id": PIPELINE});
    t.patch(&format!("leads/{}", made[0]["id"]), won).await;
    tries(&t, 3).await;
    let body = decoded(&subscriber.told()[2]);
    assert!(
        body.contains("leads[status][0][status_id]=142") && body.contains("old_status_id]=47521001"),
        "{body}"
    );
    assert!(!body.contains("leads[update]"), "nobody subscribed to updates");
    assert!(body.contains("modified_user_id]=504141"), "{body}");
}

#[tokio::test]
async fn p17_subscriptions_are_listed_changed_and_deleted() {
    let t = start().await;
    let subscriber = Subscriber::start().await;
    let first = subscribe(&t, &subscriber, &["add_lead"]).await;
    let again = subscribe(&t, &subscriber, &["update_lead"]).await;
    assert_eq!((&first["id"], &again["settings"]), (&again["id"], &json!(["update_lead"])));
    let all = t.get("webhooks").await;
    assert_eq!(all["_embedded"]["webhooks"].as_array().unwrap().len(), 1);
    for (body, path) in [
        (json!({"destination": "https://пример.рф/x", "settings": ["add_lead"]}), "destination"),
        (json!({"destination": "ftp://a.ru", "settings": ["add_lead"]}), "destination"),
        (json!({"destination": subscriber.url, "settings": ["add_phantom"]}), "settings.0"),
        (json!({"destination": subscriber.url}), "settings"),
    ] {
        assert_eq!(t.flaw("POST", "webhooks", body.clone()).await.1, path, "{body}");
    }
    let gone = json!({"destination": subscriber.url});
    assert_eq!(t.call("DELETE", "webhooks", Some(gone.clone())).await.0, 204);
    assert_eq!(t.call("DELETE", "webhooks", Some(gone)).await.0, 404);
    t.add_lead(json!({})).await;
    assert_eq!(t.account.deliveries(), []);
}

#[tokio::test]
async fn p17_bad_answers_are_tried_again_up_the_ladder() {
    let t = start_with(|builder| builder.hook_pace(100_000)).await;
    let subscriber = Subscriber::start().await;
    subscribe(&t, &subscriber, &["add_lead"]).await;
    let mut seen = 0;
    for (status, expected) in [(200, 1), (204, 1), (404, 3), (302, 3), (500, 5), (499, 5)] {
        subscriber.answers(status, Duration::ZERO);
        t.add_lead(json!({})).await;
        tries(&t, seen + expected).await;
        let ours: Vec<_> = t.account.deliveries().into_iter().skip(seen).collect();
        assert_eq!(ours.len(), expected, "{status}");
        assert!(ours.iter().all(|one| one.status == status && one.body == ours[0].body));
        assert_eq!(ours.last().unwrap().attempt, expected);
        seen += expected;
    }
}

#[tokio::test]
async fn p17_who_is_slow_counts_as_silent() {
    let t = start_with(|builder| builder.hook_pace(100_000)).await;
    let subscriber = Subscriber::start().await;
    subscribe(&t, &subscriber, &["add_lead"]).await;
    subscriber.answers(200, Duration::from_secs(30));
    t.add_lead(json!({})).await;
    tries(&t, 1).await;
    assert_eq!(t.account.deliveries()[0].status, 499);
}

#[tokio::test]
async fn p17_more_than_a_hundred_bad_answers_switch_a_hook_off() {
    let t = start_with(|builder| builder.hook_pace(3_600_000)).await;
    let subscriber = Subscriber::start().await;
    subscriber.answers(500, Duration::ZERO);
    subscribe(&t, &subscriber, &["add_lead"]).await;
    for round in 1..=20 {
        t.add_lead(json!({})).await;
        tries(&t, round * 5).await;
    }
    let disabled = async || t.get("webhooks").await["_embedded"]["webhooks"][0]["disabled"].clone();
    assert_eq!(disabled().await, false);
    t.add_lead(json!({})).await;
    tries(&t, 101).await;
    assert_eq!(disabled().await, true);
    tries(&t, 105).await;
    t.add_lead(json!({})).await;
    assert_eq!(t.account.deliveries().len(), 105, "nobody is told any more");
    subscriber.answers(200, Duration::ZERO);
    subscribe(&t, &subscriber, &["add_lead"]).await;
    assert_eq!(disabled().await, false, "a person has switched it on again");
}

#[tokio::test]
async fn p17_hooks_come_twice_or_not_at_all_when_bidden() {
    let t = start().await;
    let subscriber = Subscriber::start().await;
    subscribe(&t, &subscriber, &["add_lead", "add_contact"]).await;
    let manners = |manners| t.account.faults().turn(Switch::Hooks(manners)).unwrap();
    manners(Manners { duplicate: true, ..Manners::default() });
    t.add_lead(json!({})).await;
    tries(&t, 2).await;
    assert_eq!(subscriber.told()[0], subscriber.told()[1]);
    manners(Manners { reorder: true, ..Manners::default() });
    t.post("leads/complex", json!([complex("В", "+79990000001")])).await;
    tries(&t, 4).await;
    assert!(subscriber.told()[2].contains("leads") && !subscriber.told()[2].contains("contacts"));
    assert!(subscriber.told()[3].contains("contacts") && !subscriber.told()[3].contains("leads"));
    manners(Manners { silent: true, ..Manners::default() });
    t.add_lead(json!({})).await;
    assert_eq!(t.account.deliveries().len(), 4);
}
