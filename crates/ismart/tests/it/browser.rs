//! The newcomer's way in a real browser: `e2e/` drives Chromium through Playwright against `ismart demo`.

use std::process::Command;

use crate::server::{Demo, HEAVY, root, say};

#[test]
fn the_whole_chain_in_a_browser() {
    let missing = missing(&["playwright-core"]);
    if !missing.is_empty() {
        let how = "apt-get install chromium nodejs npm && npm ci --ignore-scripts --prefix e2e";
        say(&format!("NOT RUN in a browser: {} missing; {how}", missing.join(", ")));
        assert!(
            std::env::var_os("ISMART_REQUIRE").is_none(),
            "ISMART_REQUIRE is set: nothing may leave itself out"
        );
        return;
    }
    let _alone = HEAVY.blocking_lock();
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path(), &[]);
    let output = Command::new("node")
        .args(["--test", "--test-concurrency=1", "chain.test.mjs", "edit.test.mjs"])
        .current_dir(root().join("e2e"))
        .env("ISMART_SITE", &demo.site)
        .env("ISMART_PORTAL", &demo.portal)
        .env("ISMART_LOGIN", &demo.login)
        .env("ISMART_PASSWORD", &demo.password)
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("# pass") || text.contains("ℹ pass"), "the runner ran no test: {text}");
}

/// What a test in a browser needs and this machine lacks.
pub(crate) fn missing(packages: &[&'static str]) -> Vec<&'static str> {
    let mut missing = Vec::new();
    let runs =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success());
    if !runs("node") {
        missing.push("node");
    }
    if !runs("chromium") {
        missing.push("chromium");
    }
    missing.extend(packages.iter().filter(|package| !root().join("e2e/node_modules").join(package).exists()));
    missing
}
