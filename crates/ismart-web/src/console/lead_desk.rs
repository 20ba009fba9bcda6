//! What people do with many leads at once, and the views that they come back to. Nothing is done before its count was
//! shown.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::spam::Refusal;
use ismart_domain::{LeadId, SiteId, UserId};
use ismart_leads::holding;
use ismart_store::events::Scope;
use ismart_store::leads::{self, Line};
use ismart_store::{StoreError, Tx, lead_desk, users};
use serde::Serialize;

use super::fault::Fault;
use super::fields::Fields;
use super::leads::{Beside, LeadLine, Wish, line};
use super::page::Place;
use super::seat::{Answering, Posted, Seat};
use super::{local, plain};
use crate::platform::Platform;

/// Leads of one transaction: short enough that nobody waits for it.
const AT_ONCE: usize = 50;
/// Leads that one action reaches.
const MOST: usize = 5000;
/// Leads that are shown before it is done.
const SHOWN: usize = 10;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    Assign(Option<UserId>),
    Hold,
    Release,
    Refuse(Refusal, Option<String>),
    Mark(String, bool),
}

impl Deed {
    fn read(fields: &Fields) -> Result<Self, Fault> {
        let text = |name: &str, most: usize| {
            let text: String = fields.get(name).unwrap_or_default().trim().chars().take(most).collect();
            Some(text).filter(|text| !text.is_empty())
        };
        let mark = || text("mark", 40).ok_or(Fault::Invalid("leads.fault.mark"));
        Ok(match fields.get("do").unwrap_or_default() {
            "assign" => match text("owner", 40) {
                None => Self::Assign(None),
                Some(owner) => {
                    let owner = owner.parse().or(Err(Fault::Invalid("leads.fault.owner")))?;
                    Self::Assign(Some(owner))
                }
            },
            "hold" => Self::Hold,
            "release" => Self::Release,
            "refuse" => {
                let reason = Refusal::from_code(fields.get("reason").unwrap_or_default());
                Self::Refuse(reason.ok_or(Fault::Invalid("leads.fault.reason"))?, text("note", 300))
            }
            "mark" => Self::Mark(mark()?, true),
            "unmark" => Self::Mark(mark()?, false),
            _ => return Err(Fault::Invalid("leads.fault.deed")),
        })
    }

    async fn carry_out(
        &self,
        tx: &mut Tx,
        scope: Scope,
        lead: LeadId,
        user: UserId,
    ) -> Result<bool, StoreError> {
        match self {
            Self::Assign(owner) => holding::assign(tx, scope, lead, *owner, Some(user)).await,
            Self::Hold => holding::hold(tx, scope, lead, user).await,
            Self::Release => holding::release(tx, scope, lead, Some(user)).await,
            Self::Refuse(reason, note) => {
                holding::refuse(tx, scope, lead, *reason, note.as_deref(), user).await
            }
            Self::Mark(mark, on) => holding::mark(tx, scope, lead, mark, *on, user).await,
        }
    }
}

#[derive(Serialize)]
struct BulkPage {
    /// What will be done, in words, with the count.
    what: String,
    button: String,
    /// Every field of the wish, to be sent again.
    fields: Vec<(String, String)>,
    leads: Vec<LeadLine>,
    /// How many more there are than shown.
    others: Option<String>,
    back: String,
}

/// `POST /console/leads/bulk`: without `sure` tells how many leads it would reach and asks; with it, does it.
pub(super) async fn bulk(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let deed = Deed::read(&fields)?;
    let back = local::safe(fields.get("back").unwrap_or("/console/leads")).to_owned();
    check_owner(&platform, &seat, &deed).await?;
    let lines = chosen(&platform, &seat, &fields).await?;
    if lines.is_empty() {
        return Err(Fault::Invalid("leads.fault.none"));
    }
    if fields.get("sure").is_none() {
        return Ok(ask(&platform, &seat, &fields, &deed, &lines, back).await?.into_response());
    }
    let did = do_it(&platform, &seat, deed, &lines).await?;
    let join = if back.contains('?') { '&' } else { '?' };
    Ok(Redirect::to(&format!("{back}{join}did={did}")).into_response())
}

/// A lead is owned by people of its client only.
async fn check_owner(platform: &Platform, seat: &Seat, deed: &Deed) -> Result<(), Fault> {
    let Deed::Assign(Some(owner)) = deed else { return Ok(()) };
    let people = users::of_client(&mut platform.store.read().await?, seat.client.id).await?;
    let known = people.iter().any(|user| user.id == *owner);
    if known { Ok(()) } else { Err(Fault::Invalid("leads.fault.owner")) }
}

/// The leads that were ticked, or all that the filter of the list finds.
async fn chosen(platform: &Platform, seat: &Seat, fields: &Fields) -> Result<Vec<Line>, Fault> {
    let mut conn = platform.store.read().await?;
    let mut lines: Vec<Line> = Vec::new();
    if fields.get("all").is_some() {
        let mut filter = Wish::of(fields.get("query").unwrap_or_default()).filter(seat.session.user.id);
        filter.before = None;
        while lines.len() < MOST {
            let found = leads::lines(&mut conn, seat.client.id, &filter, 500).await?;
            let Some(last) = found.last() else { break };
            filter.before = Some((last.lead.accepted_at, last.lead.number));
            lines.extend(found);
        }
        lines.truncate(MOST);
        return Ok(lines);
    }
    for id in fields.every("id").take(AT_ONCE) {
        let id: LeadId = id.parse().or(Err(Fault::Missing))?;
        let lead = leads::get(&mut conn, seat.client.id, id).await?.ok_or(Fault::Missing)?;
        let owner = lead_desk::owner(&mut conn, seat.client.id, id).await?;
        lines.push(Line { lead, owner, person_id: None });
    }
    Ok(lines)
}

async fn ask(
    platform: &Platform,
    seat: &Seat,
    fields: &Fields,
    deed: &Deed,
    lines: &[Line],
    back: String,
) -> Result<Html<String>, Fault> {
    let (texts, teller) = (seat.texts(), seat.teller(platform));
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let mut conn = platform.store.read().await?;
    let first: Vec<Line> = lines.iter().take(SHOWN).cloned().collect();
    let beside = Beside::of(&mut conn, seat, &first).await?;
    let people = users::of_client(&mut conn, seat.client.id).await?;
    drop(conn);
    let (key, detail) = match deed {
        Deed::Assign(None) => ("leads.deed.unassign", String::new()),
        Deed::Assign(Some(owner)) => {
            let name = people.iter().find(|user| user.id == *owner).map(|user| user.name.clone());
            ("leads.deed.assign", name.unwrap_or_default())
        }
        Deed::Hold => ("leads.deed.hold", String::new()),
        Deed::Release => ("leads.deed.release", String::new()),
        Deed::Refuse(reason, _) => ("leads.deed.refuse", plain::named(texts, "refusal", reason.code())),
        Deed::Mark(mark, true) => ("leads.deed.mark", mark.clone()),
        Deed::Mark(mark, false) => ("leads.deed.unmark", mark.clone()),
    };
    let others = count - i64::try_from(first.len()).unwrap_or(0);
    let sent = ["do", "owner", "mark", "reason", "note", "all", "query", "id"];
    let page = BulkPage {
        what: texts.say(key, &[("detail", &detail)]),
        button: texts.count("leads.deed.sure", count),
        fields: fields
            .all()
            .filter(|(name, _)| sent.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        leads: first.iter().map(|found| line(seat, &teller, found, &beside)).collect(),
        others: (others > 0).then(|| texts.count("leads.deed.others", others)),
        back,
    };
    let title = texts.count("leads.deed.sure", count);
    seat.page(platform, Place::Leads, title, "leads_bulk.twig", &page).await
}

async fn do_it(platform: &Platform, seat: &Seat, deed: Deed, lines: &[Line]) -> Result<usize, Fault> {
    let (client_id, user) = (seat.client.id, seat.session.user.id);
    let mut did = 0;
    for part in lines.chunks(AT_ONCE) {
        let leads: Vec<(LeadId, SiteId)> =
            part.iter().map(|line| (line.lead.id, line.lead.draft.site_id)).collect();
        let (deed, trace_id) = (deed.clone(), platform.env.new_id());
        let changed: Result<usize, StoreError> = platform
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let mut changed = 0;
                    for (lead, site_id) in leads {
                        let scope = Scope { client_id, site_id: Some(site_id), trace_id };
                        changed += usize::from(deed.carry_out(tx, scope, lead, user).await?);
                    }
                    Ok(changed)
                })
            })
            .await;
        did += changed?;
    }
    tracing::info!(user.id = %user, client.id = %client_id, leads = did, deed = ?deed, "leads were changed");
    Ok(did)
}

/// `POST /console/leads/views`: keeps the present filter under a name, or forgets one.
pub(super) async fn save_view(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let name: String = fields.get("name").unwrap_or_default().trim().chars().take(40).collect();
    if name.is_empty() {
        return Err(Fault::Invalid("leads.fault.view"));
    }
    let query = Wish::of(fields.get("query").unwrap_or_default()).query();
    let (client, user) = (seat.client.id, seat.session.user.id);
    let (drop, to) = (fields.get("drop").is_some(), format!("/console/leads?{query}"));
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if drop {
                    lead_desk::drop_view(tx, client, &name).await?;
                    return Ok(());
                }
                lead_desk::save_view(tx, client, &name, &query, user).await
            })
        })
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    Ok(Redirect::to(to.trim_end_matches('?')).into_response())
}
