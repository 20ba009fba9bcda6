//! A console with data: two clients, people of every role, conversations, leads in every state.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_domain::contact::{Email, PersonName, Phone};
use ismart_domain::conversation::{Author, Card, Choice, ConsentText, Extras, Inbound, Mode, SourceLink};
use ismart_domain::delivery::{self, Answer, DeliveryError, Trial};
use ismart_domain::lead::{
    Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Subject, Utm,
};
use ismart_domain::user::Role;
use ismart_domain::{
    ApiTokenId, ClientId, ConversationId, Env, EventBody, LeadId, ManualClock, Secret, SiteId,
};
use ismart_store::api_tokens::{self, ApiToken};
use ismart_store::conversations::{self, NewMessage, Progress};
use ismart_store::deliveries::Ending;
use ismart_store::events::{self, Scope};
use ismart_store::visits::Visit;
use ismart_store::{Store, StoreError, Tx, clients, deliveries, visits};
use ismart_workers::desk::{Desk, Furniture, Workplace};
use ismart_workers::{Package, Vocabulary, Worker};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::accounts::{NewUser, set_password};
use crate::fleet::FleetFolders;
use crate::{ClientProfile, DestinationProfile, Options, Platform, World};

/// Password of everyone in the house.
pub(crate) const PASSWORD: &str = "test-password-1";

/// The console with its data.
pub(crate) struct House {
    pub(crate) platform: Arc<Platform>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: ClientId,
    pub(crate) other: ClientId,
    pub(crate) site: SiteId,
    pub(crate) other_site: SiteId,
    pub(crate) folder: tempfile::TempDir,
}

impl House {
    /// Two clients without anything but people.
    pub(crate) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (env, clock) = Env::manual("2026-11-20T09:00:00Z".parse().unwrap(), 11);
        let store = Store::open_sqlite(&folder.path().join("ismart.db"), env.clone()).await.unwrap();
        let (client, site, other, other_site) = store
            .write(|tx: &mut Tx| {
                Box::pin(async move {
                    let client = clients::ensure_client(tx, "avtograd", "Автоград").await?;
                    let site = clients::ensure_site(tx, client, "avtograd", "avtograd.example").await?;
                    let other = clients::ensure_client(tx, "shina", "Шинный центр").await?;
                    let other_site = clients::ensure_site(tx, other, "shina", "shina.example").await?;
                    Ok::<_, StoreError>((client, site, other, other_site))
                })
            })
            .await
            .unwrap();
        let people = [
            ("anna", "Анна Смирнова", Role::Operator, Some(client)),
            ("oleg", "Олег Петров", Role::Operator, Some(client)),
            ("owner", "Ирина Волкова", Role::Owner, Some(client)),
            ("analyst", "Пётр Аналитик", Role::Analyst, Some(client)),
            ("agency", "Агентство", Role::Agency, None),
            ("stranger", "Чужой", Role::Owner, Some(other)),
        ];
        for (login, name, role, client_id) in people {
            let (login, name) = (login.to_owned(), name.to_owned());
            let user = NewUser { client_id, login, name, role, language: "ru".into() };
            set_password(&store, &env, user, &Secret::new(PASSWORD)).await.unwrap();
        }
        let profile = |id, slug: &str, name: &str, destinations| ClientProfile {
            id,
            slug: slug.into(),
            name: name.into(),
            zone: TimeZone::get("Europe/Moscow").unwrap(),
            destinations,
        };
        let crm = DestinationProfile {
            name: "bitrix24".into(),
            kind: "bitrix24".into(),
            simulated: Some("http://127.0.0.1:9/".into()),
            test: false,
            sites: Vec::new(),
        };
        let profiles = vec![
            profile(client, "avtograd", "Автоград", vec![crm]),
            profile(other, "shina", "Шинный центр", vec![]),
        ];
        let options = Options {
            console_hosts: vec!["console.test".into()],
            https: false,
            trusted_proxies: vec![],
            demo: true,
            per_minute: 600,
            keep: 1 << 20,
            watch: false,
            api_per_minute: 600,
            form_secret: Secret::new("form"),
            cores: Arc::default(),
            fleet: FleetFolders::default(),
            files: folder.path().join("files"),
        };
        let desk = Desk::new(store.clone());
        desk.open(vec![workplace(client, site, &env).await]);
        let platform =
            Platform::new(store, Arc::new(ArcSwap::from_pointee(World::default())), desk, profiles, options);
        Self { platform: Arc::new(platform), clock, client, other, site, other_site, folder }
    }

    /// The same with two weeks of life.
    pub(crate) async fn lived_in() -> Self {
        let house = Self::empty().await;
        for day in 0..14_u32 {
            for n in 0..(3 + (day * 7) % 5) {
                house.visit(n).await;
                house.clock.advance(SignedDuration::from_mins(17));
            }
            if day % 2 == 0 {
                let talk = house.conversation("Сколько стоит Haval Jolion?", Mode::Worker).await;
                let lead = house.lead(house.client, house.site, day, Some(talk)).await;
                house.deliver(lead, day).await;
            }
            if day % 3 == 0 {
                let lead = house.lead(house.client, house.site, 100 + day, None).await;
                house.deliver(lead, day + 1).await;
            }
            let so_far = i64::from(3 + (day * 7) % 5) * 17;
            house.clock.advance(SignedDuration::from_mins(24 * 60 - so_far));
        }
        house.conversation("Позовите, пожалуйста, человека", Mode::Waiting).await;
        house.clock.advance(SignedDuration::from_mins(40));
        house.conversation("<script>alert(1)</script> А трейд-ин есть?", Mode::Waiting).await;
        house.clock.advance(SignedDuration::from_mins(2));
        house
    }

    async fn visit(&self, n: u32) {
        let (client, site) = (self.client, self.site);
        self.platform
            .store
            .write::<(), StoreError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    let env = tx.env().clone();
                    let digest = ismart_store::sha256_hex(&env.token());
                    let visitor = visits::add_visitor(tx, client, site, &digest).await?;
                    let visit = Visit {
                        id: env.new_id(),
                        visitor_id: visitor,
                        landing_url: "https://avtograd.example/".into(),
                        referrer: None,
                        utm: Utm::default(),
                        started_at: env.now(),
                        last_at: env.now(),
                    };
                    visits::start(tx, client, site, &visit).await?;
                    let body = EventBody::VisitStarted {
                        visit_id: visit.id,
                        visitor_id: visitor,
                        path: format!("/cars/{n}"),
                        referrer_host: None,
                        utm: Utm::default(),
                    };
                    events::append(tx, scope(client, site, &env), body).await
                })
            })
            .await
            .unwrap();
    }

    /// A conversation of a question, an answer with everything that a message can carry, and a closing word.
    pub(crate) async fn conversation(&self, question: &str, mode: Mode) -> ConversationId {
        self.conversation_at(self.client, self.site, question, mode).await
    }

    /// The same at any client.
    pub(crate) async fn conversation_at(
        &self,
        client: ClientId,
        site: SiteId,
        question: &str,
        mode: Mode,
    ) -> ConversationId {
        let question = question.to_owned();
        self.platform
            .store
            .write::<ConversationId, StoreError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    let env = tx.env().clone();
                    let digest = ismart_store::sha256_hex(&env.token());
                    let visitor = visits::add_visitor(tx, client, site, &digest).await?;
                    let id = conversations::start(tx, client, site, visitor, None, "lead-assistant").await?;
                    let scope = scope(client, site, &env);
                    let started = EventBody::ConversationStarted {
                        conversation_id: id,
                        visitor_id: visitor,
                        visit_id: None,
                        worker: "lead-assistant".into(),
                    };
                    events::append(tx, scope, started).await?;
                    write(tx, scope, id, Author::Visitor, &question, Extras::default()).await?;
                    let decision = EventBody::DecisionMade {
                        conversation_id: id,
                        seq: 1,
                        worker_version: "0.1.0".into(),
                        understander: "keyless".into(),
                        intent: "price".into(),
                        confidence: 0.93,
                        commands: vec!["start_flow".into()],
                        answer: "price_found".into(),
                        duration_us: 2_400,
                    };
                    events::append(tx, scope, decision).await?;
                    let tool = EventBody::ToolCalled {
                        conversation_id: id,
                        tool: "stock_search".into(),
                        outcome: "ok".into(),
                    };
                    events::append(tx, scope, tool).await?;
                    write(
                        tx,
                        scope,
                        id,
                        Author::Worker,
                        "Есть три автомобиля, от 2 189 000 ₽. Показать?",
                        extras(),
                    )
                    .await?;
                    let due = env.now().checked_add(SignedDuration::from_mins(15)).unwrap();
                    if mode == Mode::Waiting {
                        let asked = EventBody::HandoverRequested {
                            conversation_id: id,
                            reason: "asked".into(),
                            due_at: due,
                        };
                        events::append(tx, scope, asked).await?;
                        write(tx, scope, id, Author::Visitor, "Жду ответа", Extras::default()).await?;
                    }
                    let memory = json!({
                        "turn": 1,
                        "slots": {
                            "model": { "value": "Jolion", "source": "text", "turn": 1 },
                            "price_max": { "value": 2_500_000, "source": "text", "turn": 1 },
                            "gearbox": { "value": "any", "source": "choice", "turn": 1 }
                        },
                        "contact": { "name": "Иван", "phone": "+79101234567" }
                    });
                    let person_due_at = (mode == Mode::Waiting).then_some(due);
                    let progress = Progress { memory, handled_seq: 1, mode, person_due_at };
                    conversations::progress(tx, client, id, Mode::Worker, &progress).await?;
                    Ok(id)
                })
            })
            .await
            .unwrap()
    }

    /// A visitor writes once more.
    pub(crate) async fn visitor_writes(&self, id: ConversationId, text: &str) {
        let (client, site, text) = (self.client, self.site, text.to_owned());
        self.platform
            .store
            .write::<(), StoreError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    let scope = scope(client, site, &tx.env().clone());
                    write(tx, scope, id, Author::Visitor, &text, Extras::default()).await
                })
            })
            .await
            .unwrap();
    }

    /// A lead of a form or of a conversation.
    pub(crate) async fn lead(
        &self,
        client: ClientId,
        site: SiteId,
        n: u32,
        talk: Option<ConversationId>,
    ) -> LeadId {
        let draft = draft(site, n, talk);
        self.platform
            .store
            .write::<LeadId, ismart_leads::AcceptError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    let trace_id = tx.env().new_id();
                    let names = ["bitrix24".to_owned()];
                    let accepted = ismart_leads::accept(tx, client, &names, draft, trace_id).await?;
                    Ok(accepted.lead.id)
                })
            })
            .await
            .unwrap()
    }

    /// A key of the API.
    pub(crate) async fn token(&self, client_id: ClientId) -> ApiTokenId {
        let env = self.platform.env.clone();
        let token = ApiToken {
            id: env.new_id(),
            client_id,
            site_id: None,
            name: "Обмен со складом".into(),
            hint: "ism_0123abcd".into(),
            scopes: vec!["content:read".into()],
            created_by: env.new_id(),
            created_at: env.now(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        let (id, digest) = (token.id, ismart_store::sha256_hex(&token.id.to_string()));
        self.platform
            .store
            .write::<(), StoreError, _>(move |tx: &mut Tx| {
                Box::pin(async move { api_tokens::add(tx, &token, &digest).await })
            })
            .await
            .unwrap();
        id
    }

    /// One attempt, with an answer of the kind that `n` chooses.
    async fn deliver(&self, lead: LeadId, n: u32) {
        let client = self.client;
        let answer = match n % 4 {
            0 | 1 => Answer::Accepted { external_id: format!("{}", 400 + n) },
            2 => Answer::Failed(DeliveryError::Rejected {
                reason: "Поле PHONE: номер не принят".into()
            }),
            _ => Answer::Failed(DeliveryError::Retry {
                after: None,
                ambiguous: false,
                reason: "ответ 503".into(),
            }),
        };
        self.platform
            .store
            .write::<(), StoreError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    for claimed in deliveries::claim(tx, client, "bitrix24", 50).await? {
                        let now = tx.env().now();
                        let attempts = claimed.delivery.attempts;
                        let trial = Trial { attempts, begun_at: now, now, jitter: 128 };
                        let next = delivery::after(answer.clone(), trial);
                        let ending = Ending { next: &next, started_at: now, trace: None };
                        deliveries::finish(tx, client, &claimed.delivery, ending).await?;
                        let body = EventBody::DeliveryChanged {
                            delivery_id: claimed.delivery.id,
                            lead_id: lead,
                            destination: "bitrix24".into(),
                            state: next.state,
                            attempts: claimed.delivery.attempts,
                        };
                        let scope = Scope { client_id: client, site_id: None, trace_id: tx.env().new_id() };
                        events::append(tx, scope, body).await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
    }
}

fn scope(client_id: ClientId, site_id: SiteId, env: &Env) -> Scope {
    Scope { client_id, site_id: Some(site_id), trace_id: env.new_id() }
}

async fn write(
    tx: &mut Tx,
    scope: Scope,
    conversation_id: ConversationId,
    author: Author,
    text: &str,
    extras: Extras,
) -> Result<(), StoreError> {
    let id = tx.env().new_id();
    let inbound = (author == Author::Visitor).then(Inbound::default);
    let message = NewMessage { id, author, name: None, text: text.to_owned(), extras, inbound };
    let (seq, _) = conversations::add_message(tx, scope.client_id, conversation_id, &message).await?;
    let length = u64::try_from(text.chars().count()).unwrap();
    let body = EventBody::MessageStored { conversation_id, message_id: id, seq, author, length };
    events::append(tx, scope, body).await
}

fn extras() -> Extras {
    Extras {
        choices: vec![Choice {
            label: "Записаться на тест-драйв".into(), choice: "flow:test_drive".into()
        }],
        sources: vec![SourceLink {
            title: "Автомобили в наличии".into(), url: "/cars".into()
        }],
        cards: vec![Card {
            title: "Haval Jolion 1.5 AMT".into(),
            text: "2025, передний привод, 150 л.с.".into(),
            price: "2 189 000 ₽".into(),
            image: None,
            url: "/cars/haval-jolion".into(),
        }],
        form: None,
    }
}

pub(super) fn draft(site_id: SiteId, n: u32, talk: Option<ConversationId>) -> LeadDraft {
    let names = ["Иван Петров", "Мария Ким", "Сергей Орлов", "Ольга Белова"];
    let index = usize::try_from(n).unwrap() % names.len();
    let channel = match talk {
        Some(conversation_id) => Channel::Conversation { conversation_id, worker: "lead-assistant".into() },
        None => Channel::Form { form: "test-drive".into() },
    };
    LeadDraft {
        site_id,
        intent: Intent::ALL[index],
        name: Some(PersonName::parse(names[index]).unwrap()),
        phone: Phone::parse(&format!("+7910{:07}", 1_000_000 + n)).ok(),
        email: Email::parse("ivan@example.com").ok(),
        comment: format!("=HYPERLINK(\"http://evil.example\") заявка {n}"),
        subject: Some(Subject { key: format!("car-{n}"), title: "Haval Jolion 1.5 AMT Premium".into() }),
        amount: None,
        source: LeadSource {
            channel,
            page_url: "https://avtograd.example/cars/haval-jolion".into(),
            referrer: Some("https://ya.ru/".into()),
            utm: Utm { source: Some("yandex".into()), medium: Some("cpc".into()), ..Utm::default() },
            visit_id: None,
        },
        consents: vec![ConsentDraft {
            purpose: ConsentPurpose::Processing,
            text: "Я согласен на обработку моих персональных данных, чтобы мне ответили.".into(),
            version: "2026-09-01".into(),
            url: "https://avtograd.example/consent".into(),
            page_url: "https://avtograd.example/".into(),
            ip: Some("203.0.113.5".into()),
            user_agent: Some("Mozilla/5.0".into()),
        }],
        fields: [("car".to_owned(), "Haval Jolion".to_owned())].into(),
        files: Vec::new(),
        signals: Vec::new(),
        idempotency_key: None,
        test: false,
    }
}

/// The packaged worker at its desk, without tools: the console never asks it for more than its name.
async fn workplace(client: ClientId, site: SiteId, env: &Env) -> Workplace {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../workers/lead-assistant"));
    let package = Package::load(folder).unwrap();
    let parts = Furniture {
        worker: Arc::new(Worker::new(Arc::new(package), &Vocabulary::default())),
        toolbox: ismart_domain::ports::Toolbox::default(),
        zone: TimeZone::get("Europe/Moscow").unwrap(),
        language: "ru".into(),
        business: json!({ "name": "Автоград" }),
        consent: ConsentText {
            label: "Согласен".into(), url: "/consent".into(), version: "1".into()
        },
        consent_full: "Согласен".into(),
        avatar: None,
        due_by: Arc::new(|at: Timestamp| at),
    };
    Workplace::furnish(client, site, parts, env).await
}
