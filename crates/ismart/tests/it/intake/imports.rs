//! Files of rows: by command and in the console.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{CONFIG, multipart};
use crate::server::{BINARY, Server, data_folder, form, hidden, post_form, reqwest_client, sign_in, user};

const TABLE: &str =
    "Имя;Контакт;Вопрос\nИван;8 910 123-45-01;\"Цена; срок\"\nАнна;нет;\nИван;8 910 123-45-01;Цена; срок\n";

fn import(data: &Path, file: &Path, more: &[&str]) -> (bool, String) {
    let done = Command::new(BINARY)
        .args(["leads", "import"])
        .arg(file)
        .args(["--site", "avtograd", "--data"])
        .arg(data)
        .args(more)
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_command_looks_first_and_imports_once() {
    let data = data_folder(CONFIG);
    drop(Server::start(data.path()).await);
    let file = data.path().join("leads.csv");
    std::fs::write(&file, TABLE).unwrap();
    let (good, said) = import(data.path(), &file, &[]);
    assert!(!good && said.contains("no column is known to hold phones"), "{said}");
    let map = ["--map", "Контакт=phone"];
    let (good, said) = import(data.path(), &file, &[&map[..], &["--dry-run"]].concat());
    assert!(
        good && said.contains("3 rows: 1 would be new leads, 1 leads already, 1 cannot be read"),
        "{said}"
    );
    assert!(said.contains("row 3: `Контакт` holds `нет`"), "{said}");
    let (good, said) = import(data.path(), &file, &map);
    assert!(good && said.contains("3 rows: 1 are new leads, 1 leads already, 1 cannot be read"), "{said}");
    let (good, said) = import(data.path(), &file, &map);
    assert!(good && said.contains("0 are new leads, 2 leads already"), "{said}");
    let (good, said) = import(data.path(), &file, &["--map", "Нет=phone"]);
    assert!(!good && said.contains("the columns are: Имя, Контакт, Вопрос"), "{said}");
    let (good, said) = import(data.path(), &file, &[&map[..], &["--intent", "buy"]].concat());
    assert!(!good && said.contains("there is no intent `buy`"), "{said}");
}

#[tokio::test]
async fn a_person_looks_says_what_columns_mean_and_follows_it() {
    let data = data_folder(CONFIG);
    user(data.path(), "owner", "avtograd", "owner", "ru");
    user(data.path(), "anna", "avtograd", "operator", "ru");
    let server = Server::start(data.path()).await;
    let client = reqwest_client();
    let cookie = sign_in(&client, &server.base, "owner").await;
    let get = |path: String, cookie: String| {
        let request = client.get(format!("{}{path}", server.base)).header("cookie", cookie);
        async move { request.send().await.unwrap() }
    };
    let operator = sign_in(&client, &server.base, "anna").await;
    assert_eq!(get("/console/imports".into(), operator).await.status().as_u16(), 403);
    let csrf = hidden(&get("/console/imports".into(), cookie.clone()).await.text().await.unwrap(), "csrf");
    let send = |name: &'static str, content: Vec<u8>, csrf: String| {
        let (kind, body) = multipart(&[
            ("csrf", None, csrf.as_bytes()),
            ("site", None, b"avtograd"),
            ("file", Some(name), &content),
        ]);
        let request = client.post(format!("{}/console/imports", server.base)).header("cookie", &cookie);
        let request = request.header("content-type", kind).body(body);
        async move { request.send().await.unwrap() }
    };
    assert_eq!(send("a.csv", TABLE.into(), "forged".into()).await.status().as_u16(), 403);
    let wrong = send("a.pdf", b"%PDF-1.4".to_vec(), csrf.clone()).await;
    assert_eq!(wrong.status().as_u16(), 422);
    assert!(wrong.text().await.unwrap().contains("it is a document"));
    let taken =
        send("заявки.csv", encoding_rs::WINDOWS_1251.encode(TABLE).0.into_owned(), csrf.clone()).await;
    assert_eq!(taken.status().as_u16(), 303);
    let place = taken.headers()["location"].to_str().unwrap().to_owned();
    let page = get(place.clone(), cookie.clone()).await.text().await.unwrap();
    assert!(page.contains("Контакт") && page.contains("Цена; срок"), "{page}");
    let plan = |what: &str| {
        form(&[
            ("csrf", &csrf),
            ("column_0", "name"),
            ("column_1", "phone"),
            ("column_2", "comment"),
            ("intent", "purchase"),
            ("basis", "Согласие получено на выставке"),
            ("do", what),
        ])
    };
    let address = format!("{}{place}", server.base);
    assert_eq!(post_form(&client, address.clone(), &cookie, plan("look")).await.status().as_u16(), 303);
    let page = get(place.clone(), cookie.clone()).await.text().await.unwrap();
    assert!(page.contains("Строка 3") && page.contains("Согласие получено на выставке"), "{page}");
    assert_eq!(post_form(&client, address, &cookie, plan("begin")).await.status().as_u16(), 303);
    let begun = Instant::now();
    let page = loop {
        let page = get(place.clone(), cookie.clone()).await.text().await.unwrap();
        if page.contains("загружено") {
            break page;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(page.contains("скачать с причинами"), "{page}");
    let faults = get(format!("{place}/faults.csv"), cookie.clone()).await.text().await.unwrap();
    assert!(faults.contains("Имя;Контакт;Вопрос;Строка;Причина") && faults.contains("Анна;нет;"), "{faults}");
    let leads = get("/console/leads".into(), cookie.clone()).await.text().await.unwrap();
    assert!(leads.contains("+7 910 123-45-01"), "{leads}");
    assert!(
        std::fs::read_dir(data.path().join("imports"))
            .unwrap()
            .flatten()
            .all(|folder| { std::fs::read_dir(folder.path()).unwrap().count() == 0 }),
        "the file is gone when all of it is read"
    );
}
