//! Compares what the outside was told with what we hold and with what the CRM holds.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use ismart_domain::ClientId;
use ismart_domain::delivery::DeliveryState;
use ismart_emulators::bitrix24::PortalHandle;
use ismart_leads::queue::Decider;
use ismart_leads::replay;
use ismart_store::deliveries::Pick;
use ismart_store::{Store, clients, deliveries, leads};

use super::forms::Forms;
use super::scene::{DESTINATION, Scene};
use crate::output::Failed;

/// What became of the leads of a drill.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What the drill did, and how often.
    pub(super) struck: Vec<(&'static str, u64)>,
    /// Answered with success.
    pub(super) accepted: u64,
    /// Rows of the ledger, those included whose answer the sender never got.
    pub(super) in_ledger: u64,
    /// Records of the CRM.
    pub(super) in_crm: u64,
    /// Answered with success, and not in the ledger.
    pub(super) lost: u64,
    /// More than one record in the CRM.
    pub(super) doubled: u64,
    /// In the ledger, and not in the CRM at the end.
    pub(super) undelivered: u64,
    /// Whether ledger, deliveries and CRM say the same.
    pub(super) balanced: bool,
    /// Promises of its own that the drill saw broken.
    pub(super) broken: Vec<String>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Verdict {
    /// Whether every promise held.
    pub(super) fn holds(&self) -> bool {
        self.lost == 0
            && self.doubled == 0
            && self.undelivered == 0
            && self.balanced
            && self.broken.is_empty()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.struck {
            write!(f, "{what}={count} ")?;
        }
        write!(
            f,
            "accepted={} in_ledger={} in_crm={} lost={} doubled={} undelivered={} balanced={} seconds={:.0}",
            self.accepted,
            self.in_ledger,
            self.in_crm,
            self.lost,
            self.doubled,
            self.undelivered,
            if self.balanced { "yes" } else { "NO" },
            self.took.as_secs_f64(),
        )?;
        for broken in &self.broken {
            write!(f, "; BROKEN: {broken}")?;
        }
        Ok(())
    }
}

/// The one client of a drill.
pub(super) async fn client(store: &Store) -> Result<ClientId, Failed> {
    let all = clients::list(&mut store.read().await?).await?;
    let first = all.first().map(|client| client.id);
    first.ok_or_else(|| {
        Failed::one("drill", "the database has no client", "this is a fault of the drill: report it")
    })
}

/// Waits until every delivery has ended. What waits for its next attempt is sent at once, as a person would do it; gives
/// how many were.
pub(super) async fn settle(scene: &Scene, store: &Store, client: ClientId) -> Result<u64, Failed> {
    let deadline = Instant::now() + scene.patience();
    let mut hurried = 0;
    let mut last = (0, Instant::now());
    while Instant::now() < deadline {
        let counts = deliveries::counts(&mut store.read().await?, client).await?;
        let open: i64 = counts.iter().filter(|(_, state, _)| !state.is_final()).map(|(_, _, n)| n).sum();
        if open == 0 {
            break;
        }
        if open != last.0 {
            last = (open, Instant::now());
        } else if last.1.elapsed() > Duration::from_secs(5) {
            hurried += hurry(store, client).await?;
            last.1 = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(hurried)
}

/// Asks for everything that waits, by the means that people have.
async fn hurry(store: &Store, client: ClientId) -> Result<u64, Failed> {
    let pick = Pick {
        destination: Some(DESTINATION.to_owned()),
        states: vec![DeliveryState::Waiting, DeliveryState::Verifying],
        ..Pick::default()
    };
    let decider = Decider { user_id: None, reason: "the drill does not wait".to_owned() };
    let asked = replay::all(store, client, &pick, &decider).await?;
    Ok(u64::try_from(asked).unwrap_or(0))
}

/// Counts.
pub(super) async fn judge(
    scene: &Scene,
    store: &Store,
    client: ClientId,
    forms: &Forms,
    portal: &PortalHandle,
) -> Result<Verdict, Failed> {
    let mut verdict = Verdict { accepted: u64::from(forms.done()), ..Verdict::default() };
    let copies = copies(portal);
    let mut conn = store.read().await?;
    for (form, number) in forms.answers() {
        match leads::by_key(&mut conn, client, &Forms::key(form)).await? {
            Some(lead) if lead.number == number => count(&mut verdict, &copies, &lead.origin_id()),
            _ => verdict.lost += 1,
        }
    }
    weigh(scene, store, client, portal, &mut verdict).await?;
    for (what, count) in forms.met() {
        if what.starts_with("200") {
            verdict.broken.push(format!("{count} answers: {what}"));
        }
    }
    Ok(verdict)
}

/// How many records of the CRM each lead has, by what marks them as ours.
pub(super) fn copies(portal: &PortalHandle) -> HashMap<String, u64> {
    let mut copies = HashMap::new();
    for lead in portal.ledger().leads() {
        *copies.entry(lead.text("originId").to_owned()).or_default() += 1;
    }
    copies
}

/// Counts one lead that must be in the CRM.
pub(super) fn count(verdict: &mut Verdict, copies: &HashMap<String, u64>, origin: &str) {
    match copies.get(origin).copied().unwrap_or(0) {
        0 => verdict.undelivered += 1,
        1 => {}
        _ => verdict.doubled += 1,
    }
}

/// Compares the sums: every lead of the ledger is delivered, and the CRM holds nothing else.
pub(super) async fn weigh(
    scene: &Scene,
    store: &Store,
    client: ClientId,
    portal: &PortalHandle,
    verdict: &mut Verdict,
) -> Result<(), Failed> {
    let counts = deliveries::counts(&mut store.read().await?, client).await?;
    let sum = |wanted: Option<DeliveryState>| -> i64 {
        let ours = counts.iter().filter(|(name, _, _)| name == DESTINATION);
        ours.filter(|(_, state, _)| wanted.is_none_or(|wanted| *state == wanted)).map(|(_, _, n)| n).sum()
    };
    let (all, delivered) = (sum(None), sum(Some(DeliveryState::Delivered)));
    verdict.in_ledger = u64::try_from(all).unwrap_or(0);
    verdict.in_crm = copies(portal).values().sum();
    verdict.balanced = all == delivered && verdict.in_ledger == verdict.in_crm;
    if all != delivered {
        verdict.broken.push(format!("not delivered: {counts:?}"));
    }
    verdict.took = scene.took();
    Ok(())
}
