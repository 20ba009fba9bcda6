use ismart_workers::scenario::{Report, run};

use crate::support::{Scene, block_on, general_worker, worker};

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

/// The worker without a trade answers from what the site says, takes requests and calls a person, however it is said.
#[test]
fn scenarios_of_the_general_worker_pass() {
    let worker = general_worker();
    for (variants, least) in [(1, 1000), (8, 750)] {
        let report = block_on(run(&worker, &mut Scene::default(), variants, 20_261_126));
        print(&report);
        assert!(report.scenarios >= 8);
        assert!(
            report.pass_k_permille() >= least,
            "pass^{variants} is {} per mille",
            report.pass_k_permille()
        );
    }
}
