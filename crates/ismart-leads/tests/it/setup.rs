use std::sync::Arc;

use ismart_domain::contact::{PersonName, Phone};
use ismart_domain::lead::{Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Utm};
use ismart_domain::{ClientId, ManualClock, SiteId};
use ismart_leads::{AcceptError, Accepted, accept};
use ismart_store::{Store, StoreError, Tx, clients};

use crate::engines::{self, Temporary};

pub(crate) struct Setup {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: ClientId,
    pub(crate) site: SiteId,
    _place: Temporary,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        Self::on(engines::sqlite().await).await
    }

    /// One on each engine that is at hand.
    pub(crate) async fn everywhere() -> Vec<Self> {
        let mut all = vec![Self::new().await];
        if let Some(place) = engines::postgres().await {
            all.push(Self::on(place).await);
        }
        all
    }

    async fn on(place: Temporary) -> Self {
        let (store, clock) = (place.store.clone(), place.clock.clone());
        let (client, site) = store
            .write(|tx: &mut Tx| {
                Box::pin(async move {
                    let client = clients::ensure_client(tx, "a", "Автоград").await?;
                    Ok::<_, StoreError>((client, clients::ensure_site(tx, client, "a", "a.ru").await?))
                })
            })
            .await
            .unwrap();
        Self { store, clock, client, site, _place: place }
    }

    pub(crate) fn draft(&self, phone: &str) -> LeadDraft {
        LeadDraft {
            site_id: self.site,
            intent: Intent::TestDrive,
            name: Some(PersonName::parse("Иван").unwrap()),
            phone: Phone::parse(phone).ok(),
            email: None,
            comment: "Хочу посмотреть".into(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "test-drive".into() },
                page_url: "https://a.ru/".into(),
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: vec![ConsentDraft {
                purpose: ConsentPurpose::Processing,
                text: "Согласен".into(),
                version: "1".into(),
                url: "/consent".into(),
                page_url: "/".into(),
                ip: None,
                user_agent: None,
            }],
            fields: Default::default(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: None,
            test: false,
        }
    }

    pub(crate) async fn accept(&self, draft: LeadDraft) -> Result<Accepted, AcceptError> {
        let (client, trace) = (self.client, self.store.env().new_id());
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { accept(tx, client, &["crm".to_owned()], draft, trace).await })
            })
            .await
    }
}
