//! Goals of the workers: scenarios of the shipped packages.

use super::{Bench, Measured};

/// Bar of pass^8, in thousandths.
const NOISY: u64 = 990;

/// Counts of one suite, read off `41 scenarios, 40 passed all 8 variants (pass^8 97.5 %), runs 325/328`.
#[derive(Debug, PartialEq, Eq)]
struct Suite {
    scenarios: u64,
    passed: u64,
    variants: u64,
}

pub(super) fn scenarios(bench: &Bench) -> Result<Measured, String> {
    let arguments =
        ["test", "--release", "-p", "ismart-workers", "--test", "it", "scenario", "--", "--nocapture"];
    let ran = bench.cargo(&arguments)?;
    judged(&ran.output)
}

/// The tests have bars of their own, which may be lower; what counts here is what was counted there.
fn judged(output: &str) -> Result<Measured, String> {
    let suites: Vec<Suite> = output.lines().filter_map(suite).collect();
    let of = |variants: u64| {
        let found = suites.iter().find(|suite| suite.variants == variants && suite.scenarios > 0);
        found.ok_or_else(|| format!("no suite with {variants} variants was run"))
    };
    let (written, noisy) = (of(1)?, of(8)?);
    let thousandths = noisy.passed * 1000 / noisy.scenarios;
    Ok(Measured {
        figure: format!(
            "{} of {} as written, pass^8 {}.{} %",
            written.passed,
            written.scenarios,
            thousandths / 10,
            thousandths % 10
        ),
        reference: format!("{} runs", written.scenarios + noisy.scenarios * noisy.variants),
        holds: written.passed == written.scenarios && thousandths >= NOISY,
    })
}

fn suite(line: &str) -> Option<Suite> {
    // The test runner writes before it on the same line.
    let (before, after) = line.split_once(" scenarios, ")?;
    let (passed, rest) = after.split_once(" passed all ")?;
    Some(Suite {
        scenarios: before.rsplit(' ').next()?.parse().ok()?,
        passed: passed.parse().ok()?,
        variants: rest.split(' ').next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(written: u64, noisy: u64) -> String {
        format!(
            "test a ... 100 scenarios, {written} passed all 1 variants (pass^1 x %), runs 1/2\nok\n\
             100 scenarios, {noisy} passed all 8 variants (pass^8 x %), runs 3/4\n"
        )
    }

    #[test]
    fn all_as_written_and_nearly_all_with_noise_hold() {
        let measured = judged(&output(100, 99)).unwrap();
        assert!(measured.holds);
        assert_eq!(measured.figure, "100 of 100 as written, pass^8 99.0 %");
        assert!(!judged(&output(99, 99)).unwrap().holds);
        assert!(!judged(&output(100, 98)).unwrap().holds);
    }

    #[test]
    fn a_suite_that_was_not_run_is_not_measured() {
        assert!(judged("running 0 tests").is_err());
        assert!(
            judged("0 scenarios, 0 passed all 1 variants\n0 scenarios, 0 passed all 8 variants").is_err()
        );
    }
}
