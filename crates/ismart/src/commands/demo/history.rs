//! Two months of simulated visitors. They only pretend to be people: worker, leads, bookings, deliveries and events are
//! made by the same code that serves real ones, on a clock of the past.

mod dialogues;

use std::path::Path;
use std::sync::Arc;

use ismart_domain::contact::{PersonName, Phone};
use ismart_domain::conversation::{Contact, Inbound};
use ismart_domain::delivery::DeliveryState;
use ismart_domain::lead::{Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Utm};
use ismart_domain::user::{Role, User};
use ismart_domain::{ClientId, ConversationId, Env, Event, EventBody, LeadId, ManualClock, SiteId};
use ismart_emulators::bitrix24::Limits;
use ismart_leads::Dispatcher;
use ismart_store::events::Scope;
use ismart_store::visits::{self, Visit, Visitor};
use ismart_store::{Store, StoreError, Tx, conversations, deliveries, events, users};
use ismart_web::Place;
use ismart_workers::desk::{Desk, Incoming};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{broadcast, watch};

use self::dialogues::{DIALOGUES, FORMS, Line, NAMES, PAGES, SOURCES, WAITING};
use crate::config::Loaded;
use crate::output::{self, Failed};
use crate::wiring::{self, Wired};

/// How far back the history begins: two months, so that this month has one to be compared with.
const DAYS: i64 = 60;
/// Seed of the simulated visitors: every demo tells the same story.
const SEED: u64 = 20_261_120;
/// Setting that says the history is complete.
const DONE: &str = "demo_history";
/// File that exists while the history is being written.
const PART: &str = "history.part";

/// Writes the history, once. A history that was interrupted is thrown away and written anew.
pub(super) async fn write(loaded: &Loaded, data: &Path) -> Result<(), Failed> {
    let part = data.join(PART);
    if part.exists() {
        begin_anew(data)?;
    }
    let now = Env::system().now();
    let start = now.checked_sub(SignedDuration::from_hours(24 * DAYS)).unwrap_or(now);
    let (env, clock) = Env::manual(start, SEED);
    if is_done(loaded, data).await? {
        return Ok(());
    }
    super::unpack::write_private(&part, "")?;
    output::note("Writing two months of simulated history (once) …");
    let portal = super::portal(data, Limits::on_premise(), env.clone()).await?;
    let mut loaded = super::configuration(data, &portal);
    for destination in loaded.config.clients.iter_mut().flat_map(|client| &mut client.destinations) {
        // The history has no time to wait for the limits of a real portal.
        destination.settings.insert("rate".to_owned(), 100_000.into());
        destination.settings.insert("burst".to_owned(), 100_000.into());
    }
    let wired = wiring::wire(&loaded, data, env.clone(), None).await?;
    let story = Story::new(&wired, env, clock)?;
    let (stop, stopped) = watch::channel(false);
    let dispatcher =
        tokio::spawn(Dispatcher::new(wired.store.clone(), wired.destinations.clone()).run(stopped));
    let told = story.tell(now).await;
    stop.send_replace(true);
    if let Ok(Err(error)) = dispatcher.await {
        return Err(error.into());
    }
    let told = told?;
    let marked: Result<String, StoreError> = wired
        .store
        .write(|tx: &mut Tx| Box::pin(async move { users::ensure_setting(tx, DONE, "1").await }))
        .await;
    marked?;
    let store = wired.store.clone();
    drop((story, wired));
    store.close().await;
    portal.shutdown().await;
    std::fs::remove_file(&part)
        .map_err(|e| Failed::one(part.display().to_string(), e.to_string(), "delete the file by hand"))?;
    output::note(format_args!(
        "… {} visits, {} conversations, {} leads",
        told.visits, told.conversations, told.leads
    ));
    Ok(())
}

async fn is_done(loaded: &Loaded, data: &Path) -> Result<bool, Failed> {
    let store = wiring::open_store(&loaded.config, data, Env::system()).await?;
    let done = users::setting(&mut store.read().await?, DONE).await?.is_some();
    store.close().await;
    Ok(done)
}

fn begin_anew(data: &Path) -> Result<(), Failed> {
    for name in ["ismart.db", "ismart.db-wal", "ismart.db-shm", "bitrix24-simulated.jsonl", PART] {
        let file = data.join(name);
        if file.exists() {
            std::fs::remove_file(&file).map_err(|e| {
                Failed::one(file.display().to_string(), e.to_string(), "delete the demo's folder by hand")
            })?;
        }
    }
    Ok(())
}

/// How much was told.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    visits: usize,
    conversations: usize,
    leads: usize,
}

/// The simulated visitors and what they need.
struct Story {
    store: Store,
    desk: Desk,
    env: Env,
    clock: Arc<ManualClock>,
    place: Arc<Place>,
    client_id: ClientId,
    site_id: SiteId,
    operator: User,
}

impl Story {
    fn new(wired: &Wired, env: Env, clock: Arc<ManualClock>) -> Result<Self, Failed> {
        let world = wired.platform.world.load();
        // The folder may hold further sites: the history is the dealer's.
        let place = world.places.get(super::CLIENT).cloned();
        let missing =
            || Failed::one("demo", "the site was not loaded", "delete the demo's folder and start again");
        let place = place.ok_or_else(missing)?;
        let operator = User {
            id: env.new_id(),
            client_id: Some(place.client_id),
            login: "operator".to_owned(),
            name: "Анна Смирнова".to_owned(),
            role: Role::Operator,
            language: "ru".to_owned(),
        };
        Ok(Self {
            store: wired.store.clone(),
            desk: wired.platform.desk.clone(),
            env,
            clock,
            client_id: place.client_id,
            site_id: place.site_id,
            place,
            operator,
        })
    }

    /// A number below `limit`.
    fn below(&self, limit: usize) -> usize {
        let random = usize::from(u16::from_le_bytes(self.env.random()));
        random % limit.max(1)
    }

    fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// Moves the clock to `at`, never back.
    fn move_to(&self, at: Timestamp) {
        let step = at.duration_since(self.env.now());
        if step.is_positive() {
            self.clock.advance(step);
        }
    }

    async fn tell(&self, until: Timestamp) -> Result<Told, Failed> {
        let mut told = Told::default();
        let begin = self.env.now();
        for day in 0..DAYS {
            let morning = begin.checked_add(SignedDuration::from_hours(24 * day)).unwrap_or(begin);
            // Interest grows a little over the time.
            let visits = 16 + self.below(14) + usize::try_from(day).unwrap_or(0) / 4;
            let mut hours: Vec<i64> =
                (0..visits).map(|_| i64::try_from(self.below(24 * 60)).unwrap_or(0)).collect();
            hours.sort_unstable();
            for minutes in hours {
                let at = morning.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(morning);
                if at >= until {
                    break;
                }
                self.move_to(at);
                let visitor = self.visit().await?;
                told.visits += 1;
                match self.below(100) {
                    0..=6 => {
                        told.leads += self.converse(visitor, day).await?;
                        told.conversations += 1;
                    }
                    7..=8 => {
                        self.send_form().await?;
                        told.leads += 1;
                    }
                    _ => {}
                }
            }
        }
        // Someone is waiting when the demo opens, so that a person has something to do.
        self.move_to(until.checked_sub(SignedDuration::from_mins(9)).unwrap_or(until));
        let visitor = self.visit().await?;
        self.converse_by(WAITING, visitor, DAYS).await?;
        told.visits += 1;
        told.conversations += 1;
        self.move_to(until);
        Ok(told)
    }

    /// A visitor comes and looks at some pages.
    async fn visit(&self) -> Result<Visitor, Failed> {
        let (client_id, site_id) = (self.client_id, self.site_id);
        let token = ismart_store::sha256_hex(&self.env.token());
        let (source, medium, referrer) = self.pick(&SOURCES).copied().unwrap_or(("", "", ""));
        let page = self.pick(&PAGES).copied().unwrap_or("/");
        let others: Vec<&str> = (0..self.below(4)).filter_map(|_| self.pick(&PAGES).copied()).collect();
        let utm = Utm::from_pairs([("utm_source", source), ("utm_medium", medium)]);
        let scope = self.scope();
        let written: Result<Visitor, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let now = tx.env().now();
                    let id = visits::add_visitor(tx, client_id, site_id, &token).await?;
                    let visit = Visit {
                        id: tx.env().new_id(),
                        visitor_id: id,
                        landing_url: page.to_owned(),
                        referrer: (!referrer.is_empty()).then(|| format!("https://{referrer}/")),
                        utm: utm.clone(),
                        started_at: now,
                        last_at: now,
                    };
                    visits::start(tx, client_id, site_id, &visit).await?;
                    let started = EventBody::VisitStarted {
                        visit_id: visit.id,
                        visitor_id: id,
                        path: page.to_owned(),
                        referrer_host: (!referrer.is_empty()).then(|| referrer.to_owned()),
                        utm,
                    };
                    events::append(tx, scope, started).await?;
                    for path in others {
                        let viewed = EventBody::PageViewed { visit_id: visit.id, path: path.to_owned() };
                        events::append(tx, scope, viewed).await?;
                    }
                    Ok(Visitor { id, client_id, site_id })
                })
            })
            .await;
        Ok(written?)
    }

    fn scope(&self) -> Scope {
        Scope { client_id: self.client_id, site_id: Some(self.site_id), trace_id: self.env.new_id() }
    }

    fn person(&self) -> (String, String) {
        let name = self.pick(&NAMES).copied().unwrap_or("Иван").to_owned();
        // A range that is given to nobody: +7 900 000-xx-xx.
        (name, format!("+7 900 000-{:02}-{:02}", self.below(100), self.below(100)))
    }

    /// A visitor talks to the worker by one of the dialogues; gives how many leads came of it.
    async fn converse(&self, visitor: Visitor, day: i64) -> Result<usize, Failed> {
        match self.pick(DIALOGUES) {
            Some(dialogue) => self.converse_by(dialogue, visitor, day).await,
            None => Ok(0),
        }
    }

    async fn converse_by(&self, dialogue: &[Line], visitor: Visitor, day: i64) -> Result<usize, Failed> {
        let (name, phone) = self.person();
        let mut heard = self.store.listen();
        let mut leads = 0;
        let mut conversation = None;
        for line in dialogue {
            self.clock.advance(SignedDuration::from_secs(i64::try_from(8 + self.below(40)).unwrap_or(20)));
            if let Line::Person(text) = line {
                // What happened long ago was answered; what waits in the inbox is from the last days.
                if let Some(id) = conversation.filter(|_| day < DAYS - 1) {
                    self.answer_as_person(id, text).await?;
                }
                continue;
            }
            let Some((text, inbound)) = self.line(line, &name, &phone, conversation).await? else { break };
            let incoming = Incoming {
                id: self.env.new_id(),
                text,
                inbound,
                ip: None,
                user_agent: Some("demo".to_owned()),
            };
            let seq = self.desk.receive(visitor, incoming).await?;
            let (id, accepted) = self.wait_for_answer(&mut heard, visitor, seq).await?;
            conversation = Some(id);
            for lead in accepted {
                self.wait_for_delivery(lead).await?;
                leads += 1;
            }
        }
        Ok(leads)
    }

    /// What the visitor sends for a line; `None` when the conversation took another course.
    async fn line(
        &self,
        line: &Line,
        name: &str,
        phone: &str,
        conversation: Option<ConversationId>,
    ) -> Result<Option<(String, Inbound)>, Failed> {
        let inbound = Inbound { page: "/cars".to_owned(), ..Inbound::default() };
        Ok(match line {
            Line::Say(text) => Some((text.replace("{name}", name).replace("{phone}", phone), inbound)),
            Line::Press(prefix) => {
                let Some(id) = conversation else { return Ok(None) };
                let mut conn = self.store.read().await?;
                let all = conversations::messages(&mut conn, self.client_id, id, 0, 500).await?;
                let offered = all.iter().rev().find(|m| !m.extras.choices.is_empty());
                let fitting: Vec<_> = offered
                    .map(|m| m.extras.choices.iter().filter(|c| c.choice.starts_with(prefix)).collect())
                    .unwrap_or_default();
                self.pick(&fitting).map(|choice| {
                    let pressed = Inbound { choice: Some(choice.choice.clone()), ..inbound };
                    (choice.label.clone(), pressed)
                })
            }
            Line::Contact => {
                let contact = Contact {
                    name: name.to_owned(),
                    phone: phone.to_owned(),
                    consent: true,
                    consent_version: self.place.consent_version.clone(),
                };
                Some((format!("{name}, {phone}"), Inbound { contact: Some(contact), ..inbound }))
            }
            Line::Person(_) => None,
        })
    }

    /// Waits until the worker has decided about message `seq`; gives the conversation and the leads made of it.
    async fn wait_for_answer(
        &self,
        heard: &mut broadcast::Receiver<Arc<Event>>,
        visitor: Visitor,
        seq: i64,
    ) -> Result<(ConversationId, Vec<LeadId>), Failed> {
        let conversation =
            conversations::latest(&mut self.store.read().await?, self.client_id, visitor.id).await?;
        let id = conversation
            .map(|c| c.id)
            .ok_or_else(|| Failed::one("demo", "a conversation vanished", "delete the demo's folder"))?;
        let mut leads = Vec::new();
        loop {
            let event = heard.recv().await.map_err(|e| {
                Failed::one("demo", e.to_string(), "delete the demo's folder and start again")
            })?;
            match &event.body {
                EventBody::LeadAccepted { lead_id, conversation_id: Some(of), .. } if *of == id => {
                    leads.push(*lead_id);
                }
                EventBody::DecisionMade { conversation_id, seq: decided, .. }
                    if *conversation_id == id && *decided >= seq =>
                {
                    return Ok((id, leads));
                }
                EventBody::HandoverRequested { conversation_id, reason, .. }
                    if *conversation_id == id && reason == "paused" =>
                {
                    return Ok((id, leads));
                }
                _ => {}
            }
        }
    }

    async fn answer_as_person(&self, id: ConversationId, text: &str) -> Result<(), Failed> {
        let failed = |e: ismart_workers::desk::DeskError| {
            Failed::one("demo", e.to_string(), "delete the demo's folder")
        };
        self.desk.take_over(self.client_id, id, &self.operator).await.map_err(failed)?;
        self.clock.advance(SignedDuration::from_secs(25));
        let message = self.env.new_id();
        self.desk.say(self.client_id, id, &self.operator, message, text.to_owned()).await.map_err(failed)?;
        self.clock.advance(SignedDuration::from_secs(60));
        self.desk.give_back(self.client_id, id, &self.operator).await.map_err(failed)
    }

    /// Someone fills in a form of the site.
    async fn send_form(&self) -> Result<(), Failed> {
        let (name, phone) = self.person();
        let (form, intent, comment) =
            self.pick(&FORMS).copied().unwrap_or(("callback", Intent::Callback, ""));
        let draft = LeadDraft {
            site_id: self.site_id,
            intent,
            name: PersonName::parse(&name).ok(),
            phone: Phone::parse(&phone).ok(),
            email: None,
            comment: comment.to_owned(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: form.to_owned() },
                page_url: format!("/{}", form.replace('_', "-")),
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: vec![ConsentDraft {
                purpose: ConsentPurpose::Processing,
                text: self.place.consent_text.clone(),
                version: self.place.consent_version.clone(),
                url: self.place.consent_url.clone(),
                page_url: "/".to_owned(),
                ip: None,
                user_agent: Some("demo".to_owned()),
            }],
            fields: std::collections::BTreeMap::new(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: None,
            test: false,
        };
        let (client_id, destinations) = (self.client_id, self.place.destinations.clone());
        let trace_id = self.env.new_id();
        let accepted: Result<_, ismart_leads::AcceptError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(
                    async move { ismart_leads::accept(tx, client_id, &destinations, draft, trace_id).await },
                )
            })
            .await;
        let accepted =
            accepted.map_err(|e| Failed::one("demo", e.to_string(), "delete the demo's folder"))?;
        self.wait_for_delivery(accepted.lead.id).await
    }

    /// Waits until the lead has arrived, so that the clock does not run away from its delivery.
    async fn wait_for_delivery(&self, lead_id: LeadId) -> Result<(), Failed> {
        let mut heard = self.store.listen();
        loop {
            let mut conn = self.store.read().await?;
            let all = deliveries::of_lead(&mut conn, self.client_id, lead_id).await?;
            drop(conn);
            if all.iter().all(|d| d.state.is_final() || d.state == DeliveryState::Paused) {
                return Ok(());
            }
            self.clock.advance(SignedDuration::from_secs(1));
            // A closed or lagging feed only means another look.
            let _look_again = heard.recv().await.is_err();
        }
    }
}
