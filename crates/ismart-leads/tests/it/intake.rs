//! Doors: what is told becomes a lead once, or waits for a person; files of rows become leads once, whatever happens.

use std::path::PathBuf;
use std::sync::Arc;

use ismart_domain::TraceId;
use ismart_leads::AcceptError;
use ismart_leads::intake::import::{self, Plan, Wanted};
use ismart_leads::intake::{
    Arrival, Door, DoorWords, Facts, Meaning, Received, Shelf, Site, Unfit, receive, receive_call,
    take_letter,
};
use ismart_store::imports::{self, ImportState, Tally};
use ismart_store::{Tx, calls, files, leads, unread};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::setup::Setup;

fn door(setup: &Setup, name: &str, kind: &str, settings: &Value) -> Arc<Door> {
    let site = Site { client_id: setup.client, site_id: setup.site, key: "a".to_owned() };
    let opened = Door::open(name, kind, site, &DoorWords::default(), settings.as_object().unwrap());
    Arc::new(opened.unwrap())
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    Facts::of_pairs(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
}

async fn write<T: Send + 'static>(
    setup: &Setup,
    work: impl for<'t> FnOnce(&'t mut Tx, TraceId) -> ismart_domain::BoxFuture<'t, Result<T, AcceptError>>
    + Send
    + 'static,
) -> T {
    let trace: TraceId = setup.store.env().new_id();
    setup.store.write(move |tx: &mut Tx| work(tx, trace)).await.unwrap()
}

async fn told(setup: &Setup, door: &Arc<Door>, id: &str, body: &Value) -> Received {
    let (door, id, body) = (door.clone(), id.to_owned(), body.clone());
    write(setup, move |tx, trace| {
        Box::pin(async move {
            let facts = Facts::of_json(&body);
            let arrival = Arrival::of_facts(&door, &facts, &id, "application/json", &body.to_string());
            receive(tx, &door, &["crm".to_owned()], arrival, trace).await
        })
    })
    .await
}

async fn count(setup: &Setup) -> i64 {
    leads::count(&mut setup.store.read().await.unwrap(), setup.client, setup.site).await.unwrap()
}

#[tokio::test]
async fn what_is_told_becomes_one_lead_and_what_names_nobody_waits_for_a_person() {
    let setup = Setup::new().await;
    let door =
        door(&setup, "portal", "webhook", &json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }));
    let body = json!({ "request_id": "r7", "contact": { "name": "Анна", "phone": "8 910 123-45-67" }, "colour": "red" });
    let first = told(&setup, &door, "m1", &body).await;
    let again = told(&setup, &door, "m2", &body).await;
    let (Received::Lead(first), Received::Lead(again)) = (first, again) else { panic!("both are leads") };
    assert_eq!(
        (first.repeated, again.repeated),
        (false, true),
        "the sender's own key tells that it is one request"
    );
    assert_eq!(first.lead.id, again.lead.id);
    assert_eq!(first.lead.draft.fields.get("colour").map(String::as_str), Some("red"));
    let nobody = json!({ "contact": { "name": "Анна" } });
    let kept = told(&setup, &door, "m3", &nobody).await;
    let Received::Unread(id) = kept else { panic!("{kept:?}") };
    assert_eq!(told(&setup, &door, "m3", &nobody).await, Received::Unread(id), "a repeat is the same");
    let mut conn = setup.store.read().await.unwrap();
    let waiting = unread::list(&mut conn, setup.client, true, 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(Unfit::read(&waiting[0].reason), Unfit::NoContact);
    assert_eq!(waiting[0].body, nobody.to_string());
    assert_eq!(unread::waiting(&mut conn, setup.client).await.unwrap(), 1);
    assert_eq!(count(&setup).await, 1);
}

/// Every order of three tellings of a call, each of them twice.
#[tokio::test]
async fn a_call_is_one_lead_in_whatever_order_and_however_often_it_is_told() {
    let tellings: [&[(&str, &str)]; 3] = [
        &[
            ("id", "77"),
            ("callphase", "callconnected"),
            ("callerphone", "79101234567"),
            ("phonenumber", "74950000000"),
            ("utm_source", "yandex"),
        ],
        &[
            ("id", "77"),
            ("callphase", "calldisconnected"),
            ("callerphone", "79101234567"),
            ("duration", "61"),
        ],
        &[
            ("id", "77"),
            ("callphase", "callcompleted"),
            ("callerphone", "79101234567"),
            ("duration", "61"),
            ("reclink", "https://r/77"),
        ],
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let setup = Setup::new().await;
        let door = door(&setup, "ct", "calltouch", &json!({ "key": "0123456789abcdef" }));
        for at in order.into_iter().flat_map(|at| [at, at]) {
            let (door, facts) = (door.clone(), facts(tellings[at]));
            let received: Received = write(&setup, move |tx, trace| {
                Box::pin(
                    async move { receive_call(tx, &door, &["crm".to_owned()], &facts, "told", trace).await },
                )
            })
            .await;
            assert!(matches!(received, Received::Lead(_)), "{received:?}");
        }
        assert_eq!(count(&setup).await, 1, "{order:?}");
        let mut conn = setup.store.read().await.unwrap();
        let call = calls::get(&mut conn, setup.client, "ct", "77").await.unwrap().unwrap();
        let known = (call.phase.as_str(), call.seconds, call.recording.as_deref(), call.line.as_deref());
        assert_eq!(known, ("over", Some(61), Some("https://r/77"), Some("74950000000")), "{order:?}");
    }
}

#[tokio::test]
async fn a_request_to_call_is_read_too_and_a_hidden_number_waits_for_a_person() {
    let setup = Setup::new().await;
    let door = door(&setup, "ct", "calltouch", &json!({ "key": "0123456789abcdef" }));
    for (pairs, is_lead) in [
        (
            &[("requestId", "9"), ("fio", "Иван"), ("phoneNumber", "79100000001"), ("comment", "Позвоните")]
                [..],
            true,
        ),
        (&[("id", "78"), ("callphase", "calllost"), ("callerphone", "anonymous")], false),
        (&[("callphase", "calllost"), ("callerphone", "79100000002")], false),
    ] {
        let (door, facts) = (door.clone(), facts(pairs));
        let received: Received = write(&setup, move |tx, trace| {
            Box::pin(async move { receive_call(tx, &door, &[], &facts, "as it came", trace).await })
        })
        .await;
        assert_eq!(matches!(received, Received::Lead(_)), is_lead, "{received:?}");
    }
    let mut conn = setup.store.read().await.unwrap();
    let mut reasons: Vec<String> = unread::list(&mut conn, setup.client, true, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|one| Unfit::read(&one.reason).to_string())
        .collect();
    reasons.sort();
    assert!(reasons[0].contains("`callerphone` holds `anonymous`"), "{reasons:?}");
    assert!(reasons[1].contains("no id of the call"), "{reasons:?}");
}

#[tokio::test]
async fn a_letter_brings_its_files_once() {
    let setup = Setup::new().await;
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let plan = json!({ "host": "imap.example.ru", "user": "leads@a.ru", "password": "p" });
    let door = door(&setup, "post", "mailbox", &plan);
    let letter = "From: ivan@mail.ru\r\nMessage-ID: <m1@mail.ru>\r\nSubject: Hello\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n\
        --z\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nТелефон: 8 910 123-45-67\r\n\
        --z\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF-1.4\r\n\
        --z\r\nContent-Disposition: attachment; filename=b.exe\r\n\r\nMZ\0\0\r\n--z--\r\n";
    for round in 0..2 {
        let bytes = letter.as_bytes().to_vec();
        let taken = take_letter(&setup.store, &shelf, &door, &[], bytes, false, None).await.unwrap();
        let Received::Lead(accepted) = taken else { panic!("{taken:?}") };
        assert_eq!(accepted.repeated, round == 1);
        let lead = accepted.lead;
        assert!(
            lead.draft.fields.get("files_refused").is_some_and(|why| why.starts_with("b.exe")),
            "{:?}",
            lead.draft.fields
        );
        let there =
            files::of_lead(&mut setup.store.read().await.unwrap(), setup.client, lead.id).await.unwrap();
        assert_eq!(there.len(), 1);
        let path = shelf.path(setup.client, there[0].id, &there[0].sha256);
        assert_eq!(std::fs::read(path).unwrap(), b"%PDF-1.4");
    }
    let nothing =
        take_letter(&setup.store, &shelf, &door, &[], b"no letter".to_vec(), false, None).await.unwrap();
    assert!(matches!(nothing, Received::Unread(_)), "{nothing:?}");
}

/// A file of rows: good ones, one that stands twice, one without a phone, one with an impossible one.
fn table(folder: &tempfile::TempDir, rows: usize) -> PathBuf {
    let path = folder.path().join("leads.csv");
    let mut text = String::from("Имя;Телефон;Комментарий;Цвет\n");
    for n in 0..rows {
        text.push_str(&format!(
            "Иван;8 910 {:03}-{:02}-{:02};строка {n};белый\n",
            n / 10_000,
            n / 100 % 100,
            n % 100
        ));
    }
    text.push_str("Пётр;;без телефона;\nАнна;нет;;\nИван;8 910 000-00-00;строка 0;\n");
    std::fs::write(&path, text).unwrap();
    path
}

fn wanted(setup: &Setup, path: &std::path::Path) -> Wanted {
    let headings = ismart_tables::Table::open(path).unwrap().headings().to_vec();
    Wanted {
        id: setup.store.env().new_id(),
        client_id: setup.client,
        site_id: setup.site,
        file_name: "leads.csv".to_owned(),
        sha256: import::digest(path).unwrap(),
        plan: Plan::guess(&headings, "Согласие получено при сборе".to_owned(), true),
        made_by: "test".to_owned(),
    }
}

#[tokio::test]
async fn a_file_of_rows_becomes_leads_once_and_its_faults_are_told() {
    let setup = Setup::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = table(&folder, 450);
    let wanted = wanted(&setup, &path);
    let seen = import::preview(&setup.store, setup.client, setup.site, &path, &wanted.sha256, &wanted.plan)
        .await
        .unwrap();
    assert_eq!(seen.tally, Tally { added: 450, repeated: 1, faulty: 2 });
    assert_eq!((seen.rows.len(), seen.faults[0].row, seen.faults[1].row), (10, 452, 453));
    assert_eq!(count(&setup).await, 0, "looking writes nothing");
    let (_running, stop) = watch::channel(false);
    let begun = import::begin(&setup.store, wanted.clone(), ImportState::Running).await.unwrap();
    let done = import::run(&setup.store, begun, &path, &["crm".to_owned()], &stop).await.unwrap();
    assert_eq!((done.state, done.tally), (ImportState::Done, seen.tally));
    assert_eq!(count(&setup).await, 450);
    let mut conn = setup.store.read().await.unwrap();
    let faults = imports::faults(&mut conn, setup.client, done.id, 0, 10).await.unwrap();
    assert_eq!(faults.len(), 2);
    assert!(
        Unfit::read(&faults[0].reason).to_string().contains("neither a phone nor an e-mail"),
        "{faults:?}"
    );
    assert!(Unfit::read(&faults[1].reason).to_string().starts_with("`Телефон` holds `нет`"), "{faults:?}");
    let lead = leads::list(&mut conn, setup.client, &leads::Filter::default(), 1).await.unwrap().remove(0);
    assert_eq!(lead.draft.fields.get("Цвет").map(String::as_str), Some("белый"));
    assert_eq!(lead.draft.source.channel.code(), "import");
    drop(conn);
    // The same file again: a person sees that nothing of it is new, and nothing is.
    let again = import::preview(&setup.store, setup.client, setup.site, &path, &wanted.sha256, &wanted.plan)
        .await
        .unwrap();
    assert_eq!(again.tally, Tally { added: 0, repeated: 451, faulty: 2 });
    let begun = import::begin(
        &setup.store,
        Wanted { id: setup.store.env().new_id(), ..wanted },
        ImportState::Running,
    )
    .await
    .unwrap();
    let done = import::run(&setup.store, begun, &path, &[], &stop).await.unwrap();
    assert_eq!(done.tally, Tally { added: 0, repeated: 451, faulty: 2 });
    assert_eq!(count(&setup).await, 450);
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_where_it_stopped() {
    let setup = Setup::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = table(&folder, 1000);
    let wanted = wanted(&setup, &path);
    let begun = import::begin(&setup.store, wanted.clone(), ImportState::Running).await.unwrap();
    let (halt, stop) = watch::channel(false);
    // It is cut off in the middle: what is being written is written, what is not is not.
    let (store, run) = (setup.store.clone(), path.clone());
    let running = tokio::spawn(async move { import::run(&store, begun, &run, &[], &stop).await });
    let mut news = setup.store.listen();
    for _ in 0..300 {
        news.recv().await.unwrap();
    }
    halt.send_replace(true);
    let stopped = running.await.unwrap().unwrap();
    let known =
        imports::of_file(&mut setup.store.read().await.unwrap(), setup.client, setup.site, &wanted.sha256)
            .await
            .unwrap()
            .unwrap();
    assert_eq!(known.tally, stopped.tally, "how far it came stands in the database");
    let (_running, stop) = watch::channel(false);
    let other = Wanted { id: setup.store.env().new_id(), ..wanted };
    let resumed = import::begin(&setup.store, other, ImportState::Running).await.unwrap();
    assert_eq!((resumed.id, resumed.last_row), (known.id, known.last_row));
    let done = import::run(&setup.store, resumed, &path, &[], &stop).await.unwrap();
    assert_eq!(done.tally, Tally { added: 1000, repeated: 1, faulty: 2 });
    assert_eq!(count(&setup).await, 1000);
}

#[tokio::test]
async fn another_file_than_was_planned_is_refused() {
    let setup = Setup::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = table(&folder, 1);
    let mut wanted = wanted(&setup, &path);
    assert_eq!(wanted.plan.say(&["Имя".to_owned()], "Нет такой", Some(Meaning::Phone)), None);
    wanted.plan.columns.push(None);
    let begun = import::begin(&setup.store, wanted, ImportState::Running).await.unwrap();
    let (_running, stop) = watch::channel(false);
    let why = import::run(&setup.store, begun, &path, &[], &stop).await.unwrap_err().to_string();
    assert!(why.contains("has 4 columns, but 5 were planned"), "{why}");
}
