//! Goals of the contracts of code.

use super::{Bench, Measured};

/// Reads 100,000 lines of PHP with the crate's example `contracts-bench`.
pub(super) fn read(bench: &Bench) -> Result<Measured, String> {
    let ran = bench.cargo(&["run", "--release", "-p", "ismart-contracts", "--example", "contracts-bench"])?;
    judged(&ran.output)
}

/// Judges the line `result read lines=N seconds=S words=W`.
fn judged(output: &str) -> Result<Measured, String> {
    let line = output.lines().find_map(|line| line.strip_prefix("result read "));
    let line = line.ok_or("`contracts-bench` printed no result")?;
    let of = |key: &str| -> Result<f64, String> {
        let value = line.split(' ').find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
        let value = value.and_then(|value| value.parse().ok());
        value.ok_or_else(|| format!("`contracts-bench` gave no {key}"))
    };
    let (lines, seconds, words) = (of("lines")?, of("seconds")?, of("words")?);
    Ok(Measured {
        figure: format!("{seconds} s for {lines} lines"),
        reference: format!("{words} s"),
        holds: lines >= 100_000.0 && seconds <= 2.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lines_or_much_time_do_not_hold() {
        let holds = |line: &str| judged(&format!("x\n{line}\n")).unwrap().holds;
        assert!(holds("result read lines=100096 seconds=1.180 words=0.090"));
        assert!(!holds("result read lines=99999 seconds=1.180 words=0.090"));
        assert!(!holds("result read lines=100096 seconds=2.001 words=0.090"));
        assert!(judged("").is_err());
        assert!(judged("result read lines=1 words=1").is_err());
    }
}
