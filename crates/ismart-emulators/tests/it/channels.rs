//! Emulators of channels over their real protocols.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ismart_emulators::calltouch::CallTouch;
use ismart_emulators::max::Max;
use ismart_emulators::receiver::Receiver;
use ismart_emulators::sheets::{Account, Sheets};
use ismart_emulators::smtp::Smtp;
use ismart_emulators::telegram::{Chat, Telegram};
use ismart_emulators::vk::Vk;
use ismart_emulators::{Fault, Quota};
use jiff::Timestamp;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

fn noon() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn http() -> reqwest::Client {
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy().build().unwrap()
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn p1_telegram_answers_in_its_own_shape() {
    let bot = Telegram::start("1:secret", None, noon).await.unwrap();
    bot.chat(5, Chat::Open);
    bot.chat(6, Chat::Blocked);
    bot.chat(-7, Chat::Moved(-1_007));
    let http = http();
    let url = |method: &str| format!("{}/bot1:secret/{method}", bot.base_url());
    let (_, me) = answer(http.get(url("getMe"))).await;
    assert_eq!((&me["ok"], &me["result"]["is_bot"]), (&json!(true), &json!(true)));
    let by_query = http.get(format!("{}?chat_id=5&text=a", url("sendMessage")));
    let by_form = http.post(url("SendMessage")).header("content-type", "application/x-www-form-urlencoded");
    let by_form = by_form.body("chat_id=5&text=%D1%8F");
    let by_json = http
        .post(url("sendMessage"))
        .json(&json!({"chat_id": 5, "text": "<b>b</b> &lt;", "parse_mode": "HTML"}));
    let parts = "--x\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n5\r\n--x\r\n\
                 Content-Disposition: form-data; name=\"text\"\r\n\r\nm\r\n--x--\r\n";
    let by_parts =
        http.post(url("sendMessage")).header("content-type", "multipart/form-data; boundary=x").body(parts);
    for (request, text) in [(by_query, "a"), (by_form, "я"), (by_json, "b <"), (by_parts, "m")] {
        let (status, body) = answer(request).await;
        assert_eq!((status, &body["result"]["text"]), (200, &json!(text)), "{body}");
    }
    for (chat, text, mode, status, words) in [
        (9, "a", "", 400, "chat not found"),
        (6, "a", "", 403, "blocked by the user"),
        (-7, "a", "", 400, "supergroup"),
        (5, " ", "", 400, "empty"),
        (5, "<b>a", "HTML", 400, "can't find end tag"),
        (5, "<script>a</script>", "HTML", 400, "unsupported start tag"),
    ] {
        let body = json!({"chat_id": chat, "text": text, "parse_mode": mode});
        let (got, body) = answer(http.post(url("sendMessage")).json(&body)).await;
        assert_eq!((got, &body["error_code"]), (status, &json!(status)), "{body}");
        assert!(body["description"].as_str().unwrap().contains(words), "{body}");
    }
    let long = json!({"chat_id": 5, "text": "x".repeat(4097)});
    assert_eq!(answer(http.post(url("sendMessage")).json(&long)).await.0, 400);
    let moved = answer(http.post(url("sendMessage")).json(&json!({"chat_id": -7, "text": "a"}))).await.1;
    assert_eq!(moved["parameters"]["migrate_to_chat_id"], -1_007);
    assert_eq!(answer(http.get(format!("{}/bot2:x/getMe", bot.base_url()))).await.0, 401);
    bot.limit(Some(Quota { requests: 1, millis: 3000 }));
    let one = || http.post(url("sendMessage")).json(&json!({"chat_id": 5, "text": "a"}));
    assert_eq!(answer(one()).await.0, 200);
    let (status, body) = answer(one()).await;
    assert_eq!((status, &body["parameters"]["retry_after"]), (429, &json!(3)));
    assert_eq!(bot.messages().len(), 5);
    assert!(bot.requests().iter().all(|record| !record.path.contains("secret")));
}

#[tokio::test]
async fn p2_vk_sends_nothing_twice_under_one_random_id() {
    let vk = Vk::start("token", None, noon).await.unwrap();
    vk.permit(5, true);
    let http = http();
    let send = |query: &str| {
        http.get(format!("{}/method/messages.send?access_token=token&v=5.199&{query}", vk.base_url()))
    };
    let first = answer(send("peer_id=5&random_id=7&message=a")).await.1;
    let again = answer(send("peer_id=5&random_id=7&message=b")).await.1;
    assert_eq!((&first["response"], first == again, vk.messages().len()), (&json!(1), true, 1));
    // Zero switches the guard off.
    for number in 2..=3 {
        assert_eq!(answer(send("peer_id=5&random_id=0&message=c")).await.1["response"], number);
    }
    for (query, code) in [
        ("peer_id=6&random_id=1&message=a", 901),
        ("peer_id=5&message=a", 100),
        ("peer_id=5&random_id=1&message=", 100),
    ] {
        let (status, body) = answer(send(query)).await;
        assert_eq!((status, &body["error"]["error_code"]), (200, &json!(code)), "{body}");
        assert!(!body.to_string().contains("token\""), "secrets are not repeated: {body}");
    }
    vk.revoke();
    assert_eq!(answer(send("peer_id=5&random_id=9&message=a")).await.1["error"]["error_code"], 5);
}

#[tokio::test]
async fn p3_max_takes_its_token_in_the_header_alone() {
    let max = Max::start("token", None, noon).await.unwrap();
    max.chat(-5, true);
    let http = http();
    let send = |chat: i64| {
        http.post(format!("{}/messages?chat_id={chat}", max.base_url())).json(&json!({"text": "a"}))
    };
    let (status, body) = answer(send(-5).header("authorization", "token")).await;
    assert_eq!((status, &body["message"]["recipient"]["chat_id"]), (200, &json!(-5)), "{body}");
    assert!(body["message"]["body"]["mid"].as_str().unwrap().starts_with("mid."));
    for (header, status) in [("Bearer token", 401), ("other", 401)] {
        let (got, body) = answer(send(-5).header("authorization", header)).await;
        assert_eq!((got, &body["code"]), (status, &json!("verify.token")));
    }
    let by_query = http.get(format!("{}/me?access_token=token", max.base_url()));
    assert_eq!(answer(by_query).await.0, 401);
    assert_eq!(answer(send(-6).header("authorization", "token")).await.0, 404);
    let long =
        http.post(format!("{}/messages?chat_id=-5", max.base_url())).json(&json!({"text": "x".repeat(4001)}));
    assert_eq!(answer(long.header("authorization", "token")).await.0, 400);
    assert_eq!(max.messages().len(), 1);
}

#[tokio::test]
async fn p4_calltouch_refuses_an_empty_session_and_repeats_requests() {
    let service = CallTouch::start(42, "token", None, noon).await.unwrap();
    let http = http();
    let base = format!("{}/calls-service/RestAPI/requests", service.base_url());
    let send = |query: &str| http.get(format!("{base}/42/register/?{query}"));
    assert_eq!(answer(send("fio=a&sessionId=")).await.0, 400);
    assert_eq!(answer(send("subject=a")).await.0, 400);
    for _ in 0..2 {
        let (status, body) = answer(send("fio=a&requestNumber=7")).await;
        assert!(status == 200 && body["requestId"].is_u64(), "{body}");
    }
    assert_eq!(service.findings().len(), 1, "a repeat is a second request, and is remarked upon");
    let journal = |token: &str, from: &str| {
        http.get(format!("{base}?clientApiId={token}&siteId=42&dateFrom={from}&dateTo=01/16/2027"))
    };
    let rows = answer(journal("token", "01/14/2027")).await.1;
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["requestNumber"]), (2, &json!("7")));
    assert_eq!(answer(journal("token", "01/16/2027")).await.1, json!([]));
    assert_eq!(answer(journal("token", "14.01.2027")).await.0, 400);
    assert_eq!(answer(journal("other", "01/14/2027")).await.0, 403);
    assert!(service.requests().iter().all(|record| !format!("{record:?}").contains("\"token\"")));
}

#[tokio::test]
async fn p5_sheets_gives_tokens_for_signed_assertions_only() {
    let pem = include_str!("../inputs/service_account.pem");
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let account = Account {
        email: "a@b.iam.gserviceaccount.com".into(),
        public_key: pair.public_key().as_ref().to_vec(),
    };
    let sheets = Sheets::start(account, "id", "L", None, noon).await.unwrap();
    let assertion = |change: &dyn Fn(&mut Value)| {
        let now = noon().as_second();
        let mut claims = json!({"iss": "a@b.iam.gserviceaccount.com", "aud": sheets.token_url(), "iat": now, "exp": now + 3600,
                                "scope": "https://www.googleapis.com/auth/spreadsheets"});
        change(&mut claims);
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", coded(&json!({"alg": "RS256", "typ": "JWT"})), coded(&claims));
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let http = http();
    let buy = |assertion: String| {
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let request =
            http.post(sheets.token_url()).header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("grant_type={grant}&assertion={assertion}"))
    };
    let (status, body) = answer(buy(assertion(&|_| {}))).await;
    assert_eq!(status, 200, "{body}");
    let token = body["access_token"].as_str().unwrap().to_owned();
    let mut forged = assertion(&|_| {});
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    assert_eq!(answer(buy(forged)).await.0, 400);
    for (key, value) in [
        ("iss", json!("other@b.iam.gserviceaccount.com")),
        ("aud", json!("https://accounts.example/token")),
        ("scope", json!("https://www.googleapis.com/auth/drive")),
        ("exp", json!(noon().as_second() - 1)),
        ("exp", json!(noon().as_second() + 7200)),
        ("iat", json!(noon().as_second() + 1000)),
    ] {
        let (status, body) = answer(buy(assertion(&|claims| claims[key] = value.clone()))).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{key}: {body}");
    }
    let url = format!("{}/v4/spreadsheets/id/values/L!A1:append?valueInputOption=RAW", sheets.base_url());
    let append =
        |token: &str| http.post(&url).bearer_auth(token).json(&json!({"values": [["a", "=1+1"], ["b"]]}));
    let (status, body) = answer(append(&token)).await;
    assert_eq!((status, &body["updates"]["updatedRange"]), (200, &json!("'L'!A1:B2")), "{body}");
    assert_eq!(answer(append("other")).await.0, 401);
    let read = |range: &str| {
        http.get(format!("{}/v4/spreadsheets/id/values/{range}", sheets.base_url())).bearer_auth(&token)
    };
    assert_eq!(answer(read("L!A:A")).await.1["values"], json!([["a"], ["b"]]));
    assert_eq!(answer(read("L!A1:Z1")).await.1["values"], json!([["a", "=1+1"]]));
    assert_eq!(answer(read("M!A:A")).await.0, 400);
    sheets.share(false);
    assert_eq!(answer(append(&token)).await.0, 403);
    sheets.delete();
    assert_eq!(answer(append(&token)).await.0, 404);
}

#[tokio::test]
async fn p6_the_receiver_takes_signed_messages_once() {
    let secret = STANDARD.encode([7; 32]);
    let receiver = Receiver::start(&format!("whsec_{secret}"), None, noon).await.unwrap();
    let http = http();
    let send = |id: &str, at: i64, key: &[u8], body: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(format!("{id}.{at}.{body}").as_bytes());
        let signature = format!("v1,AAAA v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let request = http.post(receiver.url()).body(body.to_owned());
        request
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", signature)
    };
    let (now, body) = (noon().as_second(), r#"{"type":"lead.created","n":1}"#);
    for _ in 0..2 {
        assert!(answer(send("a", now, &[7; 32], body)).await.0 < 300);
    }
    let taken = receiver.taken();
    assert_eq!((taken.len(), taken[0].times), (1, 2));
    for (at, key, sent) in [(now - 400, [7; 32], body), (now, [8; 32], body)] {
        assert_eq!(answer(send("b", at, &key, sent)).await.0, 401);
    }
    assert_eq!(answer(send("c", now, &[7; 32], "[]")).await.0, 422);
    assert_eq!(answer(send("d", now, &[7; 32], r#"{"type":"check"}"#)).await.0, 204);
    receiver.leave(true);
    assert_eq!(answer(send("e", now, &[7; 32], body)).await.0, 410);
    assert_eq!(receiver.taken().len(), 1);
}

/// Says lines to a mail server and gives the first line of each answer.
async fn talk(server: &Smtp, lines: &[&str]) -> Vec<String> {
    let stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut answers = Vec::new();
    let mut sent = lines.iter();
    loop {
        let mut first = None;
        loop {
            let mut line = String::new();
            if read.read_line(&mut line).await.unwrap_or(0) == 0 {
                return answers;
            }
            let last = line.as_bytes().get(3) != Some(&b'-');
            first.get_or_insert(line.trim_end().to_owned());
            if last {
                break;
            }
        }
        answers.extend(first);
        let Some(next) = sent.next() else { return answers };
        if write.write_all(format!("{next}\r\n").as_bytes()).await.is_err() {
            return answers;
        }
    }
}

#[tokio::test]
async fn p7_the_mail_server_keeps_letters_once() {
    let server = Smtp::builder(noon).user("a@b.ru", "secret").owned().size_limit(2000).start().await.unwrap();
    let auth = format!("AUTH PLAIN {}", STANDARD.encode("\0a@b.ru\0secret"));
    let letter = "From: a@b.ru\r\nTo: c@d.ru\r\nSubject: x\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@b.ru>\r\n\
                  MIME-Version: 1.0\r\n\r\n..a\r\n.";
    let good = ["EHLO x", &auth, "MAIL FROM:<a@b.ru>", "RCPT TO:<c@d.ru>", "DATA", letter, "QUIT"];
    for _ in 0..2 {
        let answers = talk(&server, &good).await;
        let codes: Vec<&str> = answers.iter().filter_map(|line| line.get(..3)).collect();
        assert_eq!(codes, ["220", "250", "235", "250", "250", "354", "250", "221"], "{answers:?}");
    }
    let letters = server.letters();
    assert_eq!(
        (letters.len(), letters[0].times, letters[0].to.as_slice()),
        (1, 2, ["c@d.ru".to_owned()].as_slice())
    );
    assert!(letters[0].raw.ends_with("\r\n.a\r\n"), "dots are unstuffed");
    assert_eq!(server.complaints(), Vec::<String>::new());
    let wrong = format!("AUTH PLAIN {}", STANDARD.encode("\0a@b.ru\0x"));
    let long = format!("MAIL FROM:<a@b.ru> SIZE={}", 3000);
    for (lines, code) in [
        (vec!["EHLO x", "MAIL FROM:<a@b.ru>"], "530"),
        (vec!["EHLO x", &wrong], "535"),
        (vec!["EHLO x", &auth, "MAIL FROM:<other@b.ru>"], "553"),
        (vec!["EHLO x", &auth, &long], "552"),
        (vec!["EHLO x", &auth, "RCPT TO:<c@d.ru>"], "503"),
        (vec!["EHLO x", &auth, "MAIL FROM:<a@b.ru>", "DATA"], "503"),
        (vec!["VRFY a"], "502"),
    ] {
        let answers = talk(&server, &lines).await;
        assert!(answers.last().unwrap().starts_with(code), "{lines:?}: {answers:?}");
    }
    server.forget_mailbox("C@d.ru");
    let answers = talk(&server, &good[..4]).await;
    assert!(answers.last().unwrap().starts_with("550"), "{answers:?}");
}

#[tokio::test]
async fn p8_drops_store_nothing_before_and_once_after() {
    let max = Max::start("token", None, noon).await.unwrap();
    max.chat(-5, true);
    let http = http();
    let send = || {
        let request =
            http.post(format!("{}/messages?chat_id=-5", max.base_url())).json(&json!({"text": "a"}));
        request.header("authorization", "token").send()
    };
    max.once(Fault::DropBeforeCommit, "messages.send");
    assert!(send().await.is_err());
    assert_eq!(max.messages().len(), 0);
    max.once(Fault::DropAfterCommit, "messages.send");
    assert!(send().await.is_err());
    assert_eq!(max.messages().len(), 1);
    let door = format!("{}/__emulator", max.base_url());
    let rule = json!({"fault": "status", "code": 502, "body": "html", "method": "messages.send"});
    assert_eq!(http.post(format!("{door}/faults")).json(&rule).send().await.unwrap().status(), 204);
    assert_eq!(send().await.unwrap().status(), 502);
    http.delete(format!("{door}/faults")).send().await.unwrap();
    assert_eq!(send().await.unwrap().status(), 200);
    let ledger = answer(http.get(format!("{door}/ledger"))).await.1;
    assert_eq!((ledger.as_array().unwrap().len(), max.requests().len()), (2, 4));
    assert_eq!(answer(http.post(format!("{door}/faults")).json(&json!({"fault": "explode"}))).await.0, 422);
}
