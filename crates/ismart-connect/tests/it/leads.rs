//! Leads to hand over.

use std::collections::BTreeMap;

use ismart_domain::lead::{
    Channel, ConsentDraft, ConsentPurpose, Intent, Lead, LeadDraft, LeadSource, Subject, Utm,
};
use ismart_domain::{ConversationId, Email, Env, LeadId, PersonName, Phone};
use jiff::Timestamp;

/// A lead as a form makes it. The same number gives the same lead.
pub(crate) fn lead(number: u32) -> Lead {
    let (env, _) = Env::manual(Timestamp::from_second(1_800_000_000).unwrap(), u64::from(number));
    Lead {
        id: env.new_id::<LeadId>(),
        client_id: env.new_id(),
        number: i64::from(number),
        accepted_at: env.now(),
        draft: LeadDraft {
            site_id: env.new_id(),
            intent: Intent::TestDrive,
            name: Some(PersonName::parse("Иван Петров").unwrap()),
            phone: Some(Phone::parse(&format!("+7910{number:07}")).unwrap()),
            email: None,
            comment: String::new(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "callback".into() },
                page_url: "https://dealer.example/haval".into(),
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: Vec::new(),
            fields: BTreeMap::new(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: None,
            test: false,
        },
    }
}

/// A lead in which everything is filled.
pub(crate) fn full(number: u32) -> Lead {
    let mut lead = lead(number);
    let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, u64::from(number));
    let draft = &mut lead.draft;
    draft.name = Some(PersonName::parse("Петрова Анна Сергеевна").unwrap());
    draft.email = Some(Email::parse("Anna@Mail.ru").unwrap());
    draft.comment = "Хочу в субботу.\nМожно [b]утром[/b]? <script>alert(1)</script>".into();
    draft.subject = Some(Subject { key: "VIN123".into(), title: "Haval Jolion 1.5".into() });
    draft.source.channel = Channel::Conversation {
        conversation_id: env.new_id::<ConversationId>(),
        worker: "lead-assistant".into(),
    };
    draft.source.referrer = Some("https://yandex.ru/".into());
    draft.source.utm = Utm::from_pairs([
        ("utm_source", "yandex"),
        ("utm_medium", "cpc"),
        ("utm_campaign", "spring"),
        ("utm_content", "banner"),
        ("utm_term", "хавал"),
    ]);
    draft.consents = vec![ConsentDraft {
        purpose: ConsentPurpose::Processing,
        text: "Согласен".into(),
        version: "2026-01".into(),
        url: "https://dealer.example/privacy".into(),
        page_url: "https://dealer.example/haval".into(),
        ip: Some("203.0.113.7".into()),
        user_agent: None,
    }];
    draft.fields = BTreeMap::from([("Удобное время".into(), "после 18".into())]);
    lead
}

/// Leads that strain every field; each must arrive.
pub(crate) fn strange() -> Vec<Lead> {
    let mut all = Vec::new();
    let mut next = |change: &dyn Fn(&mut LeadDraft)| {
        let number = u32::try_from(all.len()).unwrap() + 900;
        let mut lead = full(number);
        change(&mut lead.draft);
        all.push(lead);
    };
    next(&|draft| draft.name = None);
    next(&|draft| draft.phone = None);
    next(&|draft| draft.email = None);
    next(&|draft| draft.comment = "я".repeat(100_000));
    next(&|draft| draft.comment = "\u{0}\u{1b}[31m\r\n\t \u{feff}".into());
    next(&|draft| draft.comment = "$result[own][items][0][id] &amp; %00 %5B 🚗 \u{202e}олаф".into());
    next(&|draft| {
        draft.subject = Some(Subject { key: "k".repeat(5000), title: "Длинно ".repeat(1000) })
    });
    next(&|draft| draft.source.page_url = format!("https://dealer.example/?q={}", "%D1%8F".repeat(3000)));
    next(&|draft| draft.fields = (0..500).map(|n| (format!("поле {n}"), "v".repeat(3000))).collect());
    next(&|draft| {
        draft.fields = BTreeMap::from([(String::new(), String::new()), ("a\nb".into(), "c\nd".into())])
    });
    next(&|draft| draft.phone = Some(Phone::parse("+998 90 123 45 67").unwrap()));
    next(&|draft| draft.name = Some(PersonName::parse(&"Оченьдлинноеимя ".repeat(6)).unwrap()));
    next(&|draft| draft.consents = vec![draft.consents[0].clone(); 50]);
    next(&|draft| draft.test = true);
    all
}
