//! Leads reach amoCRM over an integration, whose tokens outlive the process that bought them.

use std::process::Command;
use std::time::{Duration, Instant};

use ismart_domain::Env;
use ismart_emulators::amocrm::{Account, AccountHandle, Kind};
use serde_json::json;

use crate::server::{BINARY, Server, data_folder, form_token, reqwest_client};

/// Sends a form, and waits until the account has so many leads.
async fn lead(server: &Server, token: &str, account: &AccountHandle, key: &str, expected: usize) {
    let body = json!({
        "name": "Анна", "phone": format!("+7 910 123-45-{expected:02}"), "policy": "on", "form_name": "callback", "form_token": token,
        "idempotency_key": key, "page_url": format!("{}/contacts", server.base), "message": key,
    });
    let answer = reqwest_client().post(format!("{}/api/send", server.base)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let deadline = Instant::now() + Duration::from_secs(60);
    while account.count(Kind::Lead) < expected {
        assert!(Instant::now() < deadline, "the lead never reaches amoCRM: {:#?}", account.requests());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ismart(data: &std::path::Path, command: &str) -> (bool, String) {
    let output = Command::new(BINARY).args([command, "--data"]).arg(data).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_an_integration_outlive_the_process() {
    let account = Account::builder(|| Env::system().now())
        .integration("client-1", "hush-secret", "https://ismart.example/oauth")
        .start()
        .await
        .unwrap();
    let code = account.authorize("client-1", 504_141);
    let data = data_folder(&format!(
        "[http]\nallow_loopback = true\nper_minute = 1000000\n[log]\nfilter = \"error\"\n\
         [[client]]\nslug = \"avtograd\"\nname = \"Автоград\"\n\
         [[client.destination]]\nname = \"amo\"\nkind = \"amocrm\"\n\
         [client.destination.settings]\naccount = \"{}\"\ntoken = \"{code}\"\nclient_id = \"client-1\"\n\
         client_secret = \"hush-secret\"\nredirect_uri = \"https://ismart.example/oauth\"\n",
        account.base_url()
    ));
    let exchanges = || account.requests().iter().filter(|r| r.path.contains("access_token")).count();

    let (sound, said) = ismart(data.path(), "check");
    assert!(sound, "{said}");
    assert_eq!(exchanges(), 0, "`check` spends no code");

    let mut server = Server::start(data.path()).await;
    let token = form_token(&reqwest_client(), &server.base).await;
    lead(&server, &token, &account, "first", 1).await;
    server.kill();
    let server = Server::start(data.path()).await;
    lead(&server, &token, &account, "second", 2).await;
    assert_eq!(exchanges(), 1, "the code is good once: the second process took the pair from the database");
    drop(server);

    let (sound, said) = ismart(data.path(), "doctor");
    assert!(sound && said.contains("destination `amo` of `avtograd`"), "{said}");
    assert!(!said.contains("hush-secret") && !said.contains(&code), "{said}");
    assert_eq!(exchanges(), 1);
    account.shutdown().await;
}
