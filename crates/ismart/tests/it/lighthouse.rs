//! Lighthouse and axe over every page of the starter packs and of the console: `e2e/lighthouse.mjs` in Chromium.

use std::process::Command;

use crate::browser::missing;
use crate::server::{BINARY, Demo, HEAVY, root, say};

#[test]
fn packs_and_console_pass_lighthouse_and_axe() {
    let missing = missing(&["playwright-core", "lighthouse"]);
    if !missing.is_empty() {
        let how = "apt-get install chromium nodejs npm && npm ci --ignore-scripts --prefix e2e";
        say(&format!("NOT RUN in Lighthouse: {} missing; {how}", missing.join(", ")));
        assert!(
            std::env::var_os("ISMART_REQUIRE").is_none(),
            "ISMART_REQUIRE is set: nothing may leave itself out"
        );
        return;
    }
    let _alone = HEAVY.blocking_lock();
    let data = tempfile::tempdir().unwrap();
    let brief = data.path().join("brief.toml");
    let example = Command::new(BINARY).args(["site", "new", "--example"]).output().unwrap();
    std::fs::write(&brief, example.stdout).unwrap();
    let made = Command::new(BINARY)
        .args(["site", "new", "homes", "--vertical", "real-estate", "--brief"])
        .arg(&brief)
        .arg("--to")
        .arg(data.path().join("sites/homes"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let demo = Demo::start(data.path(), &[]);
    let port = demo.site.rsplit(':').next().unwrap();
    let output = Command::new("node")
        .arg("lighthouse.mjs")
        .current_dir(root().join("e2e"))
        .env("ISMART_SERVER", &demo.site)
        .env("ISMART_SITES", format!("cars=http://localhost:{port} homes=http://homes.localhost:{port}"))
        .env("ISMART_CONSOLE", format!("http://localhost:{port}"))
        .env("ISMART_LOGIN", &demo.login)
        .env("ISMART_PASSWORD", &demo.password)
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for group in ["cars: ", "homes: ", "console: "] {
        let line = text.lines().find(|line| line.starts_with(group));
        say(line.unwrap_or_else(|| panic!("the runner judged nothing of {group}\n{text}")));
    }
}
