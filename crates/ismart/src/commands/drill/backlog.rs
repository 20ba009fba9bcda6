//! A backlog, delivered to both CRMs within the limits of their clouds.

use std::time::Duration;

use ismart_domain::Env;
use ismart_emulators::amocrm::{self, Account, Kind};
use ismart_emulators::bitrix24::{Limits, RequestRecord};
use ismart_leads::Dispatcher;
use tokio::sync::watch;

use super::Ended;
use super::judge::{self, Verdict};
use super::outage::Stage;
use super::scene::{CLIENT, DESTINATION, Scene};
use crate::output::Failed;

const AMO: &str = "amocrm";
const AMO_USER: u64 = 504_141;
/// Deliveries under way at once may overtake each other by this much: places in the order of acceptance.
const OVERTAKING: usize = 16;

/// Runs it, both CRMs at the same time.
pub(super) async fn run(scene: &Scene) -> Result<Ended, Failed> {
    let remembered = usize::try_from(scene.leads).unwrap_or(usize::MAX).saturating_mul(40);
    let portal = scene.portal(Limits::cloud(), remembered, || Env::system().now()).await?;
    let account = Account::builder(|| Env::system().now())
        .long_lived_token("drill-token", AMO_USER)
        .limits(amocrm::Limits::documented())
        .log_limit(remembered)
        .start()
        .await
        .map_err(|e| Failed::one("simulated amoCRM", e.to_string(), "allow servers on 127.0.0.1"))?;
    let configuration = format!(
        "sites = {sites:?}\n[http]\nallow_loopback = true\n[log]\nfilter = \"error\"\n\
         [[client]]\nslug = \"{CLIENT}\"\nname = \"Drill\"\n\
         [[client.destination]]\nname = \"{DESTINATION}\"\nkind = \"bitrix24\"\n\
         [client.destination.settings]\nwebhook = \"{webhook}\"\n\
         [[client.destination]]\nname = \"{AMO}\"\nkind = \"amocrm\"\n\
         [client.destination.settings]\naccount = \"{address}\"\ntoken = \"drill-token\"\n",
        sites = scene.folder().join("sites").display().to_string(),
        webhook = portal.webhook_url(),
        address = account.base_url(),
    );
    let stage = Stage::set(scene.folder(), &configuration, Env::system()).await?;
    for form in 0..scene.leads {
        stage.accept(form).await?;
    }
    let (stop, stopped) = watch::channel(false);
    let delivering =
        tokio::spawn(Dispatcher::new(stage.store.clone(), stage.destinations.clone()).run(stopped));
    let mut amo_took = None;
    while stage.open().await? > 0 {
        if amo_took.is_none() && stage.open_at(AMO).await? == 0 {
            amo_took = Some(scene.took());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let _heard = stop.send(true).is_ok();
    let _ended = delivering.await.is_ok();

    let mut bitrix = Verdict { accepted: u64::from(scene.leads), ..Verdict::default() };
    judge::weigh(scene, &stage.store, stage.client, &portal, &mut bitrix).await?;
    let order: Vec<u64> =
        portal.ledger().leads().iter().filter_map(|lead| number(lead.text("comments"))).collect();
    bitrix.struck = vec![("bitrix24_requests", portal.requests_total())];
    count_limits(&mut bitrix, over_limit(&portal.requests()), &order, scene.leads);

    let mut amo = Verdict { accepted: u64::from(scene.leads), ..Verdict::default() };
    amo.in_ledger = bitrix.in_ledger;
    amo.in_crm = u64::try_from(account.count(Kind::Lead)).unwrap_or(0);
    amo.balanced = amo.in_crm == amo.in_ledger;
    amo.took = amo_took.unwrap_or_else(|| scene.took());
    let highest = u64::try_from(account.highest_second()).unwrap_or(0);
    amo.struck = vec![("amocrm_highest_second", highest)];
    count_limits(&mut amo, over_limit(&account.requests()), &[], scene.leads);
    Ok(Ended::Judged(vec![bitrix, amo]))
}

/// Requests that a CRM refused because they came too fast.
fn over_limit(requests: &[RequestRecord]) -> u64 {
    let refused = requests.iter().filter(|request| matches!(request.status, 403 | 429 | 503));
    u64::try_from(refused.count()).unwrap_or(u64::MAX)
}

/// The number of a form in what the CRM shows of it.
fn number(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("drill ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn count_limits(verdict: &mut Verdict, refused: u64, order: &[u64], leads: u32) {
    verdict.struck.push(("refused_by_limits", refused));
    if refused > 0 {
        verdict.broken.push(format!("{refused} requests went over the limit"));
    }
    if order.is_empty() {
        return;
    }
    let far = |(place, number): (usize, &u64)| usize::try_from(*number).unwrap_or(0).abs_diff(place);
    let farthest = order.iter().enumerate().map(far).max().unwrap_or(0);
    verdict.struck.push(("farthest_out_of_order", u64::try_from(farthest).unwrap_or(u64::MAX)));
    if farthest > OVERTAKING {
        verdict.broken.push(format!("a lead stands {farthest} places from its turn"));
    }
    if u32::try_from(order.len()).is_ok_and(|seen| seen != leads) {
        verdict.broken.push(format!("{} leads of the CRM name their form", order.len()));
    }
}
