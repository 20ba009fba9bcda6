//! One section of a page as a fragment of HTML: what another page, or an application, puts into its own.

use std::ops::Range;

use crate::answer::Request;
use crate::render::{Prepared, Rendering};
use crate::route::Target;
use crate::snapshot::Snapshot;
use crate::templates::{Mapped, RenderFailure, Value};

/// Which section of a page is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKey<'k> {
    /// Its place in the page's list, from 0.
    At(usize),
    /// The first section of this name.
    Named(&'k str),
}

/// Why there is no fragment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// The site has no such page in this language.
    #[error("there is no page `{0}` in this language")]
    NoPage(String),
    /// The page has no such section, or visitors do not see it.
    #[error("the page shows no such section")]
    NoSection,
    /// The section's template is not there: the page leaves it out too.
    #[error("the section `{0}` has no template: add templates/sections/{0}.twig")]
    NoTemplate(String),
    /// The template failed.
    #[error(transparent)]
    Render(#[from] RenderFailure),
}

impl Snapshot {
    /// The HTML of one section of page `page_id`, as the page would show it; `request` gives host, scheme and what
    /// differs between requests, its path is that of the page.
    ///
    /// # Errors
    /// [`FragmentError`].
    pub fn section(
        &self,
        language: &str,
        page_id: &str,
        key: SectionKey<'_>,
        request: &Request<'_>,
    ) -> Result<String, FragmentError> {
        let no_page = || FragmentError::NoPage(page_id.to_owned());
        let languages = &self.content().languages;
        let place = languages.iter().position(|found| found.code == language).ok_or_else(no_page)?;
        let content = languages.get(place).ok_or_else(no_page)?;
        let (page_id, _) = content.pages.get_key_value(page_id).ok_or_else(no_page)?;
        let target =
            Target { language: content, page_id, params: Vec::new(), in_url: place > 0, entity: None };
        let view = self.view(&self.base_url(request.scheme, request.host));
        let ready = view.language(language).ok_or_else(no_page)?;
        let sections = ready.pages.get(page_id).ok_or_else(no_page)?.sections.as_array();
        let sections = sections.ok_or(FragmentError::NoSection)?;
        let named = |section: &&Value, name: &str| section.get("name").and_then(Value::as_str) == Some(name);
        let section = match key {
            SectionKey::At(at) => sections.values().nth(at),
            SectionKey::Named(name) => sections.values().find(|section| named(section, name)),
        };
        let shown = |section: &&Value| section.get("visible").is_none_or(Value::truthy);
        let section = section.filter(shown).ok_or(FragmentError::NoSection)?;
        let name = section.get("name").and_then(Value::as_str).ok_or(FragmentError::NoSection)?;
        let template = format!("sections/{name}.twig");
        if !view.engine.has(&template) {
            return Err(FragmentError::NoTemplate(name.to_owned()));
        }
        let rendering = Rendering { site: self, view: &view, request, target: &target };
        let now = request.per_request.now;
        let data = section.get("data").cloned().unwrap_or(Value::Null);
        let Prepared { template: page, mut context, shared, .. } = rendering.prepared()?;
        // Templates around the section may give it variables: the page is rendered with this section alone, and what
        // the section's template put out is cut out of it.
        context.insert("sections", Value::list([section.clone()]));
        let mapped = view.engine.render_mapped(&page, context.clone(), &shared, now)?;
        if let Some(range) = part_of(&mapped, &template) {
            let bytes = mapped.bytes.get(range).unwrap_or_default();
            return Ok(String::from_utf8_lossy(bytes).into_owned());
        }
        // A page whose own template names its sections one by one.
        context.insert("data", data);
        Ok(view.engine.render(&template, context, &shared, now)?)
    }
}

/// The bytes that a template put out, with what it included at its edges; `None` when it put out nothing.
fn part_of(mapped: &Mapped, template: &str) -> Option<Range<usize>> {
    let segments = mapped.map.segments();
    let mut first = segments.iter().position(|segment| segment.template() == template)?;
    let mut last = segments.iter().rposition(|segment| segment.template() == template)?;
    let inner =
        |at: usize| segments.get(at).is_some_and(|segment| segment.template().starts_with("components/"));
    while first > 0 && inner(first - 1) {
        first -= 1;
    }
    while inner(last + 1) {
        last += 1;
    }
    Some(segments.get(first)?.output.start..segments.get(last)?.output.end)
}
