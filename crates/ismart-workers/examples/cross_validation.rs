//! Five-fold accuracy of the intent model over the shipped package's own examples: the figure by which the learning
//! constants are chosen, so that the held-out messages stay unseen.
//!
//! `cargo run --release -p ismart-workers --example cross_validation`
#![expect(clippy::print_stdout, reason = "the example prints its figures")]

use std::path::Path;
use std::sync::Arc;

use ismart_workers::{Package, Understander, Vocabulary};

const FOLDS: usize = 5;

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workers/lead-assistant");
    let package = match Package::load(&dir) {
        Ok(package) => package,
        Err(problems) => {
            problems.iter().for_each(|problem| println!("{problem}"));
            return;
        }
    };
    let limit = package.manifest.thresholds.intent;
    let (mut total, mut right, mut sure, mut sure_right) = (0, 0, 0, 0);
    for fold in 0..FOLDS {
        let mut part = package.clone();
        let mut tests: Vec<(String, String)> = Vec::new();
        for intent in &mut part.intents.list {
            for list in [&mut intent.ru, &mut intent.en] {
                let (out, kept): (Vec<_>, Vec<_>) =
                    list.drain(..).enumerate().partition(|(at, _)| at % FOLDS == fold);
                tests.extend(out.into_iter().map(|(_, text)| (intent.name.clone(), text)));
                *list = kept.into_iter().map(|(_, text)| text).collect();
            }
        }
        let understander = Understander::new(Arc::new(part), &Vocabulary::default());
        for (name, text) in tests {
            let guess = understander.intents(&text).into_iter().next();
            let confidence = guess.as_ref().map_or(0.0, |guess| guess.confidence);
            let hit = guess.is_some_and(|guess| guess.name == name);
            total += 1;
            right += usize::from(hit);
            sure += usize::from(confidence >= limit);
            sure_right += usize::from(hit && confidence >= limit);
        }
    }
    let share = |part: usize, of: usize| part * 1_000 / of.max(1);
    println!("right {right}/{total} ({} per mille)", share(right, total));
    println!(
        "answered {} per mille, of these right {} per mille",
        share(sure, total),
        share(sure_right, sure)
    );
}
