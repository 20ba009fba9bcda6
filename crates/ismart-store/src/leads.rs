//! Leads and consents.

use ismart_domain::delivery::Standing;
use ismart_domain::lead::{Consent, Lead, LeadDraft};
use ismart_domain::{ClientId, ConversationId, Email, LeadId, PersonId, Phone, SiteId, UserId};
use jiff::Timestamp;

use crate::engine::{Conn, StoreError, Tx};
use crate::sql::{Columns, Statement, system, tenant};

/// What the console's list asks for. Everything that is said must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Number, phone in any spelling, e-mail address, id of a record in a CRM, or any words of the lead.
    pub search: Option<String>,
    /// Wire name of an intent.
    pub intent: Option<String>,
    /// Wire name of a channel.
    pub channel: Option<String>,
    /// Wire name of a delivery state that at least one delivery is in.
    pub state: Option<String>,
    /// What the lead counts as.
    pub standing: Option<Standing>,
    /// The site.
    pub site_id: Option<SiteId>,
    /// Who works on it.
    pub owner: Option<UserId>,
    /// A mark that it has.
    pub mark: Option<String>,
    /// Accepted at or after this moment.
    pub since: Option<Timestamp>,
    /// Only leads older than the one accepted at this moment under this number (for the next page).
    pub before: Option<(Timestamp, i64)>,
}

/// A lead with what people of the client added to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The lead.
    pub lead: Lead,
    /// Who works on it.
    pub owner: Option<UserId>,
    /// Its person, once he is known.
    pub person_id: Option<PersonId>,
}

pub(crate) fn read(row: &Columns<'_>) -> Result<Lead, StoreError> {
    Ok(Lead {
        id: row.parsed(0)?,
        client_id: row.parsed(1)?,
        number: row.number(2)?,
        accepted_at: row.instant(3)?,
        draft: row.json(4)?,
    })
}

/// Stores a lead with its consents and gives it the client's next number. Without a person it gets him later, as leads
/// of old do.
///
/// # Errors
/// [`StoreError`] of the engine; a second lead with the same idempotency key is refused by a unique index.
pub async fn add(
    tx: &mut Tx,
    client_id: ClientId,
    draft: LeadDraft,
    fingerprint: &str,
    person_id: Option<PersonId>,
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
             conversation_id, visit_id, idempotency_key, fingerprint, test, draft, person_id, words)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
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
    .maybe(person_id)
    .text(words(&lead.draft))
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

/// Stores a consent that came later than its lead.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn add_consent(tx: &mut Tx, client_id: ClientId, consent: &Consent) -> Result<(), StoreError> {
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
    // Ordered by a sum, so that SQLite does not walk all leads of the client in the order of their index.
    Statement::tenant(
        tenant!(
            "SELECT id, client_id, number, accepted_at, draft FROM leads
             WHERE client_id = $1 AND conversation_id = $2 ORDER BY accepted_at + 0"
        ),
        client_id,
    )
    .id(conversation_id)
    .all(conn, read)
    .await
}

/// What a lead is found by, in lower case: name, phone, address, words, subject, fields.
pub(crate) fn words(draft: &LeadDraft) -> String {
    let mut all = String::new();
    let mut put = |text: &str| {
        all.push('\u{1f}');
        all.extend(text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }));
    };
    put(draft.name.as_ref().map_or("", |name| name.as_str()));
    put(draft.phone.as_ref().map_or("", |phone| phone.e164()));
    put(draft.email.as_ref().map_or("", |email| email.as_str()));
    put(&draft.comment);
    if let Some(subject) = &draft.subject {
        put(&subject.title);
        put(&subject.key);
    }
    draft.fields.values().for_each(|value| put(value));
    draft.files.iter().for_each(|file| put(&file.name));
    all.push('\u{1f}');
    all
}

/// What a search text asks for.
struct Search {
    /// The text as a pattern over [`words`].
    like: String,
    /// Its digits as a pattern, where they may be a part of a phone.
    digits: Option<String>,
    /// Values that are looked up as they are.
    phone: Option<String>,
    email: Option<String>,
    number: i64,
    record: Option<String>,
}

impl Search {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let lower: String = text.to_lowercase().replace('ё', "е");
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let spelt = text.chars().all(|c| c.is_ascii_digit() || " +-()№#.".contains(c));
        // People type 8 where the stored form has +7.
        let tail =
            if digits.len() >= 5 { digits.strip_prefix(['7', '8']).unwrap_or(&digits) } else { &digits };
        Self {
            like: format!("%{}%", escape_like(&lower)),
            digits: (spelt && digits.len() >= 3).then(|| format!("%{tail}%")),
            phone: Some(())
                .filter(|()| spelt)
                .and_then(|()| Phone::as_typed(text).ok())
                .map(|p| p.e164().to_owned()),
            email: Email::parse(text).ok().map(|email| email.matching()),
            number: text.trim_start_matches(['#', '№', ' ']).parse().unwrap_or(-1),
            record: (!text.contains(' ') && text.len() <= 100).then(|| text.to_owned()),
        }
    }

    /// Whether a lead has the text as its number, whole phone, address or record: then no words are looked through.
    async fn is_exact(&self, conn: &mut Conn, client_id: ClientId) -> Result<bool, StoreError> {
        let found = Statement::tenant(
            tenant!(
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM leads WHERE client_id = $1 AND number = $2)
                   OR EXISTS (SELECT 1 FROM leads WHERE client_id = $1 AND phone = $3)
                   OR EXISTS (SELECT 1 FROM leads WHERE client_id = $1 AND email = $4)
                   OR EXISTS (SELECT 1 FROM deliveries WHERE client_id = $1 AND external_id = $5)"
            ),
            client_id,
        )
        .number(self.number)
        .maybe(self.phone.as_deref())
        .maybe(self.email.as_deref())
        .maybe(self.record.as_deref())
        .first(conn, |_| Ok(()))
        .await?;
        Ok(found.is_some())
    }
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
    Ok(lines(conn, client_id, filter, limit).await?.into_iter().map(|line| line.lead).collect())
}

/// A page of leads with what people added to them, newest first.
///
/// # Errors
/// [`StoreError`] of the engine, or [`StoreError::Corrupt`].
pub async fn lines(
    conn: &mut Conn,
    client_id: ClientId,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let search = filter.search.as_deref().filter(|text| !text.trim().is_empty()).map(Search::of);
    let exact = match &search {
        Some(search) => search.is_exact(conn, client_id).await?,
        None => false,
    };
    // Ranks are those of `Standing::of_lead`; a state that is not named goes on by itself.
    let statement = if exact {
        tenant!(
            "SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft, l.owner_id, l.person_id
             FROM (SELECT id FROM leads WHERE client_id = $1 AND number = $13
                   UNION SELECT id FROM leads WHERE client_id = $1 AND phone = $14
                   UNION SELECT id FROM leads WHERE client_id = $1 AND email = $15
                   UNION SELECT lead_id FROM deliveries WHERE client_id = $1 AND external_id = $16) found
             JOIN leads l ON l.id = found.id
             WHERE l.client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR l.intent = $2)
               AND (CAST($3 AS TEXT) IS NULL OR l.channel = $3)
               AND (CAST($4 AS TEXT) IS NULL OR EXISTS
                    (SELECT 1 FROM deliveries d WHERE d.lead_id = l.id AND d.state = $4))
               AND ($5 = 0 OR $5 = (SELECT COALESCE(MAX(CASE WHEN d.destination <> 'inbox' THEN CASE d.state
                      WHEN 'refused' THEN 1 WHEN 'delivered' THEN 2 WHEN 'held' THEN 3 WHEN 'needs_attention' THEN 3
                      ELSE 4 END END), MAX(CASE d.state WHEN 'refused' THEN 1 WHEN 'delivered' THEN 2
                      WHEN 'held' THEN 3 WHEN 'needs_attention' THEN 3 ELSE 4 END))
                    FROM deliveries d WHERE d.lead_id = l.id))
               AND (CAST($6 AS TEXT) IS NULL OR l.site_id = $6) AND (CAST($7 AS TEXT) IS NULL OR l.owner_id = $7)
               AND (CAST($8 AS TEXT) IS NULL OR EXISTS
                    (SELECT 1 FROM lead_marks m WHERE m.lead_id = l.id AND m.mark = $8))
               AND l.accepted_at >= $9 AND (l.accepted_at < $10 OR (l.accepted_at = $10 AND l.number < $11))
             ORDER BY l.accepted_at DESC, l.number DESC LIMIT $12"
        )
    } else {
        tenant!(
            "SELECT l.id, l.client_id, l.number, l.accepted_at, l.draft, l.owner_id, l.person_id FROM leads l
             WHERE l.client_id = $1 AND (CAST($2 AS TEXT) IS NULL OR l.intent = $2)
               AND (CAST($3 AS TEXT) IS NULL OR l.channel = $3)
               AND (CAST($4 AS TEXT) IS NULL OR EXISTS
                    (SELECT 1 FROM deliveries d WHERE d.lead_id = l.id AND d.state = $4))
               AND ($5 = 0 OR $5 = (SELECT COALESCE(MAX(CASE WHEN d.destination <> 'inbox' THEN CASE d.state
                      WHEN 'refused' THEN 1 WHEN 'delivered' THEN 2 WHEN 'held' THEN 3 WHEN 'needs_attention' THEN 3
                      ELSE 4 END END), MAX(CASE d.state WHEN 'refused' THEN 1 WHEN 'delivered' THEN 2
                      WHEN 'held' THEN 3 WHEN 'needs_attention' THEN 3 ELSE 4 END))
                    FROM deliveries d WHERE d.lead_id = l.id))
               AND (CAST($6 AS TEXT) IS NULL OR l.site_id = $6) AND (CAST($7 AS TEXT) IS NULL OR l.owner_id = $7)
               AND (CAST($8 AS TEXT) IS NULL OR EXISTS
                    (SELECT 1 FROM lead_marks m WHERE m.lead_id = l.id AND m.mark = $8))
               AND l.accepted_at >= $9 AND (l.accepted_at < $10 OR (l.accepted_at = $10 AND l.number < $11))
               AND (CAST($13 AS TEXT) IS NULL OR l.words LIKE $13 ESCAPE '!' OR l.words LIKE $14)
             ORDER BY l.accepted_at DESC, l.number DESC LIMIT $12"
        )
    };
    let (at, number) =
        filter.before.map_or((i64::MAX, i64::MAX), |(at, number)| (at.as_microsecond(), number));
    let bound = Statement::tenant(statement, client_id)
        .maybe(filter.intent.as_deref())
        .maybe(filter.channel.as_deref())
        .maybe(filter.state.as_deref())
        .number(filter.standing.map_or(0, Standing::rank))
        .maybe(filter.site_id)
        .maybe(filter.owner)
        .maybe(filter.mark.as_deref())
        .number(filter.since.map_or(i64::MIN, Timestamp::as_microsecond))
        .number(at)
        .number(number)
        .number(limit);
    let bound = match &search {
        Some(search) if exact => bound
            .number(search.number)
            .maybe(search.phone.as_deref())
            .maybe(search.email.as_deref())
            .maybe(search.record.as_deref()),
        Some(search) => bound.text(&search.like).maybe(search.digits.as_deref()),
        None => bound.maybe(None::<&str>).maybe(None::<&str>),
    };
    bound
        .all(conn, |row| {
            Ok(Line { lead: read(row)?, owner: row.maybe_parsed(5)?, person_id: row.maybe_parsed(6)? })
        })
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
