//! Taking passages from the content of pages.

use ismart_knowledge::passages::{Kind, Passage};
use ismart_knowledge::passages_from_page;
use serde_json::{Value, json};

fn of(content: &Value) -> Vec<Passage> {
    passages_from_page("Кредит", "/credit", content)
}

fn lines(content: &Value) -> Vec<String> {
    let line = |p: Passage| {
        let question = p.question.map(|q| format!("{q} → ")).unwrap_or_default();
        format!("{:?} {} [{}] {question}{}", p.kind, p.url, p.heading, p.text)
    };
    of(content).into_iter().map(line).collect()
}

#[test]
fn p1_what_a_visitor_reads_is_taken_and_nothing_else() {
    let page = json!({
        "name": "credit",
        "title": "Кредит",
        "seo": {"title": "Купить машину в кредит дёшево и быстро"},
        "sections": [
            {"name": "hero", "data": {"title": "Решение за час", "text": "<p>Четыре программы,&nbsp;пять банков.</p>",
                "image": "/img/a picture.svg", "image_alt": "Картинка с машиной и человеком",
                "button": {"title": "Отправить заявку прямо сейчас", "url": "/form"}}},
            {"name": "hidden", "visible": false, "data": {"text": "Этого никто не видит."}},
            {"name": "faq", "data": {"anchor": "faq", "title": "Вопросы", "items": [
                {"q": "Нужно ли КАСКО?", "a": "Только по одной программе."},
                {"question": "Сколько ждать?", "answer": "<b>Час</b>."}]}},
            {"name": "prices", "data": {"title": "Цены", "items": [
                {"id": "to", "name": "ТО-1", "price_from": 9900, "duration": "1,5 ч"},
                {"title": "Осмотр", "price": "бесплатно"},
                {"label": "постов", "value": 12}]}},
            {"name": "steps", "data": {"title": "Порядок", "items": [
                {"title": "Заявка", "text": "Заполните форму или напишите в чат."}]}},
            {"name": "documents", "data": {"title": "Документы", "list": ["паспорт гражданина РФ", "СНИЛС"]}},
            {"name": "table", "data": {"title": "Ставки", "head": ["Программа", "Ставка"],
                "rows": [["Стандарт", "17,9 %"], ["Субсидия", {"text": "11,9 %"}]]}}
        ]
    });
    assert_eq!(
        lines(&page),
        [
            "Text /credit [Решение за час] Четыре программы, пять банков.",
            "Faq /credit#faq [Вопросы] Нужно ли КАСКО? → Только по одной программе.",
            "Faq /credit#faq [Вопросы] Сколько ждать? → Час.",
            "Table /credit [Цены] ТО-1: от 9 900 ₽, 1,5 ч\nОсмотр: бесплатно\nпостов: 12",
            "Text /credit [Порядок — Заявка] Заполните форму или напишите в чат.",
            "List /credit [Документы] паспорт гражданина РФ\nСНИЛС",
            "Table /credit [Ставки] Стандарт; Ставка: 17,9 %\nСубсидия; Ставка: 11,9 %",
        ]
    );
}

#[test]
fn p1_a_sentence_with_an_unknown_value_is_never_taken() {
    let page = json!({"data": {"text": "Пишите на {{ business.email }} в любое время. Ответим за день."}});
    assert_eq!(lines(&page), ["Text /credit [] Ответим за день."]);
}

#[test]
fn p1_what_only_its_key_explains_is_never_taken() {
    let page = json!({
        "accepted": ["автомобили после ДТП"],
        "not_accepted": ["автомобили с запретом на регистрацию", "Автомобили с чужими номерами не берём."],
        "used_scope": "двигатель и коробка передач",
        "promise": "Остаток долга гасим сами.",
        "conditions": ["возраст по году выпуска", "скидки не складываются"]
    });
    assert_eq!(
        lines(&page),
        [
            "Text /credit [] Автомобили с чужими номерами не берём.",
            "Text /credit [] Остаток долга гасим сами.",
            "List /credit [] возраст по году выпуска\nскидки не складываются",
        ]
    );
}

#[test]
fn long_texts_are_divided_under_the_same_heading() {
    let text = "Это одно из многих предложений длинного текста. ".repeat(80);
    let passages = of(&json!({"title": "Правила", "text": text}));
    assert!(passages.len() > 4, "{}", passages.len());
    assert!(passages.iter().all(|p| p.heading == "Правила" && p.text.chars().count() < 900));
    let joined: Vec<&str> = passages.iter().flat_map(|p| p.text.split_whitespace()).collect();
    assert_eq!(joined, text.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn any_json_is_walked_without_harm() {
    for content in [
        json!(null),
        json!(7),
        json!([]),
        json!({"sections": 5}),
        json!({"sections": [null, 1, "Текст, который виден всем посетителям."]}),
        json!({"q": "вопрос без ответа"}),
        json!({"head": ["а"], "rows": [[], [1, 2, 3]]}),
        json!({"title": ["не текст"], "text": {"text": {"text": "<p"}}}),
    ] {
        for passage in of(&content) {
            assert!(!passage.text.trim().is_empty(), "{content}");
            assert_eq!(passage.kind == Kind::Faq, passage.question.is_some());
        }
    }
}
