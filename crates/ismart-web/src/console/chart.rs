//! Bars by day, drawn on the server: geometry in whole units of the picture's own grid.

use serde::Serialize;

/// Width of the picture, units.
const WIDTH: i64 = 9000;
/// Height of the picture, units.
const HEIGHT: i64 = 1000;

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
    /// What the bar says.
    says: String,
}

/// Bars from left to right on one scale that begins at zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bars {
    width: i64,
    height: i64,
    /// The value at the top of the scale.
    top: i64,
    bars: Vec<Bar>,
}

impl Bars {
    /// Draws values with what each says.
    pub(super) fn new(values: Vec<(i64, String)>) -> Self {
        let count = i64::try_from(values.len()).unwrap_or(i64::MAX).max(1);
        let top = round_up(values.iter().map(|(value, _)| *value).max().unwrap_or(0));
        let bars = (0_i64..).zip(values).map(|(at, (value, says))| {
            let (left, right) = (WIDTH * at / count, WIDTH * (at + 1) / count);
            let gap = (right - left) / 5;
            // A value that is there is seen, however small.
            let height = if value > 0 { (value * HEIGHT / top).max(HEIGHT / 60) } else { 0 };
            Bar { x: left + gap / 2, y: HEIGHT - height, width: right - left - gap, height, says }
        });
        Self { width: WIDTH, height: HEIGHT, top, bars: bars.collect() }
    }

    /// The value at the top of the scale.
    pub(super) fn top(&self) -> i64 {
        self.top
    }
}

/// The next round number: one that people read without counting.
fn round_up(value: i64) -> i64 {
    let mut step = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= value || round == i64::MAX {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_one_scale_and_stay_inside() {
        let values: Vec<(i64, String)> = [0, 1, 10, 73].map(|v| (v, v.to_string())).into();
        let chart = Bars::new(values);
        assert_eq!(chart.top, 100);
        let heights: Vec<i64> = chart.bars.iter().map(|bar| bar.height).collect();
        assert_eq!(heights, [0, 16, 100, 730]);
        for bar in &chart.bars {
            assert_eq!(bar.y + bar.height, HEIGHT);
            assert!(bar.x >= 0 && bar.x + bar.width <= WIDTH && bar.width > 0);
        }
        for pair in chart.bars.windows(2) {
            assert!(pair[0].x + pair[0].width < pair[1].x, "bars do not touch");
        }
    }

    #[test]
    fn scales_are_round_and_never_zero() {
        let rounds: Vec<i64> = [0, 1, 2, 3, 6, 11, 73, 501].map(round_up).into();
        assert_eq!(rounds, [1, 1, 2, 5, 10, 20, 100, 1000]);
        assert_eq!(Bars::new(Vec::new()).top(), 1);
    }
}
