//! What a form shows of a robot. Nothing is dropped for it: the signs go with the lead, and acceptance weighs them.

use ismart_domain::lead::LeadDraft;
use ismart_domain::spam::Signal;
use ismart_leads::AcceptError;
use ismart_leads::intake::Laid;

use super::fields::Invalid;
use crate::form_token::{self, TokenFault};
use crate::origin::{Asked, Origin};
use crate::platform::Platform;

/// What the token of a form says; `None` when it is good.
pub(super) fn of_token(platform: &Platform, token: Option<&str>) -> Option<(Signal, TokenFault)> {
    let fault =
        form_token::check(&platform.options.form_secret, token.unwrap_or_default(), platform.env.now())
            .err()?;
    let signal = match fault {
        TokenFault::Invalid if token.is_none() => Signal::TokenMissing,
        TokenFault::Invalid => Signal::TokenForged,
        TokenFault::TooSoon(seconds) => Signal::TokenFast { seconds },
        TokenFault::Expired => Signal::TokenOld,
    };
    Some((signal, fault))
}

/// What a sender beyond the usual rate shows; `Err` with the seconds to wait once he floods: then nothing is kept of it,
/// and he is told so.
pub(super) fn of_haste(platform: &Platform, origin: &Origin, wait: u32) -> Result<Signal, u32> {
    let flood = platform.floods.take(origin.ip, platform.env.now());
    flood.map(|()| Signal::Rate { per_minute: platform.options.per_minute }).map_err(|_later| wait)
}

/// Who sent a form, and to which site.
pub(super) struct Sender<'s> {
    pub(super) platform: &'s Platform,
    pub(super) origin: &'s Origin,
    pub(super) asked: &'s Asked,
}

impl Sender<'_> {
    /// Keeps a request that the contract of its form refuses, for a person to look at, where it can be read at all. When
    /// its sender comes again with what was missing, it is the same lead and goes on its way.
    pub(super) async fn keep(&self, draft: Result<LeadDraft, Invalid>, files: Vec<Laid>, signal: Signal) {
        let Ok(mut draft) = draft else { return };
        if !draft.signals.contains(&signal) {
            draft.signals.push(signal);
        }
        super::files::name(self.platform, self.origin, &mut draft, &files);
        match super::store(self.platform, self.asked, draft, files).await {
            Ok(_) | Err(AcceptError::NoContact | AcceptError::NoConsent) => {}
            Err(AcceptError::Store(error)) => {
                tracing::error!(error = %error, "a suspected request could not be kept");
            }
        }
    }
}
