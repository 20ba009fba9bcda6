//! Leads at a steady rate, whatever the server does: the time from sending a form to the success that is told only after
//! the commit is durable.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use ismart_testing::http_client;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::Trouble;
use crate::tally::{Report, Tally};

/// Bytes that a commit of one lead appends at least: a page of the database.
const PAGE: usize = 4096;
/// How many raw writes are measured before the load and after it, each.
const RAW: usize = 200;

/// How much comes in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Leads a second.
    pub(crate) rate: u32,
    /// How long.
    pub(crate) lasting: Duration,
}

/// Sends forms at that rate; the reference writes a page and flushes it in the folder of the server's data.
pub(crate) async fn measure(url: &str, folder: &Path, load: Load) -> Result<Report, Trouble> {
    let client = http_client()?;
    let token = token(&client, url).await?;
    let mut tally = Tally { reference: raw(folder)?, ..Tally::default() };
    // Connections and plans that are made on first use do not belong to the price of a lead.
    for number in 0..20 {
        send(client.clone(), url.to_owned(), token.clone(), 9_000_000 + number).await?;
    }
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / load.rate.max(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut running = JoinSet::new();
    let until = Instant::now() + load.lasting;
    let mut number = 0;
    while Instant::now() < until {
        ticks.tick().await;
        running.spawn(send(client.clone(), url.to_owned(), token.clone(), number));
        number += 1;
        while let Some(ended) = running.try_join_next() {
            count(&mut tally, ended?);
        }
    }
    while let Some(ended) = running.join_next().await {
        count(&mut tally, ended?);
    }
    tally.reference.extend(raw(folder)?);
    Ok(Report::new(format!("lead, durable ({} a second)", load.rate), "write of 4 KiB and fdatasync", tally))
}

fn count(tally: &mut Tally, sent: Result<Duration, Trouble>) {
    match sent {
        Ok(took) => tally.measured.push(took),
        Err(error) => tally.errors.push(error.to_string()),
    }
}

async fn token(client: &Client, url: &str) -> Result<String, Trouble> {
    let body: Value = client.get(format!("{url}/api/form-token")).send().await?.json().await?;
    // Who is faster than a person is taken for a robot.
    let wait = body.get("min_age").and_then(Value::as_u64).unwrap_or(0);
    tokio::time::sleep(Duration::from_secs(wait + 1)).await;
    Ok(body.get("token").and_then(Value::as_str).ok_or("the server gives no form token")?.to_owned())
}

async fn send(client: Client, url: String, token: String, number: u32) -> Result<Duration, Trouble> {
    let [_, a, b, c] = number.to_be_bytes();
    let body = json!({
        "name": "Иван", "phone": format!("+7900{number:07}"), "policy": "on", "form_name": "callback",
        "form_token": token, "idempotency_key": format!("load-{number}"),
        "page_url": format!("{url}/contacts"), "message": format!("load {number}"),
    });
    let began = Instant::now();
    let answer = client
        .post(format!("{url}/api/send"))
        .header("x-forwarded-for", format!("10.{a}.{b}.{c}"))
        .json(&body)
        .send()
        .await?;
    let status = answer.status();
    let text = answer.text().await?;
    let took = began.elapsed();
    if status == 200 { Ok(took) } else { Err(format!("{status}: {text}").into()) }
}

/// What the disk itself takes to make a page durable.
fn raw(folder: &Path) -> Result<Vec<Duration>, Trouble> {
    let path = folder.join("raw-writes");
    let mut file = File::create(&path)?;
    let page = [7_u8; PAGE];
    let mut took = Vec::with_capacity(RAW);
    for _ in 0..RAW {
        let began = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    std::fs::remove_file(&path)?;
    Ok(took)
}
