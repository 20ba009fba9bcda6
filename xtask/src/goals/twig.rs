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

pub(super) fn table(bench: &Bench) -> Result<Measured, String> {
    speed(bench, "table", 8.0)
}

pub(super) fn page(bench: &Bench) -> Result<Measured, String> {
    speed(bench, "page", 10.0)
}

pub(super) fn filters(bench: &Bench) -> Result<Measured, String> {
    speed(bench, "filters", 5.0)
}

/// Renders a workload beside PHP Twig and minijinja.
fn speed(bench: &Bench, workload: &str, bar: f64) -> Result<Measured, String> {
    let result = result(&run(bench, workload)?, workload)?;
    let (Some(times), Some(share)) = (number(&result, "times"), number(&result, "share")) else {
        return Err("PHP Twig is absent; on Debian: apt-get install php-cli php-twig".to_owned());
    };
    let time = |engine: &str| result.iter().find(|(k, _)| k == engine).map_or("?", |(_, v)| v.as_str());
    let same = result.iter().any(|(k, v)| k == "same" && v == "true");
    Ok(Measured {
        figure: format!("{} ({times} x PHP Twig, {share} of minijinja)", time("ismart-twig")),
        reference: format!("PHP Twig {}, minijinja {}, bytes equal: {same}", time("php"), time("minijinja")),
        holds: same && times >= bar && share <= 0.5,
    })
}

pub(super) fn compile(bench: &Bench) -> Result<Measured, String> {
    let output = run(bench, "compile")?;
    let time = |name: &str| -> Result<f64, String> {
        let result = result(&output, name)?;
        number(&result, "ismart-twig").ok_or_else(|| format!("`bench` gave no time for {name}"))
    };
    let (page, dense) = (time("compile-page")?, time("compile-dense")?);
    Ok(Measured {
        figure: format!("{page} us"),
        reference: format!("{dense} us for 500 lines of nothing but expressions"),
        holds: page <= 1000.0,
    })
}

pub(super) fn allocations(bench: &Bench) -> Result<Measured, String> {
    let result = result(&run(bench, "allocations")?, "allocations")?;
    let per_text = number(&result, "text").ok_or("`bench` gave no number of allocations")?;
    Ok(Measured {
        figure: format!("{per_text} a text node"),
        reference: "the same template without its texts".to_owned(),
        holds: per_text < 0.01,
    })
}

/// Runs a part of the engine's benchmark.
fn run(bench: &Bench, only: &str) -> Result<String, String> {
    let manifest = "crates/ismart-twig/bench/Cargo.toml";
    let ran = bench.cargo(&["run", "--release", "--manifest-path", manifest, "--", "--only", only])?;
    Ok(ran.output)
}

/// The fields of the line `result NAME key=value …`.
fn result(output: &str, name: &str) -> Result<Vec<(String, String)>, String> {
    let line =
        output.lines().find_map(|line| line.strip_prefix("result ")?.strip_prefix(name)?.strip_prefix(' '));
    let line = line.ok_or_else(|| format!("the benchmark printed no result for {name}"))?;
    Ok(line.split(' ').filter_map(|f| f.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

fn number(result: &[(String, String)], key: &str) -> Option<f64> {
    let (_, value) = result.iter().find(|(k, _)| k == key)?;
    value.trim_end_matches("us").parse().ok()
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

    #[test]
    fn results_are_read_by_name() {
        let output =
            "  table: 3\nresult table-x a=1.0us\nresult table ismart-twig=1.5us times=8.10 same=true\n";
        let fields = result(output, "table").unwrap();
        assert_eq!(number(&fields, "ismart-twig"), Some(1.5));
        assert_eq!(number(&fields, "times"), Some(8.1));
        assert_eq!(number(&fields, "same"), None);
        assert!(result(output, "page").is_err());
    }
}
