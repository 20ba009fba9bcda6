//! What a failure of an account means for the lead: repeat, look first, a person, or mend the settings.

use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::secret::mask_personal;
use ismart_http::{Failure, NotSent};
use jiff::SignedDuration;

use super::answer::{Refusal, Violation};
use crate::effect::Effect;
use crate::text::{cut, one_line};

/// After an answer that was lost the record may be there, and `query=` finds it only after its index has caught up.
const SETTLING: Duration = Duration::from_secs(40);
/// An account that was blocked for its many requests is left alone for so long.
pub(super) const BLOCKED: Duration = Duration::from_secs(3600);
/// What was changed in the account is read anew after so long.
const REREAD: Duration = Duration::from_secs(1);

/// Speaks about one call to one account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) host: &'a str,
    pub(super) token: &'a Secret,
    /// `leads/complex`, for people.
    pub(super) operation: &'a str,
    pub(super) effect: Effect,
}

impl Judge<'_> {
    /// No answer came.
    pub(super) fn failure(&self, failure: &Failure) -> DeliveryError {
        let reason = failure.to_string();
        match failure {
            Failure::NotSent { reason: NotSent::AddressRefused(_) | NotSent::Invalid(_), .. } => {
                self.settings(&format!("{reason}; correct `account`"))
            }
            Failure::NotSent { .. } => self.later(None, reason),
            Failure::Ambiguous { .. } | Failure::TooLarge { .. } => self.unclear(reason),
        }
    }

    /// An answer came that is none of amoCRM's.
    pub(super) fn foreign(&self, status: u16, moved_to: Option<&str>, what: &str) -> DeliveryError {
        let host = self.host;
        let said = format!("{host} answered {status} with {what} instead of amoCRM's JSON");
        match status {
            300..=399 => self.settings(&format!(
                "{host} redirects to {}: the account was renamed; put its new address into `account`",
                moved_to.unwrap_or("another address")
            )),
            401 => self.token_refused(&said),
            402 => self.unpaid(),
            403 => self.settings(&format!(
                "{host} answered 403 with a page: amoCRM blocked the account's API for too many requests, and only its \
                 support lifts that; write to them, stop other programs that use the account, and lower `rate`; \
                 nothing is sent for an hour"
            )),
            404 | 410 => self.settings(&format!("{said}: `account` is no address of an amoCRM account")),
            429 => self.later(Some(Duration::from_secs(1)), said),
            0..300 | 408 | 500.. => self.unclear(said),
            _ => self.refused(&said),
        }
    }

    /// The account refuses. `pause` is how long it is left alone after too many requests.
    pub(super) fn refusal(&self, refusal: &Refusal, pause: Duration) -> DeliveryError {
        let said = self.said(refusal);
        match refusal.status {
            401 => self.unauthorised(refusal, &said),
            402 => self.unpaid(),
            403 => self.settings(&format!(
                "{said}: the owner of `token` may not do this, or the account admits only listed addresses; make the \
                 token under an administrator and check the list of permitted IP addresses"
            )),
            404 if self.effect == Effect::Reads => self.settings(&format!("{said}: nothing like that is in the account")),
            425 | 426 => self.settings(&format!("{said}: the account's plan does not have this; choose another plan")),
            429 => self.later(Some(pause), format!("{said}; the account asks to wait")),
            408 | 500.. => self.unclear(said),
            _ => self.broken_setting(refusal).unwrap_or_else(|| self.refused(&said)),
        }
    }

    /// What the refused value says about the settings: the pipeline was closed, a field was deleted.
    fn broken_setting(&self, refusal: &Refusal) -> Option<DeliveryError> {
        let Violation { path, code, .. } =
            refusal.violations.iter().find(|one| one.code == "NotSupportedChoice")?;
        let remedy = if path.ends_with("pipeline_id") {
            "the pipeline of `pipeline_id` was closed or deleted; put the number of an open one"
        } else if path.ends_with("status_id") {
            "the stage of `status_id` is not in the pipeline; put the number of a stage of `pipeline_id`"
        } else if path.ends_with("responsible_user_id") {
            "the employee of `responsible_user_id` was switched off or deleted; put the number of an active one"
        } else if path.ends_with("enum_id") || path.ends_with("enum_code") {
            "a choice that `fields` names was removed from its field; correct `fields`"
        } else if path.ends_with("field_id") || path.ends_with("field_code") {
            // The fields are read anew before the next attempt, which makes our own one again or names the lost one.
            return Some(self.later(Some(REREAD), format!("{}: a field was deleted", self.said(refusal))));
        } else {
            return None;
        };
        Some(self.settings(&format!("{} refused {path} ({code}): {remedy}", self.host)))
    }

    fn unauthorised(&self, refusal: &Refusal, said: &str) -> DeliveryError {
        let lower = refusal.detail.to_lowercase();
        if lower.contains("не найден") || lower.contains("not found") || lower.contains("несуществующ")
        {
            return self.settings(&format!(
                "{said}: there is no such account any more; put the address of an open one into `account` and its \
                 `token` beside it"
            ));
        }
        if lower.contains("отключ") || lower.contains("switched off") {
            return self.settings(&format!(
                "{said}: the employee who owns the token was switched off; make `token` under an active administrator"
            ));
        }
        self.token_refused(said)
    }

    fn token_refused(&self, said: &str) -> DeliveryError {
        self.settings(&format!(
            "{said}: the account does not accept `token`: it was revoked, has ended, or belongs to another account; \
             make a long-lived token in the integration's settings and put it there"
        ))
    }

    fn unpaid(&self) -> DeliveryError {
        self.settings(&format!(
            "{} is not paid for (402); pay for the account, leads wait meanwhile",
            self.host
        ))
    }

    fn said(&self, refusal: &Refusal) -> String {
        let wrong: Vec<String> = refusal
            .violations
            .iter()
            .take(3)
            .map(|one| format!("{}: {} “{}”", one.path, one.code, one_line(&one.detail)))
            .collect();
        let wrong = if wrong.is_empty() { one_line(&refusal.detail) } else { wrong.join("; ") };
        format!("{} refused {}: {} {wrong}", self.host, self.operation, refusal.status)
    }

    /// A refusal without a known remedy.
    fn refused(&self, said: &str) -> DeliveryError {
        match self.effect {
            Effect::Reads => self.settings(&format!("{said}: the account answers no questions about leads")),
            Effect::Repeatable | Effect::Creates => DeliveryError::Rejected { reason: self.clean(said) },
        }
    }

    pub(super) fn settings(&self, reason: &str) -> DeliveryError {
        DeliveryError::Settings { reason: self.clean(reason) }
    }

    /// A setting that names something the account has not. The words are ours, and the numbers in them are those of
    /// pipelines and fields, which people must see whole.
    pub(super) fn setting(&self, reason: &str) -> DeliveryError {
        DeliveryError::Settings { reason: cut(&one_line(&reason.replace(self.token.reveal(), "***")), 600) }
    }

    /// Nothing was carried out.
    pub(super) fn later(&self, after: Option<Duration>, reason: impl AsRef<str>) -> DeliveryError {
        DeliveryError::Retry {
            after: after.map(signed),
            ambiguous: false,
            reason: self.clean(reason.as_ref()),
        }
    }

    /// What was to be made may have been made.
    pub(super) fn unclear(&self, reason: impl AsRef<str>) -> DeliveryError {
        let ambiguous = self.effect == Effect::Creates;
        let after = ambiguous.then(|| signed(SETTLING));
        DeliveryError::Retry { after, ambiguous, reason: self.clean(reason.as_ref()) }
    }

    /// A text fit for people and logs: token cut out, personal values masked, one line, bounded.
    fn clean(&self, text: &str) -> String {
        let masked = text.replace(self.token.reveal(), "***");
        cut(&mask_personal(&one_line(&masked)), 600)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
