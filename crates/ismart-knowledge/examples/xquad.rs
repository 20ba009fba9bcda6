//! Measures retrieval on the Russian part of XQuAD: `cargo run --release --example xquad -- FOLDER`, where
//! FOLDER holds `xquad.ru.json` of github.com/deepmind/xquad.
//!
//! Prints how often the right paragraph comes first and among the first five, how often the quote holds the
//! answer, how well answerable and unanswerable questions are told apart (a question is made unanswerable by
//! taking its paragraph away), and the time of a question.

#![expect(clippy::print_stdout, reason = "an example prints its figures")]

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use ismart_knowledge::index::Index;
use ismart_knowledge::passages::{Kind, Passage};
use serde_json::Value;

struct Question {
    text: String,
    paragraph: usize,
    answer: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("give the folder that holds xquad.ru.json")?;
    let path = PathBuf::from(folder).join("xquad.ru.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (paragraphs, questions) = load(&serde_json::from_str(&text)?);
    let passages: Vec<Passage> = paragraphs.iter().map(|text| passage(text)).collect();
    let index = Index::new(passages.clone());
    println!("{} paragraphs, {} questions", paragraphs.len(), questions.len());

    let ranks: Vec<Option<usize>> = questions
        .iter()
        .map(|question| {
            let right = paragraphs.get(question.paragraph);
            index.find(&question.text, 20).iter().position(|hit| Some(&hit.passage.text) == right)
        })
        .collect();
    let within = |n: usize| ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < n)).count();
    println!("R@1 {:.3}  R@5 {:.3}", share(within(1), ranks.len()), share(within(5), ranks.len()));

    let answers: Vec<_> = questions.iter().map(|question| index.answer(&question.text)).collect();
    let quoted = answers
        .iter()
        .zip(&questions)
        .filter(|(answer, question)| answer.is_some_and(|a| a.quote.contains(&question.answer)))
        .count();
    println!("quote holds the answer {:.3}", share(quoted, questions.len()));

    abstention(&passages, &questions, &index);
    speed(&passages, &questions);
    Ok(())
}

fn abstention(passages: &[Passage], questions: &[Question], index: &Index) {
    let mut scored: Vec<(f64, bool)> = Vec::new();
    let dump = std::env::args().nth(2);
    let mut rows = String::new();
    for question in questions {
        let right = passages.get(question.paragraph);
        if let Some(answer) = index.answer(&question.text) {
            scored.push((answer.confidence, Some(answer.passage) == right));
            if let Some((passage, features)) = index.evidence_of(&question.text) {
                rows.push_str(&row(features, Some(passage) == right, question.paragraph));
            }
        }
    }
    let others: HashSet<usize> = questions.iter().map(|question| question.paragraph).collect();
    for missing in others {
        let rest: Vec<Passage> =
            passages.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, p)| p.clone()).collect();
        let index = Index::new(rest);
        for question in questions.iter().filter(|question| question.paragraph == missing) {
            if let Some(answer) = index.answer(&question.text) {
                scored.push((answer.confidence, false));
                if let Some((_, features)) = index.evidence_of(&question.text) {
                    rows.push_str(&row(features, false, question.paragraph));
                }
            }
        }
    }
    if let Some(path) = dump
        && let Err(error) = fs::write(&path, rows)
    {
        println!("{path}: {error}");
    }
    println!("answerable or not: AUROC {:.3}", auroc(&mut scored));
    for threshold in [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] {
        let said: Vec<_> = scored.iter().filter(|(confidence, _)| *confidence >= threshold).collect();
        let right = said.iter().filter(|(_, right)| *right).count();
        println!(
            "  said when the chance is {threshold:.1} or more: right {:.3}, answered of the answerable {:.3}",
            share(right, said.len()),
            share(right, questions.len())
        );
    }
}

fn row(features: impl IntoIterator<Item = f64>, right: bool, group: usize) -> String {
    let cells: Vec<String> = features.into_iter().map(|feature| format!("{feature:.5}")).collect();
    format!("{}\t{group}\t{}\n", u8::from(right), cells.join("\t"))
}

fn speed(passages: &[Passage], questions: &[Question]) {
    let many: Vec<Passage> = passages.iter().cycle().take(2_000).cloned().collect();
    let index = Index::new(many);
    let mut times: Vec<f64> = questions
        .iter()
        .map(|question| {
            let begin = Instant::now();
            std::hint::black_box(index.answer(&question.text));
            begin.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!("an answer from 2000 passages: median {:.0} µs, p99 {:.0} µs", at(50), at(99));
}

fn load(set: &Value) -> (Vec<String>, Vec<Question>) {
    let mut paragraphs = Vec::new();
    let mut questions = Vec::new();
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).map(str::to_owned).unwrap_or_default()
    };
    for article in list(set, "data") {
        for paragraph in list(&article, "paragraphs") {
            for asked in list(&paragraph, "qas") {
                let answer = list(&asked, "answers").first().map(|a| text(a, "text")).unwrap_or_default();
                questions.push(Question {
                    text: text(&asked, "question"),
                    paragraph: paragraphs.len(),
                    answer,
                });
            }
            paragraphs.push(text(&paragraph, "context"));
        }
    }
    (paragraphs, questions)
}

fn passage(text: &str) -> Passage {
    Passage {
        source_title: String::new(),
        url: String::new(),
        heading: String::new(),
        question: None,
        text: text.to_owned(),
        kind: Kind::Text,
    }
}

/// The chance that a right answer is held for likelier than a wrong one.
fn auroc(scored: &mut [(f64, bool)]) -> f64 {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wrong, mut right, mut ahead) = (0_u32, 0_u32, 0.0);
    for (_, is_right) in scored.iter() {
        if *is_right {
            right += 1;
            ahead += f64::from(wrong);
        } else {
            wrong += 1;
        }
    }
    ahead / (f64::from(wrong) * f64::from(right)).max(1.0)
}

fn share(part: usize, whole: usize) -> f64 {
    let float = |n: usize| u32::try_from(n).map_or(f64::NAN, f64::from);
    float(part) / float(whole.max(1))
}
