//! Every door by which leads come in, over the real server.

mod doors;
mod files;
mod imports;
mod letters;

use serde_json::Value;

use crate::server::{Server, reqwest_client};

/// A house with one client, its site, and a stranger.
const CONFIG: &str = "[console]\nhosts = ['127.0.0.1']\n[http]\nper_minute = 1000000\nallow_loopback = true\n\
    [[client]]\nslug = 'avtograd'\nname = 'Автоград'\n[[client]]\nslug = 'other'\nname = 'Другой'\n";

/// A part of a form: name, name of the file, content.
pub(super) type Part<'p> = (&'p str, Option<&'p str>, &'p [u8]);

const BOUNDARY: &str = "----part7f3a";

/// A form with files as a browser sends it.
pub(super) fn multipart(parts: &[Part<'_>]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        body.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"").as_bytes(),
        );
        if let Some(file) = file {
            body.extend_from_slice(
                format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream").as_bytes(),
            );
        }
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

/// Sends a form with files to the demo dealer; gives status and answer.
pub(super) async fn send(server: &Server, token: &str, phone: &str, files: &[Part<'_>]) -> (u16, Value) {
    let fields = [
        ("name", "Анна"),
        ("phone", phone),
        ("policy", "on"),
        ("form_name", "callback"),
        ("form_token", token),
    ];
    let mut parts: Vec<Part<'_>> = fields.iter().map(|(name, text)| (*name, None, text.as_bytes())).collect();
    parts.extend_from_slice(files);
    let (kind, body) = multipart(&parts);
    let request =
        reqwest_client().post(format!("{}/api/send", server.base)).header("host", "avtograd.localhost");
    let answer = request.header("content-type", kind).header("accept", "application/json").body(body).send();
    let answer = answer.await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

/// A token that is old enough.
pub(super) async fn token(server: &Server) -> String {
    let client = reqwest_client();
    let request = client.get(format!("{}/api/form-token", server.base)).header("host", "avtograd.localhost");
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(body["min_age"].as_u64().unwrap() + 1)).await;
    body["token"].as_str().unwrap().to_owned()
}
