//! What the simulated visitors say and do.

use ismart_domain::lead::Intent;

/// One step of a dialogue.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    /// The visitor writes; `{name}` and `{phone}` are his.
    Say(&'static str),
    /// He presses a button whose choice begins so; the dialogue ends when there is none.
    Press(&'static str),
    /// He fills in the contact form.
    Contact,
    /// A person of the dealer takes over, says this and gives back.
    Person(&'static str),
}

use Line::{Contact, Person, Press, Say};

/// The dialogues.
pub(super) const DIALOGUES: &[&[Line]] = &[
    &[
        Say("Здравствуйте! Ищу кроссовер до двух миллионов на автомате, не белый."),
        Say("Хочу записаться на тест-драйв Haval Jolion, можно?"),
        Press("item:"),
        Press("slot:"),
        Contact,
        Press("yes"),
        Say("Спасибо большое, буду вовремя!"),
    ],
    &[Say("Какие у вас часы работы в субботу и где вы находитесь?"), Say("Спасибо, до свидания!")],
    &[
        Say("Сколько будет платёж в месяц, если взять в кредит машину за 2,4 млн на 5 лет?"),
        Say("Первый взнос 30 процентов."),
        Press("yes"),
        Contact,
        Press("yes"),
    ],
    &[
        Say("Есть ли у вас Chery Tiggo 7 Pro в наличии и какая цена?"),
        Say("Хочу приехать и посмотреть её на тест-драйве завтра после обеда."),
        Press("slot:"),
        Contact,
        Press("yes"),
    ],
    &[
        Say("Хочу сдать свою Kia Rio 2016 года в трейд-ин, пробег 110 тысяч."),
        Say("Хорошо, пусть мне перезвонят по трейд-ин."),
        Contact,
        Press("yes"),
    ],
    &[
        Say("Мне нужен живой человек, хочу обсудить скидку на Geely Monjaro."),
        Person(
            "Здравствуйте! Это Анна из отдела продаж. По Monjaro подготовлю расчёт с учётом трейд-ин и пришлю сегодня до вечера.",
        ),
        Say("Отлично, жду расчёт, спасибо!"),
    ],
    &[
        Say("Запишите меня на сервис на следующей неделе, нужно пройти ТО."),
        Say("Haval Jolion, плановое ТО-2."),
        Contact,
        Press("yes"),
    ],
    &[Say("А вы робот или человек?"), Say("Покажите машины с пробегом до миллиона рублей.")],
    &[
        Say("Интересует полноприводный внедорожник, бюджет от трёх до пяти миллионов, только новый."),
        Press("item:"),
    ],
    &[
        Say("Какие документы нужны для кредита?"),
        Say("А с какого возраста дают кредит?"),
        Say("Перезвоните мне, пожалуйста, хочу обсудить кредит."),
        Contact,
        Press("yes"),
    ],
];

/// The dialogue that is still open when the demo begins.
pub(super) const WAITING: &[Line] = &[
    Say("Добрый вечер! Подскажите, есть ли Geely Monjaro в наличии?"),
    Say("Хочу обсудить условия с живым менеджером, позовите человека, пожалуйста."),
];

/// Forms that are filled in: name, intent, words.
pub(super) const FORMS: [(&str, Intent, &str); 5] = [
    ("callback", Intent::Callback, ""),
    ("test_drive", Intent::TestDrive, "Удобно в выходные"),
    ("credit", Intent::Credit, "Первый взнос 30 %"),
    ("trade_in", Intent::TradeIn, "Kia Rio 2016, 110 тысяч км"),
    ("service", Intent::Service, "Плановое ТО"),
];

/// Names of simulated people.
pub(super) const NAMES: [&str; 16] = [
    "Иван",
    "Мария",
    "Алексей",
    "Ольга",
    "Сергей",
    "Екатерина",
    "Дмитрий",
    "Наталья",
    "Андрей",
    "Татьяна",
    "Павел",
    "Ирина",
    "Николай",
    "Светлана",
    "Михаил",
    "Юлия",
];

/// Pages that are visited.
pub(super) const PAGES: [&str; 9] =
    ["/", "/cars", "/offers", "/credit", "/trade-in", "/test-drive", "/service", "/contacts", "/faq"];

/// Source, medium and referring host of visits.
pub(super) const SOURCES: [(&str, &str, &str); 6] = [
    ("yandex", "cpc", "yandex.ru"),
    ("yandex", "organic", "ya.ru"),
    ("", "", ""),
    ("2gis", "referral", "2gis.ru"),
    ("vk", "social", "vk.com"),
    ("avito", "referral", "www.avito.ru"),
];
