//! Noise: how the same message looks when it is typed in haste.

use crate::text::{is_cyrillic, other_layout};

/// A kind of noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// As written.
    None,
    /// All small letters, no punctuation.
    Plain,
    /// All capitals.
    Capitals,
    /// One letter wrong in one or two long words.
    Typos,
    /// The whole message in the Latin layout.
    Layout,
    /// Polite words around it.
    Padded,
    /// Doubled spaces, doubled final marks, `ё` as `е`.
    Sloppy,
}

impl Noise {
    /// Every kind, in the order in which seeds pick them.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Plain, Self::Capitals, Self::Typos, Self::Layout, Self::Padded, Self::Sloppy];
}

fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn below(seed: &mut u64, limit: usize) -> usize {
    let limit = u64::try_from(limit.max(1)).unwrap_or(1);
    usize::try_from(next(seed) % limit).unwrap_or(0)
}

/// The message with this noise; the same seed gives the same text.
#[must_use]
pub fn noisy(text: &str, noise: Noise, seed: u64) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut seed = seed ^ 0xA5A5_5A5A_0F0F_F0F0;
    match noise {
        Noise::None => text.to_owned(),
        // Marks inside numbers, addresses and times stay: people type them.
        Noise::Plain => {
            let kept: String = text
                .trim_end_matches(['.', '?', '!'])
                .replace(", ", " ")
                .replace("? ", " ")
                .replace(". ", " ");
            kept.to_lowercase()
        }
        Noise::Capitals => text.to_uppercase(),
        Noise::Typos => typos(text, &mut seed),
        Noise::Layout => {
            let special = text.contains('@') || text.chars().any(|c| c.is_ascii_alphabetic());
            if special { text.to_lowercase() } else { letters(&text.to_lowercase()) }
        }
        Noise::Padded => {
            let words = ["пожалуйста", "плиз", "если можно", "будьте добры"];
            let word = words.get(below(&mut seed, words.len())).copied().unwrap_or("пожалуйста");
            if text.chars().any(is_cyrillic) {
                format!("{}, {word}", text.trim_end_matches(['.', '!']))
            } else {
                format!("{text} please")
            }
        }
        Noise::Sloppy => text.replace(' ', "  ").replace('ё', "е").replace('?', "??"),
    }
}

/// Letters in the other layout; marks and digits stay, they lie elsewhere on the keyboard.
fn letters(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphabetic() { other_layout(&c.to_string()) } else { c.to_string() })
        .collect()
}

/// One wrong letter in at most two words of six letters and more: swapped, dropped or doubled. First letters stay.
fn typos(text: &str, seed: &mut u64) -> String {
    let mut left = 1 + below(seed, 2);
    let words: Vec<String> = text
        .split(' ')
        .map(|word| {
            let chars: Vec<char> = word.chars().collect();
            let letters = chars.iter().filter(|c| is_cyrillic(**c)).count();
            if left == 0 || letters < 6 || letters + 1 < chars.len() || below(seed, 3) == 0 {
                return word.to_owned();
            }
            left -= 1;
            let at = 1 + below(seed, letters - 3);
            let mut out = chars.clone();
            match below(seed, 3) {
                0 => out.swap(at, at + 1),
                1 => drop(out.remove(at)),
                _ => out.insert(at, chars.get(at).copied().unwrap_or('о')),
            }
            out.into_iter().collect()
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_repeats_with_its_seed() {
        let text = "Здравствуйте, сколько стоит Джолион?";
        for noise in Noise::ALL {
            assert_eq!(noisy(text, noise, 7), noisy(text, noise, 7));
        }
        assert_eq!(noisy(text, Noise::Plain, 1), "здравствуйте сколько стоит джолион");
        assert_eq!(noisy("привет", Noise::Layout, 1), "ghbdtn");
        assert_ne!(noisy(text, Noise::Typos, 3), text);
    }
}
