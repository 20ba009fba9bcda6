//! Leads and consents.

use ismart_domain::lead::{Consent, Lead, LeadDraft};
use ismart_domain::{ClientId, ConversationId, LeadId, SiteId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// What the console's list asks for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of a name, phone, e-mail address, or the number.
    pub search: Option<String>,
    /// Wire name of an intent.
    pub intent: Option<String>,
    /// Wire name of a delivery state that at least one delivery is in.
    pub state: Option<String>,
    /// Only leads accepted before this one (for the next page).
    pub before: Option<Timestamp>,
}

fn read(row: &Columns<'_>) -> Result<Lead, StoreError> {
    Ok(Lead {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        number: row.number(2)?,
        accepted_at: row.instant(3)?,
        draft: row.json(4)?,
    })
}

/// Stores a lead with its consents and gives it the client's next number.
///
/// # Errors
/// [`StoreError`] of the engine; a second lead with the same idempotency key is refused by a unique index.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    draft: LeadDraft,
    fingerprint: &str,
) -> Result<(Lead, Vec<Consent>), StoreError> {
    let env = tx.env().clone();
    let now = env.now();
    let number = Statement::system(system!(
        "UPDATE clients SET lead_count = lead_count + 1 WHERE id = $1 RETURNING lead_count",
        "the row of the tenant itself"
    ))
    .id(client_id)
    .first(tx, |row| row.number(0))
    .await?
    .ok_or_else(|| StoreError::Corrupt { what: format!("client {client_id}"), why: "not found".into() })?;
    let lead = Lead { id: env.new_id(), client_id, number, accepted_at: now, draft };
    let conversation_id = lead.draft.source.channel.conversation_id();
    Statement::tenant(
        tenant!(
            "INSERT INTO leads (client_id, id, site_id, number, accepted_at, intent, channel, name, phone, email,
             conversation_id, visit_id, idempotency_key, fingerprint, test, draft)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        ),
        client_id,
    )
    .id(lead.id)
    .id(lead.draft.site_id)
    .number(number)
    .instant(now)
    .text(lead.draft.intent.code())
    .text(lead.draft.source.channel.code())
    .maybe(lead.draft.name.as_ref().map(|n| n.as_str().to_owned()))
    .maybe(lead.draft.phone.as_ref().map(|p| p.e164().to_owned()))
    .maybe(lead.draft.email.as_ref().map(ismart_domain::Email::matching))
    .maybe(conversation_id)
    .maybe(lead.draft.source.visit_id)
    .maybe(lead.draft.idempotency_key.as_deref())
    .text(fingerprint)
    .number(i64::from(lead.draft.test))
    .json(&lead.draft)?
    .run(tx)
    .await?;
    let mut consents = Vec::with_capacity(lead.draft.consents.len());
    for draft in &lead.draft.consents {
        let consent = Consent {
            id: env.new_id(),
            lead_id: lead.id,
            given_at: now,
            text_sha256: crate::digest::sha256_hex(&draft.text),
            draft: draft.clone(),
        };
        add_consent(tx, client_id, &consent).await?;
        consents.push(consent);
    }
    Ok((lead, consents))
}

async fn add_consent(tx: &mut Tx, client_id: ClientId, consent: &Consent) -> Result<(), StoreError> {
    Statement::tenant(
        tenant!(
            "INSERT INTO consents (client_id, id, lead_id, purpose, given_at, text_sha256, draft)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        ),
        client_id,
    )
    .id(consent.id)
    .id(consent.lead_id)
    .text(consent.draft.purpose.code())
    .instant(consent.given_at)
    .text(&consent.text_sha256)
    .json(&consent.draft)?
    .run(tx)
    .await?;
    Ok(())
}

/// The lead accepted under this idempotency key, if any.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_key(conn: &mut Conn, client_id: ClientId, key: &str) -> Result<Option<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads WHERE client_id = $1 AND idempotency_key = $2"
        ),
        client_id,
    )
    .text(key)
    .first(conn, read)
    .await
}

/// The newest lead with this fingerprint accepted after `since`, if any.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn by_fingerprint(
    conn: &mut Conn,
    client_id: ClientId,
    fingerprint: &str,
    since: Timestamp,
) -> Result<Option<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads
             WHERE client_id = $1 AND fingerprint = $2 AND accepted_at > $3 ORDER BY accepted_at DESC LIMIT 1"
        ),
        client_id,
    )
    .text(fingerprint)
    .instant(since)
    .first(conn, read)
    .await
}

/// Reads a lead.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn get(conn: &mut Conn, client_id: ClientId, id: LeadId) -> Result<Option<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads WHERE client_id = $1 AND id = $2"
        ),
        client_id,
    )
    .id(id)
    .first(conn, read)
    .await
}

/// The leads that came out of a conversation, oldest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn of_conversation(
    conn: &mut Conn,
    client_id: ClientId,
    conversation_id: ConversationId,
) -> Result<Vec<Lead>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads
             WHERE client_id = $1 AND conversation_id = $2 ORDER BY accepted_at"
        ),
        client_id,
    )
    .id(conversation_id)
    .all(conn, read)
    .await
}

/// A page of leads, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn list(
    conn: &mut Conn,
    client_id: ClientId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Lead>, StoreError> {
    // LIKE folds only ASCII letters on SQLite: the search text is tried as written and capitalised.
    let search = filter.search.as_deref().map(str::trim).filter(|s| !s.is_empty());
    let like = search.map(|s| format!("%{}%", escape_like(s)));
    let capital = search.map(|s| format!("%{}%", escape_like(&capitalised(s))));
    let digits: Option<String> = search.map(|s| s.chars().filter(char::is_ascii_digit).collect::<String>());
    // People type 8 where the stored form has +7.
    let phone = digits.as_deref().filter(|d| d.len() >= 3).map(|d| {
        let tail = if d.len() >= 5 { d.strip_prefix(['7', '8']).unwrap_or(d) } else { d };
        format!("%{tail}%")
    });
    let number: Option<i64> = search.and_then(|s| s.trim_start_matches(['#', '№', ' ']).parse().ok());
    Statement::tenant(
        tenant!(
            "SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft FROM leads l
             WHERE l.client_id = $1
               AND (CAST($2 AS TEXT) IS NULL OR l.name LIKE $2 ESCAPE '!' OR l.name LIKE $3 ESCAPE '!'
                    OR l.email LIKE $2 ESCAPE '!' OR l.phone LIKE $4 OR l.number = $5)
               AND (CAST($6 AS TEXT) IS NULL OR l.intent = $6)
               AND (CAST($7 AS TEXT) IS NULL OR EXISTS
                    (SELECT 1 FROM deliveries d WHERE d.lead_id = l.id AND d.state = $7))
               AND l.accepted_at < $8
             ORDER BY l.accepted_at DESC, l.number DESC LIMIT $9"
        ),
        client_id,
    )
    .maybe(like)
    .maybe(capital)
    .maybe(phone)
    .number(number.unwrap_or(-1))
    .maybe(filter.intent.as_deref())
    .maybe(filter.state.as_deref())
    .number(filter.before.map_or(i64::MAX, Timestamp::as_microsecond))
    .number(limit)
    .all(conn, read)
    .await
}

/// Where a page of leads begins and what it holds.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Only leads of this site.
    pub site_id: Option<SiteId>,
    /// Only leads accepted at or after this moment.
    pub since: Option<Timestamp>,
    /// Only leads older than the one accepted at this moment under this number.
    pub after: Option<(Timestamp, i64)>,
}

/// A page of leads for programs, newest first: no lead is skipped or told twice, whatever is accepted meanwhile.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn page(
    conn: &mut Conn,
    client_id: ClientId,
    window: &Window,
    intent: Option<&str>,
    limit: i64,
) -> Result<Vec<Lead>, StoreError> {
    let (at, number) =
        window.after.map_or((i64::MAX, i64::MAX), |(at, number)| (at.as_microsecond(), number));
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads
             WHERE client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR site_id = $2)
               AND (CAST($3 AS TEXT) IS NULL OR intent = $3) AND accepted_at >= $4
               AND (accepted_at < $5 OR (accepted_at = $5 AND number < $6))
             ORDER BY accepted_at DESC, number DESC LIMIT $7"
        ),
        client_id,
    )
    .maybe(window.site_id)
    .maybe(intent)
    .number(window.since.map_or(i64::MIN, Timestamp::as_microsecond))
    .number(at)
    .number(number)
    .number(limit)
    .all(conn, read)
    .await
}

fn escape_like(text: &str) -> String {
    text.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The consents that came with a lead.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn consents(
    conn: &mut Conn,
    client_id: ClientId,
    lead_id: LeadId,
) -> Result<Vec<Consent>, StoreError> {
    Statement::tenant(
        tenant!(
            "SELECT id, given_at, text_sha256, draft FROM consents WHERE client_id = $1 AND lead_id = $2
             ORDER BY given_at, id"
        ),
        client_id,
    )
    .id(lead_id)
    .all(conn, |row| {
        Ok(Consent {
            id: row.parsed(0)?,
            lead_id,
            given_at: row.instant(1)?,
            text_sha256: row.text(2)?,
            draft: row.json(3)?,
        })
    })
    .await
}

/// How many leads a site has, test leads left out.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn count(conn: &mut Conn, client_id: ClientId, site_id: SiteId) -> Result<i64, StoreError> {
    let found = Statement::tenant(
        tenant!("SELECT COUNT(*) FROM leads WHERE client_id = $1 AND site_id = $2 AND test = 0"),
        client_id,
    )
    .id(site_id)
    .first(conn, |row| row.number(0))
    .await?;
    Ok(found.unwrap_or(0))
}
