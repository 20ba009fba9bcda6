//! Drills in small, as `ismart drill` runs them: everything breaks, and no lead is lost or doubled.

use std::process::Command;

use crate::server::{self, BINARY, HEAVY};

/// Runs a drill; what it printed.
async fn drill(name: &str, leads: u32, strikes: u32) -> String {
    let _alone = HEAVY.lock().await;
    let (leads, strikes) = (leads.to_string(), strikes.to_string());
    let arguments = ["drill", name, "--leads", &leads, "--strikes", &strikes];
    let output = tokio::task::spawn_blocking({
        let arguments = arguments.map(str::to_owned);
        move || Command::new(BINARY).args(arguments).output().unwrap()
    })
    .await
    .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{complained}");
    server::say(&format!("drill {}", said.trim()));
    if said.contains("NOT RUN") {
        let required = std::env::var_os("ISMART_REQUIRE").is_some();
        assert!(!required, "ISMART_REQUIRE is set, but {said}");
        return said;
    }
    assert!(said.contains(&format!("accepted={leads} ")), "{said}");
    assert!(said.contains("lost=0 doubled=0 undelivered=0 balanced=yes"), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos_loses_and_doubles_nothing() {
    let said = drill("chaos", 200, 2).await;
    assert!(said.contains("kills=2"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crm_that_is_away_for_three_days_gets_every_lead_once() {
    let said = drill("outage", 200, 1).await;
    assert!(said.contains("hours_away=72"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_leads_and_loses_none() {
    drill("disk-full", 200, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_restarts_without_warning_loses_nothing() {
    drill("database", 200, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_keeps_to_the_limits_of_both_crms() {
    let said = drill("backlog", 20, 1).await;
    assert_eq!(said.matches("refused_by_limits=0").count(), 2, "{said}");
}

#[test]
fn a_drill_refuses_a_folder_that_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("outage")).unwrap();
    let output =
        Command::new(BINARY).args(["drill", "outage", "--folder"]).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("a drill begins with nothing"), "{said}");
}
