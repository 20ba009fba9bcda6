use ismart_workers::scenario::{Report, run};

use crate::support::{Scene, block_on, worker};

fn print(report: &Report) {
    println!(
        "{} scenarios, {} passed all {} variants (pass^{} {}.{} %), runs {}/{}",
        report.scenarios,
        report.passed,
        report.k,
        report.k,
        report.pass_k_permille() / 10,
        report.pass_k_permille() % 10,
        report.runs_passed,
        report.runs
    );
    for failure in &report.failures {
        println!(
            "- {} [{}] step {} «{}»: {}",
            failure.scenario, failure.noise, failure.step, failure.said, failure.reason
        );
    }
}

/// Proves P16.
#[test]
fn every_scenario_of_the_package_passes_as_written() {
    let report = block_on(run(worker(), &mut Scene::default(), 1, 1));
    print(&report);
    assert!(report.scenarios >= 40);
    assert_eq!(report.failures, Vec::new());
}

/// Proves P16.
#[test]
fn scenarios_pass_with_noise() {
    let report = block_on(run(worker(), &mut Scene::default(), 8, 20_261_122));
    print(&report);
    assert!(report.pass_k_permille() >= 970, "pass^8 fell to {} per mille", report.pass_k_permille());
}
