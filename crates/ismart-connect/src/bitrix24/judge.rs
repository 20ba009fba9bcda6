//! What a failure of a portal means for the lead: repeat, look first, a person, or mend the settings.

use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::secret::mask_personal;
use ismart_http::{Failure, Lost, NotSent};
use jiff::SignedDuration;

use super::answer::Refusal;
use super::webhook::Webhook;
pub(super) use crate::effect::Effect;
use crate::text::{cut, one_line};

/// After 429 the portal wants at least this pause; it sends no `Retry-After`.
pub(super) const THROTTLED: Duration = Duration::from_secs(10);
/// A bucket that the portal calls full needs some time to drain.
pub(super) const OVERFLOWED: Duration = Duration::from_secs(5);
/// The portal works on a request for 60 s at most; asked earlier it may not have the record yet.
const UNFINISHED: Duration = Duration::from_secs(35);
/// A connection that ended: whoever worked on the request is done very soon, or dead.
const SETTLING: Duration = Duration::from_secs(5);

/// Speaks about one portal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) webhook: &'a Webhook,
    pub(super) method: &'a str,
    pub(super) effect: Effect,
}

impl Judge<'_> {
    /// No answer came.
    pub(super) fn failure(&self, failure: &Failure) -> DeliveryError {
        let reason = self.clean(&failure.to_string());
        match failure {
            Failure::NotSent { reason: NotSent::AddressRefused(_) | NotSent::Invalid(_), .. } => {
                DeliveryError::Settings { reason }
            }
            Failure::NotSent { .. } => self.later(None, reason),
            Failure::Ambiguous { reason: Lost::Timeout, .. } => self.unclear(UNFINISHED, reason),
            Failure::Ambiguous { .. } => self.unclear(SETTLING, reason),
            Failure::TooLarge { .. } => self.unclear(Duration::ZERO, reason),
        }
    }

    /// An answer came that is none of Bitrix24's.
    pub(super) fn foreign(&self, status: u16, moved_to: Option<&str>, what: &str) -> DeliveryError {
        let portal = &self.webhook.portal;
        let said = format!("{portal} answered {status} with {what} instead of Bitrix24's JSON");
        match status {
            300..=399 => self.settings(&format!(
                "{portal} redirects to {}: the portal was renamed; put the webhook's address on the new name \
                 into `webhook`",
                moved_to.unwrap_or("another address")
            )),
            401 | 403 | 404 | 410 => self
                .settings(&format!("{said}: `webhook` is no address of a Bitrix24 portal, or it is closed")),
            429 => self.later(Some(THROTTLED), said),
            408 | 504 => self.unclear(UNFINISHED, said),
            200..=299 | 500.. => self.unclear(SETTLING, said),
            _ => self.refused(said),
        }
    }

    /// The portal refuses.
    pub(super) fn refusal(&self, refusal: &Refusal) -> DeliveryError {
        if let Some(error) = self.limit(refusal) {
            return error;
        }
        if let Some(remedy) = self.remedy(refusal) {
            let said = self.said(refusal);
            return self.settings(&format!("{said}: {remedy}"));
        }
        match refusal.status {
            Some(408 | 504) => self.unclear(UNFINISHED, self.said(refusal)),
            _ if is_breakdown(refusal) => self.unclear(Duration::ZERO, self.said(refusal)),
            _ => self.refused(self.said(refusal)),
        }
    }

    /// A limit was hit; nothing was carried out.
    fn limit(&self, refusal: &Refusal) -> Option<DeliveryError> {
        let pause = match refusal.code.as_str() {
            "QUERY_LIMIT_EXCEEDED" => OVERFLOWED,
            "OPERATION_TIME_LIMIT" => throttle_pause(refusal),
            _ if refusal.status == Some(429) => throttle_pause(refusal),
            _ => return None,
        };
        Some(self.later(Some(pause), format!("{}; the portal asks to wait", self.said(refusal))))
    }

    /// What a person must do about a refusal that every lead would meet.
    fn remedy(&self, refusal: &Refusal) -> Option<String> {
        let fixed = match refusal.code.as_str() {
            "NO_AUTH_FOUND" | "EXPIRED_TOKEN" | "INVALID_TOKEN" => {
                "the portal does not know this webhook: it was deleted, has expired, or its secret is wrong; \
                 make an incoming webhook with the right `crm` and put its address into `webhook`"
            }
            "INVALID_CREDENTIALS" | "USER_ACCESS_ERROR" | "ALLOWED_ONLY_INTRANET_USER" => {
                "the employee who owns the webhook was dismissed or lost his rights; make the webhook under an \
                 active employee who may add leads"
            }
            "INSUFFICIENT_SCOPE" | "INVALID_SCOPE" => {
                let scope = self.scope();
                return Some(format!(
                    "the webhook lacks the right `{scope}`; tick it in the webhook's settings"
                ));
            }
            "WRONG_AUTH_TYPE" => "this call needs an application instead of a webhook",
            "ACCESS_DENIED" => {
                "the portal's plan has no REST, or the webhook's owner may not do this; check the plan and the \
                 permissions of his role in the CRM settings"
            }
            "ERROR_METHOD_NOT_FOUND" => "the portal does not know the method; is its CRM switched on?",
            "PORTAL_DELETED" => "the portal was closed; put the webhook of an open portal into `webhook`",
            "PAYMENT_REQUIRED" => "the portal's subscription has ended; prolong it",
            "OVERLOAD_LIMIT" => "Bitrix24's support has blocked REST of this portal; write to them",
            "INVALID_REQUEST" => "the portal takes only https; correct the address in `webhook`",
            _ if !is_breakdown(refusal) && refusal.text.to_lowercase().contains("access denied") => {
                "the webhook's owner may not do this; check the permissions of his role in the CRM settings"
            }
            _ if matches!(refusal.status, Some(401 | 403)) => {
                "the portal does not accept the webhook; make a new one with the right `crm`"
            }
            _ => return None,
        };
        Some(fixed.to_owned())
    }

    /// The scope that the method belongs to.
    fn scope(&self) -> &str {
        match self.method.split_once('.') {
            Some((first, _)) => first,
            None => "crm",
        }
    }

    fn said(&self, refusal: &Refusal) -> String {
        let Refusal { status, code, text, .. } = refusal;
        let status = status.map(|status| format!(" {status}")).unwrap_or_default();
        let code = if code.is_empty() { "without a code".to_owned() } else { code.clone() };
        let text = if text.is_empty() { String::new() } else { format!(" “{}”", one_line(text)) };
        format!("{} refused {}:{status} {code}{text}", self.webhook.portal, self.method)
    }

    /// A refusal without a known remedy.
    fn refused(&self, said: String) -> DeliveryError {
        match self.effect {
            Effect::Reads => self.settings(&format!("{said}: the portal answers no questions about leads")),
            Effect::Repeatable | Effect::Creates => DeliveryError::Rejected { reason: self.clean(&said) },
        }
    }

    fn settings(&self, reason: &str) -> DeliveryError {
        DeliveryError::Settings { reason: self.clean(reason) }
    }

    /// Nothing was carried out.
    pub(super) fn later(&self, after: Option<Duration>, reason: impl AsRef<str>) -> DeliveryError {
        let after = after.map(signed);
        DeliveryError::Retry { after, ambiguous: false, reason: self.clean(reason.as_ref()) }
    }

    /// What was to be made may have been made.
    pub(super) fn unclear(&self, settling: Duration, reason: impl AsRef<str>) -> DeliveryError {
        let ambiguous = self.effect == Effect::Creates;
        let after = (ambiguous && !settling.is_zero()).then(|| signed(settling));
        DeliveryError::Retry { after, ambiguous, reason: self.clean(reason.as_ref()) }
    }

    /// A text fit for people and logs: secret cut out, personal values masked, one line, bounded.
    pub(super) fn clean(&self, text: &str) -> String {
        cut(&mask_personal(&self.webhook.mask(&one_line(text))), 500)
    }
}

/// Whether the portal failed rather than refused. Inside a batch only the code tells.
fn is_breakdown(refusal: &Refusal) -> bool {
    refusal.status.is_some_and(|status| status >= 500)
        || matches!(refusal.code.as_str(), "INTERNAL_SERVER_ERROR" | "ERROR_UNEXPECTED_ANSWER")
}

/// How long a throttled method rests.
pub(super) fn throttle_pause(refusal: &Refusal) -> Duration {
    refusal.load.map_or(THROTTLED, |load| load.resets_in.max(THROTTLED))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
