//! Files in forms: kept with their lead, for its client's people alone, and nothing is left of what is refused.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{CONFIG, send, token};
use crate::server::{Server, data_folder, reqwest_client, sign_in, user};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n";

/// Every file below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn a_file_comes_with_its_lead_and_opens_for_its_clients_people_alone() {
    let data = data_folder(CONFIG);
    for (login, client, role) in
        [("owner", "avtograd", "owner"), ("analyst", "avtograd", "analyst"), ("thief", "other", "owner")]
    {
        user(data.path(), login, client, role, "ru");
    }
    let server = Server::start(data.path()).await;
    let token = token(&server).await;
    let (status, answer) = send(
        &server,
        &token,
        "+7 910 123-45-67",
        &[
            ("doc", Some("../../резюме \"Анны\".pdf"), PDF),
            ("doc", Some("то же самое.pdf"), PDF),
            ("photo", Some(""), b""),
            ("note", Some("заметка.exe"), "Здравствуйте".as_bytes()),
        ],
    )
    .await;
    assert_eq!((status, &answer["success"]), (200, &true.into()), "{answer}");
    assert_eq!(below(&data.path().join("files")).len(), 2, "what came twice is kept once");
    let client = reqwest_client();
    let cookie = sign_in(&client, &server.base, "owner").await;
    let lead = format!("{}/console/leads/{}", server.base, answer["request_id"].as_str().unwrap());
    let card = client.get(&lead).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    let hrefs: Vec<&str> =
        card.split("href=\"/console/files/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(hrefs.len(), 2, "{card}");
    assert!(card.contains("заметка.exe.txt"), "{card}");
    let address = format!("{}/console/files/{}", server.base, hrefs[0]);
    let got = client.get(&address).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(got.status().as_u16(), 200);
    let header = |name: &str| got.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pdf");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(
        header("content-disposition").starts_with("attachment; filename="),
        "{}",
        header("content-disposition")
    );
    assert!(header("content-security-policy").contains("sandbox"));
    assert_eq!(got.bytes().await.unwrap(), PDF);
    for (login, status) in [("thief", 404), ("analyst", 403)] {
        let cookie = sign_in(&client, &server.base, login).await;
        let got = client.get(&address).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(got.status().as_u16(), status, "{login}");
    }
    let stranger = client.get(&address).send().await.unwrap();
    assert_eq!(stranger.status().as_u16(), 303, "who is not signed in is asked to");
}

#[tokio::test]
async fn what_is_refused_is_told_in_words_and_leaves_nothing_behind() {
    let data = data_folder(CONFIG);
    let server = Server::start(data.path()).await;
    let token = token(&server).await;
    let large = vec![b'a'; 50 * 1024 * 1024];
    let six: Vec<Vec<u8>> = (0..6_u8).map(|n| [PDF, &[n]].concat()).collect();
    let many: Vec<super::Part<'_>> =
        six.iter().map(|content| ("doc", Some("a.pdf"), content.as_slice())).collect();
    let cases: [(&[super::Part<'_>], u16, &str); 5] = [
        (&[("doc", Some("photo.jpg"), b"MZ\x90\0\x03\0\0\0")], 422, "такого вида не принимается"),
        (&[("doc", Some("a.pdf"), b"<svg onload='alert(1)'/>")], 422, "такого вида не принимается"),
        (&[("good", Some("a.pdf"), PDF), ("doc", Some("x.html"), b"<html>")], 422, "x.html"),
        (&many, 422, "до 5 файлов"),
        (&[("doc", Some("film.txt"), &large)], 413, "до 10 МБ"),
    ];
    for (at, (files, status, part)) in cases.into_iter().enumerate() {
        let (found, answer) = send(&server, &token, &format!("+7 910 123-45-0{at}"), files).await;
        let message = answer["message"].as_str().unwrap_or_default();
        assert!(found == status && message.contains(part), "{found} {answer}");
        assert_eq!(below(&data.path().join("files")), Vec::<PathBuf>::new(), "{message}");
    }
    let (status, _) = send(&server, &token, "no phone", &[("doc", Some("a.pdf"), PDF)]).await;
    assert_eq!(status, 422);
    assert_eq!(
        below(&data.path().join("files")),
        Vec::<PathBuf>::new(),
        "a form that is refused keeps no file"
    );
    let (status, answer) = send(&server, &token, "+7 910 123-45-67", &[("doc", Some("a.pdf"), PDF)]).await;
    assert_eq!((status, below(&data.path().join("files")).len()), (200, 1), "{answer}");
}

#[tokio::test]
async fn a_repeat_brings_only_what_is_new_and_what_a_crash_left_is_swept_away() {
    let data = data_folder(CONFIG);
    user(data.path(), "owner", "avtograd", "owner", "ru");
    let mut server = Server::start(data.path()).await;
    let token = token(&server).await;
    let first = send(&server, &token, "+7 910 123-45-67", &[("doc", Some("a.pdf"), PDF)]).await.1;
    let second = send(
        &server,
        &token,
        "+7 910 123-45-67",
        &[("doc", Some("a.pdf"), PDF), ("doc", Some("b.txt"), b"one more page")],
    )
    .await
    .1;
    assert_eq!(first["request_id"], second["request_id"]);
    let kept = below(&data.path().join("files"));
    assert_eq!(kept.len(), 2, "{kept:?}");
    server.kill();
    // What a crash leaves: a file in its place that no row names, and one that was still coming in.
    let folder = kept[0].parent().unwrap().parent().unwrap().to_path_buf();
    std::fs::create_dir_all(folder.join("ab")).unwrap();
    std::fs::create_dir_all(folder.join(".coming")).unwrap();
    let orphan = folder.join("ab").join(format!("{}-018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d", "ab".repeat(32)));
    let coming = folder.join(".coming/.tmp123");
    for path in [&orphan, &coming] {
        std::fs::write(path, "left").unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        std::fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
    }
    let server = Server::start(data.path()).await;
    for _ in 0..400 {
        if !orphan.exists() && !coming.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let mut left = below(&data.path().join("files"));
    left.sort();
    let mut expected = kept;
    expected.sort();
    assert_eq!(left, expected);
    let client = reqwest_client();
    let cookie = sign_in(&client, &server.base, "owner").await;
    let lead = format!("{}/console/leads/{}", server.base, first["request_id"].as_str().unwrap());
    let card = client.get(&lead).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    assert!(card.contains("a.pdf") && card.contains("b.txt"), "{card}");
}
