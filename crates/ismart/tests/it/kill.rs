//! The server is killed at random moments while forms come in; every form that was answered with success must be one
//! lead, and that lead must reach the CRM once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_domain::delivery::DeliveryState;
use ismart_emulators::bitrix24::{Entity, Limits, Portal, PortalHandle};
use ismart_store::{Store, clients, deliveries, leads};

use crate::server::{self, HEAVY, Server, data_folder, form_token, free_port, reqwest_client};

const KILLS: u32 = 50;
const PER_SECOND: u64 = 100;

/// What the outside knows: key of each form → number of the lead it was answered with.
#[derive(Default)]
struct Ledger {
    accepted: Mutex<HashMap<String, i64>>,
    sent: AtomicU64,
    stop: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_under_load() {
    let _alone = HEAVY.lock().await;
    let portal = Portal::builder(|| Env::system().now())
        .webhook(1, "drill")
        .limits(Limits::on_premise())
        .start()
        .await
        .unwrap();
    let data = data_folder(&config(&portal));
    let port = free_port();
    let mut server = Server::spawn(data.path(), port);
    server.healthy().await;
    let base = server.base.clone();
    let token = form_token(&reqwest_client(), &base).await;

    let ledger = Arc::new(Ledger::default());
    let load = tokio::spawn(send_forms(base, token, ledger.clone()));
    let mut answered_before = 0;
    for round in 0..KILLS {
        // A random moment between the first answers after the start and a good second later.
        wait_for_answers(&ledger, answered_before).await;
        tokio::time::sleep(Duration::from_millis(u64::from(Env::system().random::<1>()[0]) * 3)).await;
        server.kill();
        answered_before = ledger.accepted.lock().unwrap().len();
        server = Server::spawn(data.path(), port);
        if round % 10 == 9 {
            server::say(&format!("kill drill: {} kills, {answered_before} answered", round + 1));
        }
    }
    server.healthy().await;
    ledger.stop.store(true, Ordering::SeqCst);
    load.await.unwrap();
    everything_final(data.path()).await;
    drop(server);
    judge(data.path(), &portal, &ledger).await;
}

fn config(portal: &PortalHandle) -> String {
    format!(
        "[http]\nallow_loopback = true\nper_minute = 1000000\n[log]\nfilter = \"error\"\n\
         [[client]]\nslug = \"avtograd\"\nname = \"Автоград\"\n\
         [[client.destination]]\nname = \"bitrix24\"\nkind = \"bitrix24\"\n\
         [client.destination.settings]\nwebhook = \"{}\"\nrate = 100000\nburst = 100000\n",
        portal.webhook_url()
    )
}

async fn wait_for_answers(ledger: &Ledger, before: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while ledger.accepted.lock().unwrap().len() <= before + 5 {
        assert!(Instant::now() < deadline, "the server answers nothing after its restart");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Sends forms at a steady rate; a form without an answer is sent again with its key, as the site's script does.
async fn send_forms(base: String, token: String, ledger: Arc<Ledger>) {
    let client = reqwest_client();
    let mut ticks = tokio::time::interval(Duration::from_millis(1000 / PER_SECOND));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tasks = tokio::task::JoinSet::new();
    while !ledger.stop.load(Ordering::SeqCst) {
        ticks.tick().await;
        let (client, base, token, ledger) = (client.clone(), base.clone(), token.clone(), ledger.clone());
        tasks.spawn(async move { send_form(&client, &base, &token, &ledger).await });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

async fn send_form(client: &reqwest::Client, base: &str, token: &str, ledger: &Ledger) {
    let n = ledger.sent.fetch_add(1, Ordering::SeqCst);
    let key = format!("drill-{n}");
    let body = serde_json::json!({
        "name": "Иван", "phone": format!("+7 900 {:03}-{:02}-{:02}", n / 10_000 % 1000, n / 100 % 100, n % 100),
        "policy": "on", "form_name": "callback", "form_token": token, "idempotency_key": key,
        "page_url": format!("{base}/contacts"), "message": format!("drill {n}"),
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let answer = client.post(format!("{base}/api/send")).json(&body).send().await;
        if let Ok(answer) = answer
            && answer.status() == 200
            && let Ok(body) = answer.json::<serde_json::Value>().await
        {
            ledger.accepted.lock().unwrap().insert(key, body["number"].as_i64().unwrap());
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("form {n} got no answer within a minute");
}

async fn everything_final(data: &std::path::Path) {
    let store = open(data).await;
    let client = clients::list(&mut store.read().await.unwrap()).await.unwrap()[0].id;
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let counts = deliveries::counts(&mut store.read().await.unwrap(), client).await.unwrap();
        let open: i64 = counts.iter().filter(|(_, state, _)| !state.is_final()).map(|(_, _, n)| n).sum();
        if open == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{open} deliveries did not reach a final state: {counts:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    store.close().await;
}

async fn open(data: &std::path::Path) -> Store {
    Store::open_sqlite(&data.join("ismart.db"), Env::system()).await.unwrap()
}

async fn judge(data: &std::path::Path, portal: &PortalHandle, ledger: &Ledger) {
    let store = open(data).await;
    let mut conn = store.read().await.unwrap();
    let client = clients::list(&mut conn).await.unwrap()[0].id;
    let accepted = ledger.accepted.lock().unwrap().clone();
    let in_portal = portal.ledger();
    let mut copies: HashMap<String, usize> = HashMap::new();
    for lead in in_portal.leads() {
        *copies.entry(lead.text("originId").to_owned()).or_default() += 1;
    }
    let (mut lost, mut doubled, mut undelivered) = (0, 0, 0);
    for (key, number) in &accepted {
        match leads::by_key(&mut conn, client, key).await.unwrap() {
            Some(lead) if lead.number == *number => {
                match copies.get(&lead.origin_id()).copied().unwrap_or(0) {
                    0 => undelivered += 1,
                    1 => {}
                    _ => doubled += 1,
                }
                let states = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
                assert!(states.iter().all(|d| d.state == DeliveryState::Delivered), "{states:?}");
            }
            _ => lost += 1,
        }
    }
    let counts = format!(
        "kills={KILLS} answered={} lost={} doubled={doubled} in_portal={}",
        accepted.len(),
        lost + undelivered,
        portal.count(Entity::Lead),
    );
    server::say(&format!("kill drill: {counts}"));
    // The goals read this line.
    println!("kill_nine_under_load: {counts}");
    assert_eq!((lost, doubled, undelivered), (0, 0, 0));
    assert_eq!(
        copies.values().sum::<usize>(),
        accepted.len(),
        "the portal holds what was accepted, nothing else"
    );
    assert!(accepted.len() > 1000, "too few forms for a drill: {}", accepted.len());
}
