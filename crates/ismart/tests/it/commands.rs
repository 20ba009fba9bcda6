//! The command line as its user meets it.

use std::process::{Command, Output};

use crate::server::{BINARY, data_folder};

fn run(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_command_and_usage_errors_exit_with_two() {
    let help = text(&run(&["--help"]).stdout);
    for command in ["serve", "demo", "check", "contracts", "doctor", "migrate", "user"] {
        assert!(help.contains(command), "{command} is missing in:\n{help}");
    }
    assert_eq!(run(&["serve", "--listn", "x"]).status.code(), Some(2));
    assert_eq!(run(&["serve", "--listen", "nowhere"]).status.code(), Some(2));
}

#[test]
fn check_finds_nothing_wrong_with_the_demo_site_and_says_so() {
    let data = data_folder("");
    let out = run(&["check", "--json", "--data", &data.path().display().to_string()]);
    let body: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(body["ok"], true, "{body:#}");
    assert_eq!(out.status.code(), Some(0));
}

#[test]
fn check_names_file_line_and_repair_of_broken_content() {
    let data = data_folder("");
    let site = data.path().join("sites/avtograd");
    std::fs::write(
        site.join("data/json/ru/pages/about.json"),
        "{\n  \"name\": \"about\",\n  \"sections\": [,]\n}",
    )
    .unwrap();
    std::fs::write(site.join("templates/sections/legal.twig"), "{% if x %}\n{{ y }\n").unwrap();
    let out = run(&["check", "--data", &data.path().display().to_string()]);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(said.contains("about.json:3:"), "{said}");
    assert!(said.contains("fix:"), "{said}");
}

#[test]
fn check_names_unknown_keys_connectors_and_workers() {
    let data = data_folder(
        "[[client]]\nslug = \"avtograd\"\nname = \"A\"\n[[client.destination]]\nname = \"x\"\nkind = \"bitrix42\"\n",
    );
    let said = text(&run(&["check", "--data", &data.path().display().to_string()]).stderr);
    assert!(said.contains("bitrix42") && said.contains("bitrix24"), "{said}");
    std::fs::write(data.path().join("ismart.toml"), "lisen = 1\n").unwrap();
    let said = text(&run(&["check", "--data", &data.path().display().to_string()]).stderr);
    assert!(said.contains("ismart.toml:1") && said.contains("lisen"), "{said}");
}

#[test]
fn a_port_in_use_and_an_empty_data_folder_are_explained() {
    let data = data_folder("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let out = run(&["serve", "--listen", &address, "--data", &data.path().display().to_string()]);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    let out = run(&["serve", "--listen", "127.0.0.1:0", "--data", &empty.path().display().to_string()]);
    assert!(text(&out.stderr).contains("holds no site"), "{}", text(&out.stderr));
}

#[test]
fn migrate_reports_the_schema_and_doctor_the_dead_portal() {
    let data = data_folder(
        "[http]\nallow_loopback = true\n[[client]]\nslug = \"avtograd\"\nname = \"A\"\n\
         [[client.destination]]\nname = \"crm\"\nkind = \"bitrix24\"\n\
         [client.destination.settings]\nwebhook = \"http://127.0.0.1:9/rest/1/verysecret/\"\n",
    );
    let folder = data.path().display().to_string();
    let out = run(&["migrate", "--data", &folder]);
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../ismart-store/migrations");
    let newest = std::fs::read_dir(migrations).unwrap().count();
    assert!(text(&out.stdout).contains(&format!("schema version {newest}")), "{}", text(&out.stderr));
    let out = run(&["doctor", "--json", "--data", &folder]);
    let body = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1));
    assert!(body.contains("destination `crm`") && !body.contains("verysecret"), "{body}");
}

#[test]
fn conventions_are_warned_of_mended_and_strict() {
    let data = data_folder("");
    let folder = data.path().display().to_string();
    let page = data.path().join("sites/avtograd/data/json/ru/pages/about.json");
    let sound = std::fs::read_to_string(&page).unwrap();
    std::fs::write(&page, sound.replace("    ", "\t")).unwrap();
    let out = run(&["check", "--data", &folder]);
    let said = text(&out.stderr);
    assert!(said.contains("about.json:2:2") && said.contains("json.indent"), "{said}");
    assert_eq!(out.status.code(), Some(0), "warnings do not fail");
    assert_eq!(run(&["check", "--strict", "--data", &folder]).status.code(), Some(1));
    let said = text(&run(&["check", "--fix", "--data", &folder]).stderr);
    assert!(said.contains("about.json: indented") && !said.contains("json.indent"), "{said}");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), sound);
}

#[test]
fn a_model_proposes_purposes_within_its_time_and_is_asked_once_when_it_fails() {
    let code = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        std::fs::create_dir_all(code.path().join(path).parent().unwrap()).unwrap();
        std::fs::write(code.path().join(path), text).unwrap();
    };
    for name in ["Mailer", "Router"] {
        write(
            &format!("src/{name}.php"),
            &format!("<?php class {name} {{ function run(string $to = 'a@b.ru') {{}} }}"),
        );
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = r#"{"choices":[{"message":{"content":"Sends letters."}}]}"#;
    let model = std::thread::spawn(move || {
        let mut asked = Vec::new();
        // One good answer, then a refusal; a third question would wait for ever.
        for (status, body) in [("200 OK", answer), ("500 Internal Server Error", "{}")] {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(request(&mut stream));
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        }
        asked
    });
    write("key", "sk-1\n");
    write(
        "contracts.toml",
        &format!(
            "[model]\nurl = \"http://127.0.0.1:{port}/v1\"\nname = \"small\"\nkey = {{ file = \"key\" }}\nseconds = 10\nallow_loopback = true\n"
        ),
    );
    let out = run(&["contracts", "init", "--root", &code.path().display().to_string()]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let asked = model.join().unwrap();
    assert!(asked[0].contains("authorization: Bearer sk-1") && asked[0].contains("Mailer"), "{}", asked[0]);
    assert!(!asked[0].contains("a@b.ru"), "{}", asked[0]);
    let contract =
        |name: &str| std::fs::read_to_string(code.path().join(format!("src/{name}.contract.md"))).unwrap();
    assert!(contract("Mailer").contains("<!-- proposed -->\nSends letters.\n"));
    assert!(contract("Router").contains("## PURPOSE\n\n## API"));
    let said = text(&out.stderr);
    assert!(said.contains("purposes are left to people") && said.contains("status 500"), "{said}");
}

/// A whole request of HTTP.
fn request(stream: &mut std::net::TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = std::io::Read::read(stream, &mut part).unwrap();
        text.extend_from_slice(&part[..read]);
        let said = String::from_utf8_lossy(&text).into_owned();
        let length = said.lines().find_map(|line| {
            line.to_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse::<usize>().ok())
        });
        let body = said.find("\r\n\r\n").map(|end| text.len() - end - 4);
        if read == 0 || body.zip(length).is_some_and(|(body, length)| body >= length) {
            return said;
        }
    }
}
