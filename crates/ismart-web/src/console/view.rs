//! Templates into HTML: the only file of the console that touches the template engine.

use std::collections::HashMap;
use std::sync::LazyLock;

use ismart_twig::{Context, Environment, Error, MemoryLoader, Value};
use serde::Serialize;

use super::language::Language;

/// A page could not be made; for the log, never for the page.
#[derive(Debug, thiserror::Error)]
pub(super) enum ViewError {
    /// The model is no object of plain values.
    #[error("the model of {template} cannot be given to it: {why}")]
    Model {
        /// The template.
        template: String,
        /// What is wrong with it.
        why: String,
    },
    /// The template failed.
    #[error("{0}")]
    Template(#[from] Error),
}

/// Every template, by name.
pub(super) static TEMPLATES: &[(&str, &str)] = &[
    ("api_docs.twig", include_str!("../../../../console/templates/api_docs.twig")),
    ("base.twig", include_str!("../../../../console/templates/base.twig")),
    ("dashboard.twig", include_str!("../../../../console/templates/dashboard.twig")),
    ("destination.twig", include_str!("../../../../console/templates/destination.twig")),
    ("destinations.twig", include_str!("../../../../console/templates/destinations.twig")),
    ("fault.twig", include_str!("../../../../console/templates/fault.twig")),
    ("fleet.twig", include_str!("../../../../console/templates/fleet.twig")),
    ("fleet_site.twig", include_str!("../../../../console/templates/fleet_site.twig")),
    ("inbox.twig", include_str!("../../../../console/templates/inbox.twig")),
    ("import.twig", include_str!("../../../../console/templates/import.twig")),
    ("imports.twig", include_str!("../../../../console/templates/imports.twig")),
    ("intake.twig", include_str!("../../../../console/templates/intake.twig")),
    ("intake_one.twig", include_str!("../../../../console/templates/intake_one.twig")),
    ("deliveries.twig", include_str!("../../../../console/templates/deliveries.twig")),
    ("deliveries_replay.twig", include_str!("../../../../console/templates/deliveries_replay.twig")),
    ("delivery.twig", include_str!("../../../../console/templates/delivery.twig")),
    ("layout.twig", include_str!("../../../../console/templates/layout.twig")),
    ("lead.twig", include_str!("../../../../console/templates/lead.twig")),
    ("leads_bulk.twig", include_str!("../../../../console/templates/leads_bulk.twig")),
    ("leads.twig", include_str!("../../../../console/templates/leads.twig")),
    ("media.twig", include_str!("../../../../console/templates/media.twig")),
    ("media_one.twig", include_str!("../../../../console/templates/media_one.twig")),
    ("order.twig", include_str!("../../../../console/templates/order.twig")),
    ("orders.twig", include_str!("../../../../console/templates/orders.twig")),
    ("part/calls.twig", include_str!("../../../../console/templates/part/calls.twig")),
    ("part/context.twig", include_str!("../../../../console/templates/part/context.twig")),
    ("part/fault.twig", include_str!("../../../../console/templates/part/fault.twig")),
    ("part/files.twig", include_str!("../../../../console/templates/part/files.twig")),
    ("part/lead_desk.twig", include_str!("../../../../console/templates/part/lead_desk.twig")),
    ("part/lead_person.twig", include_str!("../../../../console/templates/part/lead_person.twig")),
    ("part/leads.twig", include_str!("../../../../console/templates/part/leads.twig")),
    ("part/lines.twig", include_str!("../../../../console/templates/part/lines.twig")),
    ("part/media.twig", include_str!("../../../../console/templates/part/media.twig")),
    ("part/messages.twig", include_str!("../../../../console/templates/part/messages.twig")),
    ("part/outcomes.twig", include_str!("../../../../console/templates/part/outcomes.twig")),
    ("part/picture.twig", include_str!("../../../../console/templates/part/picture.twig")),
    ("part/pictures.twig", include_str!("../../../../console/templates/part/pictures.twig")),
    ("part/talk.twig", include_str!("../../../../console/templates/part/talk.twig")),
    ("rollout.twig", include_str!("../../../../console/templates/rollout.twig")),
    ("rollout_site.twig", include_str!("../../../../console/templates/rollout_site.twig")),
    ("send_again.twig", include_str!("../../../../console/templates/send_again.twig")),
    ("sign_in.twig", include_str!("../../../../console/templates/sign_in.twig")),
    ("site/bar.twig", include_str!("../../../../console/templates/site/bar.twig")),
    ("site/changes.twig", include_str!("../../../../console/templates/site/changes.twig")),
    ("site/content.twig", include_str!("../../../../console/templates/site/content.twig")),
    ("site/edit.twig", include_str!("../../../../console/templates/site/edit.twig")),
    ("site/field.twig", include_str!("../../../../console/templates/site/field.twig")),
    ("site/fields.twig", include_str!("../../../../console/templates/site/fields.twig")),
    ("site/files.twig", include_str!("../../../../console/templates/site/files.twig")),
    ("site/form.twig", include_str!("../../../../console/templates/site/form.twig")),
    ("site/gate.twig", include_str!("../../../../console/templates/site/gate.twig")),
    ("site/history.twig", include_str!("../../../../console/templates/site/history.twig")),
    ("site/people.twig", include_str!("../../../../console/templates/site/people.twig")),
    ("site/picker.twig", include_str!("../../../../console/templates/site/picker.twig")),
    ("site/raw.twig", include_str!("../../../../console/templates/site/raw.twig")),
    ("site/redirects.twig", include_str!("../../../../console/templates/site/redirects.twig")),
    ("site/revision.twig", include_str!("../../../../console/templates/site/revision.twig")),
    ("site/seo.twig", include_str!("../../../../console/templates/site/seo.twig")),
    ("site/sites.twig", include_str!("../../../../console/templates/site/sites.twig")),
    ("site/snippet.twig", include_str!("../../../../console/templates/site/snippet.twig")),
    ("site/used.twig", include_str!("../../../../console/templates/site/used.twig")),
    ("tokens.twig", include_str!("../../../../console/templates/tokens.twig")),
    ("ui.twig", include_str!("../../../../console/templates/ui.twig")),
    ("worker.twig", include_str!("../../../../console/templates/worker.twig")),
];

struct Engine {
    environment: Environment,
    texts: HashMap<Language, Value>,
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut loader = MemoryLoader::new();
    for (name, source) in TEMPLATES {
        loader.add(*name, *source);
    }
    let mut environment = Environment::with_loader(loader);
    environment.set_strict_variables(true);
    let texts = Language::ALL.map(|language| (language, Value::from(language.texts().tree())));
    Engine { environment, texts: texts.into() }
});

/// Renders a template with a model whose fields become variables; the texts of the language are `t`.
///
/// # Errors
/// [`ViewError`], which names the template and the line.
pub(super) fn render(
    template: &str,
    language: Language,
    model: &impl Serialize,
) -> Result<String, ViewError> {
    let wrong = |why: String| ViewError::Model { template: template.to_owned(), why };
    let model = Value::from_serialize(model).map_err(|error| wrong(error.to_string()))?;
    let engine = &*ENGINE;
    let texts = engine.texts.get(&language).cloned().ok_or_else(|| wrong("no texts".to_owned()))?;
    Ok(engine.environment.render(template, Context::from(model).with("t", texts))?)
}
