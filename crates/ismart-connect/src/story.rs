//! A request in words, as a manager reads it.

use ismart_domain::lead::{Channel, ConsentPurpose, Lead};

use crate::text::{cut, one_line};

/// CRMs keep a comment in 64 KB, and a character takes up to four bytes.
pub(crate) const COMMENT_LIMIT: usize = 15_000;

/// Everything about the request, line by line, for the manager who calls; the person's name and addresses only when
/// the record has no fields for them. `own` is the client's own remark.
pub(crate) fn story(lead: &Lead, with_person: bool, own: Option<&str>) -> Vec<String> {
    let draft = &lead.draft;
    let mut lines = vec![format!("Заявка № {}: {}", lead.number, draft.intent.title_ru())];
    let mut put = |name: &str, value: &str, limit: usize| {
        if !value.trim().is_empty() {
            lines.push(format!("{name}: {}", cut(value.trim(), limit)));
        }
    };
    if let Some(subject) = &draft.subject {
        put("Предмет", &format!("{} ({})", one_line(&subject.title), one_line(&subject.key)), 500);
    }
    if with_person {
        put("Имя", draft.name.as_ref().map_or("", |name| name.as_str()), 200);
        put("Телефон", draft.phone.as_ref().map_or("", |phone| phone.e164()), 50);
        put("Почта", draft.email.as_ref().map_or("", |email| email.as_str()), 300);
    }
    put("Комментарий", &draft.comment, COMMENT_LIMIT / 2);
    for (name, value) in draft.fields.iter().take(40) {
        put(&cut(&one_line(name), 100), &one_line(value), 1000);
    }
    put("Страница", &one_line(&draft.source.page_url), 2000);
    put("Откуда пришёл", &one_line(draft.source.referrer.as_deref().unwrap_or_default()), 2000);
    put("Канал", &one_line(&door(&draft.source.channel)), 500);
    if let Channel::Call { recording: Some(recording), .. } = &draft.source.channel {
        put("Запись разговора", &one_line(recording), 2000);
    }
    for consent in &draft.consents {
        let purpose = match consent.purpose {
            ConsentPurpose::Processing => "на обработку данных",
            ConsentPurpose::Marketing => "на рекламу",
        };
        put(
            &format!("Согласие {purpose}"),
            &format!("редакция {}, {}", one_line(&consent.version), one_line(&consent.url)),
            1000,
        );
    }
    if let Some(own) = own {
        put("Примечание", own, 1000);
    }
    lines
}

/// The door that the request came in by, in words.
fn door(channel: &Channel) -> String {
    match channel {
        Channel::Form { form } => format!("форма «{form}»"),
        Channel::Conversation { worker, .. } => format!("разговор с цифровым работником «{worker}»"),
        Channel::Widget { widget } => format!("виджет обратного звонка «{widget}»"),
        Channel::Mail { mailbox, .. } => format!("письмо на {mailbox}"),
        Channel::Import { file, row, .. } => format!("файл «{file}», строка {row}"),
        Channel::Webhook { name, .. } => format!("вебхук «{name}»"),
        Channel::Call { provider, seconds, line, .. } => {
            let line = line.as_ref().map(|line| format!(" на {line}")).unwrap_or_default();
            let spoken = seconds.map(|seconds| format!(", {seconds} с")).unwrap_or_default();
            format!("звонок{line} ({provider}{spoken})")
        }
        Channel::Api { .. } => "программа с ключом API".to_owned(),
        Channel::Person { .. } => "записана сотрудником".to_owned(),
    }
}
