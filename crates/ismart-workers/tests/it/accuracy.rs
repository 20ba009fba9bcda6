use std::collections::BTreeMap;

use crate::support::worker;

const HELD_OUT: &str = include_str!("held_out.txt");

/// What a held-out run gives.
struct Score {
    total: usize,
    right: usize,
    answered: usize,
    answered_right: usize,
    mistakes: Vec<String>,
}

fn score() -> Score {
    let worker = worker();
    let limit = worker.package().manifest.thresholds.intent;
    let mut score = Score { total: 0, right: 0, answered: 0, answered_right: 0, mistakes: Vec::new() };
    for line in HELD_OUT.lines().filter(|line| !line.starts_with('#')) {
        let (expected, text) = line.split_once('\t').unwrap();
        let guesses = worker.understander().intents(text);
        let nothing = ismart_workers::intent::Guess { name: "none".to_owned(), confidence: 0.0 };
        let best = guesses.first().unwrap_or(&nothing);
        let right = best.name == expected;
        let sure = best.confidence >= limit;
        score.total += 1;
        score.right += usize::from(right);
        score.answered += usize::from(sure);
        score.answered_right += usize::from(sure && right);
        if !right {
            score.mistakes.push(format!("{expected} → {} {:.2}: {text}", best.name, best.confidence));
        }
    }
    score
}

/// Proves P17: what is said about accuracy is measured on messages that no example repeats.
#[test]
fn held_out_messages_are_understood() {
    let score = score();
    println!(
        "held out: {}/{} right ({} %), answered {} ({} %), of these right {} ({} %)",
        score.right,
        score.total,
        score.right * 100 / score.total,
        score.answered,
        score.answered * 100 / score.total,
        score.answered_right,
        score.answered_right * 100 / score.answered.max(1),
    );
    for mistake in &score.mistakes {
        println!("  {mistake}");
    }
    assert!(score.total >= 150);
    assert!(score.right * 100 >= score.total * 75);
    assert!(score.answered_right * 100 >= score.answered * 85);
}

#[test]
fn no_held_out_message_is_an_example() {
    let package = worker().package();
    let mut examples: BTreeMap<String, &str> = BTreeMap::new();
    for intent in &package.intents.list {
        for text in intent.ru.iter().chain(&intent.en) {
            examples.insert(ismart_workers::text::fold(text), &intent.name);
        }
    }
    for line in HELD_OUT.lines().filter(|line| !line.starts_with('#')) {
        let (_, text) = line.split_once('\t').unwrap();
        assert!(!examples.contains_key(&ismart_workers::text::fold(text)), "{text} is an example");
    }
}
