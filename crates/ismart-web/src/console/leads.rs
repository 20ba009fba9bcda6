//! `GET /console/leads`: the list of leads, the same leads as a board, and the same list as a file.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ismart_domain::delivery::{Delivery, DeliveryState, Standing};
use ismart_domain::lead::{Channel, Intent, Lead};
use ismart_domain::user::{Right, User};
use ismart_domain::{LeadId, UserId};
use ismart_store::judgements::{self, Judgement, Ruling};
use ismart_store::leads::{self, Filter, Line};
use ismart_store::{Conn, StoreError, clients, lead_desk, users};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::language::Language;
use super::moment::{Teller, When};
use super::page::Place;
use super::seat::{People, Seat, Seated};
use super::{csv, local, plain};
use crate::platform::Platform;

/// Leads on one page.
const PAGE: usize = 50;
/// Leads in one column of the board.
const COLUMN: i64 = 20;
/// Leads read at once for a file.
const BATCH: i64 = 500;
/// Says in an address that the owner is whoever looks.
const ME: &str = "me";

/// The wish in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    q: String,
    intent: String,
    channel: String,
    state: String,
    standing: String,
    owner: String,
    mark: String,
    site: String,
    /// `board` for columns.
    look: String,
    /// Only leads before the one of this moment (microseconds since 1970) and number, joined by a dot.
    before: String,
    /// How many leads the last action changed.
    did: String,
}

impl Wish {
    /// Reads the query of an address of the list.
    pub(super) fn of(query: &str) -> Self {
        let Ok(uri) = format!("/?{query}").parse() else { return Self::default() };
        Query::try_from_uri(&uri).map_or_else(|_unreadable| Self::default(), |found| found.0)
    }

    /// The wish as the store reads it; codes that do not exist ask for nothing.
    pub(super) fn filter(&self, me: UserId) -> Filter {
        let owner = if self.owner == ME { Some(me) } else { self.owner.parse().ok() };
        Filter {
            search: Some(self.q.chars().take(100).collect::<String>()).filter(|q| !q.trim().is_empty()),
            intent: Intent::from_code(&self.intent).map(|intent| intent.code().to_owned()),
            channel: Some(self.channel.clone()).filter(|code| Channel::CODES.contains(&code.as_str())),
            state: DeliveryState::from_code(&self.state).map(|state| state.code().to_owned()),
            standing: Standing::from_code(&self.standing),
            site_id: self.site.parse().ok(),
            owner,
            mark: Some(self.mark.chars().take(40).collect::<String>()).filter(|mark| !mark.is_empty()),
            since: None,
            before: self.before.split_once('.').and_then(|(at, number)| {
                Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, number.parse().ok()?))
            }),
        }
    }

    /// The wish as a query, without the place of the page.
    pub(super) fn query(&self) -> String {
        let all = [
            ("q", &self.q),
            ("intent", &self.intent),
            ("channel", &self.channel),
            ("state", &self.state),
            ("standing", &self.standing),
            ("owner", &self.owner),
            ("mark", &self.mark),
            ("site", &self.site),
            ("look", &self.look),
        ];
        all.iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", local::encoded(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn is_filtered(&self) -> bool {
        !Self { look: String::new(), ..self.clone() }.query().is_empty()
    }
}

/// An address with a query that may be empty.
fn address(path: &str, query: &str, more: &str) -> String {
    let parts: Vec<&str> = [query, more].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

#[derive(Serialize)]
struct LeadsPage {
    q: String,
    query: String,
    intents: Vec<Choice>,
    states: Vec<Choice>,
    channels: Vec<Choice>,
    standings: Vec<Choice>,
    owners: Vec<Choice>,
    marks: Vec<Choice>,
    sites: Vec<Choice>,
    /// Whether one of the rarer filters is in use.
    more_filters: bool,
    refusals: Vec<Choice>,
    views: Vec<ViewLink>,
    proof: Option<ProofLine>,
    held: Option<String>,
    did: Option<String>,
    may: bool,
    filtered: bool,
    board: bool,
    /// Addresses of the list and of the board.
    looks: (String, String),
    leads: Vec<LeadLine>,
    columns: Vec<Column>,
    /// Address of the next page.
    more: Option<String>,
    /// Address of the first page, when this is not it.
    first: Option<String>,
    file: String,
    shown: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Choice {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) current: bool,
}

#[derive(Serialize)]
struct ViewLink {
    name: String,
    href: String,
    current: bool,
}

/// The proof that nothing was lost, in one line.
#[derive(Serialize)]
struct ProofLine {
    holds: bool,
    text: String,
    when: When,
    /// Leads that differ, with what is wrong with them.
    wrong: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Column {
    title: String,
    tone: &'static str,
    leads: Vec<LeadLine>,
    /// Address of the list of all of them.
    all: String,
    more: bool,
}

/// A lead in the list.
#[derive(Serialize)]
pub(super) struct LeadLine {
    id: String,
    number: i64,
    when: When,
    person: String,
    contact: String,
    intent: String,
    subject: String,
    channel: String,
    states: Vec<StateBadge>,
    owner: Option<String>,
    marks: Vec<String>,
    /// Why it is held.
    reasons: Vec<String>,
    test: bool,
}

/// A delivery's state at a glance.
#[derive(Debug, Serialize)]
pub(super) struct StateBadge {
    destination: String,
    title: String,
    tone: &'static str,
}

/// What belongs to many leads, read at once.
pub(super) struct Beside {
    deliveries: HashMap<LeadId, Vec<Delivery>>,
    marks: HashMap<LeadId, Vec<String>>,
    judgements: HashMap<LeadId, Judgement>,
    users: Vec<User>,
}

impl Beside {
    /// Reads it in a number of statements that does not grow with the number of leads on a page.
    pub(super) async fn of(conn: &mut Conn, seat: &Seat, lines: &[Line]) -> Result<Self, StoreError> {
        let (client, ids) = (seat.client.id, lines.iter().map(|line| line.lead.id).collect::<Vec<_>>());
        Ok(Self {
            deliveries: lead_desk::deliveries_of(conn, client, &ids).await?,
            marks: lead_desk::marks_of(conn, client, &ids).await?,
            judgements: lead_desk::judgements_of(conn, client, &ids).await?,
            users: users::of_client(conn, client).await?,
        })
    }

    fn deliveries(&self, lead: &Lead) -> &[Delivery] {
        self.deliveries.get(&lead.id).map(Vec::as_slice).unwrap_or_default()
    }

    fn owner(&self, line: &Line) -> Option<String> {
        let owner = line.owner?;
        self.users.iter().find(|user| user.id == owner).map(|user| user.name.clone())
    }

    fn marks(&self, lead: &Lead) -> Vec<String> {
        self.marks.get(&lead.id).cloned().unwrap_or_default()
    }
}

/// Shows the list or the board; for scripts, only what was found.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let (teller, filter) = (seat.teller(&platform), wish.filter(seat.session.user.id));
    let mut conn = platform.store.read().await?;
    let board = wish.look == "board";
    let (mut lines, mut columns) = (Vec::new(), Vec::new());
    if board {
        columns = self::columns(&mut conn, &seat, &teller, &wish).await?;
    } else {
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        lines = leads::lines(&mut conn, seat.client.id, &filter, limit).await?;
    }
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    let beside = Beside::of(&mut conn, &seat, &lines).await?;
    let frame = Choices::of(&mut conn, &seat, &wish, &beside.users).await?;
    let held = judgements::held(&mut conn, seat.client.id).await?;
    drop(conn);
    let query = wish.query();
    let last = lines
        .last()
        .filter(|_| more)
        .map(|line| format!("before={}.{}", line.lead.accepted_at.as_microsecond(), line.lead.number));
    let texts = seat.texts();
    let other = |look: &str| Wish { look: look.to_owned(), ..wish.clone() }.query();
    let count = columns.iter().map(|column| column.leads.len()).sum::<usize>() + lines.len();
    let rare = [&wish.channel, &wish.state, &wish.standing, &wish.owner, &wish.mark, &wish.site];
    let page = LeadsPage {
        q: wish.q.clone(),
        intents: frame.intents,
        states: frame.states,
        channels: frame.channels,
        standings: frame.standings,
        owners: frame.owners,
        marks: frame.marks,
        sites: frame.sites,
        more_filters: rare.iter().any(|value| !value.is_empty()),
        refusals: plain::refusals(texts),
        views: frame.views,
        proof: proof(&platform, &seat, &teller),
        held: (held > 0).then(|| texts.count("leads.held", held)),
        did: wish.did.parse().ok().map(|did| texts.count("leads.did", did)),
        may: seat.may(Right::Answer),
        filtered: wish.is_filtered(),
        board,
        looks: (address("/console/leads", &other(""), ""), address("/console/leads", &other("board"), "")),
        shown: texts.count("leads.shown", i64::try_from(count).unwrap_or(i64::MAX)),
        leads: lines.iter().map(|line| self::line(&seat, &teller, line, &beside)).collect(),
        columns,
        more: last.map(|last| address("/console/leads", &query, &last)),
        first: (!wish.before.is_empty()).then(|| address("/console/leads", &query, "")),
        file: address("/console/leads/file.csv", &query, ""),
        query,
    };
    if seat.by_script {
        return Ok(seat.part("part/leads.twig", &page)?.into_response());
    }
    let title = texts.get("nav.leads");
    Ok(seat.page(&platform, Place::Leads, title, "leads.twig", &page).await?.into_response())
}

/// The newest leads of each standing.
async fn columns(
    conn: &mut Conn,
    seat: &Seat,
    teller: &Teller,
    wish: &Wish,
) -> Result<Vec<Column>, StoreError> {
    let own = wish.filter(seat.session.user.id);
    let mut columns = Vec::new();
    for standing in [Standing::InFlight, Standing::Held, Standing::Delivered, Standing::Refused] {
        if own.standing.is_some_and(|only| only != standing) {
            continue;
        }
        let filter = Filter { standing: Some(standing), before: None, ..own.clone() };
        let mut found = leads::lines(conn, seat.client.id, &filter, COLUMN + 1).await?;
        let more = i64::try_from(found.len()).is_ok_and(|count| count > COLUMN);
        found.truncate(usize::try_from(COLUMN).unwrap_or(usize::MAX));
        let beside = Beside::of(conn, seat, &found).await?;
        let only = Wish { standing: standing.code().to_owned(), look: String::new(), ..wish.clone() };
        columns.push(Column {
            title: plain::named(seat.texts(), "standing", standing.code()),
            tone: plain::standing_tone(standing),
            leads: found.iter().map(|found| line(seat, teller, found, &beside)).collect(),
            all: address("/console/leads", &only.query(), ""),
            more,
        });
    }
    Ok(columns)
}

/// What the newest count of the ledger says.
fn proof(platform: &Platform, seat: &Seat, teller: &Teller) -> Option<ProofLine> {
    let proof = platform.ledger.proof(seat.client.id)?;
    let (sum, texts) = (proof.whole(), seat.texts());
    let values = [
        ("accepted", seat.number(sum.accepted)),
        ("delivered", seat.number(sum.delivered)),
        ("in_flight", seat.number(sum.in_flight)),
        ("held", seat.number(sum.held)),
        ("refused", seat.number(sum.refused)),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(ProofLine {
        holds: proof.holds(),
        text: texts.say("leads.proof", &values),
        when: teller.when(proof.at),
        wrong: proof.differences.iter().take(20).map(|d| (d.lead_id.to_string(), d.what.clone())).collect(),
    })
}

/// What one may choose from.
struct Choices {
    intents: Vec<Choice>,
    states: Vec<Choice>,
    channels: Vec<Choice>,
    standings: Vec<Choice>,
    owners: Vec<Choice>,
    marks: Vec<Choice>,
    sites: Vec<Choice>,
    views: Vec<ViewLink>,
}

impl Choices {
    async fn of(conn: &mut Conn, seat: &Seat, wish: &Wish, users: &[User]) -> Result<Self, StoreError> {
        let (texts, client) = (seat.texts(), seat.client.id);
        let choice = |code: &str, title: String, chosen: &str| Choice {
            code: code.to_owned(),
            title,
            current: code == chosen,
        };
        let intent = |one: Intent| choice(one.code(), plain::intent(texts, one).to_owned(), &wish.intent);
        let state = |one: DeliveryState| choice(one.code(), plain::state(texts, one).to_owned(), &wish.state);
        let me = choice(ME, texts.get("leads.mine").to_owned(), &wish.owner);
        let own = users.iter().map(|user| choice(&user.id.to_string(), user.name.clone(), &wish.owner));
        let query = wish.query();
        let marks = lead_desk::marks(conn, client).await?;
        let sites = clients::sites(conn, client).await?;
        let views = lead_desk::views(conn, client).await?;
        Ok(Self {
            intents: Intent::ALL.into_iter().map(intent).collect(),
            states: DeliveryState::ALL.into_iter().map(state).collect(),
            channels: Channel::CODES
                .into_iter()
                .map(|code| choice(code, plain::named(texts, "channel", code), &wish.channel))
                .collect(),
            standings: Standing::ALL
                .into_iter()
                .map(|one| choice(one.code(), plain::named(texts, "standing", one.code()), &wish.standing))
                .collect(),
            owners: std::iter::once(me).chain(own).collect(),
            marks: marks.into_iter().map(|(mark, _)| choice(&mark, mark.clone(), &wish.mark)).collect(),
            sites: sites
                .into_iter()
                .map(|site| choice(&site.id.to_string(), site.name, &wish.site))
                .collect(),
            views: views
                .into_iter()
                .map(|view| ViewLink {
                    href: address("/console/leads", &view.query, ""),
                    current: !query.is_empty() && view.query == query,
                    name: view.name,
                })
                .collect(),
        })
    }
}

/// A lead as the list shows it.
pub(super) fn line(seat: &Seat, teller: &Teller, line: &Line, beside: &Beside) -> LeadLine {
    let (texts, lead) = (seat.texts(), &line.lead);
    let judged = beside.judgements.get(&lead.id).filter(|judged| judged.ruling == Ruling::Held);
    LeadLine {
        id: lead.id.to_string(),
        number: lead.number,
        when: teller.when(lead.accepted_at),
        person: lead
            .draft
            .name
            .as_ref()
            .map_or_else(|| texts.get("lead.nameless").to_owned(), |n| n.as_str().to_owned()),
        contact: contact(lead),
        intent: plain::intent(texts, lead.draft.intent).to_owned(),
        subject: lead.draft.subject.as_ref().map(|subject| subject.title.clone()).unwrap_or_default(),
        channel: plain::named(texts, "channel", lead.draft.source.channel.code()),
        states: badges(seat, beside.deliveries(lead)),
        owner: beside.owner(line),
        marks: beside.marks(lead),
        reasons: judged.map(|judged| plain::reasons(texts, judged)).unwrap_or_default(),
        test: lead.draft.test,
    }
}

/// Phone, or else e-mail address.
fn contact(lead: &Lead) -> String {
    let phone = lead.draft.phone.as_ref().map(ismart_domain::Phone::pretty);
    phone.or_else(|| lead.draft.email.as_ref().map(|email| email.as_str().to_owned())).unwrap_or_default()
}

/// The states worth a look: those outside, or the inbox alone when there is nothing outside.
fn badges(seat: &Seat, all: &[Delivery]) -> Vec<StateBadge> {
    let badge = |delivery: &Delivery| StateBadge {
        destination: plain::destination_name(seat.texts(), &delivery.destination),
        title: plain::state(seat.texts(), delivery.state).to_owned(),
        tone: plain::tone(delivery.state),
    };
    let outside: Vec<StateBadge> =
        all.iter().filter(|d| d.destination != ismart_leads::INBOX).map(badge).collect();
    if outside.is_empty() { all.iter().map(badge).collect() } else { outside }
}

/// `GET /console/leads/file.csv`: every lead that the filter lets through, with the columns of the list.
pub(super) async fn export(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Response, Fault> {
    let teller = seat.teller(&platform);
    let mut filter = Filter { before: None, ..wish.filter(seat.session.user.id) };
    let mut conn = platform.store.read().await?;
    let mut rows = vec![head(&seat)];
    loop {
        let batch = leads::lines(&mut conn, seat.client.id, &filter, BATCH).await?;
        let beside = Beside::of(&mut conn, &seat, &batch).await?;
        rows.extend(batch.iter().map(|line| row(&seat, &teller, line, &beside)));
        match batch.last() {
            Some(last) if i64::try_from(batch.len()).is_ok_and(|n| n >= BATCH) => {
                filter.before = Some((last.lead.accepted_at, last.lead.number));
            }
            _ => break,
        }
    }
    drop(conn);
    let (count, user) = (rows.len() - 1, seat.session.user.id);
    tracing::info!(user.id = %user, client.id = %seat.client.id, leads = count, "leads were taken out as a file");
    let separator = if seat.look.language == Language::Ru { ';' } else { ',' };
    let day = teller.now.to_zoned(teller.zone.clone()).strftime("%Y-%m-%d").to_string();
    let name = format!("attachment; filename=\"leads-{}-{day}.csv\"", seat.client.slug);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, csv::file(separator, rows)).into_response())
}

const COLUMNS: [&str; 12] = [
    "lead.number",
    "lead.accepted",
    "lead.person",
    "lead.phone",
    "lead.email",
    "lead.intent",
    "lead.subject",
    "lead.channel",
    "lead.comment",
    "lead.deliveries",
    "lead.owner",
    "lead.marks",
];

fn head(seat: &Seat) -> Vec<String> {
    COLUMNS.map(|key| seat.texts().get(key).to_owned()).into()
}

fn row(seat: &Seat, teller: &Teller, line: &Line, beside: &Beside) -> Vec<String> {
    let (texts, lead) = (seat.texts(), &line.lead);
    let draft = &lead.draft;
    let at = lead.accepted_at.to_zoned(teller.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let states: Vec<String> = badges(seat, beside.deliveries(lead))
        .into_iter()
        .map(|badge| format!("{}: {}", badge.destination, badge.title))
        .collect();
    vec![
        lead.number.to_string(),
        at,
        draft.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        draft.phone.as_ref().map(ismart_domain::Phone::pretty).unwrap_or_default(),
        draft.email.as_ref().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        plain::intent(texts, draft.intent).to_owned(),
        draft.subject.as_ref().map(|subject| subject.title.clone()).unwrap_or_default(),
        plain::channel(texts, &draft.source.channel),
        draft.comment.clone(),
        states.join("; "),
        beside.owner(line).unwrap_or_default(),
        beside.marks(lead).join(", "),
    ]
}
