//! Calls: a provider tells of one call several times, in any order and more than once; it is one lead.

use ismart_domain::lead::{Channel, Intent};

use super::meaning::Meaning;
use super::reading::Reading;

/// How far a call has come, as far as anything depends on it. Later ones know more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It rings, or nobody says more.
    Begun,
    /// Somebody answered.
    Answered,
    /// Nobody answered.
    Missed,
    /// It is over: length and recording are final.
    Over,
}

impl Phase {
    /// Reads what providers call it.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let small = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| small.contains(word));
        if says(&["lost", "miss", "noanswer", "no-answer", "busy", "пропущ"]) {
            Self::Missed
        } else if says(&["complete", "disconnect", "end", "finish", "hangup", "summary", "заверш"]) {
            Self::Over
        } else if says(&["connect", "answer", "talk", "разговор"]) {
            Self::Answered
        } else {
            Self::Begun
        }
    }

    /// The stored name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Answered => "answered",
            Self::Missed => "missed",
            Self::Over => "over",
        }
    }

    /// Reads a stored name; what nobody stored has not come far.
    pub(super) fn from_code(code: &str) -> Self {
        [Self::Answered, Self::Missed, Self::Over]
            .into_iter()
            .find(|phase| phase.code() == code)
            .unwrap_or(Self::Begun)
    }

    /// What a person reads of it in a CRM.
    fn says(self) -> &'static str {
        match self {
            Self::Begun | Self::Answered => "Входящий звонок",
            Self::Missed => "Пропущенный звонок",
            Self::Over => "Звонок завершён",
        }
    }
}

/// What a provider told of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) phase: Phase,
    seconds: Option<u32>,
    recording: Option<String>,
    line: Option<String>,
}

impl Call {
    /// Reads the facts of a call; nothing without its id.
    pub(super) fn of(reading: &Reading<'_>) -> Option<Self> {
        let id = reading.get(Meaning::CallId)?.chars().take(120).collect();
        let phase = reading.get(Meaning::Phase).map_or(Phase::Begun, Phase::read);
        let seconds = reading.get(Meaning::Seconds).and_then(seconds);
        let link = |text: &&str| text.starts_with("https://") || text.starts_with("http://");
        let recording = reading.get(Meaning::Recording).filter(link).map(str::to_owned);
        Some(Self { id, phase, seconds, recording, line: reading.get(Meaning::Line).map(str::to_owned) })
    }

    pub(super) fn seconds(&self) -> Option<u32> {
        self.seconds
    }

    pub(super) fn recording(&self) -> Option<&str> {
        self.recording.as_deref()
    }

    pub(super) fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }

    pub(super) fn channel(&self, provider: &str) -> Channel {
        Channel::Call {
            provider: provider.to_owned(),
            call_id: self.id.clone(),
            seconds: self.seconds,
            recording: self.recording.clone(),
            line: self.line.clone(),
        }
    }

    /// What a person reads of the call: what happened, how long, where it can be listened to.
    pub(super) fn words(&self) -> String {
        let mut words = vec![self.phase.says().to_owned()];
        if let Some(seconds) = self.seconds.filter(|seconds| *seconds > 0) {
            words.push(format!("разговор {} мин {:02} с", seconds / 60, seconds % 60));
        }
        words.extend(self.recording.as_ref().map(|link| format!("запись: {link}")));
        words.join(", ")
    }

    /// What he who calls wants, as far as a call tells it.
    pub(super) fn intent(&self, usual: Intent) -> Intent {
        if self.phase == Phase::Missed { Intent::Callback } else { usual }
    }
}

/// Seconds as `135`, `135.0`, `2:15` or `0:02:15`.
fn seconds(text: &str) -> Option<u32> {
    let whole = text.split(['.', ',']).next().unwrap_or_default();
    whole.split(':').try_fold(0_u32, |sum, part| sum.checked_mul(60)?.checked_add(part.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::super::reading::Mapping;
    use super::*;

    #[test]
    fn phases_of_providers_are_understood() {
        for (text, phase) in [
            ("callconnected", Phase::Answered),
            ("calldisconnected", Phase::Over),
            ("callcompleted", Phase::Over),
            ("calllost", Phase::Missed),
            ("NOTIFY_END", Phase::Over),
            ("missed", Phase::Missed),
            ("appeared", Phase::Begun),
            ("", Phase::Begun),
        ] {
            assert_eq!(Phase::read(text), phase, "{text}");
        }
    }

    #[test]
    fn a_call_is_told_in_words() {
        let facts = [
            ("call_id", "7"),
            ("phase", "callcompleted"),
            ("duration", "0:02:05"),
            ("reclink", "https://r/7"),
        ];
        let facts = Facts::of_pairs(facts.map(|(n, t)| (n.to_owned(), t.to_owned())));
        let call = Call::of(&Mapping::default().read(&facts)).unwrap();
        assert_eq!(call.words(), "Звонок завершён, разговор 2 мин 05 с, запись: https://r/7");
        assert_eq!(seconds("135.7"), Some(135));
        assert_eq!(seconds("later"), None);
        assert_eq!(seconds("99999999:99"), None);
    }
}
