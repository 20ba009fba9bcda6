//! Destinations are set up while the server runs: in the console, and in the configuration file.

use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_emulators::receiver::Receiver;
use serde_json::json;

use crate::server::{
    Server, data_folder, form, form_token, hidden, post_form, reqwest_client, sign_in, user,
};

const SECRET: &str = "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo";
const OTHER: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg==";

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends a form.
async fn lead(server: &Server, token: &str, key: &str) {
    // Everybody has a number of his own: two requests of one person within a while are one lead.
    let number = key.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 10_000_000);
    let phone = format!("+7910{number:07}");
    let body = json!({
        "name": "Анна", "phone": phone, "policy": "on", "form_name": "callback", "form_token": token,
        "idempotency_key": key, "page_url": format!("{}/contacts", server.base), "message": key,
    });
    let answer = reqwest_client().post(format!("{}/api/send", server.base)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_is_tried_kept_mended_and_removed_without_a_restart() {
    let receiver = Receiver::start(SECRET, None, || Env::system().now()).await.unwrap();
    let data = data_folder(
        "[http]\nallow_loopback = true\nper_minute = 1000000\n[log]\nfilter = \"error\"\n\
         # kept by hand\n[[client]]\nslug = \"avtograd\"\nname = \"Автоград\"\n",
    );
    user(data.path(), "olga", "avtograd", "owner", "ru");
    let server = Server::start(data.path()).await;
    let browser = reqwest_client();
    let cookie = sign_in(&browser, &server.base, "olga").await;
    let token = form_token(&reqwest_client(), &server.base).await;
    let console = format!("{}/console/destinations", server.base);
    let see = async |address: String| {
        browser.get(address).header("cookie", &cookie).send().await.unwrap().text().await.unwrap()
    };
    let page = see(format!("{console}/add?kind=webhook")).await;
    let csrf = hidden(&page, "csrf");
    assert!(page.contains("whsec_") && page.contains("Проверить и сохранить"), "{page}");
    let url = receiver.url();
    let send = async |action: &str, more: &[(&str, &str)]| {
        let mut fields =
            vec![("csrf", csrf.as_str()), ("kind", "webhook"), ("name", "erp"), ("s.url", url.as_str())];
        fields.extend(more);
        let answer = post_form(&browser, format!("{console}/{action}"), &cookie, form(&fields)).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    // What cannot be used is named, and nothing is kept.
    let file = || std::fs::read_to_string(data.path().join("ismart.toml")).unwrap();
    let before = file();
    let (status, page) = send("save", &[("s.secret", "hush")]).await;
    assert!(status == 200 && page.contains("whsec_ ;") && !page.contains("hush\""), "{page}");
    let (status, page) = send("save", &[("s.secret", OTHER)]).await;
    assert!(status == 200 && page.contains("does not accept the signature"), "{page}");
    let (status, page) = send("try", &[("s.secret", SECRET)]).await;
    assert!(status == 200 && page.contains("lead.created") && page.contains("Образцов"), "{page}");
    assert_eq!((file(), receiver.taken().len()), (before, 0), "trying keeps and leaves nothing");

    // Kept: the secret lies in a file of its own, the rest of the configuration stays, leads go there at once.
    let (status, page) = send("save", &[("s.secret", SECRET)]).await;
    assert_eq!(status, 303, "{page}");
    let text = file();
    assert!(text.contains("# kept by hand") && !text.contains(SECRET), "{text}");
    assert!(text.contains("secret = { file = \"secrets/avtograd.erp.secret\" }"), "{text}");
    lead(&server, &token, "first").await;
    until("the first lead arrives", || receiver.taken().len() == 1).await;

    // A secret that went wrong makes leads wait; after mending they arrive.
    receiver.change_secret(OTHER);
    lead(&server, &token, "second").await;
    until("the second lead is refused", || {
        receiver.requests().iter().any(|record| record.method == "lead.created" && record.status == 401)
    })
    .await;
    let page = see(format!("{console}/edit?name=erp")).await;
    assert!(page.contains(&url) && !page.contains(SECRET), "{page}");
    let (status, page) = send("save", &[("known", "1"), ("s.secret", OTHER)]).await;
    assert_eq!(status, 303, "{page}");
    until("the second lead arrives after mending", || receiver.taken().len() == 2).await;

    // A blank secret stays as it is.
    let (status, page) = send("save", &[("known", "1"), ("s.rate", "5")]).await;
    assert_eq!(status, 303, "{page}");
    lead(&server, &token, "third").await;
    until("the third lead arrives", || receiver.taken().len() == 3).await;

    let (status, page) = send("remove", &[("known", "1")]).await;
    assert_eq!(status, 303, "{page}");
    assert!(!file().contains("webhook"), "{}", file());
    lead(&server, &token, "fourth").await;
    let page = see(console.clone()).await;
    assert!(page.contains("erp"), "what was delivered there is still shown: {page}");
    assert_eq!(receiver.taken().len(), 3);
    receiver.shutdown().await;
}

/// SIGHUP takes up what was written into the file; a file that is wrong changes nothing.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hangup_takes_up_the_file() {
    let receiver = Receiver::start(SECRET, None, || Env::system().now()).await.unwrap();
    let base = "[http]\nallow_loopback = true\nper_minute = 1000000\n[log]\nfilter = \"error\"\n\
                [[client]]\nslug = \"avtograd\"\nname = \"Автоград\"\n";
    let data = data_folder(base);
    let server = Server::start(data.path()).await;
    let token = form_token(&reqwest_client(), &server.base).await;
    let destination = |sites: &str, secret: &str| {
        format!(
            "{base}[[client.destination]]\nname = \"erp\"\nkind = \"webhook\"\nsites = [{sites}]\n\
             [client.destination.settings]\nurl = \"{}\"\nsecret = \"{secret}\"\nrate = 100\n",
            receiver.url()
        )
    };
    let put = |text: String| {
        std::fs::write(data.path().join("ismart.toml"), text).unwrap();
        server.hang_up();
    };
    put(destination("", SECRET));
    // Nothing tells when a signal was heard: leads are sent until one arrives.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut number = 0;
    while receiver.taken().is_empty() {
        assert!(Instant::now() < deadline, "the file is never taken up");
        number += 1;
        lead(&server, &token, &format!("lead-{number}")).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    put(destination("", "no secret"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = receiver.taken().len();
    lead(&server, &token, "after-a-mistake").await;
    until("what was in service stays", || receiver.taken().len() > before).await;
    // A destination of other sites gets none of this one's leads.
    put(destination("\"elsewhere\"", SECRET));
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < deadline, "the file is never taken up");
        let before = receiver.taken().len();
        number += 1;
        lead(&server, &token, &format!("lead-{number}")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        if receiver.taken().len() == before {
            break;
        }
    }
    receiver.shutdown().await;
}
