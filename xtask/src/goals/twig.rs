//! Goals of the template engine: case files that lie beside the repository.

use serde_json::Value;

use super::{Bench, Measured};

pub(super) fn fixtures_a(bench: &Bench) -> Result<Measured, String> {
    cases(bench, "fixtures.jsonl", |case| case["class"] == "a")
}

pub(super) fn fixtures_b(bench: &Bench) -> Result<Measured, String> {
    cases(bench, "fixtures.jsonl", |case| case["class"] == "b")
}

pub(super) fn semantics(bench: &Bench) -> Result<Measured, String> {
    cases(bench, "semantics.jsonl", |case| case["php_text"] != true && case["php_dependent"] != true)
}

/// Runs the engine's example `vectors` over the cases that count.
fn cases(bench: &Bench, file: &str, counts: fn(&Value) -> bool) -> Result<Measured, String> {
    let path = bench.shared(&format!("vectors/twig/{file}"))?;
    let text =
        std::fs::read_to_string(&path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
    let mut chosen = String::new();
    let mut number = 0_u64;
    for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).map_err(|e| format!("{}: {e}", path.display()))?;
        if counts(&case) {
            chosen.push_str(line);
            chosen.push('\n');
            number += 1;
        }
    }
    let folder = tempfile::tempdir().map_err(|e| format!("no temporary folder: {e}"))?;
    let place = folder.path().join(file);
    std::fs::write(&place, chosen).map_err(|e| format!("{} cannot be written: {e}", place.display()))?;
    let place = place.to_string_lossy();
    let ran =
        bench.cargo(&["run", "--release", "-p", "ismart-twig", "--example", "vectors", "--", &place])?;
    counted(&ran.output, number)
}

/// Reads `N passed, M failed` off the last line.
fn counted(output: &str, number: u64) -> Result<Measured, String> {
    let last = output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
    let mut words = last.split([' ', ',']).filter(|word| !word.is_empty());
    let (Some(Ok(passed)), Some("passed"), Some(Ok(failed))) =
        (words.next().map(str::parse::<u64>), words.next(), words.next().map(str::parse::<u64>))
    else {
        return Err(format!("`vectors` ended with `{last}` instead of `N passed, M failed`"));
    };
    Ok(Measured {
        figure: format!("{passed} passed, {failed} failed"),
        reference: format!("{number} cases"),
        holds: failed == 0 && passed == number && number > 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_cases_hold() {
        assert!(counted("x: failed\n3 passed, 0 failed\n", 3).unwrap().holds);
        assert!(!counted("3 passed, 0 failed", 4).unwrap().holds);
        assert!(!counted("3 passed, 1 failed", 4).unwrap().holds);
        assert!(counted("error: no example target named `vectors`", 4).is_err());
        assert!(counted("", 4).is_err());
    }
}
