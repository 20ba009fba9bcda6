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
    for command in ["serve", "demo", "check", "doctor", "migrate", "user"] {
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
    assert!(text(&out.stdout).contains("schema version 1"), "{}", text(&out.stderr));
    let out = run(&["doctor", "--json", "--data", &folder]);
    let body = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1));
    assert!(body.contains("destination `crm`") && !body.contains("verysecret"), "{body}");
}
