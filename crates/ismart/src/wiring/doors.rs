//! Doors of the configuration are opened: each belongs to a site of its client.

use std::path::Path;

use ismart_domain::{ClientId, Env, SiteId};
use ismart_leads::intake::{Door, DoorWords, Guard, Site};
use ismart_store::{Store, StoreError, clients};

use super::client_row;
use crate::config::{ClientSection, DoorSection, Loaded, Names};
use crate::output::{Failed, Trouble};

/// Opens every door.
///
/// # Errors
/// Everything that is wrong with any of them.
pub(crate) async fn open(loaded: &Loaded, store: &Store) -> Result<Vec<Door>, Failed> {
    let (mut doors, mut troubles) = (Vec::new(), Vec::new());
    for client in &loaded.config.clients {
        if client.doors.is_empty() {
            continue;
        }
        let client_id = client_row(store, &client.slug, &client.name).await?;
        for section in &client.doors {
            let site_id = site_of(store, client_id, &section.site).await?;
            match opened(loaded, client, section, client_id, site_id) {
                Ok(door) => doors.push(door),
                Err(found) => troubles.extend(found),
            }
        }
    }
    if troubles.is_empty() { Ok(doors) } else { Err(Failed(troubles)) }
}

async fn site_of(store: &Store, client_id: ClientId, key: &str) -> Result<Option<SiteId>, StoreError> {
    let sites = clients::sites(&mut store.read().await?, client_id).await?;
    Ok(sites.into_iter().find(|site| site.slug == key).map(|site| site.id))
}

fn opened(
    loaded: &Loaded,
    client: &ClientSection,
    section: &DoorSection,
    client_id: ClientId,
    site_id: Option<SiteId>,
) -> Result<Door, Vec<Trouble>> {
    let place = format!("{}: client `{}`: door `{}`", loaded.file.display(), client.slug, section.name);
    let mut troubles = Vec::new();
    if site_id.is_none() {
        troubles.push(Trouble::new(
            format!("{place}: site"),
            format!("the client has no site `{}`", section.site),
            "give the key of one of its sites: `site` of its config/site.toml, or the name of its folder",
        ));
    }
    let names = |names: &Names| match names {
        Names::One(name) => vec![name.clone()],
        Names::Several(names) => names.clone(),
    };
    let words = DoorWords {
        basis: section.basis.clone(),
        intent: section.intent.clone(),
        fields: section.fields.iter().map(|(meaning, said)| (meaning.clone(), names(said))).collect(),
        ignore: section.ignore.clone(),
    };
    let placeholder = || Env::system().new_id();
    let site = Site { client_id, site_id: site_id.unwrap_or_else(placeholder), key: section.site.clone() };
    match Door::open(&section.name, &section.kind, site, &words, &section.settings) {
        Ok(door) => {
            if let Guard::Mailbox(plan) = &door.guard
                && let Some(file) = &plan.ca_file
                && let Err(trouble) = authorities(&place, &loaded.base.join(file))
            {
                troubles.push(trouble);
            }
            if troubles.is_empty() { Ok(door) } else { Err(troubles) }
        }
        Err(problems) => {
            troubles.extend(problems.into_iter().map(|problem| {
                Trouble::new(format!("{place}: {}", problem.key), problem.reason, "correct the setting")
            }));
            Err(troubles)
        }
    }
}

fn authorities(place: &str, file: &Path) -> Result<(), Trouble> {
    let trouble =
        |why: String| Trouble::new(format!("{place}: ca_file"), why, "give a PEM file that can be read");
    let pem = std::fs::read(file).map_err(|error| trouble(format!("{}: {error}", file.display())))?;
    ismart_mail::Security::tls(Some(&pem)).map(drop).map_err(|error| trouble(error.to_string()))
}

/// Everything that can be found wrong with doors without a database: for `check`. `known` says whether a client has a
/// site of a key.
pub(crate) fn examine(loaded: &Loaded, known: impl Fn(&str, &str) -> bool) -> Vec<Trouble> {
    let env = Env::system();
    let mut troubles = Vec::new();
    for client in &loaded.config.clients {
        for section in &client.doors {
            let site_id = known(&client.slug, &section.site).then(|| env.new_id());
            troubles
                .extend(opened(loaded, client, section, env.new_id(), site_id).err().into_iter().flatten());
        }
    }
    troubles
}
