//! Asking the pages.

use std::fs;
use std::path::PathBuf;

use ismart_knowledge::passages::{Kind, Passage};
use ismart_knowledge::{Index, passages_from_page};
use serde_json::Value;

use crate::inputs::Dice;

/// A question, a tab, and what the right quote holds (one of several, divided by `|`), or `-` when the pages
/// do not answer it.
const QUESTIONS: &str = include_str!("fixtures/questions.tsv");

fn demo() -> Index {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/avtograd/data/json/ru/pages");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut passages = Vec::new();
    for file in files {
        let page: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let title = page["title"].as_str().unwrap_or(&name);
        passages.extend(passages_from_page(title, &format!("/{name}"), &page));
    }
    Index::new(passages)
}

fn text(text: &str) -> Passage {
    Passage {
        source_title: "Страница".to_owned(),
        url: "/page".to_owned(),
        heading: String::new(),
        question: None,
        text: text.to_owned(),
        kind: Kind::Text,
    }
}

fn questions() -> Vec<(&'static str, Option<Vec<&'static str>>)> {
    let parse = |line: &'static str| {
        let (question, expected) = line.split_once('\t').unwrap();
        (question, (expected != "-").then(|| expected.split('|').collect()))
    };
    QUESTIONS.lines().map(parse).collect()
}

#[test]
fn p2_answers_what_the_pages_say_and_is_silent_about_the_rest() {
    let index = demo();
    let (mut said, mut right, mut answerable) = (0.0, 0.0, 0.0);
    let mut wrong = Vec::new();
    for (question, expected) in questions() {
        answerable += if expected.is_some() { 1.0 } else { 0.0 };
        let Some(answer) = index.answer(question).filter(|answer| answer.confident) else { continue };
        said += 1.0;
        if expected.is_some_and(|texts| texts.iter().any(|text| answer.quote.contains(text))) {
            right += 1.0;
        } else {
            wrong.push(format!("{:.2} {question} → {}", answer.confidence, answer.quote));
        }
    }
    let (precision, recall) = (right / said, right / answerable);
    println!("said {said}, right {precision:.3}, of the answerable {recall:.3}\n{}", wrong.join("\n"));
    assert!(precision >= 0.9, "{precision:.3}: {wrong:#?}");
    assert!(recall >= 0.7, "{recall:.3}");
}

#[test]
fn p1_a_quote_is_a_verbatim_part_of_its_passage() {
    let index = demo();
    let dice = Dice::new(3);
    let words: Vec<&str> = QUESTIONS.split(['\t', '\n', ' ']).filter(|word| !word.is_empty()).collect();
    for _ in 0..2_000 {
        let question: Vec<&str> = (0..1 + dice.below(9)).map(|_| *dice.pick(&words)).collect();
        let Some(answer) = index.answer(&question.join(" ")) else { continue };
        assert!(answer.passage.text.contains(answer.quote), "{question:?}: {}", answer.quote);
        assert!(!answer.quote.is_empty() && (0.0..=1.0).contains(&answer.confidence));
        assert!(index.passages().contains(answer.passage));
    }
}

#[test]
fn p3_nothing_in_common_gives_nothing() {
    let index = demo();
    for question in ["", "   ", "?!", "🙂", "qqqqzzzz wwwwxxxx"] {
        assert!(index.answer(question).is_none_or(|answer| !answer.confident), "{question}");
    }
    assert!(Index::default().answer("кредит").is_none());
    assert!(Index::default().find("кредит", 5).is_empty());
    let silent = Index::new(vec![text("!!!")]);
    assert!(silent.answer("кредит").is_none());
}

#[test]
fn p4_endings_case_and_typos_do_not_lose_the_passage() {
    let index = demo();
    for (question, expected) in [
        ("ЕСТЬ ПАРКОВКА???", "парковка"),
        ("парковк есть", "парковка"),
        ("нужен ли эвокуатор", "4 500"),
        ("электромобиль есть", "Geely EX5"),
        ("досрочное погашение", "без комиссий"),
        ("лизинг для ип", "предпринимателям"),
        ("скажите пожалуйста, здравствуйте, а сколько стоит хранение шин", "4 900"),
    ] {
        let found = index.find(question, 3);
        assert!(found.iter().any(|hit| hit.passage.text.contains(expected)), "{question}: {found:#?}");
    }
}

#[test]
fn p2_a_mark_is_never_answered_with_another_mark() {
    let faq = |question: &str, answer: &str| Passage {
        question: Some(question.to_owned()),
        kind: Kind::Faq,
        ..text(answer)
    };
    let one = faq("Сколько стоит и сколько длится ТО-1?", "ТО-1 стоит от 9 900 ₽.");
    let filler = || (0..20).map(|n| text(&format!("Другой текст под номером {n}.")));
    let index = Index::new(filler().chain([one.clone()]).collect());
    for question in ["сколько стоит ТО-1", "сколько стоит то 1", "цена ТО-1"]
    {
        assert!(index.answer(question).unwrap().confident, "{question}");
    }
    for question in ["сколько стоит ТО-2", "сколько стоит то 2", "сколько стоит то-10"]
    {
        assert!(!index.answer(question).unwrap().confident, "{question}");
    }
    let table = Passage {
        kind: Kind::Table, ..text("ТО-4: ТО-2 и свечи: от 22 900 ₽\nТО-2: от 14 900 ₽")
    };
    let index = Index::new(filler().chain([one, table]).collect());
    assert_eq!(index.answer("сколько стоит то-2").unwrap().quote, "ТО-2: от 14 900 ₽");
    assert_eq!(index.answer("сколько стоит то 4").unwrap().quote, "ТО-4: ТО-2 и свечи: от 22 900 ₽");
}

#[test]
fn p5_the_same_question_gives_the_same_answer() {
    let (one, two) = (demo(), demo());
    for (question, _) in questions() {
        assert_eq!(one.answer(question), two.answer(question), "{question}");
        assert_eq!(one.find(question, 7), two.find(question, 7), "{question}");
    }
}

#[test]
fn hits_come_best_first_and_not_more_than_asked_for() {
    let index = demo();
    let hits = index.find("кредит на автомобиль с пробегом", 5);
    assert_eq!(hits.len(), 5);
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert!(index.find("кредит", 0).is_empty());
    assert_eq!(index.find("кредит на автомобиль с пробегом", 1)[0], hits[0]);
}

#[test]
fn a_list_is_quoted_by_its_line_and_a_text_by_its_sentences() {
    let long = "Мы любим автомобили. ".repeat(12);
    let prices = (1..30).map(|n| format!("Работа номер {n}: {n}00 ₽")).collect::<Vec<_>>().join("\n");
    let index = Index::new(vec![
        text(&format!("{long}Эвакуатор приедет за час. Звоните круглосуточно. {long}")),
        Passage {
            kind: Kind::Table, ..text(&format!("{prices}\nШиномонтаж: 2 800 ₽\n{prices}"))
        },
        text("О погоде."),
    ]);
    assert_eq!(index.answer("сколько стоит шиномонтаж").unwrap().quote, "Шиномонтаж: 2 800 ₽");
    let quote = index.answer("когда приедет эвакуатор").unwrap().quote;
    assert!(quote.starts_with("Эвакуатор приедет за час. Звоните круглосуточно."), "{quote}");
    assert!(quote.chars().count() <= 220, "{quote}");
}
