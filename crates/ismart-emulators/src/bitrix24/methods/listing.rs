//! What all list methods share: filter, order, select, pages of fifty.

use crate::bitrix24::call::Call;
use crate::bitrix24::entity::Entity;
use crate::bitrix24::fields::Kind;
use crate::bitrix24::filter::{self, Node, Target};
use crate::bitrix24::params::items;
use crate::bitrix24::store::StoredItem;
use crate::bitrix24::value::integer;
use serde_json::Value;
use std::cmp::Ordering;
use std::sync::Arc;

/// Fixed by the portal.
pub(super) const PAGE: usize = 50;

/// One sort key.
pub(super) struct Order {
    pub(super) key: String,
    pub(super) kind: Kind,
    pub(super) descending: bool,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Offset of the first row; rows are counted.
    At(usize),
    /// `-1`: no counting, no `next`.
    Uncounted,
}

pub(super) struct Listing {
    pub(super) entity: Entity,
    pub(super) filter: Node,
    pub(super) order: Vec<Order>,
    pub(super) start: Start,
}

pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) total: u64,
    pub(super) next: Option<u64>,
}

pub(super) fn start(call: &Call<'_>) -> Start {
    match call.param("start").and_then(integer) {
        Some(-1) => Start::Uncounted,
        Some(at) => Start::At(usize::try_from(at).unwrap_or(0)),
        None => Start::At(0),
    }
}

pub(super) fn select(call: &Call<'_>) -> Vec<String> {
    let named = call.param("select").map(items).unwrap_or_default();
    named.into_iter().filter_map(|(_, name)| name.as_str().map(str::to_owned)).collect()
}

/// True for a descending sort; `None` for anything that is neither `ASC` nor `DESC`.
pub(super) fn direction(value: &Value) -> Option<bool> {
    match value.as_str()?.to_ascii_uppercase().as_str() {
        "ASC" => Some(false),
        "DESC" => Some(true),
        _ => None,
    }
}

pub(super) fn filter(
    call: &Call<'_>,
    lookup: &dyn Fn(&str) -> Option<Target>,
    unknown: &mut Vec<String>,
) -> Node {
    filter::parse(call.param("filter").unwrap_or(&Value::Null), lookup, unknown)
}

/// Cuts one page out of rows that are already in order.
pub(super) fn page<T: Clone>(rows: &[T], start: Start) -> Page<T> {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    match start {
        Start::Uncounted => Page { items: rows.iter().take(PAGE).cloned().collect(), total: 0, next: None },
        Start::At(at) => {
            let end = at.saturating_add(PAGE);
            Page {
                items: rows.iter().skip(at).take(PAGE).cloned().collect(),
                total: count(rows.len()),
                next: (rows.len() > end).then(|| count(end)),
            }
        }
    }
}

impl Listing {
    pub(super) fn run(self, call: &Call<'_>) -> Page<Arc<StoredItem>> {
        let offset = call.offset;
        let by_id = self.order.first().is_none_or(|order| order.key == "id" && !order.descending);
        let demanded_id = self.filter.demanded("id").and_then(integer).and_then(|id| u64::try_from(id).ok());
        let demanded_origin =
            self.filter.demanded("originId").and_then(Value::as_str).filter(|o| !o.is_empty());
        let candidates: Box<dyn Iterator<Item = &Arc<StoredItem>>> = match (demanded_id, demanded_origin) {
            (Some(id), _) => Box::new(call.store.get(self.entity, id).into_iter()),
            (None, Some(origin)) => Box::new(call.store.by_origin(self.entity, origin).into_iter()),
            (None, None) => Box::new(call.store.iter(self.entity, self.filter.after_id())),
        };
        let matching = candidates.filter(|item| self.filter.matches(item, offset)).cloned();
        if by_id && self.start == Start::Uncounted {
            return Page { items: matching.take(PAGE).collect(), total: 0, next: None };
        }
        let mut rows: Vec<Arc<StoredItem>> = matching.collect();
        rows.sort_by(|left, right| self.compare(call, left, right));
        page(&rows, self.start)
    }

    fn compare(&self, call: &Call<'_>, left: &StoredItem, right: &StoredItem) -> Ordering {
        for order in &self.order {
            let ordering = filter::sort_by(&order.key, order.kind, left, right, call.offset);
            let ordering = if order.descending { ordering.reverse() } else { ordering };
            if ordering != Ordering::Equal {
                return ordering;
            }
        }
        left.id.cmp(&right.id)
    }
}
