//! kill -9 under load, and a CRM that misbehaves in every way that its emulator knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ismart_domain::Env;
use ismart_emulators::bitrix24::{Fault, FaultBody, Limits, PortalHandle, Rule};
use ismart_store::Store;

use super::forms::Forms;
use super::scene::{REMEMBERED, Scene, a_while};
use super::server::Server;
use super::{Ended, judge};
use crate::output::Failed;

/// Runs it: the server is killed so many times, spread over the leads.
pub(super) async fn run(scene: &Scene) -> Result<Ended, Failed> {
    let portal = Arc::new(scene.portal(Limits::on_premise(), REMEMBERED, || Env::system().now()).await?);
    let data = scene.folder().join("data");
    let mut server = Server::start(&data, &scene.configuration(&portal, "")).await?;
    let (forms, visitors) = Forms::send(&server.base(), scene.leads).await?;
    let over = Arc::new(AtomicBool::new(false));
    let storms = Arc::new(AtomicU64::new(0));
    let weather = tokio::spawn(weather(portal.clone(), over.clone(), storms.clone()));
    let mut kills = 0;
    for strike in 1..=scene.strikes {
        forms.until(share(scene.leads, strike, scene.strikes)).await;
        a_while(500).await;
        server.kill().await?;
        kills += 1;
    }
    visitors.join_all().await;
    over.store(true, Ordering::SeqCst);
    let _ended = weather.await.is_ok();
    portal.faults().clear();
    let store = Store::open_sqlite(&data.join("ismart.db"), Env::system()).await?;
    let client = judge::client(&store).await?;
    let hurried = judge::settle(scene, &store, client).await?;
    server.end();
    let mut verdict = judge::judge(scene, &store, client, &forms, &portal).await?;
    verdict.struck =
        vec![("kills", kills), ("storms", storms.load(Ordering::SeqCst)), ("sent_at_once", hurried)];
    Ok(Ended::Judged(vec![verdict]))
}

/// The count at which strike number `strike` of `all` falls.
pub(super) fn share(leads: u32, strike: u32, all: u32) -> u32 {
    u32::try_from(u64::from(leads) * u64::from(strike) / (u64::from(all) + 1)).unwrap_or(leads)
}

/// Storms and calm, until it is over.
async fn weather(portal: Arc<PortalHandle>, over: Arc<AtomicBool>, storms: Arc<AtomicU64>) {
    let html = |code| Fault::Status { code, body: FaultBody::Html, after_commit: false };
    let kinds: [&[(Fault, f64)]; 6] = [
        &[(html(503), 0.5), (Fault::Latency { ms: 20, after_commit: false }, 0.5)],
        &[(html(429), 0.5)],
        &[(Fault::DropAfterCommit, 0.3), (Fault::DropBeforeCommit, 0.3)],
        &[(Fault::Status { code: 500, body: FaultBody::Empty, after_commit: true }, 0.4)],
        &[(Fault::Status { code: 200, body: FaultBody::Truncated, after_commit: true }, 0.3)],
        &[(html(502), 1.0)],
    ];
    while !over.load(Ordering::SeqCst) {
        let [byte] = Env::system().random();
        for (fault, chance) in kinds.get(usize::from(byte) % kinds.len()).copied().unwrap_or(&[]) {
            portal.faults().add(Rule::new(fault.clone()).chance(*chance));
        }
        storms.fetch_add(1, Ordering::SeqCst);
        a_while(1000).await;
        portal.faults().clear();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
