//! `/console/site/{site}/redirects`: rules with how often visitors follow them, and addresses that lead visitors nowhere.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use ismart_sites::edit::{self, Op};
use ismart_sites::{Answer, Request, Snapshot};
use ismart_store::addresses::{self, AddressKind, Tally};
use ismart_store::{StoreError, Tx};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::findings::{self, FindingLine};
use super::super::local::encoded;
use super::super::moment::{Teller, When};
use super::super::seat::{Editing, Posted, Seated};
use super::open;
use crate::platform::Platform;

/// The file of the rules.
const REDIRECTS: &str = "config/redirects.json";
/// Addresses that lead nowhere, shown.
const MISSING: usize = 50;
/// How many of them are looked at: pages made since are left out.
const EXAMINED: usize = 200;

#[derive(Serialize)]
struct RedirectsPage {
    file: &'static str,
    there: bool,
    rules: Vec<RuleRow>,
    findings: Vec<FindingLine>,
    /// `order`, `hits`, `last`.
    sort: &'static str,
    unused_only: bool,
    unused: usize,
    total: usize,
    /// From when on hits are counted.
    since: Option<When>,
    missing: Vec<MissingRow>,
    more: usize,
    /// What stands in the form for a new rule.
    from: String,
    here: String,
}

#[derive(Serialize)]
struct RuleRow {
    at: usize,
    from_key: &'static str,
    from: String,
    to_key: &'static str,
    to: String,
    status: i64,
    prefix: bool,
    last: bool,
    hits: i64,
    hits_said: String,
    last_hit: Option<When>,
    #[serde(skip)]
    last_at: Option<jiff::Timestamp>,
}

#[derive(Serialize)]
struct MissingRow {
    address: String,
    hits: String,
    last: When,
    referrer: Option<String>,
    make: String,
}

/// The rules of the draft.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let text = opened.draft.text(&opened.site, REDIRECTS)?;
    let rules: Value =
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let items = rules.as_array().cloned().unwrap_or_default();
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    // What was counted a moment ago is to be seen too.
    platform.footfall.write().await?;
    let tallies = addresses::of_site(&mut platform.store.read().await?, client_id, site_id).await?;
    let teller = seat.teller(&platform);
    let number = |n| seat.number(n);
    let mut rows = rule_rows(&items, &tallies, &teller, &number);
    let unused = rows.iter().filter(|row| row.hits == 0).count();
    let sort = match query.get("sort") {
        Some("hits") => "hits",
        Some("last") => "last",
        _ => "order",
    };
    match sort {
        "hits" => rows.sort_by_key(|row| (Reverse(row.hits), row.at)),
        "last" => rows.sort_by_key(|row| (Reverse(row.last_at), row.at)),
        _ => {}
    }
    let unused_only = query.get("only") == Some("unused");
    if unused_only {
        rows.retain(|row| row.hits == 0);
    }
    let (shown, now) = (opened.draft.shown(&opened.site), platform.env.now());
    let since =
        tallies.iter().find(|tally| tally.kind == AddressKind::Since).map(|t| teller.when(t.first_at));
    let looked = tokio::task::spawn_blocking(move || {
        let missing = still_missing(&shown, tallies, now);
        (ismart_sites::check(&shown, now), missing)
    });
    let (found, missing) = looked.await.map_err(|_stopped| Fault::Store)?;
    let said = |finding| findings::line(seat.look.language, finding);
    let of_rules = found.iter().filter(|finding| finding.rule.starts_with("redirect."));
    let mut findings: Vec<FindingLine> = of_rules.map(said).collect();
    if let Err(faults) = &opened.draft.snapshot {
        findings.extend(faults.iter().filter(|fault| fault.file == REDIRECTS).map(said));
    }
    let base = format!("/console/site/{key}/redirects");
    let missing_row = |tally: &Tally| MissingRow {
        hits: number(tally.hits),
        last: teller.when(tally.last_at),
        referrer: tally.referrer.clone(),
        make: format!("{base}?from={}#make", encoded(&tally.address)),
        address: tally.address.clone(),
    };
    let only = if unused_only { "&only=unused" } else { "" };
    let page = RedirectsPage {
        file: REDIRECTS,
        there: text.is_some(),
        total: items.len(),
        rules: rows,
        findings,
        here: format!("{base}?sort={sort}{only}"),
        sort,
        unused_only,
        unused,
        since,
        more: missing.len().saturating_sub(MISSING),
        missing: missing.iter().take(MISSING).map(missing_row).collect(),
        from: query.get("from").filter(|from| from.starts_with('/')).unwrap_or("").to_owned(),
    };
    opened.screen(&platform, &seat, "redirects", "site/redirects.twig", &page).await
}

fn rule_rows(
    items: &[Value],
    tallies: &[Tally],
    teller: &Teller,
    number: &impl Fn(i64) -> String,
) -> Vec<RuleRow> {
    let last = items.len().saturating_sub(1);
    let row = |(at, rule): (usize, &Value)| {
        let prefix = rule.get("from_prefix").is_some();
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let (from_key, to_key) = if prefix { ("from_prefix", "to_prefix") } else { ("from", "to") };
        let from = text(from_key);
        let kind = if prefix { AddressKind::Prefix } else { AddressKind::Exact };
        let plain = |path: &str| path.trim_end_matches('/').to_owned();
        let counted = tallies.iter().find(|tally| {
            tally.kind == kind && (tally.address == from || (!prefix && tally.address == plain(&from)))
        });
        let hits = counted.map_or(0, |tally| tally.hits);
        let last_at = counted.map(|tally| tally.last_at);
        RuleRow {
            at,
            from,
            to: text(to_key),
            from_key,
            to_key,
            status: rule.get("status").and_then(Value::as_i64).unwrap_or(301),
            prefix,
            last: at == last,
            hits,
            hits_said: number(hits),
            last_hit: last_at.map(|at| teller.when(at)),
            last_at,
        }
    };
    items.iter().enumerate().map(row).collect()
}

/// The addresses that lead nowhere in this state of the site too.
fn still_missing(site: &Snapshot, tallies: Vec<Tally>, now: jiff::Timestamp) -> Vec<Tally> {
    let host = site.config().hosts.first().map_or("localhost", String::as_str).to_owned();
    let missing = tallies.into_iter().filter(|tally| tally.kind == AddressKind::Missing).take(EXAMINED);
    missing
        .filter(|tally| {
            let path: Vec<String> = tally.address.split('/').map(encoded).collect();
            let path = path.join("/");
            matches!(site.answer(&Request::get(&host, &path, now)), Answer::Page(page) if page.status == 404)
        })
        .collect()
}

/// `POST /console/site/{site}/rule`: adds a rule; the file is made with the first one.
pub(in super::super) async fn rule(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let field = |name: &str| fields.get(name).unwrap_or("").trim().to_owned();
    let (from, to) = (field("from"), field("to"));
    let target = to.starts_with("https://")
        || to.starts_with("http://")
        || (to.starts_with('/') && !to.starts_with("//"));
    if !from.starts_with('/') || !target {
        return Err(Fault::Invalid("site.fault.rule"));
    }
    let (from_key, to_key) =
        if field("kind") == "prefix" { ("from_prefix", "to_prefix") } else { ("from", "to") };
    let status: u16 = field("status").parse().unwrap_or(301);
    let mut rule = json!({ from_key: from, to_key: to });
    if status != 301
        && let Some(map) = rule.as_object_mut()
    {
        map.insert("status".to_owned(), status.into());
    }
    let (site, user, access) = (&opened.site, opened.user, &opened.access);
    match opened.draft.text(site, REDIRECTS)? {
        None => {
            let text = edit::pretty(&json!([rule])) + "\n";
            platform.editing.replace(site, user, access, REDIRECTS, Some(text)).await?;
        }
        Some(_) => {
            let op = Op::Insert { pointer: String::new(), at: usize::MAX, value: rule };
            platform.editing.change(site, user, access, REDIRECTS, &[op]).await?;
        }
    }
    Ok(Redirect::to(&format!("/console/site/{key}/redirects")))
}

/// `POST /console/site/{site}/missing`: forgets an address that leads nowhere, or all of them.
pub(in super::super) async fn forget(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    if !opened.access.may_edit(&opened.site.snapshot, REDIRECTS, "", None) {
        return Err(Fault::Forbidden);
    }
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let address = fields.get("address").filter(|address| !address.is_empty()).map(str::to_owned);
    if address.is_none() && fields.get("all") != Some("1") {
        return Err(Fault::Invalid("fault.invalid.form"));
    }
    let forgotten: Result<u64, StoreError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { addresses::forget(tx, client_id, site_id, address.as_deref()).await })
        })
        .await;
    forgotten?;
    Ok(Redirect::to(&format!("/console/site/{key}/redirects#missing")))
}
