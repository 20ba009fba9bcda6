//! Letters become leads: lines such as `Телефон: …`, as forms of sites and portals send them, else who wrote and what.

use ismart_domain::contact::Phone;
use ismart_domain::lead::{Channel, FileRef, LeadDraft};
use ismart_mail::{Letter, Sender};

use super::door::Door;
use super::facts::Facts;
use super::meaning::Meaning;
use super::reading::{Frame, Unfit};

/// A label before a value has at most this many characters.
const LABEL: usize = 60;

/// What a letter's sender may not be taken for.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// Addresses of the client's own mailboxes: forms of his sites write from them.
    pub addresses: Vec<String>,
}

/// A file that came with a letter and is in its place, or why it is not.
pub type AttachedFile = Result<FileRef, String>;

/// Makes the lead of a letter.
///
/// # Errors
/// [`Unfit`] when it is an answer of a program or holds no contact.
pub fn letter_draft(
    letter: &Letter,
    door: &Door,
    own: &Own,
    key: String,
    attached: Vec<AttachedFile>,
) -> Result<LeadDraft, Unfit> {
    // Forms of sites call their letters `auto-generated`; what answers by itself is another matter.
    if let Some(why) = letter.automatic.as_deref().filter(|why| !why.starts_with("auto-generated")) {
        return Err(Unfit::Automatic { how: why.to_owned() });
    }
    let mut facts = lines(&letter.text);
    let structured = Reading::of(door, &facts).structured();
    let writer = writer(letter, own, structured);
    if Reading::of(door, &facts).lacks(Meaning::Phone)
        && let Some(phone) = phone_in(&letter.text)
    {
        facts.add("phone", phone.e164());
    }
    if let Some(writer) = writer {
        if Reading::of(door, &facts).lacks(Meaning::Email) {
            facts.add("email", &writer.address);
        }
        if let Some(name) = writer.name.as_ref().filter(|_| Reading::of(door, &facts).lacks(Meaning::Name)) {
            facts.add("name", name);
        }
    }
    if !structured && Reading::of(door, &facts).lacks(Meaning::Comment) {
        facts.add("comment", &letter.text);
    }
    facts.add("letter_subject", &letter.subject);
    let (mut files, mut refused) = (Vec::new(), Vec::new());
    for one in attached {
        match one {
            Ok(file) => files.push(file),
            Err(why) => refused.push(why),
        }
    }
    facts.add("files_refused", &refused.join("; "));
    let channel = Channel::Mail {
        mailbox: door.name.clone(),
        message_id: letter.message_id.clone().unwrap_or_default(),
    };
    let frame = Frame {
        site_id: door.site.site_id,
        channel,
        basis: door.basis.clone(),
        intent: door.intent,
        ip: None,
        key,
        files,
    };
    door.mapping.read(&facts).draft(frame)
}

/// What a door makes of facts, as far as the letter asks.
struct Reading<'f>(super::reading::Reading<'f>);

impl<'f> Reading<'f> {
    fn of(door: &Door, facts: &'f Facts) -> Self {
        Self(door.mapping.read(facts))
    }

    fn lacks(&self, meaning: Meaning) -> bool {
        self.0.get(meaning).is_none()
    }

    /// A program wrote the lines: a contact and something else have labels.
    fn structured(&self) -> bool {
        let contact = !self.lacks(Meaning::Phone) || !self.lacks(Meaning::Email);
        let others = [Meaning::Name, Meaning::Comment, Meaning::Subject, Meaning::PageUrl, Meaning::Phone];
        contact && others.into_iter().filter(|meaning| !self.lacks(*meaning)).count() >= 1
    }
}

/// Who is to be answered: whom the letter names for it, else its sender where a person wrote.
fn writer<'l>(letter: &'l Letter, own: &Own, structured: bool) -> Option<&'l Sender> {
    let stranger = |sender: &&Sender| {
        let address = sender.address.to_lowercase();
        let (user, _) = address.split_once('@').unwrap_or((&address, ""));
        let machine =
            ["noreply", "no-reply", "no_reply", "donotreply", "robot", "notification", "notify", "mailer"];
        !own.addresses.iter().any(|own| own.to_lowercase() == address)
            && !machine.iter().any(|word| user.contains(word))
    };
    let reply_to = letter.reply_to.as_ref().filter(stranger);
    // The sender of a letter that a program wrote is the program's own mailbox.
    reply_to.or_else(|| letter.from.as_ref().filter(|_| !structured).filter(stranger))
}

/// Lines with a label: `Имя: Иван`, `Имя — Иван`, `Имя` and `Иван` on a line each. What is quoted is somebody else's.
fn lines(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| *line != "--" && !line.starts_with("-----"))
        .filter(|line| !line.is_empty() && !line.starts_with('>'))
        .take(400)
        .peekable();
    while let Some(line) = lines.next() {
        let halves = line.split_once(':').filter(|(label, _)| is_label(label));
        if let Some((label, value)) = halves {
            let value = value.trim().trim_start_matches('*').trim();
            if value.is_empty() {
                // The value stands on the next line, unless that has a label of its own.
                let next = lines
                    .next_if(|next| next.split_once(':').is_none_or(|(l, _)| Meaning::guess(l).is_none()));
                facts.add(bare(label), next.unwrap_or_default());
            } else {
                facts.add(bare(label), value);
            }
            continue;
        }
        let dashed = [" — ", " – ", " - ", "\t", " = "].iter().find_map(|dash| line.split_once(dash));
        if let Some((label, value)) =
            dashed.filter(|(label, _)| Meaning::guess(label).is_some() && is_label(label))
        {
            facts.add(bare(label), value);
        } else if is_label(line)
            && Meaning::guess(line).is_some()
            && let Some(value) = lines.next_if(|next| Meaning::guess(next).is_none() && !next.contains(": "))
        {
            facts.add(bare(line), value);
        }
    }
    facts
}

/// Marks of emphasis around a label are no part of it.
fn bare(label: &str) -> String {
    label.trim_matches(|c: char| "*_-•·# \t".contains(c)).to_owned()
}

fn is_label(text: &str) -> bool {
    let label = bare(text);
    !label.is_empty()
        && label.chars().count() <= LABEL
        && label.chars().any(char::is_alphabetic)
        && !label.ends_with("http")
        && !label.ends_with("https")
        && !label.contains(['.', '!', '?', '@'])
}

/// The first number in a text that is written as people write phones.
fn phone_in(text: &str) -> Option<Phone> {
    let own = text.lines().filter(|line| !line.trim_start().starts_with('>'));
    let part = |c: char| c.is_ascii_digit() || "+()- .\u{a0}".contains(c);
    own.flat_map(|line| line.split(move |c: char| !part(c))).find_map(|run| {
        let run = run.trim_matches(|c: char| " .-\u{a0}".contains(c));
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let plain = run.starts_with(['+', '8', '7']) || (run.starts_with('(') && digits == 10);
        Phone::parse(run).ok().filter(|_| plain && (10..=13).contains(&digits))
    })
}

#[cfg(test)]
mod tests {
    use ismart_domain::lead::Intent;

    use super::super::door::{DoorWords, Site};
    use super::*;

    fn door() -> Door {
        let site = Site {
            client_id: "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d".parse().unwrap(),
            site_id: "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5e".parse().unwrap(),
            key: "avtograd".to_owned(),
        };
        let settings =
            serde_json::json!({ "host": "imap.example.ru", "user": "leads@dealer.ru", "password": "p" });
        Door::open("post", "mailbox", site, &DoorWords::default(), settings.as_object().unwrap()).unwrap()
    }

    fn lead(head: &str, text: &str) -> Result<LeadDraft, Unfit> {
        let letter = format!("{head}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}");
        let letter = Letter::read(letter.as_bytes()).unwrap();
        let own = Own { addresses: vec!["leads@dealer.ru".into()] };
        letter_draft(&letter, &door(), &own, "k".into(), Vec::new())
    }

    #[test]
    fn the_form_of_a_site_is_read_by_its_labels_and_its_sender_is_nobody() {
        let text = "Новая заявка с сайта\n\nИмя: Иван Петров\nТелефон: 8 (910) 123-45-67\nE-mail: ivan@mail.ru\n\
            Сообщение: Хочу тест-драйв: завтра\nСтраница: https://dealer.ru/cars/1\nGCLID: abc\n\n-- \nРобот, тел. 8 800 000-00-00";
        let lead = lead("From: Site <leads@dealer.ru>\r\nSubject: Zayavka", text).unwrap();
        assert_eq!(lead.name.unwrap().as_str(), "Иван Петров");
        assert_eq!(lead.phone.unwrap().e164(), "+79101234567");
        assert_eq!(lead.email.unwrap().as_str(), "ivan@mail.ru");
        assert_eq!(lead.comment, "Хочу тест-драйв: завтра");
        assert_eq!(lead.source.page_url, "https://dealer.ru/cars/1");
        assert_eq!(lead.fields.get("GCLID").map(String::as_str), Some("abc"));
        assert_eq!(lead.fields.get("letter_subject").map(String::as_str), Some("Zayavka"));
    }

    #[test]
    fn a_portal_writes_labels_and_values_on_lines_of_their_own() {
        let text =
            "Отклик на объявление\nИмя\nАнна\nТелефон\n+7 910 000-11-22\nОбъявление — Haval Jolion 2024\n";
        let lead = lead("From: Portal <noreply@portal.ru>\r\nSubject: x", text).unwrap();
        assert_eq!(lead.name.unwrap().as_str(), "Анна");
        assert_eq!(lead.phone.unwrap().e164(), "+79100001122");
        assert_eq!(lead.subject.unwrap().title, "Haval Jolion 2024");
        assert_eq!(lead.email, None, "a portal's mailbox is nobody's address");
    }

    #[test]
    fn a_person_who_simply_writes_is_a_lead_with_his_words() {
        let text = "Здравствуйте! Перезвоните мне, пожалуйста, на 8-910-123-45-67 после 18.00.\n> Звоните 8 800 000-00-00\n";
        let lead = lead("From: =?UTF-8?B?0JjQstCw0L0=?= <ivan@mail.ru>\r\nSubject: car", text).unwrap();
        assert_eq!(lead.name.unwrap().as_str(), "Иван");
        assert_eq!(lead.phone.unwrap().e164(), "+79101234567");
        assert_eq!(lead.email.unwrap().as_str(), "ivan@mail.ru");
        assert!(lead.comment.starts_with("Здравствуйте!"), "{}", lead.comment);
        assert_eq!(lead.intent, Intent::Other);
    }

    #[test]
    fn what_answers_by_itself_or_names_nobody_waits_for_a_person() {
        let away = lead(
            "From: ivan@mail.ru\r\nAuto-Submitted: auto-replied\r\nSubject: away",
            "Я в отпуске, тел. 8 910 123-45-67",
        );
        assert!(matches!(away, Err(Unfit::Automatic { .. })), "{away:?}");
        let nobody =
            lead("From: noreply@bank.ru\r\nSubject: offer", "Лучшие условия 2026 года, 100 000 000 рублей");
        assert_eq!(nobody, Err(Unfit::NoContact));
        let generated = lead(
            "From: noreply@x.ru\r\nAuto-Submitted: auto-generated\r\nSubject: s",
            "Телефон: 89101234567\nИмя: Ян",
        );
        assert!(generated.is_ok(), "{generated:?}");
    }

    #[test]
    fn dates_prices_and_ids_are_no_phones() {
        for text in [
            "01.02.2026 - 10.02.2026",
            "1 500 000 руб.",
            "INN 7707083893123",
            "заказ 8123",
            "5 10 15 20 25 30 35 40",
        ] {
            assert_eq!(phone_in(text), None, "{text}");
        }
    }
}
