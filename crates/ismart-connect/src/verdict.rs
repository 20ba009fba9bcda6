//! What the failures of a channel mean for the lead: repeat, look first, a person, or mend the settings.

use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::secret::mask_personal;
use ismart_http::{Failure, NotSent, Response};
use jiff::SignedDuration;

use crate::effect::Effect;
use crate::limit::Wait;
use crate::text::{cut, one_line};

/// After an answer that was lost a channel is left alone for so long before the lead goes there again.
const SETTLING: Duration = Duration::from_secs(30);
/// Who asks to wait and does not say how long is left alone for so long.
const UNTOLD: Duration = Duration::from_secs(30);

/// Speaks about one call to one channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict<'a> {
    /// The channel, for people.
    pub(crate) host: &'a str,
    /// What must never be told.
    pub(crate) secrets: &'a [Secret],
    /// The setting that holds the address.
    pub(crate) address: &'a str,
    pub(crate) effect: Effect,
}

impl Verdict<'_> {
    /// No answer came.
    pub(crate) fn failure(&self, failure: &Failure) -> DeliveryError {
        let reason = failure.to_string();
        match failure {
            Failure::NotSent { reason: NotSent::AddressRefused(_) | NotSent::Invalid(_), .. } => {
                self.settings(format!("{reason}; correct `{}`", self.address))
            }
            Failure::NotSent { .. } => self.later(None, reason),
            Failure::Ambiguous { .. } | Failure::TooLarge { .. } => self.unclear(reason),
        }
    }

    /// An answer came that is none of the channel's own.
    pub(crate) fn foreign(&self, response: &Response) -> DeliveryError {
        let (host, status) = (self.host, response.status());
        let kind = response.content_type().unwrap_or_else(|| "no content type".to_owned());
        let said = format!("{host} answered {status} ({kind}), which is no answer of this service");
        match status {
            300..=399 => {
                self.settings(format!("{said}: it redirects; put the new address into `{}`", self.address))
            }
            404 | 405 | 410 => {
                self.settings(format!("{said}: there is no such service; correct `{}`", self.address))
            }
            429 => self.throttled(response, &said),
            503 if response.retry_after().is_some() => self.throttled(response, &said),
            0..300 | 408 | 500.. => self.unclear(said),
            _ => self.refused(said),
        }
    }

    /// The other side asks to wait; nothing was carried out.
    pub(crate) fn throttled(&self, response: &Response, said: &str) -> DeliveryError {
        let told = response.retry_after().and_then(|wait| Duration::try_from(wait).ok());
        self.later(
            Some(told.unwrap_or(UNTOLD).max(Duration::from_secs(1))),
            format!("{said}; it asks to wait"),
        )
    }

    /// Our own limits leave no room within the permitted time.
    pub(crate) fn crowded(&self, wait: Wait) -> DeliveryError {
        self.later(Some(wait.after), format!("{}: its limit is used up", self.host))
    }

    /// A refusal that concerns this lead only, unless it was a question.
    pub(crate) fn refused(&self, reason: impl AsRef<str>) -> DeliveryError {
        match self.effect {
            Effect::Reads => self.settings(format!("{}: it answers no questions", reason.as_ref())),
            Effect::Repeatable | Effect::Creates => {
                DeliveryError::Rejected { reason: self.clean(reason.as_ref()) }
            }
        }
    }

    /// Every lead would meet this.
    pub(crate) fn settings(&self, reason: impl AsRef<str>) -> DeliveryError {
        DeliveryError::Settings { reason: self.clean(reason.as_ref()) }
    }

    /// Nothing was carried out.
    pub(crate) fn later(&self, after: Option<Duration>, reason: impl AsRef<str>) -> DeliveryError {
        DeliveryError::Retry {
            after: after.map(signed),
            ambiguous: false,
            reason: self.clean(reason.as_ref()),
        }
    }

    /// What was to be made may have been made.
    pub(crate) fn unclear(&self, reason: impl AsRef<str>) -> DeliveryError {
        let ambiguous = self.effect == Effect::Creates;
        let after = ambiguous.then(|| signed(SETTLING));
        DeliveryError::Retry { after, ambiguous, reason: self.clean(reason.as_ref()) }
    }

    /// A text fit for people and logs: secrets cut out, personal values masked, one line, bounded.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut shown = one_line(text);
        for secret in self.secrets {
            if !secret.reveal().is_empty() {
                shown = shown.replace(secret.reveal(), "***");
            }
        }
        cut(&mask_personal(&shown), 600)
    }
}

pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
