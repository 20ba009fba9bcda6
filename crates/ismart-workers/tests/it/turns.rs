use std::sync::Arc;

use ismart_domain::conversation::{Contact, Inbound, Mode};
use ismart_workers::{Memory, Package, PackageFiles, Turn, TurnError, Vocabulary, Worker};
use serde_json::json;

use crate::support::{Shared, block_on, context, toolbox, worker};

/// A conversation driven message by message.
struct Talk {
    world: Shared,
    memory: Memory,
    seq: usize,
}

impl Talk {
    fn new() -> Self {
        Self { world: Shared::default(), memory: Memory::default(), seq: 0 }
    }

    fn send(&mut self, text: &str, extras: &Inbound) -> Turn {
        self.seq += 1;
        let context = context(toolbox(&self.world), "ru", &format!("c:{}", self.seq));
        let turn = block_on(worker().turn(&self.memory, text, extras, &context)).unwrap();
        self.memory = turn.memory.clone();
        turn
    }

    fn say(&mut self, text: &str) -> Turn {
        self.send(text, &Inbound::default())
    }

    fn press(&mut self, choice: &str) -> Turn {
        self.send("", &Inbound { choice: Some(choice.to_owned()), ..Inbound::default() })
    }
}

fn texts(turn: &Turn) -> String {
    turn.replies.iter().map(|reply| reply.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Proves P1 and P2.
#[test]
fn a_replayed_turn_is_the_same_turn_and_has_no_second_effect() {
    let mut talk = Talk::new();
    talk.say("хочу на тест-драйв креты");
    talk.say("второй вариант");
    talk.say("Иван 89101234567");
    talk.say("да, согласен");
    let memory = talk.memory.clone();
    let context = context(toolbox(&talk.world), "ru", "c:5");
    let run = || block_on(worker().turn(&memory, "да", &Inbound::default(), &context)).unwrap();
    let (first, second) = (run(), run());
    assert_eq!(first, second);
    let keys: Vec<&str> = first.calls.iter().map(|call| call.key.as_str()).collect();
    assert_eq!(keys, ["c:5:book_test_drive", "c:5:create_lead"]);
    let world = talk.world.lock().unwrap();
    assert_eq!((world.bookings.len(), world.leads.len()), (1, 1));
}

/// Proves P3.
#[test]
fn no_contact_reaches_a_tool_before_the_visitor_agrees() {
    let mut talk = Talk::new();
    let mut calls = Vec::new();
    for text in ["перезвоните мне", "Ольга 8 910 555 66 77", "сколько стоит крета?", "позовите менеджера"]
    {
        calls.extend(talk.say(text).calls);
    }
    let sent = serde_json::to_string(&calls).unwrap();
    assert!(!sent.contains("9105556677") && !sent.contains("Ольга") && !sent.contains("555 66 77"), "{sent}");
    assert!(talk.world.lock().unwrap().leads.is_empty());
}

/// Proves P3: the proof that goes with a lead is the text in force; an old version does not count.
#[test]
fn consent_is_the_text_in_force_and_goes_with_the_lead() {
    let mut talk = Talk::new();
    talk.say("перезвоните мне");
    let form = |consent: bool, version: &str| Inbound {
        contact: Some(Contact {
            name: "Ольга".to_owned(),
            phone: "89105556677".to_owned(),
            consent,
            consent_version: version.to_owned(),
        }),
        ..Inbound::default()
    };
    for bad in [form(false, "2026-01"), form(true, "2025-01")] {
        let turn = talk.send("", &bad);
        assert!(turn.calls.is_empty() && turn.replies[0].extras.form.is_some());
        assert_eq!(talk.memory.contact.phone, None);
    }
    let turn = talk.send("", &form(true, "2026-01"));
    let lead = turn.calls.iter().find(|call| call.tool == "create_lead").unwrap();
    let proof = json!({"text": "Даю согласие на обработку моих персональных данных.", "version": "2026-01", "url": "/privacy"});
    assert_eq!(lead.args["consent"], proof);
}

/// Proves P4.
#[test]
fn a_booking_is_made_only_after_its_confirmation() {
    let mut talk = Talk::new();
    talk.say("хочу на тест-драйв креты");
    let choice = talk.memory.offered[0].choice.clone();
    talk.press(&choice);
    talk.say("Иван 89101234567");
    let asked = talk.say("да");
    assert!(asked.calls.iter().all(|call| call.tool != "book_test_drive"), "{}", texts(&asked));
    let declined = talk.say("нет");
    assert!(declined.calls.iter().all(|call| call.tool != "book_test_drive"));
    assert!(talk.world.lock().unwrap().bookings.is_empty());
}

/// Proves P8.
#[test]
fn silent_while_a_person_leads() {
    let world = Shared::default();
    let mut context = context(toolbox(&world), "ru", "c:1");
    context.mode = Mode::Person;
    let turn =
        block_on(worker().turn(&Memory::default(), "есть камри?", &Inbound::default(), &context)).unwrap();
    assert!(turn.replies.is_empty() && turn.calls.is_empty() && turn.handover.is_none());
}

/// Proves P9.
#[test]
fn a_question_is_put_three_times_at_most() {
    let mut talk = Talk::new();
    talk.say("рассчитайте кредит");
    let first = talk.say("ыва фыв");
    let second = talk.say("цук йцу");
    assert!(first.handover.is_none() && second.handover.is_none());
    let third = talk.say("ячс ячс");
    assert_eq!(third.handover.map(|h| h.reason.code()), Some("unsure"));
    assert!(talk.memory.stack.is_empty());
}

/// Proves P10.
#[test]
fn a_digression_is_answered_and_the_question_comes_back() {
    let mut talk = Talk::new();
    talk.say("рассчитайте кредит");
    let turn = talk.say("а где вы находитесь?");
    let said = texts(&turn);
    assert!(said.contains("Автоградный") && said.contains("стоимость"), "{said}");
    let turn = talk.say("два миллиона");
    assert_eq!(turn.memory.slot("credit_price"), Some(&json!(2_000_000)));
}

/// Proves P10: a correction takes the flow back to the step that used the old value.
#[test]
fn a_correction_is_taken_at_the_confirmation() {
    let mut talk = Talk::new();
    talk.say("запишите на тест-драйв камри завтра в 11");
    talk.say("Иван 89101234567");
    talk.say("да");
    let turn = talk.say("нет, лучше не в 11, а в 15:00");
    assert!(turn.calls.iter().all(|call| call.tool != "book_test_drive"));
    assert_eq!(
        turn.memory.slot("when").and_then(|w| w.get("time")),
        Some(&json!("15:00")),
        "{}",
        texts(&turn)
    );
    assert_eq!(turn.memory.slot("starts_at"), Some(&json!("2026-11-23T12:00:00Z")), "{}", texts(&turn));
}

/// Proves P11.
#[test]
fn memory_survives_its_stored_form_and_a_foreign_one() {
    let mut talk = Talk::new();
    talk.say("хочу на тест-драйв креты");
    let stored = talk.memory.to_value().unwrap();
    assert_eq!(Memory::from_value(&stored), talk.memory);
    for foreign in [json!(null), json!([]), json!({"stack": 5}), json!("x")] {
        assert_eq!(Memory::from_value(&foreign), Memory::default());
    }
    let mut lost = talk.memory.clone();
    lost.stack[0].flow = "no_such_flow".to_owned();
    let context = context(toolbox(&talk.world), "ru", "c:9");
    let turn = block_on(worker().turn(&lost, "есть камри?", &Inbound::default(), &context)).unwrap();
    assert!(texts(&turn).contains("Camry"));
}

/// Proves P13.
#[test]
fn odd_messages_get_an_answer() {
    let long = "а где купить белый джолион ".repeat(4_000);
    let noise: String = (0..3_000).map(|i| char::from_u32(0x400 + i % 200).unwrap_or('я')).collect();
    for text in [
        long.as_str(),
        noise.as_str(),
        "????",
        "😀😀",
        "\u{0}\u{202e}x",
        "{slot.phone}",
        "<script>alert(1)</script>",
        "1",
        "-",
    ] {
        let turn = Talk::new().say(text);
        assert!(!turn.replies.is_empty());
    }
    let context = context(toolbox(&Shared::default()), "ru", "c:1");
    let empty = block_on(worker().turn(&Memory::default(), "  ", &Inbound::default(), &context));
    assert_eq!(empty.unwrap_err(), TurnError::Empty);
    let turn = Talk::new().press("nonsense:1");
    assert!(!turn.replies.is_empty());
}

/// Proves P14.
#[test]
fn a_worker_is_shared_between_threads_and_its_turns_move() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn moves<T: Send>(_: &T) {}
    shared(worker());
    let context = context(toolbox(&Shared::default()), "ru", "c:1");
    let memory = Memory::default();
    let extras = Inbound::default();
    moves(&worker().turn(&memory, "привет", &extras, &context));
}

/// Proves P15: another trade is another package, not another engine.
#[test]
fn the_engine_serves_another_trade_from_its_package_alone() {
    let worker = Worker::new(Arc::new(Package::from_files(&pizzeria()).unwrap()), &Vocabulary::default());
    let context = context(toolbox(&Shared::default()), "en", "c:1");
    let turn = |memory: &Memory, text: &str| {
        block_on(worker.turn(memory, text, &Inbound::default(), &context)).unwrap()
    };
    let first = turn(&Memory::default(), "i would like to reserve a table");
    assert!(texts(&first).contains("How many"), "{}", texts(&first));
    let second = turn(&first.memory, "for 6");
    assert!(texts(&second).contains("table for 6"), "{}", texts(&second));
}

fn pizzeria() -> PackageFiles {
    let mut files = PackageFiles::default();
    let mut add = |name: &str, text: &str| files.0.insert(name.to_owned(), text.to_owned());
    add(
        "worker.toml",
        r#"
name = "pizzeria"
version = "1.0.0"
kind = "host"
title = { en = "Host" }
persona = { en = "Gino" }
languages = ["en"]
autonomy_level = 1
tools = []
channels = ["web"]
thresholds = { intent = 0.4, clause = 0.5, interrupt = 0.6 }
"#,
    );
    add(
        "intents.toml",
        r#"
[[intent]]
name = "table"
en = ["reserve a table", "book a table", "a table for tonight please", "i want to reserve", "table for two"]
[[intent]]
name = "hello"
command = "greet"
en = ["hello", "hi there", "good day", "hey", "greetings"]
"#,
    );
    add("entities.toml", "");
    add("gates.toml", "");
    let named = "greet thanks goodbye smalltalk ask_fact search handover opt_out unknown stuck";
    let on: String = named.split(' ').map(|name| format!("{name} = \"talk\"\n")).collect();
    add(
        "flows.toml",
        &format!(
            r#"
[on]
{on}cancelled = "ok"
resume = "ok"
idle = "ok"
gate = "ok"
[contact]
consent = "ok"
name = "ok"
refused = "ok"
bad_phone = "ok"
not_ticked = "ok"
late = "talk"
[slot.people]
kind = "number"
[[flow]]
name = "talk"
kind = "aside"
[[flow.step]]
say = "ok"
[[flow]]
name = "table"
intents = ["table"]
[[flow.step]]
ask = "people"
question = "people"
[[flow.step]]
say = "table"
"#
        ),
    );
    add(
        "answers.toml",
        r#"
[answer.ok]
en = ["Very well."]
[answer.people]
en = ["How many of you will come?"]
[answer.table]
en = ["So, a table for {people}."]
"#,
    );
    files
}
