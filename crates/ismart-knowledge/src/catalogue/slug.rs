//! Addresses of stock pages: readable, unique, and the same whenever the same item comes again.

use std::collections::HashSet;

use super::Vehicle;

/// Latin letters, digits and single dashes; Russian letters are spelled in Latin ones, others are dropped.
#[must_use]
pub fn slugify(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if let Some(latin) = latin(c) {
            out.push_str(latin);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// The table is ours, because a page's address must survive an update of a library.
// table: the transliteration of each letter
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'ё' => "yo",
        'ж' => "zh",
        'з' => "z",
        'и' => "i",
        'й' | 'ы' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "h",
        'ц' => "ts",
        'ч' => "ch",
        'ш' => "sh",
        'щ' => "sch",
        'ъ' | 'ь' => "",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

/// Gives every vehicle `brand-model-year-suffix`, the suffix being a digest of its key alone: neither other
/// items nor the order of the feed change it. Two equal digests (one chance in a billion a pair) make both
/// longer.
pub(crate) fn give_slugs(vehicles: &mut [Vehicle]) {
    let mut seen = HashSet::new();
    let mut doubled = HashSet::new();
    for vehicle in vehicles.iter_mut() {
        vehicle.slug = slug(vehicle, 6);
        if !seen.insert(vehicle.slug.clone()) {
            doubled.insert(vehicle.slug.clone());
        }
    }
    for vehicle in vehicles.iter_mut().filter(|vehicle| doubled.contains(&vehicle.slug)) {
        vehicle.slug = slug(vehicle, 13);
    }
}

fn slug(vehicle: &Vehicle, digest: usize) -> String {
    let name = slugify(&format!("{} {} {}", vehicle.brand, vehicle.model, vehicle.year));
    format!("{name}-{}", suffix(&vehicle.key, digest))
}

/// The first `length` characters of the key's FNV-1a digest in base 32 without letters that look alike.
fn suffix(key: &str, length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut digest = 0xCBF2_9CE4_8422_2325_u64;
    for byte in key.bytes() {
        digest = (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    // The low bits of FNV mix worst, so the high half is folded onto them.
    digest ^= digest >> 32;
    (0..length)
        .filter_map(|place| {
            let index = usize::try_from((digest >> (5 * place.min(12))) & 31).ok()?;
            ALPHABET.get(index).map(|byte| char::from(*byte))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_becomes_latin() {
        assert_eq!(slugify("  Ёлка & Щука, II (4K) "), "yolka-schuka-ii-4k");
        assert_eq!(slugify("Niva Legend"), "niva-legend");
        assert_eq!(slugify("日本"), "");
    }

    #[test]
    fn the_suffix_depends_on_the_key_alone() {
        assert_eq!(suffix("a7-0012", 6), suffix("a7-0012", 6));
        assert_ne!(suffix("a7-0012", 6), suffix("a7-0013", 6));
        let all: HashSet<String> = (0..20_000).map(|n| suffix(&format!("n{n}"), 6)).collect();
        assert!(all.len() > 19_990, "{}", all.len());
    }
}
