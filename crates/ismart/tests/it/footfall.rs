//! What visitors ask for is counted, and is still there when the server comes back.

use crate::server::{Server, data_folder, reqwest_client, sign_in, user};

const CONFIG: &str = "[console]\nhosts = ['127.0.0.1']\n[http]\nper_minute = 100000\n[[client]]\nslug = 'avtograd'\nname = 'Автоград'\n";

async fn visit(client: &reqwest::Client, base: &str, path: &str) -> u16 {
    let request = client.get(format!("{base}{path}")).header("host", "avtograd.localhost");
    let request = request.header("accept", "text/html").header("user-agent", "Mozilla/5.0");
    request.send().await.unwrap().status().as_u16()
}

/// The row of an address in the console.
async fn row(client: &reqwest::Client, base: &str, cookie: &str, mark: &str) -> Option<String> {
    let page = client.get(format!("{base}/console/site/avtograd/redirects")).header("cookie", cookie);
    let page = page.send().await.unwrap().text().await.unwrap();
    let (_, rest) = page.split_once(mark)?;
    Some(rest.split("</tr>").next()?.to_owned())
}

#[tokio::test]
async fn counts_survive_a_restart() {
    let data = data_folder(CONFIG);
    let rules = "[{\"from\": \"/old\", \"to\": \"/credit\"}]\n";
    std::fs::write(data.path().join("sites/avtograd/config/redirects.json"), rules).unwrap();
    user(data.path(), "owner", "avtograd", "owner", "ru");
    let client = reqwest_client();
    let mut server = Server::start(data.path()).await;
    for (path, status) in [("/old", 301), ("/old", 301), ("/nowhere", 404)] {
        assert_eq!(visit(&client, &server.base, path).await, status, "{path}");
    }
    // The screen shows what was counted a moment ago, and what it shows is written.
    let cookie = sign_in(&client, &server.base, "owner").await;
    let rule = row(&client, &server.base, &cookie, "value=\"/old\"").await.unwrap();
    assert!(rule.contains(">2<"), "{rule}");
    server.kill();
    let server = Server::start(data.path()).await;
    let cookie = sign_in(&client, &server.base, "owner").await;
    assert_eq!(visit(&client, &server.base, "/old").await, 301);
    let rule = row(&client, &server.base, &cookie, "value=\"/old\"").await.unwrap();
    assert!(rule.contains(">3<"), "{rule}");
    let missing = row(&client, &server.base, &cookie, "<code>/nowhere</code>").await.unwrap();
    assert!(missing.contains(">1<"), "{missing}");
}
