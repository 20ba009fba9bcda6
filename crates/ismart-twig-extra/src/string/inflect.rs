//! Plural and singular of English nouns.

/// Nouns with one form.
const ONE_FORM: &[&str] = &[
    "aircraft",
    "deer",
    "equipment",
    "feedback",
    "fish",
    "hardware",
    "health",
    "history",
    "info",
    "information",
    "money",
    "moose",
    "news",
    "series",
    "sheep",
    "software",
    "species",
    "traffic",
];

/// Singular and plural of nouns that follow no rule; words that end in them follow them too.
const IRREGULAR: &[(&str, &str)] = &[
    ("man", "men"),
    ("child", "children"),
    ("person", "people"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("goose", "geese"),
    ("mouse", "mice"),
    ("louse", "lice"),
    ("criterion", "criteria"),
    ("phenomenon", "phenomena"),
    ("bacterium", "bacteria"),
    ("curriculum", "curricula"),
    ("medium", "media"),
    ("memorandum", "memoranda"),
    ("stratum", "strata"),
    ("corpus", "corpora"),
    ("genus", "genera"),
    ("fungus", "fungi"),
    ("alumnus", "alumni"),
    ("radius", "radii"),
    ("syllabus", "syllabi"),
    ("nucleus", "nuclei"),
    ("stimulus", "stimuli"),
    ("cactus", "cacti"),
    ("focus", "foci"),
    ("index", "indices"),
    ("appendix", "appendices"),
    ("matrix", "matrices"),
    ("vertex", "vertices"),
    ("life", "lives"),
    ("wife", "wives"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("half", "halves"),
    ("shelf", "shelves"),
    ("self", "selves"),
    ("wolf", "wolves"),
    ("thief", "thieves"),
    ("loaf", "loaves"),
    ("calf", "calves"),
    ("elf", "elves"),
    ("hoof", "hooves"),
    ("dwarf", "dwarves"),
    ("staff", "staves"),
    ("quiz", "quizzes"),
    ("hero", "heroes"),
    ("echo", "echoes"),
    ("potato", "potatoes"),
    ("tomato", "tomatoes"),
    ("chateau", "chateaux"),
    ("passerby", "passersby"),
    ("bus", "buses"),
    ("gas", "gases"),
    ("status", "statuses"),
    ("campus", "campuses"),
    ("virus", "viruses"),
    ("bonus", "bonuses"),
    ("atlas", "atlases"),
    ("alias", "aliases"),
    ("iris", "irises"),
    ("circus", "circuses"),
    ("nexus", "nexuses"),
    ("movie", "movies"),
    ("cookie", "cookies"),
    ("zombie", "zombies"),
    ("selfie", "selfies"),
    ("tie", "ties"),
    ("pie", "pies"),
    ("shoe", "shoes"),
    ("toe", "toes"),
    ("axe", "axes"),
    ("axis", "axes"),
    ("nebula", "nebulae"),
    ("crisis", "crises"),
    ("thesis", "theses"),
    ("analysis", "analyses"),
    ("oasis", "oases"),
    ("diagnosis", "diagnoses"),
    ("synopsis", "synopses"),
    ("emphasis", "emphases"),
    ("datum", "data"),
    ("archive", "archives"),
    ("drive", "drives"),
    ("olive", "olives"),
    ("wave", "waves"),
    ("cave", "caves"),
    ("glove", "gloves"),
    ("move", "moves"),
    ("valve", "valves"),
    ("curve", "curves"),
    ("cache", "caches"),
    ("ache", "aches"),
    ("house", "houses"),
    ("database", "databases"),
    ("cause", "causes"),
    ("blouse", "blouses"),
];

/// Of the irregular ones, those that longer nouns end in: `woman`, `grandchild`, `bookshelf`.
const COMPOUND: &[&str] = &[
    "man", "child", "person", "foot", "tooth", "goose", "mouse", "wife", "life", "knife", "leaf", "shelf",
    "self", "wolf", "house", "thesis", "analysis", "medium", "status",
];

/// Nouns that only look like one of the irregular ones: `human` is no `man`.
const REGULAR: &[&str] = &["human", "german", "roman", "ottoman", "talisman", "shaman", "sofa"];

/// Endings of a singular whose plural appends `es`.
const HISSING: &[&str] = &["s", "x", "z", "ch", "sh"];

/// The plurals of a noun, the most usual first.
pub(super) fn plurals(noun: &str) -> Vec<String> {
    inflected(noun, |low| {
        if let Some(found) = irregular(low, |(one, many)| (one, many)) {
            return found;
        }
        if let Some(stem) = low.strip_suffix("sis") {
            return format!("{stem}ses");
        }
        match low.strip_suffix('y') {
            Some(stem) if stem.ends_with(consonant) => return format!("{stem}ies"),
            _ => {}
        }
        if HISSING.iter().any(|end| low.ends_with(end)) {
            return format!("{low}es");
        }
        format!("{low}s")
    })
}

/// The singulars of a noun, the most usual first.
pub(super) fn singulars(noun: &str) -> Vec<String> {
    inflected(noun, |low| {
        if let Some(found) = irregular(low, |(one, many)| (many, one)) {
            return found;
        }
        if let Some(stem) = low.strip_suffix("ies")
            && stem.ends_with(consonant)
        {
            return format!("{stem}y");
        }
        for end in ["sses", "xes", "zzes", "ches", "shes"] {
            if low.ends_with(end) {
                return low.strip_suffix("es").unwrap_or(low).to_owned();
            }
        }
        match low.strip_suffix('s') {
            Some(stem) if !stem.is_empty() && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
            _ => low.to_owned(),
        }
    })
}

fn consonant(c: char) -> bool {
    c.is_ascii_alphabetic() && !"aeiou".contains(c)
}

fn irregular(
    noun: &str,
    side: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Option<String> {
    if REGULAR.iter().any(|r| noun.strip_suffix('s').unwrap_or(noun) == *r) {
        return None;
    }
    IRREGULAR.iter().find_map(|pair| {
        let (from, to) = side(*pair);
        let stem = noun.strip_suffix(from)?;
        let whole = stem.is_empty() || stem.ends_with(['_', '-', ' ']);
        (whole || COMPOUND.contains(&pair.0)).then(|| format!("{stem}{to}"))
    })
}

/// Inflects in lower case and gives the result the case of the noun.
fn inflected(noun: &str, form: impl Fn(&str) -> String) -> Vec<String> {
    let low = noun.to_lowercase();
    if low.is_empty() || ONE_FORM.contains(&low.as_str()) {
        return vec![noun.to_owned()];
    }
    let form = form(&low);
    // The letters that both share keep their case.
    let shared =
        noun.chars().zip(form.chars()).take_while(|(a, b)| a.to_lowercase().eq(b.to_lowercase())).count();
    let upper = low.len() > 1 && noun.chars().all(|c| !c.is_lowercase());
    let tail: String = form.chars().skip(shared).collect();
    let tail = if upper { tail.to_uppercase() } else { tail };
    vec![noun.chars().take(shared).collect::<String>() + &tail]
}
