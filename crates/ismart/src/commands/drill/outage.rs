//! A CRM that is away for three days, and a clock that jumps: with simulated time, in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use ismart_domain::lead::{Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Utm};
use ismart_domain::{ClientId, Env, Phone, SiteId};
use ismart_emulators::bitrix24::{Fault, FaultBody, Limits, Rule};
use ismart_leads::{AcceptError, Dispatcher};
use ismart_store::{Store, StoreError, Tx, deliveries, leads};
use jiff::SignedDuration;
use tokio::sync::watch;

use super::judge::{self, Verdict};
use super::scene::{REMEMBERED, Scene};
use super::{Ended, forms::Forms};
use crate::config;
use crate::output::Failed;
use crate::wiring;

/// How long the CRM is away.
const AWAY: SignedDuration = SignedDuration::from_hours(72);
/// A step of the simulated clock, and how long it takes.
const STEP: SignedDuration = SignedDuration::from_mins(10);
const PACE: Duration = Duration::from_millis(40);

/// Runs it.
pub(super) async fn run(scene: &Scene) -> Result<Ended, Failed> {
    let (env, clock) = Env::manual(Env::system().now(), u64::from(scene.leads));
    let time = env.clone();
    let portal = scene.portal(Limits::on_premise(), REMEMBERED, move || time.now()).await?;
    let stage = Stage::set(scene.folder(), &scene.configuration(&portal, ""), env).await?;
    let away = Fault::Status { code: 502, body: FaultBody::Html, after_commit: false };
    portal.faults().add(Rule::new(away));

    let (stop, stopped) = watch::channel(false);
    let delivering =
        tokio::spawn(Dispatcher::new(stage.store.clone(), stage.destinations.clone()).run(stopped));
    let steps = u32::try_from(AWAY.as_mins() / STEP.as_mins()).unwrap_or(1);
    let mut sent = 0;
    for step in 1..=steps {
        let due = u32::try_from(u64::from(scene.leads) * u64::from(step) / u64::from(steps)).unwrap_or(0);
        while sent < due {
            stage.accept(sent).await?;
            sent += 1;
        }
        clock.advance(STEP);
        if step == steps / 3 {
            clock.advance(SignedDuration::from_hours(-2));
        }
        if step == steps * 2 / 3 {
            clock.advance(SignedDuration::from_hours(2));
        }
        tokio::time::sleep(PACE).await;
    }
    let early = judge::copies(&portal).len();
    portal.faults().clear();
    let deadline = Instant::now() + scene.patience();
    while Instant::now() < deadline && stage.open().await? > 0 {
        clock.advance(STEP);
        tokio::time::sleep(PACE).await;
    }
    let _heard = stop.send(true).is_ok();
    let _ended = delivering.await.is_ok();

    let mut verdict = Verdict { accepted: u64::from(sent), ..Verdict::default() };
    let copies = judge::copies(&portal);
    let mut conn = stage.store.read().await?;
    for form in 0..usize::try_from(sent).unwrap_or(0) {
        match leads::by_key(&mut conn, stage.client, &Forms::key(form)).await? {
            Some(lead) => judge::count(&mut verdict, &copies, &lead.origin_id()),
            None => verdict.lost += 1,
        }
    }
    drop(conn);
    judge::weigh(scene, &stage.store, stage.client, &portal, &mut verdict).await?;
    let hours = u64::try_from(AWAY.as_hours()).unwrap_or(0);
    verdict.struck = vec![("hours_away", hours), ("clock_jumps", 2)];
    if early > 0 {
        verdict.broken.push(format!("{early} records reached a CRM that was away"));
    }
    Ok(Ended::Judged(vec![verdict]))
}

/// The parts of the server that a drill in this process needs.
pub(super) struct Stage {
    pub(super) store: Store,
    pub(super) client: ClientId,
    pub(super) destinations: Vec<ismart_leads::Destination>,
    site: SiteId,
    names: Vec<String>,
}

impl Stage {
    /// Opens them as `serve` does.
    pub(super) async fn set(folder: &Path, configuration: &str, env: Env) -> Result<Self, Failed> {
        let data = folder.join("data");
        let written = std::fs::create_dir_all(&data)
            .and_then(|()| std::fs::write(data.join(config::FILE), configuration));
        written
            .map_err(|e| Failed::one(data.display().to_string(), e.to_string(), "give another --folder"))?;
        let loaded = config::load(None, &data)?;
        let wired = wiring::wire(&loaded, &data, env, None).await?;
        let owners = wired.platform.owners();
        let (client, site) = owners.first().copied().ok_or_else(|| {
            Failed::one("drill", "there is no site", "this is a fault of the drill: report it")
        })?;
        let names = wired.destinations.iter().map(|destination| destination.name.clone()).collect();
        Ok(Self { store: wired.store.clone(), client, destinations: wired.destinations, site, names })
    }

    /// Accepts one lead through the one door.
    pub(super) async fn accept(&self, form: u32) -> Result<(), Failed> {
        let (client, names, draft) = (self.client, self.names.clone(), self.draft(form)?);
        let accepted: Result<_, AcceptError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let trace = tx.env().new_id();
                    ismart_leads::accept(tx, client, &names, draft, trace).await
                })
            })
            .await;
        accepted.map(|_| ()).map_err(|e| Failed::one("acceptance", e.to_string(), "mend the cause"))
    }

    /// How many deliveries have not ended.
    pub(super) async fn open(&self) -> Result<i64, StoreError> {
        let counts = deliveries::counts(&mut self.store.read().await?, self.client).await?;
        Ok(counts.iter().filter(|(_, state, _)| !state.is_final()).map(|(_, _, n)| n).sum())
    }

    /// How many deliveries of one destination have not ended.
    pub(super) async fn open_at(&self, destination: &str) -> Result<i64, StoreError> {
        let counts = deliveries::counts(&mut self.store.read().await?, self.client).await?;
        let open = counts.iter().filter(|(name, state, _)| name == destination && !state.is_final());
        Ok(open.map(|(_, _, n)| n).sum())
    }

    fn draft(&self, form: u32) -> Result<LeadDraft, Failed> {
        let phone = Phone::parse(&format!("+7900{form:07}"))
            .map_err(|e| Failed::one("phone", e.to_string(), "this is a fault of the drill: report it"))?;
        let page = "https://drill.example/contacts".to_owned();
        let consent = ConsentDraft {
            purpose: ConsentPurpose::Processing,
            text: "Согласие на обработку персональных данных".to_owned(),
            version: "drill".to_owned(),
            url: "https://drill.example/policy".to_owned(),
            page_url: page.clone(),
            ip: None,
            user_agent: None,
        };
        Ok(LeadDraft {
            site_id: self.site,
            intent: Intent::Callback,
            name: None,
            phone: Some(phone),
            email: None,
            comment: format!("drill {form}"),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "callback".to_owned() },
                page_url: page,
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: vec![consent],
            fields: BTreeMap::new(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: Some(Forms::key(usize::try_from(form).unwrap_or(0))),
            test: false,
        })
    }
}
