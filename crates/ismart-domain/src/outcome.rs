//! What became of a lead at the client: where the records that it turned into stand in the client's CRM, and which
//! step of the funnel that is.
//!
//! Hooks of CRMs are hints. What counts is what a record says of itself when it is read: its own time of change decides
//! which of two readings is the newer one, so that lost, doubled and reordered hooks end in the same state.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::LeadId;
use crate::money::Money;

/// How far a lead has come. The wire names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It lies there as it came.
    Lead,
    /// Somebody found that it is worth working on.
    Qualified,
    /// The person came, or will.
    Visit,
    /// A sale is being made.
    Deal,
    /// It is paid.
    Money,
    /// Nothing came of it.
    Lost,
    /// Somebody deleted it.
    Deleted,
}

impl Stage {
    /// Every stage, in the order of the funnel.
    pub const ALL: [Self; 7] =
        [Self::Lead, Self::Qualified, Self::Visit, Self::Deal, Self::Money, Self::Lost, Self::Deleted];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Qualified => "qualified",
            Self::Visit => "visit",
            Self::Deal => "deal",
            Self::Money => "money",
            Self::Lost => "lost",
            Self::Deleted => "deleted",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.code() == code)
    }

    /// The place in the funnel, 0 to 4; `None` for the ways out of it.
    #[must_use]
    pub fn rank(self) -> Option<u8> {
        match self {
            Self::Lead => Some(0),
            Self::Qualified => Some(1),
            Self::Visit => Some(2),
            Self::Deal => Some(3),
            Self::Money => Some(4),
            Self::Lost | Self::Deleted => None,
        }
    }
}

/// A kind of record of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// A request.
    Lead,
    /// A sale.
    Deal,
    /// A record of a smart process of Bitrix24, by its `entityTypeId`.
    Item(u32),
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lead => f.write_str("lead"),
            Self::Deal => f.write_str("deal"),
            Self::Item(number) => write!(f, "item-{number}"),
        }
    }
}

/// Why a kind of record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of record")]
pub struct KindError(String);

impl FromStr for RecordKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let number = |text: &str| text.strip_prefix("item-").and_then(|number| number.parse().ok());
        match text {
            "lead" => Ok(Self::Lead),
            "deal" => Ok(Self::Deal),
            other => number(other).map(Self::Item).ok_or_else(|| KindError(other.to_owned())),
        }
    }
}

/// One record of a CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordRef {
    /// Its kind.
    pub kind: RecordKind,
    /// Its number there.
    pub id: u64,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// What the CRM itself says that a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Where records begin.
    Fresh,
    /// Under way.
    Open,
    /// It became another record, which tells the rest.
    Converted,
    /// A success.
    Won,
    /// A failure.
    Lost,
}

/// A record as its CRM shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    /// Which record.
    pub record: RecordRef,
    /// Its status in the CRM's words: `C9:WON`, `3104455/142`.
    pub status: String,
    /// What the CRM says that this status means.
    pub meaning: Meaning,
    /// The responsible person's number in the CRM.
    pub owner: Option<String>,
    /// The sum.
    pub amount: Option<Money>,
    /// Why it was lost, in the client's words.
    pub reason: Option<String>,
    /// Its own time of change.
    pub changed_at: Timestamp,
    /// The lead of ours that it was made of, if it says so.
    pub origin: Option<LeadId>,
    /// The record that it was made of.
    pub parent: Option<RecordRef>,
}

/// Name-value pairs of a hook's body.
pub type HookPairs = [(String, String)];

/// What a hook of a CRM says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookMessage {
    /// What it proves itself by, if the CRM sends that in the body.
    pub proof: Option<String>,
    /// The records that it names, without repeats.
    pub records: Vec<RecordRef>,
}

/// Which statuses are which steps of the funnel: the client's own data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StageMap(pub BTreeMap<String, Stage>);

impl StageMap {
    /// The stage of a record: as the client says, or else by what the CRM says of the status. A sale that was made of a
    /// lead is a deal from its first status on.
    #[must_use]
    pub fn stage(&self, state: &RecordState) -> Stage {
        if let Some(stage) = self.0.get(&state.status) {
            return *stage;
        }
        let follows = state.parent.is_some();
        match state.meaning {
            Meaning::Lost => Stage::Lost,
            Meaning::Converted => Stage::Qualified,
            Meaning::Won => Stage::Money,
            Meaning::Fresh | Meaning::Open if follows => Stage::Deal,
            Meaning::Open => Stage::Qualified,
            Meaning::Fresh => Stage::Lead,
        }
    }
}

/// What is known of a record from its last reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which record.
    pub record: RecordRef,
    /// The lead that it belongs to.
    pub lead_id: LeadId,
    /// The stage.
    pub stage: Stage,
    /// The furthest place in the funnel that it ever had, see [`Stage::rank`].
    pub reached: u8,
    /// The status in the CRM's words.
    pub status: String,
    /// The responsible person's number in the CRM.
    pub owner: Option<String>,
    /// The sum.
    pub amount: Option<Money>,
    /// Why it was lost.
    pub reason: Option<String>,
    /// The record's own time of change.
    pub changed_at: Timestamp,
    /// When the reading began that this was learned from.
    pub asked_at: Timestamp,
}

/// What a reading leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// The reading is older than what is known.
    Stale,
    /// Nothing that counts has changed, or the record lies there as we made it. What is known is to be written down all
    /// the same, without an event: our own writes are never news.
    Same(Known),
    /// Somebody at the client did something.
    News(Known),
}

/// Judges a reading of a record that belongs to `lead_id`, begun at `asked_at`; `None` says that the record is gone.
///
/// A record first seen in [`Stage::Lead`] is as we made it. A reading with an older time of change than the known one,
/// or one of the same time that was begun earlier, says nothing new, in whatever order hooks and polls come in.
#[must_use]
pub fn learn(
    known: Option<&Known>,
    read: Option<&RecordState>,
    lead_id: LeadId,
    stages: &StageMap,
    asked_at: Timestamp,
) -> Option<Lesson> {
    let Some(state) = read else {
        let known = known?;
        if asked_at < known.asked_at {
            return Some(Lesson::Stale);
        }
        let gone = Known { stage: Stage::Deleted, asked_at, ..known.clone() };
        let same = known.stage == Stage::Deleted;
        return Some(if same { Lesson::Same(gone) } else { Lesson::News(gone) });
    };
    let stage = stages.stage(state);
    let before = known.map_or(0, |known| known.reached);
    let now = Known {
        record: state.record,
        lead_id: known.map_or(lead_id, |known| known.lead_id),
        stage,
        reached: stage.rank().unwrap_or(0).max(before),
        status: state.status.clone(),
        owner: state.owner.clone(),
        amount: state.amount,
        reason: state.reason.clone(),
        changed_at: state.changed_at,
        asked_at,
    };
    let Some(known) = known else {
        return Some(if stage == Stage::Lead { Lesson::Same(now) } else { Lesson::News(now) });
    };
    if (state.changed_at, asked_at) < (known.changed_at, known.asked_at) {
        return Some(Lesson::Stale);
    }
    let told = |known: &Known| {
        (known.stage, known.status.clone(), known.owner.clone(), known.amount, known.reason.clone())
    };
    Some(if told(&now) == told(known) { Lesson::Same(now) } else { Lesson::News(now) })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::Env;
    use crate::id::Id;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn lead() -> LeadId {
        LeadId::from_uuid(uuid::Uuid::from_u128(7))
    }

    fn state(status: &str, meaning: Meaning, changed: i64) -> RecordState {
        RecordState {
            record: RecordRef { kind: RecordKind::Lead, id: 41 },
            status: status.to_owned(),
            meaning,
            owner: Some("17".into()),
            amount: None,
            reason: None,
            changed_at: at(changed),
            origin: None,
            parent: None,
        }
    }

    fn news(lesson: Option<Lesson>) -> Known {
        match lesson {
            Some(Lesson::News(known)) => known,
            other => panic!("no news: {other:?}"),
        }
    }

    #[test]
    fn kinds_and_stages_keep_their_wire_names() {
        for kind in [RecordKind::Lead, RecordKind::Deal, RecordKind::Item(1046)] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        for odd in ["", "leads", "item-", "item-x", "item-99999999999"] {
            assert!(odd.parse::<RecordKind>().is_err(), "{odd}");
        }
        for stage in Stage::ALL {
            assert_eq!(Stage::from_code(stage.code()), Some(stage));
        }
    }

    #[test]
    fn the_clients_mapping_comes_before_what_the_crm_says() {
        let map = StageMap(BTreeMap::from([("C9:MEETING".to_owned(), Stage::Visit)]));
        assert_eq!(map.stage(&state("C9:MEETING", Meaning::Open, 0)), Stage::Visit);
        assert_eq!(map.stage(&state("NEW", Meaning::Fresh, 0)), Stage::Lead);
        assert_eq!(map.stage(&state("IN_PROCESS", Meaning::Open, 0)), Stage::Qualified);
        assert_eq!(map.stage(&state("CONVERTED", Meaning::Converted, 0)), Stage::Qualified);
        let parent = Some(RecordRef { kind: RecordKind::Lead, id: 41 });
        let deal = |meaning| RecordState { parent, ..state("x", meaning, 0) };
        assert_eq!(map.stage(&deal(Meaning::Fresh)), Stage::Deal);
        assert_eq!(map.stage(&deal(Meaning::Won)), Stage::Money);
        assert_eq!(map.stage(&deal(Meaning::Lost)), Stage::Lost);
    }

    #[test]
    fn our_own_writes_are_no_news() {
        let map = StageMap::default();
        let made = state("NEW", Meaning::Fresh, 0);
        let Some(Lesson::Same(known)) = learn(None, Some(&made), lead(), &map, at(1)) else { panic!() };
        // A comment or a task of ours moves the time of change and nothing else.
        let touched = state("NEW", Meaning::Fresh, 5);
        assert!(matches!(learn(Some(&known), Some(&touched), lead(), &map, at(6)), Some(Lesson::Same(_))));
        let taken = RecordState { owner: Some("18".into()), ..state("NEW", Meaning::Fresh, 9) };
        assert_eq!(
            news(learn(Some(&known), Some(&taken), lead(), &map, at(10))).owner.as_deref(),
            Some("18")
        );
    }

    #[test]
    fn a_record_that_is_gone_is_news_once_and_one_that_nobody_knew_is_none() {
        let map = StageMap::default();
        assert_eq!(learn(None, None, lead(), &map, at(1)), None);
        let known = news(learn(None, Some(&state("IN_PROCESS", Meaning::Open, 0)), lead(), &map, at(1)));
        let gone = news(learn(Some(&known), None, lead(), &map, at(2)));
        assert_eq!((gone.stage, gone.reached), (Stage::Deleted, 1));
        assert!(matches!(learn(Some(&gone), None, lead(), &map, at(3)), Some(Lesson::Same(_))));
        // A reading from before the deletion does not bring it back; a restoration does.
        let before = state("IN_PROCESS", Meaning::Open, 0);
        assert_eq!(learn(Some(&gone), Some(&before), lead(), &map, at(1)), Some(Lesson::Stale));
        let restored = news(learn(Some(&gone), Some(&before), lead(), &map, at(5)));
        assert_eq!(restored.stage, Stage::Qualified);
    }

    /// Whatever order readings of one record come in, doubled or not, the last state of the record is what stays, and
    /// what was reached is not forgotten.
    #[test]
    fn any_order_of_readings_ends_in_the_records_last_state() {
        let map = StageMap::default();
        let life = [
            state("NEW", Meaning::Fresh, 0),
            state("IN_PROCESS", Meaning::Open, 10),
            RecordState { amount: Some(Money::roubles(900)), ..state("WON", Meaning::Won, 20) },
            RecordState { reason: Some("вернули".into()), ..state("LOSE", Meaning::Lost, 30) },
        ];
        for seed in 0..500 {
            let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, seed);
            let mut order: Vec<usize> = (0..life.len()).chain(0..life.len()).collect();
            for last in (1..order.len()).rev() {
                let [byte] = env.random();
                order.swap(last, usize::from(byte) % (last + 1));
            }
            let (mut known, mut heard) = (None, 0);
            for which in order {
                let read = &life[which];
                // A reading is begun right after the change that it shows.
                let asked = read.changed_at.checked_add(SignedDuration::from_secs(1)).unwrap();
                match learn(known.as_ref(), Some(read), lead(), &map, asked) {
                    Some(Lesson::News(now)) => {
                        heard += 1;
                        known = Some(now);
                    }
                    Some(Lesson::Same(now)) => known = Some(now),
                    Some(Lesson::Stale) | None => {}
                }
            }
            let known = known.unwrap();
            assert_eq!((known.stage, known.status.as_str()), (Stage::Lost, "LOSE"), "seed {seed}");
            assert!((1..=3).contains(&heard), "seed {seed}: {heard} pieces of news");
        }
    }
}
