//! How people greet, agree, refuse and string wishes together, in Russian and English.

use crate::text::Token;

const YES: &[&str] = &[
    "да",
    "ага",
    "угу",
    "конечно",
    "давайте",
    "давай",
    "хорошо",
    "ок",
    "окей",
    "оки",
    "ладно",
    "согласен",
    "согласна",
    "согласны",
    "подходит",
    "верно",
    "правильно",
    "точно",
    "подтверждаю",
    "пойдет",
    "отлично",
    "годится",
    "именно",
    "естественно",
    "разумеется",
    "супер",
    "можно",
    "хочу",
    "yes",
    "yep",
    "yeah",
    "sure",
    "ok",
    "okay",
    "agree",
    "correct",
    "fine",
    "дда",
    "lf",
];
const NO: &[&str] = &["нет", "неа", "нит", "отказываюсь", "неверно", "нету", "no", "nope", "incorrect"];
const NOT: &[&str] = &[
    "надо",
    "нужно",
    "хочу",
    "согласен",
    "согласна",
    "согласны",
    "подходит",
    "сейчас",
    "буду",
    "стоит",
    "верно",
    "правильно",
    "хотим",
    "требуется",
];
const EMPTY: &[&str] = &[
    "будьте",
    "добры",
    "плз",
    "если",
    "скажите",
    "подскажите",
    "а",
    "и",
    "в",
    "во",
    "на",
    "по",
    "с",
    "со",
    "к",
    "у",
    "о",
    "об",
    "за",
    "из",
    "от",
    "до",
    "для",
    "ну",
    "вот",
    "так",
    "же",
    "бы",
    "ли",
    "то",
    "это",
    "мне",
    "меня",
    "мой",
    "моя",
    "я",
    "мы",
    "нам",
    "вы",
    "вас",
    "вам",
    "ваш",
    "не",
    "ни",
    "или",
    "но",
    "что",
    "как",
    "пожалуйста",
    "плиз",
    "пж",
    "тогда",
    "лучше",
    "можно",
    "только",
    "все",
    "всё",
    "там",
    "тут",
    "ещё",
    "еще",
    "уже",
    "просто",
    "the",
    "a",
    "an",
    "is",
    "it",
    "me",
    "my",
    "please",
    "in",
    "at",
    "on",
    "to",
    "for",
    "of",
    "and",
    "or",
    "i",
    "примерно",
    "около",
    "где",
    "номер",
    "телефон",
    "мобильный",
    "тел",
    "зовут",
    "имя",
    "вариант",
    "он",
    "она",
    "оно",
];
const QUESTION: &[&str] = &[
    "есть",
    "сколько",
    "какой",
    "какая",
    "какие",
    "какое",
    "какую",
    "каком",
    "когда",
    "где",
    "как",
    "почему",
    "зачем",
    "кто",
    "что",
    "можно",
    "можете",
    "можно ли",
    "куда",
    "откуда",
    "чем",
    "ли",
    "what",
    "when",
    "where",
    "how",
    "who",
    "why",
    "do",
    "does",
    "can",
    "is",
    "are",
    "which",
];
const COMMON: &[&str] = &[
    "первый",
    "второй",
    "третий",
    "четвертый",
    "первое",
    "второе",
    "третье",
    "последний",
    "любой",
    "любая",
    "любое",
    "любые",
    "разницы",
    "разница",
    "знаю",
    "неважно",
    "важно",
    "согласен",
    "согласна",
    "новый",
    "новая",
    "старый",
    "понятно",
    "интересует",
    "расскажите",
    "покажите",
    "есть",
    "привет",
    "цена",
    "цену",
    "хочу",
    "нужен",
    "нужна",
    "машина",
    "машину",
    "авто",
    "автомобиль",
    "можно",
    "сколько",
    "стоит",
    "когда",
    "какой",
    "какая",
    "какие",
    "добрый",
    "день",
    "вечер",
    "утро",
    "здравствуйте",
    "спасибо",
    "пожалуйста",
    "телефон",
    "завтра",
    "сегодня",
    "послезавтра",
    "через",
    "неделю",
    "понедельник",
    "вторник",
    "среду",
    "четверг",
    "пятницу",
    "субботу",
    "воскресенье",
    "утром",
    "днем",
    "вечером",
    "меня",
    "зовут",
    "только",
    "больше",
    "меньше",
    "почему",
    "потому",
    "хорошо",
    "плохо",
    "очень",
    "быстро",
    "человек",
    "вопрос",
    "ответ",
    "город",
    "дом",
    "работа",
    "время",
    "деньги",
    "купить",
    "продать",
    "взять",
    "дать",
    "сделать",
    "после",
    "перед",
    "может",
    "нужно",
    "надо",
    "если",
    "чтобы",
    "который",
    "которая",
    "тысяч",
    "тысячи",
    "миллион",
    "миллиона",
    "миллионов",
    "полтора",
    "рублей",
    "рубль",
    "января",
    "февраля",
    "марта",
    "апреля",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
    "пробег",
    "пробегом",
    "года",
    "лет",
    "километров",
    "hello",
    "hi",
    "yes",
    "no",
    "car",
    "cars",
    "price",
    "the",
    "and",
    "for",
    "with",
    "what",
    "how",
    "much",
    "tomorrow",
    "today",
    "please",
    "test",
    "drive",
    "погода",
    "погоду",
    "гарант",
    "верно",
    "вести",
    "варить",
    "роди",
];

/// Words of numbers and dates that a slip may hide.
const MEASURES: &[&str] = &[
    "двадцать",
    "тридцать",
    "пятьдесят",
    "двести",
    "триста",
    "четыреста",
    "пятьсот",
    "шестьсот",
    "семьсот",
    "восемьсот",
    "девятьсот",
    "полутора",
    "половиной",
    "полмиллиона",
    "понедельник",
    "воскресенье",
    "следующей",
    "следующую",
    "неделе",
    "неделю",
    "выходных",
    "выходные",
    "обеда",
    "полдень",
    "половина",
    "месяцев",
    "приветствую",
    "здравствуйте",
    "добрый",
    "доброе",
    "согласен",
    "пожалуйста",
    "рублей",
];

/// All of them, for the speller.
pub(super) fn common<'a>() -> impl Iterator<Item = &'a str> {
    [COMMON, YES, NO, EMPTY, QUESTION, MEASURES].into_iter().flatten().copied()
}

/// Is it a common word of the language?
pub(super) fn is_common(word: &str) -> bool {
    COMMON.contains(&word)
        || MEASURES.contains(&word)
        || YES.contains(&word)
        || NO.contains(&word)
        || EMPTY.contains(&word)
}

/// Words that carry no wish of their own.
pub(super) fn is_empty_word(word: &str) -> bool {
    EMPTY.contains(&word) || YES.contains(&word) || NO.contains(&word)
}

fn word(read: &[Token], at: usize) -> &str {
    read.get(at).map_or("", |t| t.text.as_str())
}

/// How many leading tokens greet.
pub(super) fn greeting(read: &[Token]) -> usize {
    let mut at = 0;
    loop {
        let step = match word(read, at) {
            "здравствуйте"
            | "здравствуй"
            | "здрасте"
            | "здрасьте"
            | "здрасте!"
            | "привет"
            | "приветик"
            | "приветствую"
            | "приветы"
            | "салют"
            | "хай"
            | "hello"
            | "hi"
            | "hey"
            | "добрый"
            | "доброе"
            | "доброго"
            | "доброй"
            | "здраствуйте"
            | "здавствуйте"
            | "доброго!" => {
                let pair = matches!(word(read, at), "добрый" | "доброе" | "доброго" | "доброй");
                let time = matches!(
                    word(read, at + 1),
                    "день"
                        | "вечер"
                        | "утро"
                        | "утра"
                        | "дня"
                        | "вечера"
                        | "времени"
                        | "ночи"
                        | "вечерок"
                        | "денек"
                );
                match (pair, time) {
                    (true, false) => return at,
                    (true, true) => 2 + usize::from(word(read, at + 2) == "суток"),
                    _ => 1,
                }
            }
            "good" if matches!(word(read, at + 1), "morning" | "afternoon" | "evening" | "day") => 2,
            _ if at > 0
                && read
                    .get(at)
                    .is_some_and(|t| !t.is_word() && t.text.chars().all(|c| ",.!;)".contains(c))) =>
            {
                1
            }
            _ => return at,
        };
        at += step;
    }
}

/// Is the message a yes (`true`) or a no (`false`), judged by how it begins?
#[must_use]
pub fn polarity(read: &[Token]) -> Option<bool> {
    let words: Vec<&str> = read.iter().filter(|t| t.is_word()).map(|t| t.text.as_str()).collect();
    if words.is_empty() && read.iter().any(|t| t.is_mark('+') || t.is_mark('👍')) {
        return Some(true);
    }
    let skip = words
        .iter()
        .take_while(|w| matches!(**w, "ну" | "а" | "все" | "я" | "мне" | "вот" | "ой" | "так"))
        .count();
    let first = words.get(skip).copied()?;
    let second = words.get(skip + 1).copied().unwrap_or_default();
    if NO.contains(&first) || (first == "не" && NOT.contains(&second)) || (first == "пока" && second == "не")
    {
        return Some(false);
    }
    let questions = matches!(first, "можно" | "хочу") && words.len() > skip + 2;
    (YES.contains(&first) && !questions && second != "не").then_some(true)
}

/// `не знаю`, `без разницы`, `любой`.
pub(super) fn indifferent(read: &[Token]) -> bool {
    let text: Vec<&str> = read.iter().filter(|t| t.is_word()).map(|t| t.text.as_str()).collect();
    let joined = text.join(" ");
    text.len() <= 6
        && [
            "не знаю",
            "без разницы",
            "неважно",
            "не важно",
            "все равно",
            "не решил",
            "не определил",
            "пока не",
            "любой",
            "любая",
            "любое",
            "любую",
            "любые",
            "не принципиально",
            "нет разницы",
            "dont know",
            "don t know",
            "doesnt matter",
            "any",
            "whatever",
            "not sure",
            "без понятия",
            "хз",
        ]
        .iter()
        .any(|phrase| joined.contains(phrase))
}

/// A question, by its mark or its first words?
pub(super) fn is_question(read: &[Token]) -> bool {
    read.iter().any(|t| t.is_mark('?'))
        || read.iter().filter(|t| t.is_word()).take(2).any(|t| QUESTION.contains(&t.text.as_str()))
        || read.iter().any(|t| t.text == "ли")
}

/// The clauses of a message: token ranges between sentence marks and conjunctions that begin another wish.
pub(super) fn clauses(read: &[Token], start: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut from = start;
    for (at, token) in read.iter().enumerate().skip(start) {
        let sentence = ['.', '?', '!', ';'].iter().any(|m| token.is_mark(*m));
        let comma = token.is_mark(',') && joins(word(read, at + 1));
        let and = matches!(token.text.as_str(), "и" | "and")
            && (QUESTION.contains(&word(read, at + 1))
                || matches!(word(read, at + 2), "скольки" | "какого" | "когда")
                || matches!(
                    word(read, at + 1),
                    "еще"
                        | "также"
                        | "хочу"
                        | "хотел"
                        | "заодно"
                        | "запишите"
                        | "позовите"
                        | "позвоните"
                ));
        let more = matches!(token.text.as_str(), "также" | "заодно") && at > from;
        // A request that follows without any mark: `до скольки работаете запишите на ремонт`.
        if at > from + 2 && opens_request(&token.text) && !and && !comma {
            out.push((from, at));
            from = at;
            continue;
        }
        if sentence || comma || and || more {
            if at > from {
                out.push((from, at));
            }
            from = at + 1;
        }
    }
    if from < read.len() {
        out.push((from, read.len()));
    }
    out.retain(|(a, b)| read.get(*a..*b).is_some_and(|part| part.iter().any(Token::is_word)));
    out
}

fn opens_request(word: &str) -> bool {
    matches!(
        word,
        "запишите"
            | "запиши"
            | "позовите"
            | "позови"
            | "перезвоните"
            | "позвоните"
            | "рассчитайте"
            | "посчитайте"
            | "покажите"
    )
}

fn joins(word: &str) -> bool {
    matches!(word, "а" | "и" | "но" | "также" | "еще" | "плюс" | "and" | "but" | "also" | "хочу" | "хотел")
        || QUESTION.contains(&word)
}
