//! Times the engine with the shipped package: loading, training, understanding, a turn without tools.
//!
//! `cargo run --release -p ismart-workers --example timing`; a fixed count of hash rounds is the reference.
#![expect(clippy::print_stdout, reason = "the example prints its figures")]

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_domain::conversation::{ConsentText, Inbound, Mode};
use ismart_domain::ports::{ToolScope, Toolbox};
use ismart_workers::{Memory, Package, TurnContext, Vocabulary, Worker};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

const MESSAGES: &[&str] = &[
    "Здравствуйте, есть ли у вас белый джолион на автомате до двух миллионов?",
    "спасибо",
    "вы робот?",
    "запишите меня на тест-драйв в субботу после обеда, меня зовут Иван, 8 910 123-45-67",
    "ghbdtn, crjkmrj cnjbn rfvhb",
    "сколько стот джалион в кридит на пять лет с перваначальным взносом 500 тысяч?",
];

fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn context() -> TurnContext {
    let now = Timestamp::UNIX_EPOCH;
    let (env, _) = Env::manual(now, 1);
    TurnContext {
        now,
        zone: TimeZone::UTC,
        language: "ru".to_owned(),
        mode: Mode::Worker,
        business: json!({}),
        consent: ConsentText { label: String::new(), url: "/privacy".to_owned(), version: "1".to_owned() },
        consent_full: String::new(),
        toolbox: Toolbox::default(),
        scope: ToolScope {
            client_id: env.new_id(),
            site_id: env.new_id(),
            conversation_id: env.new_id(),
            visit_id: None,
            worker: "lead-assistant".to_owned(),
            language: "ru".to_owned(),
            page: "/".to_owned(),
            ip: None,
            user_agent: None,
            trace_id: env.new_id(),
            key: "c:1".to_owned(),
            now,
        },
    }
}

fn quantile(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len().saturating_sub(1)) * share / 100).copied().unwrap_or_default()
}

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workers/lead-assistant");
    let start = Instant::now();
    let package = match Package::load(&dir) {
        Ok(package) => Arc::new(package),
        Err(problems) => {
            problems.iter().for_each(|problem| println!("{problem}"));
            return;
        }
    };
    println!("package read and checked: {:?}", start.elapsed());
    let start = Instant::now();
    let worker = Worker::new(package, &Vocabulary::default());
    println!("intent model trained: {:?}", start.elapsed());
    let start = Instant::now();
    let again = worker.with_vocabulary(&Vocabulary::default());
    println!("vocabulary exchanged: {:?}", start.elapsed());
    let context = context();
    let (memory, extras) = (Memory::default(), Inbound::default());
    for message in MESSAGES {
        let mut times = Vec::with_capacity(2_000);
        for _ in 0..2_000 {
            let start = Instant::now();
            let turn = ready(again.turn(&memory, message, &extras, &context));
            times.push(start.elapsed());
            std::hint::black_box(turn.is_some());
        }
        let (half, most) = (quantile(&mut times, 50), quantile(&mut times, 99));
        println!("turn: p50 {half:?} p99 {most:?}: {message}");
    }
    let start = Instant::now();
    let sum =
        (0_u64..1_000_000).fold(0xcbf2_9ce4_8422_2325_u64, |sum, n| (sum ^ n).wrapping_mul(0x0100_0000_01b3));
    println!("reference, a million hash rounds: {:?} ({sum:x})", start.elapsed());
}
