//! Built-in tools of workers, one module each.

mod arguments;
pub mod business;
pub mod business_facts;
pub mod create_lead;
pub mod credit;
pub mod credit_estimate;
mod effect;
pub mod hand_over;
pub mod knowledge_answer;
mod reader;
pub mod schedule;
mod shown;
pub mod site_knowledge;
pub mod stock_item;
pub mod stock_search;
pub mod test_drive;
mod wording;

use std::sync::Arc;

use ismart_domain::ports::Tool;

pub use site_knowledge::{GlobalError, Knowledge, SiteKnowledge};

/// Makes a reading tool over the knowledge of one site.
pub type MakeReading = fn(Knowledge) -> Arc<dyn Tool>;

/// The tools that only read. A further one is one module and one line here.
pub static READING: &[MakeReading] = &[
    |knowledge| Arc::new(business_facts::BusinessFacts::new(knowledge)),
    |knowledge| Arc::new(credit_estimate::CreditEstimate::new(knowledge)),
    |knowledge| Arc::new(knowledge_answer::KnowledgeAnswer::new(knowledge)),
    |knowledge| Arc::new(stock_item::StockItem::new(knowledge)),
    |knowledge| Arc::new(stock_search::StockSearch::new(knowledge)),
];

/// All reading tools of one site.
#[must_use]
pub fn reading(knowledge: &Knowledge) -> Vec<Arc<dyn Tool>> {
    READING.iter().map(|make| make(Arc::clone(knowledge))).collect()
}
