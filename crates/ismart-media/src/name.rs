//! Names of files: what people call them, made safe for addresses and folders.

/// The longest name without its ending, characters.
const LONGEST: usize = 60;

/// Why a name is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be the name of a picture: use small letters, digits and hyphens")]
pub struct NameFault(pub String);

/// Cyrillic letters as addresses spell them.
const LETTERS: [(char, &str); 33] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "e"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "h"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "sch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

/// A safe name, without ending, for a file that somebody calls `given`: the last part of a path, in small Latin
/// letters, digits and hyphens. Never empty.
#[must_use]
pub fn safe_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or("");
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let mut name = String::new();
    for c in stem.to_lowercase().chars() {
        match LETTERS.iter().find(|(letter, _)| *letter == c) {
            Some((_, spelled)) => name.push_str(spelled),
            None if c.is_ascii_alphanumeric() => name.push(c),
            None if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            None => {}
        }
    }
    let name: String = name.chars().take(LONGEST).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "picture".to_owned() } else { name.to_owned() }
}

/// Whether a path below the folder of pictures can be opened as it stands: plain parts only, none hidden.
#[must_use]
pub fn is_safe(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.len() <= 120
            && !part.contains(['\\', ':', '\0'])
            && !part.chars().any(char::is_control)
    };
    !path.is_empty() && path.len() <= 400 && path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder() {
        for (given, name) in [
            ("Фото салона (1).JPG", "foto-salona-1"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\x\\Щука.png", "schuka"),
            ("..", "picture"),
            (".htaccess", "picture"),
            ("a%2f..%2fb.svg", "a-2f-2fb"),
            ("", "picture"),
            ("日本.png", "picture"),
            ("x.php.jpg", "x-php"),
        ] {
            assert_eq!(safe_name(given), name, "{given}");
            assert!(is_safe(&format!("{name}.jpg")));
        }
        assert_eq!(safe_name(&"a".repeat(500)).len(), 60);
        for bad in
            ["", "/a", "a//b", "../a", "a/../b", "a/.hidden", "a\\b", "a\0", "C:x", "a/", &"x/".repeat(300)]
        {
            assert!(!is_safe(bad), "{bad:?}");
        }
        assert!(is_safe("cars/red 1.jpg"));
    }
}
