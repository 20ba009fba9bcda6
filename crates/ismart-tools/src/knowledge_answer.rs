//! `knowledge_answer`: what the site's pages say about a question.
//!
//! Arguments: `question`. Gives `found`, `text` (a verbatim quote), `confidence` from 0 to 1, and the page it was taken
//! from. When the pages hold no answer, `found` is false and there is no text: the honest answer is "I don't know".

use ismart_domain::BoxFuture;
use ismart_domain::conversation::SourceLink;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use serde_json::{Value, json};

use crate::arguments::wrong;
use crate::reader::Reader;
use crate::site_knowledge::Knowledge;

/// A longer text is no question.
const LONGEST: usize = 2_000;

/// See the module.
#[derive(Debug)]
pub struct KnowledgeAnswer(Knowledge);

impl KnowledgeAnswer {
    /// Answers from the pages of this site.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self(knowledge)
    }

    fn run(&self, arguments: &Value) -> Result<ToolOutcome, ToolError> {
        let reader = Reader::new(arguments, &["question"])?;
        let question = reader.text("question")?.ok_or_else(|| wrong("question", "is missing"))?;
        let question: String = question.chars().take(LONGEST).collect();
        let site = self.0.load();
        let answer = site.index.answer(&question);
        let confidence = answer.map_or(0.0, |answer| (answer.confidence * 100.0).round() / 100.0);
        let Some(answer) = answer.filter(|answer| answer.confident) else {
            let data = json!({ "found": false, "text": "", "confidence": confidence });
            return Ok(ToolOutcome { data, ..ToolOutcome::default() });
        };
        let source =
            SourceLink { title: answer.passage.source_title.clone(), url: answer.passage.url.clone() };
        Ok(ToolOutcome {
            data: json!({ "found": true, "text": answer.quote, "confidence": confidence }),
            sources: vec![source],
            ..ToolOutcome::default()
        })
    }
}

impl Tool for KnowledgeAnswer {
    fn name(&self) -> &'static str {
        "knowledge_answer"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn call<'a>(
        &'a self,
        _scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move { self.run(arguments) })
    }
}
