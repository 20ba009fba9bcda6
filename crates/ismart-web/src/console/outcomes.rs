//! What became of leads: on a lead's card, and by site and advertising source for the dashboard.

use std::collections::BTreeMap;

use ismart_domain::money::{Currency, Money};
use ismart_domain::outcome::Stage;
use ismart_domain::{LeadId, SiteId};
use ismart_store::outcomes::{self, Fate};
use ismart_store::{Conn, StoreError, clients};
use jiff::Timestamp;
use serde::Serialize;

use super::moment::{self, Teller, When};
use super::plain;
use super::seat::Seat;

/// Rows of the table of sources.
const SOURCES_SHOWN: usize = 12;

/// Where a record of a lead stands at the client, for `part/outcomes.twig`.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeLine {
    destination: String,
    record: String,
    step: String,
    tone: &'static str,
    status: String,
    amount: Option<String>,
    owner: Option<String>,
    reason: Option<String>,
    when: When,
}

/// The records of a lead, the furthest first.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(super) async fn of_lead(
    conn: &mut Conn,
    seat: &Seat,
    teller: &Teller,
    lead_id: LeadId,
) -> Result<Vec<OutcomeLine>, StoreError> {
    let texts = seat.texts();
    let records = outcomes::of_lead(conn, seat.client.id, lead_id).await?;
    let line = |(destination, known): (String, ismart_domain::outcome::Known)| OutcomeLine {
        destination: plain::destination_name(texts, &destination),
        record: known.record.to_string(),
        step: plain::named(texts, "outcome_step", known.stage.code()),
        tone: match known.stage {
            Stage::Money => "good",
            Stage::Lost | Stage::Deleted => "off",
            Stage::Lead | Stage::Qualified | Stage::Visit | Stage::Deal => "busy",
        },
        status: known.status,
        amount: known.amount.map(|amount| amount.to_string()),
        owner: known.owner,
        reason: known.reason,
        when: teller.when(known.changed_at),
    };
    Ok(records.into_iter().map(line).collect())
}

/// How far the leads of a period came, by site and advertising source.
#[derive(Debug, Serialize)]
pub(super) struct Sales {
    /// All together.
    total: SalesLine,
    rows: Vec<SalesLine>,
    /// Rows that are not shown.
    more: String,
}

#[derive(Debug, Serialize)]
struct SalesLine {
    site: String,
    mark: String,
    leads: String,
    /// Qualified, visit, deal, money: how many, and their share of the leads.
    steps: Vec<(String, String)>,
    lost: String,
    sum: String,
}

#[derive(Debug, Default, Clone)]
struct Tally {
    leads: i64,
    /// How many came at least this far, by rank.
    reached: [i64; 5],
    lost: i64,
    minor: i64,
}

impl Tally {
    fn add(&mut self, fate: &Fate) {
        self.leads += 1;
        for (rank, count) in self.reached.iter_mut().enumerate() {
            *count += i64::from(rank <= usize::from(fate.reached));
        }
        self.lost += i64::from(fate.lost);
        self.minor = self.minor.saturating_add(fate.minor);
    }

    fn line(&self, seat: &Seat, site: String, mark: String) -> SalesLine {
        let step = |count: &i64| {
            let share = moment::tenths(*count, self.leads);
            let share = share.map(|tenths| moment::percent(seat.look.language, tenths)).unwrap_or_default();
            (seat.number(*count), share)
        };
        SalesLine {
            site,
            mark,
            leads: seat.number(self.leads),
            steps: self.reached.iter().skip(1).map(step).collect(),
            lost: seat.number(self.lost),
            sum: Money { minor: self.minor, currency: Currency::Rub }.to_string(),
        }
    }
}

/// How the leads accepted in `[from, to)` sold; `None` where no outcome was ever told.
///
/// # Errors
/// [`StoreError`] when the log cannot be read.
pub(super) async fn sales(
    conn: &mut Conn,
    seat: &Seat,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<Sales>, StoreError> {
    let fates = outcomes::fates(conn, seat.client.id, from, to).await?;
    if fates.iter().all(|fate| fate.reached == 0 && !fate.lost) {
        return Ok(None);
    }
    let sites = clients::sites(conn, seat.client.id).await?;
    let name = |id: SiteId| sites.iter().find(|site| site.id == id).map(|site| site.name.clone());
    let texts = seat.texts();
    let (mut total, mut rows) = (Tally::default(), BTreeMap::<(String, String), Tally>::new());
    for fate in &fates {
        total.add(fate);
        let mark = fate.mark.clone().unwrap_or_else(|| texts.get("sales.no_mark").to_owned());
        rows.entry((name(fate.site_id).unwrap_or_default(), mark)).or_default().add(fate);
    }
    let mut rows: Vec<((String, String), Tally)> = rows.into_iter().collect();
    rows.sort_by_key(|(place, tally)| (std::cmp::Reverse((tally.minor, tally.leads)), place.clone()));
    let hidden = i64::try_from(rows.len().saturating_sub(SOURCES_SHOWN)).unwrap_or(0);
    rows.truncate(SOURCES_SHOWN);
    Ok(Some(Sales {
        total: total.line(seat, String::new(), String::new()),
        rows: rows.into_iter().map(|((site, mark), tally)| tally.line(seat, site, mark)).collect(),
        more: if hidden > 0 { texts.count("sales.more", hidden) } else { String::new() },
    }))
}
