use ismart_http::{Exchange, watched};

use crate::server::{Act, Server, client};

/// P8: what is noted is what left and came back, without what must not be kept.
#[tokio::test]
async fn p8_watched_work_is_noted_without_secrets() {
    let server = Server::start(Act::Send("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok")).await;
    let work = async {
        let secret = client().post(&server.url("/rest/1/hush/x")).secret_path().header("x-key", "hush");
        secret.json(&serde_json::json!({"a": 1})).send().await.unwrap();
        client().get(&server.url("/open?name=hush")).send().await.unwrap();
        7
    };
    let (output, noted) = watched(work).await;
    assert_eq!(output, 7);
    let told: Vec<(&str, &str, Option<u16>, &str)> = noted
        .iter()
        .map(|one| (one.method.as_str(), one.request.as_str(), one.status, one.answer.as_str()))
        .collect();
    assert_eq!(told, [("POST", "{\"a\":1}", Some(201), "ok"), ("GET", "", Some(201), "ok")]);
    assert!(noted[0].address.ends_with("/***") && noted[1].address.ends_with("/open"), "{noted:?}");
    let all = format!("{noted:?}{}{}", noted[0].address, noted[1].address);
    assert!(!all.contains("hush"), "{all}");
    let ((), nothing) = watched(async {}).await;
    assert_eq!(nothing, Vec::<Exchange>::new());
}
