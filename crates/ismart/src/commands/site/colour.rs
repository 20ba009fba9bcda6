//! Colours of a brand made readable: every pair that a design uses keeps the contrast of WCAG 2.2 AA.

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour([f64; 3]);

/// Contrast of text with its ground.
const TEXT: f64 = 4.6;
/// Contrast of what is seen and not read: outlines, buttons against the page.
const SEEN: f64 = 3.1;

const WHITE: Colour = Colour([1.0, 1.0, 1.0]);
const BLACK: Colour = Colour([0.0, 0.0, 0.0]);

impl Colour {
    /// Reads `#rgb` or `#rrggbb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hex = text.trim().strip_prefix('#')?;
        let long: String = match hex.len() {
            3 => hex.chars().flat_map(|c| [c, c]).collect(),
            6 => hex.to_owned(),
            _ => return None,
        };
        let part = |from: usize| {
            let value = u8::from_str_radix(long.get(from..from + 2)?, 16).ok()?;
            Some(f64::from(value) / 255.0)
        };
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// `#rrggbb`.
    pub(super) fn hex(self) -> String {
        let [r, g, b] = self.0.map(|part| format!("{:02x}", to_byte(part)));
        format!("#{r}{g}{b}")
    }

    /// `part` of `other` in this colour, 0 to 1.
    fn mix(self, other: Self, part: f64) -> Self {
        let [a, b, c] = self.0;
        let [x, y, z] = other.0;
        let blend = |own: f64, other: f64| own + (other - own) * part;
        Self([blend(a, x), blend(b, y), blend(c, z)])
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [r, g, b] = self
            .0
            .map(|part| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// Contrast ratio (WCAG 2.2).
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour, moved towards `end` until it keeps `ratio` with every ground.
    fn until(self, end: Self, grounds: &[Self], ratio: f64) -> Self {
        let steps = (0..=50).map(|step| self.mix(end, f64::from(step) / 50.0));
        steps
            .into_iter()
            .find(|made| grounds.iter().all(|ground| made.contrast(*ground) >= ratio))
            .unwrap_or(end)
    }

    /// Black or white, whichever is read better on this colour.
    fn ink(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }
}

fn to_byte(part: f64) -> u8 {
    // The nearest of 256 steps: no conversion that could lose anything is needed.
    (0..=u8::MAX)
        .min_by(|a, b| {
            let far = |step: u8| (f64::from(step) / 255.0 - part).abs();
            far(*a).total_cmp(&far(*b))
        })
        .unwrap_or(0)
}

/// The design tokens of a colour for one scheme: name and value.
fn tokens(accent: Colour, page: Colour, deeper: Colour, dark: bool) -> Vec<(&'static str, String)> {
    let end = if dark { WHITE } else { BLACK };
    let button = accent.until(end, &[page], if dark { TEXT } else { SEEN });
    let soft = page.mix(accent, if dark { 0.2 } else { 0.13 });
    let text = button.until(end, &[page, deeper, soft], TEXT);
    vec![
        ("accent", button.hex()),
        ("accent-ink", button.ink().hex()),
        ("accent-soft", soft.hex()),
        ("accent-text", text.hex()),
    ]
}

/// `tokens.css` with the accent of a brand in both schemes.
pub(super) fn paint(css: &str, accent: Colour) -> String {
    let mut dark = false;
    let mut made = String::with_capacity(css.len());
    let ground = |dark: bool, name: &str, default: Colour| {
        let part = if dark { css.split_once("@media").map_or("", |(_, rest)| rest) } else { css };
        let value = part.split_once(&format!("--{name}:")).map_or("", |(_, rest)| rest);
        value.split(';').next().and_then(Colour::parse).unwrap_or(default)
    };
    let scheme = |dark: bool| {
        let default = if dark { BLACK } else { WHITE };
        tokens(accent, ground(dark, "bg", default), ground(dark, "surface-2", default), dark)
    };
    let (light_tokens, dark_tokens) = (scheme(false), scheme(true));
    let deep = accent.until(BLACK, &[WHITE], 9.0).hex();
    for line in css.split_inclusive('\n') {
        dark |= line.contains("prefers-color-scheme: dark");
        let own = if dark { &dark_tokens } else { &light_tokens };
        let name =
            line.trim_start().strip_prefix("--").and_then(|rest| rest.split_once(':')).map(|(name, _)| name);
        let value = match name {
            Some("deep") => Some(&deep),
            Some(name) => own.iter().find(|(token, _)| *token == name).map(|(_, value)| value),
            None => None,
        };
        match (value, name) {
            (Some(value), Some(name)) => {
                let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
                made.push_str(&format!("{indent}--{name}: {value};\n"));
            }
            _ => made.push_str(line),
        }
    }
    made
}

/// The colour for white text on it: that of the chat's button.
pub(super) fn for_white_text(accent: Colour) -> String {
    accent.until(BLACK, &[WHITE], TEXT).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSS: &str = ":root {\n    --bg: #f5f6f4;\n    --surface-2: #eceeeb;\n    --accent: #0d5c63;\n    --accent-ink: #ffffff;\n    --accent-soft: #dcefed;\n    --accent-text: #0b545a;\n    --deep: #0a3b45;\n}\n@media (prefers-color-scheme: dark) {\n    :root {\n        --bg: #101618;\n        --surface-2: #20292d;\n        --accent: #62c7bf;\n        --accent-ink: #06282a;\n        --accent-soft: #17393b;\n        --accent-text: #86d8d1;\n    }\n}\n";

    fn token(css: &str, name: &str, dark: bool) -> Colour {
        let part = if dark { css.split_once("@media").unwrap().1 } else { css };
        let value = part.split_once(&format!("--{name}: ")).unwrap().1;
        Colour::parse(value.split(';').next().unwrap()).unwrap()
    }

    #[test]
    fn any_brand_colour_is_readable_in_both_schemes() {
        for accent in
            ["#0d5c63", "#ffd400", "#ff0000", "#000000", "#ffffff", "#7f7f7f", "#00f", "#ff69b4", "#39ff14"]
        {
            let css = paint(CSS, Colour::parse(accent).unwrap());
            for dark in [false, true] {
                let get = |name| token(&css, name, dark);
                for (text, ground) in [
                    ("accent-ink", "accent"),
                    ("accent-text", "bg"),
                    ("accent-text", "surface-2"),
                    ("accent-text", "accent-soft"),
                ] {
                    let ratio = get(text).contrast(get(ground));
                    assert!(ratio >= 4.5, "{accent} dark={dark}: {text} on {ground} has {ratio:.2}");
                }
                assert!(get("accent").contrast(get("bg")) >= 3.0, "{accent} dark={dark}: outlines");
            }
            assert!(token(&css, "deep", false).contrast(WHITE) >= 4.5);
            assert!(
                Colour::parse(&for_white_text(Colour::parse(accent).unwrap())).unwrap().contrast(WHITE)
                    >= 4.5
            );
        }
    }

    #[test]
    fn colours_are_read_and_written() {
        assert_eq!(Colour::parse("#0Af").unwrap().hex(), "#00aaff");
        assert_eq!(Colour::parse(" #0d5c63 ").unwrap().hex(), "#0d5c63");
        for wrong in ["", "red", "#12", "#1234567", "0d5c63", "#gggggg", "#ёжё"] {
            assert!(Colour::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_tokens_of_the_accent_change() {
        let css = paint(CSS, Colour::parse("#8f3a22").unwrap());
        let changed: Vec<&str> =
            CSS.lines().zip(css.lines()).filter(|(a, b)| a != b).map(|(a, _)| a.trim()).collect();
        assert!(
            changed.iter().all(|line| line.starts_with("--accent") || line.starts_with("--deep")),
            "{changed:?}"
        );
        assert_eq!(CSS.lines().count(), css.lines().count());
    }
}
