//! A mailbox that is looked into, on good days and bad ones; letters that a mail server hands over.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ismart_emulators::letterbox::{Letterbox, LetterboxMood};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::doors::config;
use crate::server::{BINARY, Server, data_folder, reqwest_client, sign_in, user};

fn letter(n: u32) -> String {
    format!(
        "From: Ivan <ivan{n}@mail.ru>\r\nMessage-ID: <m{n}@mail.ru>\r\nSubject: Lead {n}\r\n\r\nPhone: +7 910 123-45-{n:02}\r\n"
    )
}

fn door(mailbox: &Letterbox, password: &str) -> String {
    config(&format!(
        "[[client.door]]\nname = 'post'\nkind = 'mailbox'\nsite = 'avtograd'\n[client.door.settings]\nhost = '127.0.0.1'\n\
         port = {}\nuser = 'leads@dealer.ru'\npassword = '{password}'\nsecurity = 'none'\nevery_seconds = 5\nold_too = true\n",
        mailbox.port()
    ))
}

struct Watched {
    server: Server,
    client: reqwest::Client,
    cookie: String,
}

impl Watched {
    async fn page(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.server.base)).header("cookie", &self.cookie);
        request.send().await.unwrap().text().await.unwrap()
    }

    async fn shows(&self, path: &str, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let page = self.page(path).await;
            if page.contains(text) {
                return page;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{path} does not show {text}: {page}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn watch(data: &std::path::Path) -> Watched {
    let server = Server::start(data).await;
    let client = reqwest_client();
    let cookie = sign_in(&client, &server.base, "owner").await;
    Watched { server, client, cookie }
}

#[tokio::test]
async fn letters_come_in_once_whatever_the_mailbox_does_in_between() {
    let mailbox = Letterbox::start("leads@dealer.ru", "app-password").await.unwrap();
    mailbox.post(letter(1), "2026-11-20");
    mailbox.post(
        "From: noreply@bank.ru\r\nMessage-ID: <ad@bank.ru>\r\nSubject: Offer\r\n\r\nBest rates\r\n",
        "2026-11-20",
    );
    // The second letter is cut off in the middle: the first is in, the second is fetched again.
    mailbox.set(LetterboxMood::Cuts(40));
    let data = data_folder(&door(&mailbox, "app-password"));
    user(data.path(), "owner", "avtograd", "owner", "en");
    let house = watch(data.path()).await;
    house.shows("/console/intake", "stopped answering").await;
    mailbox.set(LetterboxMood::Well);
    house.shows("/console/leads", "+7 910 123-45-01").await;
    house.shows("/console/intake", "There is neither a phone").await;
    house.shows("/console/intake", "is read").await;
    mailbox.renumber();
    mailbox.post(letter(2), "2099-01-01");
    let leads = house.shows("/console/leads", "+7 910 123-45-02").await;
    assert_eq!(
        leads.matches("+7 910 123-45-01").count(),
        leads.matches("+7 910 123-45-02").count(),
        "{leads}"
    );
    assert!(
        mailbox.said().iter().all(|said| !said.contains("STORE") && !said.contains("SELECT")),
        "nothing is changed there"
    );
}

/// Makes the line to a mailbox a safe one; gives the port and the certificate that is to be trusted.
async fn behind_tls(mailbox: &Letterbox) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (listener, behind) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), mailbox.port());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((line, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut safe) = acceptor.accept(line).await else { return };
                let mut plain = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                let _ended = tokio::io::copy_bidirectional(&mut safe, &mut plain).await.is_ok();
            });
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn a_mailbox_is_read_over_tls_and_an_unknown_certificate_is_not_trusted() {
    let mailbox = Letterbox::start("leads@dealer.ru", "app-password").await.unwrap();
    mailbox.post(letter(1), "2026-11-20");
    let (port, certificate) = behind_tls(&mailbox).await;
    let safe = door(&mailbox, "app-password")
        .replace("host = '127.0.0.1'", "host = 'localhost'")
        .replace(&format!("port = {}", mailbox.port()), &format!("port = {port}"))
        .replace("security = 'none'\n", "");
    let data = data_folder(&safe);
    user(data.path(), "owner", "avtograd", "owner", "en");
    let house = watch(data.path()).await;
    house.shows("/console/intake", "localhost cannot be trusted").await;
    assert_eq!(mailbox.said().len(), 0, "no password goes to who cannot be trusted");
    drop(house);
    std::fs::write(data.path().join("ca.pem"), certificate).unwrap();
    std::fs::write(
        data.path().join("ismart.toml"),
        safe.replace("old_too = true", "old_too = true\nca_file = 'ca.pem'"),
    )
    .unwrap();
    let house = watch(data.path()).await;
    house.shows("/console/leads", "+7 910 123-45-01").await;
}

#[tokio::test]
async fn a_wrong_password_is_told_in_words_and_mended_without_loss() {
    let mailbox = Letterbox::start("leads@dealer.ru", "app-password").await.unwrap();
    mailbox.post(letter(1), "2026-11-20");
    mailbox.set(LetterboxMood::Refuses);
    let data = data_folder(&door(&mailbox, "app-password"));
    user(data.path(), "owner", "avtograd", "owner", "en");
    let house = watch(data.path()).await;
    house.shows("/console/intake", "check user and password").await;
    mailbox.set(LetterboxMood::Well);
    house.shows("/console/leads", "+7 910 123-45-01").await;
}

#[tokio::test]
async fn a_letter_on_standard_input_is_a_lead_once() {
    let data = data_folder(super::CONFIG);
    // The database learns of the site when the server loads it.
    drop(Server::start(data.path()).await);
    let hand_over = |letter: &str| {
        let mut child = Command::new(BINARY)
            .args(["leads", "mail", "--site", "avtograd", "--data"])
            .arg(data.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(letter.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(hand_over(&letter(1)), (true, "the letter is lead 1\n".to_owned()));
    assert_eq!(hand_over(&letter(1)), (true, "the letter has been there before as lead 1\n".to_owned()));
    let (good, said) = hand_over("From: noreply@x.ru\r\nSubject: x\r\n\r\nnothing\r\n");
    assert!(good && said.contains("waits in the console"), "{said}");
}
