//! Who calls: a key with the scope that the operation needs, or, for what visitors see, anyone on the site's own host.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use ismart_domain::{ApiTokenId, ClientId, SiteId, UserId};
use ismart_sites::Snapshot;
use ismart_store::api_tokens::{self, ApiToken};
use ismart_store::{StoreError, Tx, sha256_hex};

use super::meter::{Counted, Sender};
use super::scope::{Asks, Scope};
use crate::origin::{Origin, text};
use crate::platform::{Place, Platform};
use crate::problem::Problem;

/// How every key begins: leaked keys are found by it.
pub(crate) const PREFIX: &str = "ism_";

/// A key that was shown and works.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: ApiTokenId,
    pub(super) client_id: ClientId,
    /// The one site that it is for.
    pub(super) site_id: Option<SiteId>,
    /// Who made it, and answers for it.
    pub(super) made_by: UserId,
    /// What its maker calls it.
    pub(super) name: String,
}

impl Key {
    /// Whether the key is for this site.
    pub(super) fn opens(&self, place: &Place) -> bool {
        place.client_id == self.client_id && self.site_id.is_none_or(|id| id == place.site_id)
    }
}

/// A caller with the scope `A`.
#[derive(Debug, Clone)]
pub(super) struct Granted<A>(pub(super) Key, pub(super) PhantomData<A>);

impl<A: Asks> FromRequestParts<Arc<Platform>> for Granted<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let origin = Origin::from_request_parts(parts, platform).await?;
        if !platform.console_at(&origin.host) {
            return Err(Problem::not_found(
                "The API answers on the console's host; this host serves a site.",
            ));
        }
        let key = key(parts, platform, A::SCOPE).await?;
        Ok(Self(key, PhantomData))
    }
}

/// A site that the caller may see, by the `{site}` of the path.
#[derive(Debug, Clone)]
pub(super) struct AtSite<A> {
    pub(super) site: Arc<Snapshot>,
    pub(super) place: Arc<Place>,
    pub(super) origin: Origin,
    key: Option<Key>,
    asks: PhantomData<A>,
}

impl<A> AtSite<A> {
    /// The key that was shown, if one was.
    pub(super) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }
}

impl<A: Asks> FromRequestParts<Arc<Platform>> for AtSite<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let origin = Origin::from_request_parts(parts, platform).await?;
        let named = segment(parts, "site").await?;
        let has_key = parts.headers.contains_key(header::AUTHORIZATION);
        // A host of the console shows nothing without a key, whatever site is known under it.
        let open = A::OPEN && !has_key && !platform.console_only(&origin.host);
        let own = || platform.site(&origin.host).filter(|(site, _)| site.config().site == named);
        let found = if open && let Some(found) = own() {
            count(parts, platform, Sender::Address(origin.ip))?;
            Some((found, None))
        } else {
            let Granted(key, _) = Granted::<A>::from_request_parts(parts, platform).await?;
            platform.site_of_key(&named).filter(|(_, place)| key.opens(place)).map(|found| (found, Some(key)))
        };
        let ((site, place), key) = found.ok_or_else(|| {
            Problem::not_found(
                "There is no such site, or the key is not for it. GET /api/v1/sites lists yours.",
            )
        })?;
        Ok(Self { site, place, origin, key, asks: PhantomData })
    }
}

/// A segment of the path, decoded.
async fn segment(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let unreadable = |_| Problem::not_found("The address cannot be read: check its percent-encoding.");
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(unreadable)?;
    let found = params.iter().find(|(found, _)| *found == name).map(|(_, value)| value.to_owned());
    Ok(found.unwrap_or_default())
}

async fn key(parts: &Parts, platform: &Arc<Platform>, scope: Scope) -> Result<Key, Problem> {
    let now = platform.env.now();
    let token = bearer(parts).ok_or_else(Problem::no_key)?;
    let found = api_tokens::by_sha256(&mut platform.store.read().await?, &sha256_hex(token)).await?;
    let found = found.filter(|token| token.works(now)).ok_or_else(Problem::no_key)?;
    count(parts, platform, Sender::Key(found.id))?;
    // A client that left the configuration has no API either.
    platform.client(found.client_id).ok_or_else(Problem::no_key)?;
    if !found.scopes.iter().any(|code| code == scope.code()) {
        let detail = format!(
            "The key `{}…` has not the scope `{}`: make one that has, in the console under API keys.",
            found.hint,
            scope.code()
        );
        return Err(Problem::new(StatusCode::FORBIDDEN, "scope", detail));
    }
    if platform.api.should_touch(found.id, now) {
        touch(platform, &found);
    }
    Ok(Key {
        id: found.id,
        client_id: found.client_id,
        site_id: found.site_id,
        made_by: found.created_by,
        name: found.name,
    })
}

/// Notes the use beside the request: nobody waits for it.
fn touch(platform: &Arc<Platform>, token: &ApiToken) {
    let (platform, client_id, id): (_, ClientId, ApiTokenId) = (platform.clone(), token.client_id, token.id);
    tokio::spawn(async move {
        let noted: Result<(), StoreError> = platform
            .store
            .write(move |tx: &mut Tx| Box::pin(async move { api_tokens::touch(tx, client_id, id).await }))
            .await;
        if let Err(error) = noted {
            tracing::warn!(error = %error, "the use of an API key could not be noted");
        }
    });
}

/// Counts the request, once.
fn count(parts: &Parts, platform: &Platform, sender: Sender) -> Result<(), Problem> {
    let counted = parts.extensions.get::<Counted>();
    if counted.is_some_and(Counted::is_noted) {
        return Ok(());
    }
    let drawn = platform.api.count(sender, platform.env.now());
    if let Some(counted) = counted {
        counted.note(drawn);
    }
    if drawn.granted { Ok(()) } else { Err(Problem::too_many(drawn.wait)) }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let (scheme, token) = text(&parts.headers, "authorization")?.split_once(' ')?;
    let token = token.trim();
    let plain = token.starts_with(PREFIX) && token.len() <= 200;
    (scheme.eq_ignore_ascii_case("bearer") && plain).then_some(token)
}
