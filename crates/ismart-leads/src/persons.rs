//! Who is behind a lead: found by phone and e-mail address inside one client, over all channels. Two persons that a lead
//! shows to be one are joined by a link that can be undone; a number that many people use joins nobody.

use ismart_domain::lead::{Lead, LeadDraft};
use ismart_domain::{ClientId, EventBody, LeadId, MergeId, PersonId, TraceId, UserId};
use ismart_store::events::Scope;
use ismart_store::persons::{self, Contact, Known, Merge};
use ismart_store::{Store, StoreError, Tx, events};

/// The contacts of a request with what is known of them, locked until the transaction ends.
#[derive(Debug)]
pub(crate) struct Contacts(Vec<(Contact, Known)>);

/// Finds and locks the contacts of a request, the phone first.
///
/// # Errors
/// [`StoreError`] of the engine.
pub(crate) async fn contacts(
    tx: &mut Tx,
    client_id: ClientId,
    draft: &LeadDraft,
) -> Result<Contacts, StoreError> {
    let phone = draft.phone.as_ref().map(|phone| Contact::Phone(phone.e164().to_owned()));
    let email = draft.email.as_ref().map(|email| Contact::Email(email.matching()));
    let mut found = Vec::with_capacity(2);
    for contact in phone.into_iter().chain(email) {
        let known = persons::touch(tx, client_id, &contact).await?;
        found.push((contact, known));
    }
    Ok(Contacts(found))
}

/// The person of a request, and the merge that it showed to be due.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) person_id: PersonId,
    pub(crate) merge: Option<Merge>,
}

/// A name as it is compared: lower case, `ё` as `е`, words in order.
fn plain(draft: &LeadDraft) -> String {
    let name = draft.name.as_ref().map_or("", |name| name.as_str()).to_lowercase().replace('ё', "е");
    let mut words: Vec<&str> = name.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// Whether two names may be one person's: every word of the shorter one is in the longer one.
fn agree(one: &str, other: &str) -> bool {
    let within = |a: &str, b: &str| a.split(' ').all(|word| b.split(' ').any(|found| found == word));
    within(one, other) || within(other, one)
}

/// Finds the person of a request or makes him, and remembers his contacts and his name with them.
///
/// # Errors
/// [`StoreError`] of the engine.
pub(crate) async fn resolve(
    tx: &mut Tx,
    client_id: ClientId,
    mut contacts: Contacts,
    draft: &LeadDraft,
    limit: i64,
) -> Result<Found, StoreError> {
    let name = plain(draft);
    let mut owners = Vec::with_capacity(2);
    for (contact, known) in &mut contacts.0 {
        if !known.shared && !name.is_empty() && known.person_id.is_some() {
            let names = persons::names(tx, client_id, contact, limit + 1).await?;
            let stranger = !names.iter().any(|known| agree(known, &name));
            if stranger && i64::try_from(names.len()).is_ok_and(|count| count >= limit) {
                persons::set_shared(tx, client_id, contact).await?;
                known.shared = true;
            }
        }
        let owner =
            if known.shared { persons::named(tx, client_id, contact, &name).await? } else { known.person_id };
        owners.push((owner, known.shared));
    }
    let owned = |shared: bool| owners.iter().find(|(owner, s)| owner.is_some() && *s == shared);
    // An address of one's own says more than a number of many.
    let first = owned(false).or_else(|| owned(true)).and_then(|(owner, _)| *owner);
    let person_id = match first {
        Some(person_id) => person_id,
        None => persons::add(tx, client_id).await?,
    };
    let other = owners.iter().find_map(|(owner, shared)| owner.filter(|o| !*shared && *o != person_id));
    let merge = match other {
        Some(other) if first.is_some() => due(tx, client_id, person_id, other).await?,
        _ => None,
    };
    for (contact, known) in &contacts.0 {
        if known.person_id.is_none() {
            persons::give(tx, client_id, contact, person_id).await?;
        }
        if known.shared || !name.is_empty() {
            let owner = if known.shared { person_id } else { known.person_id.unwrap_or(person_id) };
            persons::note_name(tx, client_id, contact, &name, owner).await?;
        }
    }
    Ok(Found { person_id, merge })
}

/// The merge of two persons, the younger into the older; `None` when they are one already, or known to be two.
async fn due(
    tx: &mut Tx,
    client_id: ClientId,
    one: PersonId,
    other: PersonId,
) -> Result<Option<Merge>, StoreError> {
    let these = persons::joined(tx, client_id, one).await?;
    let those = persons::joined(tx, client_id, other).await?;
    let (Some(one), Some(other)) = (these.first(), those.first()) else { return Ok(None) };
    if one == other || persons::are_apart(tx, client_id, &these, &those).await? {
        return Ok(None);
    }
    let env = tx.env().clone();
    Ok(Some(Merge {
        id: env.new_id(),
        person_id: *one.max(other),
        into: *one.min(other),
        lead_id: None,
        why: "contacts".to_owned(),
        user_id: None,
        at: env.now(),
        undone_at: None,
        undone_by: None,
    }))
}

/// Carries out a merge that a lead showed, and tells the log.
///
/// # Errors
/// [`StoreError`] of the engine.
pub(crate) async fn join(
    tx: &mut Tx,
    scope: Scope,
    merge: Option<Merge>,
    lead_id: LeadId,
) -> Result<(), StoreError> {
    let Some(merge) = merge else { return Ok(()) };
    write(tx, scope, Merge { lead_id: Some(lead_id), ..merge }).await
}

async fn write(tx: &mut Tx, scope: Scope, merge: Merge) -> Result<(), StoreError> {
    persons::merge(tx, scope.client_id, &merge).await?;
    let told = EventBody::PersonsMerged {
        merge_id: merge.id,
        person_id: merge.person_id,
        into: merge.into,
        lead_id: merge.lead_id,
        user_id: merge.user_id,
    };
    events::append(tx, scope, told).await
}

/// Why two persons were not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// They are one already, or one of them is unknown.
    #[error("there is nothing to join: they are one person already, or one of them does not exist")]
    Nothing,
    /// Somebody said that they are two.
    #[error("these two are known not to be the same person")]
    Apart,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Joins two persons because somebody says that they are one.
///
/// # Errors
/// [`JoinError`]; nothing was written.
pub async fn join_by_hand(
    tx: &mut Tx,
    client_id: ClientId,
    one: PersonId,
    other: PersonId,
    user_id: UserId,
) -> Result<MergeId, JoinError> {
    let these = persons::joined(tx, client_id, one).await?;
    let those = persons::joined(tx, client_id, other).await?;
    if these.is_empty() || those.is_empty() || these.first() == those.first() {
        return Err(JoinError::Nothing);
    }
    let Some(merge) = due(tx, client_id, one, other).await? else { return Err(JoinError::Apart) };
    let merge = Merge { why: "person".to_owned(), user_id: Some(user_id), ..merge };
    let (id, scope) = (merge.id, by_hand(tx, client_id));
    write(tx, scope, merge).await?;
    Ok(id)
}

/// Says that two persons are not the same: nothing joins them by itself from here on.
///
/// # Errors
/// [`JoinError::Nothing`] when they are one, or one of them is unknown.
pub async fn keep_apart(
    tx: &mut Tx,
    client_id: ClientId,
    one: PersonId,
    other: PersonId,
    user_id: UserId,
) -> Result<(), JoinError> {
    let these = persons::joined(tx, client_id, one).await?;
    let those = persons::joined(tx, client_id, other).await?;
    if these.is_empty() || those.is_empty() || these.first() == those.first() {
        return Err(JoinError::Nothing);
    }
    Ok(persons::keep_apart(tx, client_id, one, other, user_id).await?)
}

/// Undoes a merge. The two are remembered as not the same. False when there was nothing to undo.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn split(
    tx: &mut Tx,
    client_id: ClientId,
    merge_id: MergeId,
    user_id: UserId,
) -> Result<bool, StoreError> {
    let Some(merge) = persons::undo(tx, client_id, merge_id, user_id).await? else { return Ok(false) };
    let scope = by_hand(tx, client_id);
    let told = EventBody::PersonsSplit { merge_id, person_id: merge.person_id, from: merge.into, user_id };
    events::append(tx, scope, told).await?;
    Ok(true)
}

fn by_hand(tx: &Tx, client_id: ClientId) -> Scope {
    let trace_id: TraceId = tx.env().new_id();
    Scope { client_id, site_id: None, trace_id }
}

/// Leads of one transaction of [`adopt`]: short enough that nobody waits for it.
const BATCH: i64 = 50;

/// Gives leads that were accepted before persons were known their persons, the oldest first, a few at a time. It can end
/// anywhere and goes on where it ended. Gives how many there were.
///
/// # Errors
/// [`StoreError`] of the engine; what was done stays done.
pub async fn adopt(store: &Store, client_id: ClientId) -> Result<u64, StoreError> {
    let mut adopted = 0;
    loop {
        let batch = persons::strangers(&mut store.read().await?, client_id, BATCH).await?;
        if batch.is_empty() {
            return Ok(adopted);
        }
        adopted += u64::try_from(batch.len()).unwrap_or(0);
        store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    for lead in batch {
                        adopt_one(tx, client_id, &lead).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
}

async fn adopt_one(tx: &mut Tx, client_id: ClientId, lead: &Lead) -> Result<(), StoreError> {
    let limit = ismart_store::lead_desk::rules(tx, client_id).await?.names;
    let contacts = contacts(tx, client_id, &lead.draft).await?;
    let found = resolve(tx, client_id, contacts, &lead.draft, limit).await?;
    let scope = Scope { client_id, site_id: Some(lead.draft.site_id), trace_id: tx.env().new_id() };
    join(tx, scope, found.merge, lead.id).await?;
    persons::adopt(tx, client_id, lead, found.person_id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_person_agree() {
        for (one, other) in
            [("иван", "иван петров"), ("иван петров", "иван петров"), ("иван петров", "петров")]
        {
            assert!(agree(one, other) && agree(other, one), "{one} {other}");
        }
        for (one, other) in [("иван", "петр"), ("иван петров", "иван сидоров"), ("анна", "аннаmaria")]
        {
            assert!(!agree(one, other), "{one} {other}");
        }
    }
}
