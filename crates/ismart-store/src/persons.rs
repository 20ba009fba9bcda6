//! Persons: who is behind the leads of all channels. Two that prove to be one are joined by a link, never by deletion.

use std::collections::BTreeSet;

use ismart_domain::lead::Lead;
use ismart_domain::{ClientId, LeadId, MergeId, PersonId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::leads;
use crate::sql::{Columns, Statement, tenant};

/// What a person is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// A phone in E.164 form.
    Phone(String),
    /// An e-mail address in its matching form.
    Email(String),
}

impl Contact {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Phone(value) => ("phone", value),
            Self::Email(value) => ("email", value),
        }
    }
}

/// What is known of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The person that it was first seen with; `None` for a new one.
    pub person_id: Option<PersonId>,
    /// Too many different people use it for it to say who somebody is.
    pub shared: bool,
}

/// Finds a contact or makes its row, and keeps others from deciding about it until the transaction ends. Phones first,
/// then addresses: two requests that touch the same ones cannot wait for each other in a circle.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn touch(tx: &mut Tx, client_id: ClientId, contact: &Contact) -> Result<Known, StoreError> {
    let now = tx.env().now();
    let (kind, value) = contact.parts();
    let found = Statement::tenant(
        tenant!(
            "INSERT INTO contacts (client_id, kind, value, shared, seen_at) VALUES ($1, $2, $3, 0, $4)
             ON CONFLICT (client_id, kind, value) DO UPDATE SET seen_at = excluded.seen_at
             RETURNING person_id, shared"
        ),
        client_id,
    )
    .text(kind)
    .text(value)
    .instant(now)
    .first(tx, |row| Ok(Known { person_id: row.maybe_parsed(0)?, shared: row.number(1)? != 0 }))
    .await?;
    Ok(found.unwrap_or(Known { person_id: None, shared: false }))
}

/// Says whose a contact is, where nobody had it.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn give(
    tx: &mut Tx,
    client_id: ClientId,
    contact: &Contact,
    person_id: PersonId,
) -> Result<(), StoreError> {
    let (kind, value) = contact.parts();
    Statement::tenant(
        tenant!(
            "UPDATE contacts SET person_id = $4 WHERE client_id = $1 AND kind = $2 AND value = $3
             AND person_id IS NULL"
        ),
        client_id,
    )
    .text(kind)
    .text(value)
    .id(person_id)
    .run(tx)
    .await?;
    Ok(())
}

/// Says that a contact is used by too many to say who somebody is.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn set_shared(tx: &mut Tx, client_id: ClientId, contact: &Contact) -> Result<(), StoreError> {
    let (kind, value) = contact.parts();
    Statement::tenant(
        tenant!("UPDATE contacts SET shared = 1 WHERE client_id = $1 AND kind = $2 AND value = $3"),
        client_id,
    )
    .text(kind)
    .text(value)
    .run(tx)
    .await?;
    Ok(())
}

/// The names that came with a contact, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn names(
    conn: &mut Conn,
    client_id: ClientId,
    contact: &Contact,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let (kind, value) = contact.parts();
    Statement::tenant(
        tenant!(
            "SELECT name FROM contact_names WHERE client_id = $1 AND kind = $2 AND value = $3 ORDER BY name LIMIT $4"
        ),
        client_id,
    )
    .text(kind)
    .text(value)
    .number(limit)
    .all(conn, |row| row.text(0))
    .await
}

/// The person of this name among those who use a contact.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn named(
    conn: &mut Conn,
    client_id: ClientId,
    contact: &Contact,
    name: &str,
) -> Result<Option<PersonId>, StoreError> {
    let (kind, value) = contact.parts();
    Statement::tenant(
        tenant!(
            "SELECT person_id FROM contact_names WHERE client_id = $1 AND kind = $2 AND value = $3 AND name = $4"
        ),
        client_id,
    )
    .text(kind)
    .text(value)
    .text(name)
    .first(conn, |row| row.parsed(0))
    .await
}

/// Remembers a name that came with a contact.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn note_name(
    tx: &mut Tx,
    client_id: ClientId,
    contact: &Contact,
    name: &str,
    person_id: PersonId,
) -> Result<(), StoreError> {
    let (kind, value) = contact.parts();
    Statement::tenant(
        tenant!(
            "INSERT INTO contact_names (client_id, kind, value, name, person_id) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client_id, kind, value, name) DO NOTHING"
        ),
        client_id,
    )
    .text(kind)
    .text(value)
    .text(name)
    .id(person_id)
    .run(tx)
    .await?;
    Ok(())
}

/// Makes a person.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add(tx: &mut Tx, client_id: ClientId) -> Result<PersonId, StoreError> {
    let id: PersonId = tx.env().new_id();
    let now = tx.env().now();
    Statement::tenant(
        tenant!("INSERT INTO persons (client_id, id, created_at) VALUES ($1, $2, $3)"),
        client_id,
    )
    .id(id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(id)
}

/// Everyone who was joined with this person, he himself included; the first is the one that the others were joined to.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn joined(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
) -> Result<Vec<PersonId>, StoreError> {
    let all: Vec<(PersonId, Option<PersonId>)> = Statement::tenant(
        tenant!(
            "WITH RECURSIVE up(id, parent) AS (
               SELECT id, merged_into FROM persons WHERE client_id = $1 AND id = $2
               UNION ALL SELECT p.id, p.merged_into FROM persons p JOIN up ON p.id = up.parent),
             tree(id, parent) AS (
               SELECT id, parent FROM up WHERE parent IS NULL
               UNION ALL SELECT p.id, p.merged_into FROM persons p JOIN tree ON p.merged_into = tree.id)
             SELECT id, parent FROM tree"
        ),
        client_id,
    )
    .id(person_id)
    .all(conn, |row| Ok((row.parsed(0)?, row.maybe_parsed(1)?)))
    .await?;
    let (roots, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, parent)| parent.is_none());
    Ok(roots.into_iter().chain(others).map(|(id, _)| id).collect())
}

/// Whether a person said that one of these is not one of those.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn are_apart(
    conn: &mut Conn,
    client_id: ClientId,
    these: &[PersonId],
    those: &[PersonId],
) -> Result<bool, StoreError> {
    let those: BTreeSet<PersonId> = those.iter().copied().collect();
    for one in these {
        if apart_from(conn, client_id, *one).await?.iter().any(|other| those.contains(other)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Those who are known not to be this person.
async fn apart_from(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
) -> Result<Vec<PersonId>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT other FROM persons_apart WHERE client_id = $1 AND one = $2
             UNION SELECT one FROM persons_apart WHERE client_id = $1 AND other = $2"
        ),
        client_id,
    )
    .id(person_id)
    .all(conn, |row| row.parsed(0))
    .await
}

/// Remembers that two are not the same.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn keep_apart(
    tx: &mut Tx,
    client_id: ClientId,
    one: PersonId,
    other: PersonId,
    user_id: UserId,
) -> Result<(), StoreError> {
    let now = tx.env().now();
    Statement::tenant(
        tenant!(
            "INSERT INTO persons_apart (client_id, one, other, user_id, at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (one, other) DO NOTHING"
        ),
        client_id,
    )
    .id(one.min(other))
    .id(one.max(other))
    .id(user_id)
    .instant(now)
    .run(tx)
    .await?;
    Ok(())
}

/// Two persons joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Identity.
    pub id: MergeId,
    /// The one who is found under the other.
    pub person_id: PersonId,
    /// The other.
    pub into: PersonId,
    /// The lead that showed it.
    pub lead_id: Option<LeadId>,
    /// What showed it: `contacts`, or `person` when somebody said so.
    pub why: String,
    /// Who said so.
    pub user_id: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
    /// Who undid it.
    pub undone_by: Option<UserId>,
}

fn read_merge(row: &Columns<'_>) -> Result<Merge, StoreError> {
    Ok(Merge {
        id: row.parsed(0)?,
        person_id: row.parsed(1)?,
        into: row.parsed(2)?,
        lead_id: row.maybe_parsed(3)?,
        why: row.text(4)?,
        user_id: row.maybe_parsed(5)?,
        at: row.instant(6)?,
        undone_at: row.maybe_instant(7)?,
        undone_by: row.maybe_parsed(8)?,
    })
}

/// Joins `person_id` to `into`; both must stand for themselves.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn merge(tx: &mut Tx, client_id: ClientId, merge: &Merge) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "UPDATE persons SET merged_into = $3 WHERE client_id = $1 AND id = $2 AND merged_into IS NULL"
        ),
        client_id,
    )
    .id(merge.person_id)
    .id(merge.into)
    .run(tx)
    .await?;
    Statement::tenant(
        tenant!(
            "INSERT INTO merges (client_id, id, person_id, into_id, lead_id, why, user_id, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        client_id,
    )
    .id(merge.id)
    .id(merge.person_id)
    .id(merge.into)
    .maybe(merge.lead_id)
    .text(&merge.why)
    .maybe(merge.user_id)
    .instant(merge.at)
    .run(tx)
    .await?;
    Ok(())
}

/// Undoes a merge: what it joined is two again, each with what had been its own. Gives it, or `None` when there is no
/// such merge or it was undone already.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn undo(
    tx: &mut Tx,
    client_id: ClientId,
    id: MergeId,
    user_id: UserId,
) -> Result<Option<Merge>, StoreError> {
    let now = tx.env().now();
    let found = Statement::tenant(
        tenant!(
            "UPDATE merges SET undone_at = $3, undone_by = $4 WHERE client_id = $1 AND id = $2 AND undone_at IS NULL
             RETURNING id, person_id, into_id, lead_id, why, user_id, at, undone_at, undone_by"
        ),
        client_id,
    )
    .id(id)
    .instant(now)
    .id(user_id)
    .first(tx, read_merge)
    .await?;
    let Some(merge) = found else { return Ok(None) };
    Statement::tenant(
        tenant!(
            "UPDATE persons SET merged_into = NULL WHERE client_id = $1 AND id = $2 AND merged_into = $3"
        ),
        client_id,
    )
    .id(merge.person_id)
    .id(merge.into)
    .run(tx)
    .await?;
    keep_apart(tx, client_id, merge.person_id, merge.into, user_id).await?;
    Ok(Some(merge))
}

/// The merges that a person took part in, the newest first, undone ones included.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn merges(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
) -> Result<Vec<Merge>, StoreError> {
    let mut found = Vec::new();
    for id in joined(conn, client_id, person_id).await? {
        let of_one = Statement::tenant(
            tenant!(
                "SELECT id, person_id, into_id, lead_id, why, user_id, at, undone_at, undone_by FROM merges
                 WHERE client_id = $1 AND (person_id = $2 OR into_id = $2) ORDER BY at DESC, id"
            ),
            client_id,
        )
        .id(id)
        .all(conn, read_merge)
        .await?;
        for merge in of_one {
            if !found.contains(&merge) {
                found.push(merge);
            }
        }
    }
    found.sort_by_key(|merge| std::cmp::Reverse(merge.at));
    Ok(found)
}

/// The leads of a person over all channels, merged persons included, the newest first, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn leads_of(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
    limit: i64,
) -> Result<Vec<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "WITH RECURSIVE up(id, parent) AS (
               SELECT id, merged_into FROM persons WHERE client_id = $1 AND id = $2
               UNION ALL SELECT p.id, p.merged_into FROM persons p JOIN up ON p.id = up.parent),
             tree(id) AS (
               SELECT id FROM up WHERE parent IS NULL
               UNION ALL SELECT p.id FROM persons p JOIN tree ON p.merged_into = tree.id)
             SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft FROM tree CROSS JOIN leads l
             WHERE l.person_id = tree.id AND l.client_id = $1 ORDER BY l.accepted_at DESC, l.number DESC LIMIT $3"
        ),
        client_id,
    )
    .id(person_id)
    .number(limit)
    .all(conn, leads::read)
    .await
}

/// The person of a lead.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn of_lead(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Option<PersonId>, StoreError> {
    let found =
        Statement::tenant(tenant!("SELECT person_id FROM leads WHERE client_id = $1 AND id = $2"), client_id)
            .id(lead_id)
            .first(conn, |row| row.maybe_parsed(0))
            .await?;
    Ok(found.flatten())
}

/// Persons with leads of the same phone or address who were neither joined with this one nor kept apart from him: for a
/// person to decide. Each with his newest lead; at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn perhaps(
    conn: &mut Conn,
    client_id: ClientId,
    person_id: PersonId,
    limit: usize,
) -> Result<Vec<(PersonId, Lead)>, StoreError> {
    let own = joined(conn, client_id, person_id).await?;
    let mut apart = Vec::new();
    for one in &own {
        for other in apart_from(conn, client_id, *one).await? {
            apart.extend(joined(conn, client_id, other).await?);
        }
    }
    let mut found: Vec<(PersonId, Lead)> = Vec::new();
    for lead in leads_of(conn, client_id, person_id, 20).await? {
        let near = Statement::tenant(
            tenant!(
                "SELECT id, client_id, number, accepted_at, draft, person_id FROM leads
                 WHERE client_id = $1 AND (phone = $2 OR email = $3) AND person_id IS NOT NULL
                 ORDER BY accepted_at DESC LIMIT 50"
            ),
            client_id,
        )
        .maybe(lead.draft.phone.as_ref().map(|phone| phone.e164().to_owned()))
        .maybe(lead.draft.email.as_ref().map(ismart_domain::Email::matching))
        .all(conn, |row| Ok((row.parsed::<PersonId>(5)?, leads::read(row)?)))
        .await?;
        for (other, lead) in near {
            let known = own.contains(&other) || apart.contains(&other);
            if !known && !found.iter().any(|(seen, _)| *seen == other) {
                found.push((other, lead));
            }
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// Leads of all clients that were accepted before persons were known, oldest first, at most `limit`.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn strangers(conn: &mut Conn, client_id: ClientId, limit: i64) -> Result<Vec<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads WHERE client_id = $1 AND person_id IS NULL
             ORDER BY id LIMIT $2"
        ),
        client_id,
    )
    .number(limit)
    .all(conn, leads::read)
    .await
}

/// Gives a lead its person and the words that it is found by.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn adopt(
    tx: &mut Tx,
    client_id: ClientId,
    lead: &Lead,
    person_id: PersonId,
) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!("UPDATE leads SET person_id = $3, words = $4 WHERE client_id = $1 AND id = $2"),
        client_id,
    )
    .id(lead.id)
    .id(person_id)
    .text(leads::words(&lead.draft))
    .run(tx)
    .await?;
    Ok(())
}
