//! `stock_item`: everything that is known of one vehicle.
//!
//! Arguments: exactly one of `key` (id or last part of the page's address), `vin`, `query` (a name as people type it).
//! Gives `item`, its card and source. Refuses with `not_found`, or with `ambiguous` when several vehicles fit a query
//! equally well.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use ismart_knowledge::Vehicle;
use ismart_knowledge::catalogue::Catalogue;
use serde_json::{Value, json};

use crate::arguments::wrong;
use crate::reader::Reader;
use crate::shown;
use crate::site_knowledge::Knowledge;

/// A second vehicle this close to the best one might just as well be meant.
const TIE: f64 = 0.02;
/// How many titles an ambiguous answer names.
const NAMED: usize = 5;

/// See the module.
#[derive(Debug)]
pub struct StockItem(Knowledge);

impl StockItem {
    /// Finds in the stock of this site.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self(knowledge)
    }

    fn run(&self, scope: &ToolScope, arguments: &Value) -> Result<ToolOutcome, ToolError> {
        let reader = Reader::new(arguments, &["key", "vin", "query"])?;
        let site = self.0.load();
        let vehicle = match (reader.text("key")?, reader.text("vin")?, reader.text("query")?) {
            (Some(id), None, None) | (None, Some(id), None) => {
                site.catalogue.get(id).cloned().ok_or_else(|| not_found(id))?
            }
            (None, None, Some(query)) => by_name(&site.catalogue, query)?,
            _ => return Err(wrong("key", "give exactly one of key, vin, query")),
        };
        let russian = scope.language != "en";
        Ok(ToolOutcome {
            data: json!({ "item": shown::long(&vehicle, russian) }),
            sources: vec![shown::source(&vehicle)],
            cards: vec![shown::card(&vehicle, russian)],
            ..ToolOutcome::default()
        })
    }
}

impl Tool for StockItem {
    fn name(&self) -> &'static str {
        "stock_item"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move { self.run(scope, arguments) })
    }
}

fn by_name(catalogue: &Catalogue, query: &str) -> Result<Arc<Vehicle>, ToolError> {
    if let Some(vehicle) = catalogue.get(query) {
        return Ok(Arc::clone(vehicle));
    }
    let found = catalogue.lookup(query, NAMED);
    let best = found.first().ok_or_else(|| not_found(query))?;
    let tied: Vec<String> = found
        .iter()
        .filter(|other| best.score - other.score < TIE)
        .map(|other| format!("{}, {}", other.vehicle.title(), other.vehicle.price_text()))
        .collect();
    if tied.len() > 1 {
        return Err(ToolError::Refused {
            code: "ambiguous".to_owned(),
            reason: format!("several vehicles fit `{query}`: {}", tied.join("; ")),
        });
    }
    Ok(Arc::clone(&best.vehicle))
}

fn not_found(id: &str) -> ToolError {
    ToolError::Refused {
        code: "not_found".to_owned(),
        reason: format!("there is no vehicle `{id}` in stock; it may have been sold"),
    }
}
