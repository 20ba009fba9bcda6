//! Renders three workloads with this engine, minijinja, tera, askama and, where it is installed, PHP Twig.
//!
//! `cargo run --release --manifest-path crates/ismart-twig/bench/Cargo.toml -- [--php AUTOLOAD.php] [--only NAME] [--rounds N]`
//!
//! PHP Twig's autoloader is `/usr/share/php/Twig/autoload.php` unless said otherwise (Debian: `php-cli php-twig`).
//! Figures are CPU time in microseconds a render: the best and the median of interleaved rounds, one thread,
//! templates compiled and data built before. PHP runs with opcache and compiled templates cached; its output
//! has to have the same bytes as ours, that of the others the same text. The last lines, `result NAME …`, are for
//! programs. The exit code is 1 if outputs differ.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a command for developers"
)]

mod engines;
mod php;
mod workloads;

use std::alloc::System;

use ismart_twig::Environment;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use workloads::Workload;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Nanoseconds the thread has run on a CPU; counted by the scheduler, so only good for spans of many milliseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Microseconds of CPU a run.
fn measure(runs: u32, mut run: impl FnMut() -> usize) -> f64 {
    let start = cpu();
    let mut bytes = 0;
    for _ in 0..runs {
        bytes += run();
    }
    std::hint::black_box(bytes);
    (cpu() - start) as f64 / 1000.0 / f64::from(runs)
}

struct Times(Vec<f64>);

impl Times {
    fn show(&self, name: &str) {
        println!("  {name:<28} {:>10.1} us best {:>10.1} us median", self.best(), self.median());
    }

    fn best(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }
}

/// Renders a workload with all engines; `false` if outputs differ.
fn compare(work: &Workload, php: Option<&php::Php>, rounds: usize) -> bool {
    let engines = engines::all(work);
    let ours = engines[0].render();
    println!("{}: {} bytes", work.name, ours.len());
    let mut same = true;
    for engine in &engines[1..] {
        let theirs = engine.render();
        if engines::text(&theirs) != engines::text(&ours) {
            let (a, b) = (engines::text(&theirs), engines::text(&ours));
            let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            let near = |text: &str| text.chars().skip(at.saturating_sub(20)).take(60).collect::<String>();
            println!("  {} says something else: {:?} instead of {:?}", engine.name, near(&a), near(&b));
            same = false;
        }
    }
    let mut times: Vec<Times> = engines.iter().map(|_| Times(Vec::new())).collect();
    let mut php_times = Times(Vec::new());
    for _ in 0..rounds {
        for (engine, times) in engines.iter().zip(&mut times) {
            times.0.push(measure(work.renders, || engine.render().len()));
        }
        if let Some((time, html)) = php.map(|php| php.run(work)) {
            php_times.0.push(time);
            if html != ours {
                println!("  PHP Twig's bytes differ ({} and {})", html.len(), ours.len());
                same = false;
            }
        }
    }
    let mine = times[0].median();
    let mut result = format!("result {}", work.key);
    for (engine, times) in engines.iter().zip(&times) {
        times.show(engine.name);
        result.push_str(&format!(" {}={:.1}us", engine.name, times.median()));
    }
    if php_times.0.is_empty() {
        result.push_str(" php=none");
    } else {
        php_times.show("PHP Twig, opcache, cached");
        println!(
            "  times as fast as PHP Twig: {:.1} (best {:.1})",
            php_times.median() / mine,
            php_times.best() / times[0].best()
        );
        result.push_str(&format!(" php={:.1}us times={:.2}", php_times.median(), php_times.median() / mine));
    }
    println!("  of minijinja's time: {:.2}", mine / times[1].median());
    println!("{result} share={:.3} same={same}", mine / times[1].median());
    same
}

/// Compiles templates of 500 lines again and again.
fn compile(rounds: usize) {
    for (name, source) in workloads::sources() {
        let mut times = Times(Vec::new());
        for _ in 0..rounds {
            // A string template is compiled once an environment, so each has to differ.
            let env = Environment::new();
            let mut count = 0;
            times.0.push(measure(100, || {
                count += 1;
                env.template_from_string(&format!("{source}{{# {count} #}}")).unwrap().source().len()
            }));
        }
        println!("compile, {name}: {} lines, {} bytes", source.lines().count(), source.len());
        times.show("ismart-twig");
        println!("result compile-{name} ismart-twig={:.1}us", times.median());
    }
}

/// Counts what compiling and rendering allocate.
fn allocations() {
    let env = Environment::new();
    let of = |source: &str| {
        let region = Region::new(ALLOCATOR);
        let template = env.template_from_string(source).unwrap();
        let compiled = region.change().allocations;
        (compiled, template)
    };
    let prints = "{{ x }}".repeat(1000);
    let texts = "some text {{ x }}".repeat(1000);
    let (without, _) = of(&prints);
    let (with, template) = of(&texts);
    let per_text = (with as f64 - without as f64) / 1000.0;
    println!("allocations: {per_text:.3} a text node, {:.1} a print, compiled", without as f64 / 1000.0);
    let context = ismart_twig::Context::new().with("x", "y");
    template.render(context.clone()).unwrap();
    let region = Region::new(ALLOCATOR);
    template.render(context).unwrap();
    println!("allocations: {} a rendering of 1000 texts and prints", region.change().allocations);
    println!("result allocations text={per_text:.3}");
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1)).cloned();
    let rounds = option("--rounds").and_then(|n| n.parse().ok()).unwrap_or(7);
    let only = option("--only").unwrap_or_default();
    let autoload = option("--php").unwrap_or_else(|| "/usr/share/php/Twig/autoload.php".to_owned());
    let php = match php::Php::find(&autoload) {
        Ok(php) => {
            println!("PHP Twig {}", php.version);
            Some(php)
        }
        Err(why) => {
            println!("PHP Twig is left out: {why}");
            None
        }
    };
    if only.is_empty() || only == "compile" {
        compile(rounds);
    }
    if only.is_empty() || only == "allocations" {
        allocations();
    }
    let works = workloads::all();
    let chosen = works.iter().filter(|work| only.is_empty() || work.key == only);
    let same = chosen.map(|work| compare(work, php.as_ref(), rounds)).fold(true, |all, same| all && same);
    std::process::exit(i32::from(!same));
}
