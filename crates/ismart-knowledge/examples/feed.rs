//! Reads an inventory feed and tells what is wrong with it: `cargo run --example feed -- FILE [YEAR]`.

#![expect(clippy::print_stdout, reason = "an example prints its findings")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use ismart_knowledge::{Catalogue, Feed, Limits};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give a feed file, and the year to read it in")?;
    let year = std::env::args().nth(2).map_or(Ok(2026), |year| year.parse())?;
    let begin = Instant::now();
    let feed = Feed::read(File::open(&path)?, &Limits::in_year(year))?;
    let took = begin.elapsed();
    for problem in feed.problems.iter().take(50) {
        println!("{problem}");
    }
    println!(
        "{}: {} vehicles, {} hidden, {} problems, {} ms",
        feed.format,
        feed.vehicles.len(),
        feed.hidden,
        feed.problems.len(),
        took.as_millis()
    );
    let catalogue = Catalogue::new(feed.vehicles);
    for term in catalogue.vocabulary().brands.iter().take(10) {
        println!("{:>6} {}", term.count, term.name);
    }
    Ok(())
}
