//! The words of the business: ids, types, state machines, events, ports.
//!
//! No IO, no async runtime, no SQL. Every other crate of the platform may depend on this one, so it stays
//! small and quiet: a change here rebuilds everything.

pub mod contact;
pub mod conversation;
pub mod delivery;
pub mod env;
pub mod event;
pub mod id;
pub mod lead;
pub mod money;
pub mod outcome;
pub mod payment;
pub mod ports;
pub mod rehearsal;
pub mod secret;
pub mod spam;
pub mod user;

pub use contact::{Email, PersonName, Phone};
pub use env::{Clock, Entropy, Env, ManualClock, SystemClock};
pub use event::{Event, EventBody};
pub use id::{
    ApiTokenId, BookingId, ClientId, ConsentId, ConversationId, DeliveryId, DrafterId, EventId, FileId,
    ImportId, LeadId, MergeId, MessageId, PersonId, RepeatId, RevisionId, ScheduleId, SessionId, SiteId,
    TraceId, UnreadId, UserId, VisitId, VisitorId,
};
pub use money::Money;
pub use payment::{Order, OrderNumber, OrderState};
pub use secret::Secret;

/// A boxed future that may move between threads: the return type of every async port.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn std::future::Future<Output = T> + Send + 'a>>;
