//! Asks a site's own pages: `cargo run --example ask -- SITE_FOLDER < questions.txt` reads one question a
//! line and prints the answer with its source and the estimated chance that it is one. Without questions
//! prints every passage; with `--evidence` after the folder prints what the judge weighs, for calibration.

#![expect(clippy::print_stdout, reason = "an example prints its answers")]

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use ismart_knowledge::{Index, passages_from_page};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("give the folder of a site")?);
    let mut passages = Vec::new();
    let mut pages: Vec<PathBuf> = fs::read_dir(folder.join("data/json/ru/pages"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    pages.sort();
    for path in pages {
        let page: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let title = page.get("title").and_then(Value::as_str).unwrap_or(&name).to_owned();
        passages.extend(passages_from_page(&title, &format!("/{name}"), &page));
    }
    let mut questions = String::new();
    if !io::stdin().is_terminal() {
        io::stdin().read_to_string(&mut questions)?;
    }
    if questions.trim().is_empty() {
        for passage in &passages {
            let question = passage.question.as_deref().unwrap_or_default();
            println!(
                "{} | {} | {:?} | {question}\n{}\n",
                passage.url, passage.heading, passage.kind, passage.text
            );
        }
    }
    let index = Index::new(passages);
    let evidence = std::env::args().nth(2).is_some_and(|flag| flag == "--evidence");
    for question in questions.lines().filter(|line| !line.trim().is_empty()) {
        if evidence {
            println!("{question}\t{:?}", index.evidence_of(question).map(|(_, features)| features));
            continue;
        }
        match index.answer(question) {
            Some(answer) => {
                let mark = if answer.confident { '+' } else { '?' };
                println!(
                    "{mark} {:.2} {question}\n       {} | {}",
                    answer.confidence,
                    answer.quote.replace('\n', " / "),
                    answer.passage.url
                );
            }
            None => println!("- {question}"),
        }
    }
    Ok(())
}
