//! Goals of the foundation: the whole chain on the release binary.

use std::process::Command;

use serde::Deserialize;

use super::{Bench, Measured};

/// What the load tool prints with `--json`.
#[derive(Debug, Deserialize)]
struct Load {
    measured: Spread,
    reference: Spread,
    errors: u64,
    #[serde(default)]
    first_error: Option<String>,
}

/// Milliseconds.
#[derive(Debug, Deserialize)]
struct Spread {
    count: u64,
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

pub(super) fn page(bench: &Bench) -> Result<Measured, String> {
    load(bench, &["pages", "--connections", "2", "--seconds", "15"]).map(|load| judged(&load, 3.0))
}

pub(super) fn turn(bench: &Bench) -> Result<Measured, String> {
    load(bench, &["turns", "--conversations", "200", "--seconds", "20"]).map(|load| judged(&load, 20.0))
}

pub(super) fn lead(bench: &Bench) -> Result<Measured, String> {
    load(bench, &["leads", "--rate", "500", "--seconds", "20"]).map(|load| judged(&load, 15.0))
}

pub(super) fn start(bench: &Bench) -> Result<Measured, String> {
    let load = load(bench, &["start", "--times", "5"])?;
    Ok(Measured {
        figure: format!(
            "max {:.0} ms, p50 {:.0} ms of {}",
            load.measured.max, load.measured.p50, load.measured.count
        ),
        reference: format!("p50 {:.1} ms", load.reference.p50),
        holds: load.measured.max <= 5000.0 && load.errors == 0,
    })
}

fn load(bench: &Bench, arguments: &[&str]) -> Result<Load, String> {
    let programs = bench.programs()?;
    let ran = bench.run(
        Command::new(&programs.load).args(arguments).arg("--binary").arg(&programs.ismart).arg("--json"),
    )?;
    let last = ran.output.lines().last().unwrap_or("");
    serde_json::from_str(last).map_err(|e| format!("the load tool printed no result: {e}"))
}

fn judged(load: &Load, p99: f64) -> Measured {
    let Load { measured, reference, errors, first_error } = load;
    let cause = first_error.as_ref().map_or(String::new(), |cause| format!(" ({cause})"));
    Measured {
        figure: format!(
            "p99 {:.2} ms (p50 {:.2}, p95 {:.2}, max {:.2}; {} measured, {errors} errors{cause})",
            measured.p99, measured.p50, measured.p95, measured.max, measured.count
        ),
        reference: format!(
            "p99 {:.2} ms (p50 {:.2}, {} measured)",
            reference.p99, reference.p50, reference.count
        ),
        holds: measured.count > 0 && *errors == 0 && measured.p99 < p99,
    }
}

pub(super) fn kill(bench: &Bench) -> Result<Measured, String> {
    let arguments =
        ["test", "--release", "-p", "ismart", "--test", "it", "kill_nine_under_load", "--", "--nocapture"];
    let ran = bench.cargo(&arguments)?;
    drilled(&ran.output, ran.succeeded)
}

/// Reads `kill_nine_under_load: kills=50 answered=123 lost=0 doubled=0` off the drill's output.
fn drilled(output: &str, succeeded: bool) -> Result<Measured, String> {
    let counts =
        output.lines().find_map(|line| line.split_once("kill_nine_under_load: ").map(|(_, counts)| counts));
    let counts = counts.filter(|counts| counts.contains('=')).ok_or("the drill printed no counts")?;
    let count = |name: &str| -> Result<u64, String> {
        let found =
            counts.split_whitespace().filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        let (_, number) = found.ok_or_else(|| format!("the drill printed no count `{name}`"))?;
        number.parse().map_err(|e| format!("the drill's count `{name}` is no number: {e}"))
    };
    let (kills, answered, lost, doubled) =
        (count("kills")?, count("answered")?, count("lost")?, count("doubled")?);
    Ok(Measured {
        figure: format!("{lost} lost, {doubled} doubled in {kills} kills"),
        reference: format!("{answered} leads answered with success"),
        holds: succeeded && kills >= 50 && answered > 0 && lost == 0 && doubled == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_holds_only_with_its_counts() {
        let line = |lost: u8, kills: u8| {
            format!(
                "running 1 test\ntest x ... kill_nine_under_load: kills={kills} answered=700 lost={lost} doubled=0\nok"
            )
        };
        assert!(drilled(&line(0, 50), true).unwrap().holds);
        assert!(!drilled(&line(1, 50), true).unwrap().holds);
        assert!(!drilled(&line(0, 49), true).unwrap().holds);
        assert!(!drilled(&line(0, 50), false).unwrap().holds);
        assert!(drilled("running 0 tests", true).is_err());
    }

    #[test]
    fn a_load_with_errors_or_without_measurements_falls_short() {
        let load = |count: u64, errors: u64, p99: f64| {
            let spread = format!("{{\"count\":{count},\"p50\":1,\"p95\":1,\"p99\":{p99},\"max\":9}}");
            let text = format!("{{\"measured\":{spread},\"reference\":{spread},\"errors\":{errors}}}");
            judged(&serde_json::from_str(&text).unwrap(), 3.0).holds
        };
        assert!(load(10, 0, 2.9));
        assert!(!load(10, 1, 2.9));
        assert!(!load(0, 0, 2.9));
        assert!(!load(10, 0, 3.0));
    }
}
