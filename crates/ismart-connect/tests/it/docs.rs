//! The page of settings is made of the list of connectors.

use std::fmt::Write as _;
use std::path::Path;

use ismart_connect::{CONNECTORS, FieldKind, Memory};

fn page() -> String {
    let mut text = "# Destinations\n\n<!-- Made of `CONNECTORS`; the test `docs` of ismart-connect says how to renew it. -->\n\n\
         Where leads go besides the inbox: `[[client.destination]]` of `ismart.toml` with `name`, `kind`, the settings below, and \
         `sites = [\"…\"]` where only leads of some sites of the client go there. A setting may be `{ env = \"NAME\" }` or \
         `{ file = \"path\" }`; secrets should be. `ismart doctor` and “Check” in the console try every destination and say what \
         to mend; leads wait meanwhile. A change takes effect with SIGHUP or when it is saved in the console, without a restart; \
         how outcomes come back is read at the start.\n"
        .to_owned();
    for entry in CONNECTORS {
        let memory = match entry.memory {
            Memory::Asked => "After a lost answer it is asked for the lead before anything is sent again.",
            Memory::Recognises => {
                "It cannot be asked; every attempt carries the same key, so that a repeat is recognised."
            }
            Memory::Forgets => {
                "It can neither be asked nor recognise a repeat: after a lost answer a lead may stand there twice, under its one \
                 number."
            }
        };
        write!(
            text,
            "\n## {} (`{}`)\n\n{memory}\n\n| Setting | Without it | Meaning |\n|---|---|---|\n",
            entry.title_en, entry.kind
        )
        .unwrap();
        for field in entry.fields {
            let absent = match (field.required, field.default) {
                (true, _) => "must be given".to_owned(),
                (false, Some(default)) => format!("`{default}`"),
                (false, None) => "—".to_owned(),
            };
            let kind = match field.kind {
                FieldKind::Secret => " Secret.".to_owned(),
                FieldKind::Text => String::new(),
                FieldKind::Number => " A number.".to_owned(),
                FieldKind::Choice(choices) => format!(" One of {}.", choices.join(", ")),
            };
            writeln!(text, "| `{}` | {absent} | {}: {}.{kind} |", field.key, field.title_en, field.help_en)
                .unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_settings_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/destinations.md");
    let (there, now) = (std::fs::read_to_string(&path).unwrap_or_default(), page());
    if there != now {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("destinations.md");
        std::fs::write(&made, now).unwrap();
        panic!(
            "docs/reference/destinations.md differs from CONNECTORS; renew it: cp {} {}",
            made.display(),
            path.display()
        );
    }
}
