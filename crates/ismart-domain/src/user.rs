//! People who sign in to the console, and what each role may do.

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, UserId};

/// A role. Rights grow from top to bottom; the content of sites is the editor's, the owner's and the agency's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees figures, not people.
    Analyst,
    /// Changes content of sites; sees figures, not people.
    Editor,
    /// Answers visitors and works on leads.
    Operator,
    /// Everything of one client: also pauses the worker and replays deliveries.
    Owner,
    /// Everything of every client.
    Agency,
}

/// One thing that a role may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// See the dashboard.
    SeeFigures,
    /// See conversations and leads with personal data.
    SeePeople,
    /// Take over, answer, give back.
    Answer,
    /// Send a delivery again.
    Replay,
    /// Pause and resume a worker.
    SteerWorker,
    /// Change drafts of a site's content.
    EditSite,
    /// Publish a draft, bring an earlier state back.
    PublishSite,
    /// Say who may change what of a site.
    AppointEditors,
    /// Bring leads in from files.
    ImportLeads,
    /// Make and revoke keys of the API.
    ManageTokens,
    /// Move between clients.
    AllClients,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Analyst, Self::Editor, Self::Operator, Self::Owner, Self::Agency];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Analyst => "analyst",
            Self::Editor => "editor",
            Self::Operator => "operator",
            Self::Owner => "owner",
            Self::Agency => "agency",
        }
    }

    /// Reads a wire name.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Whether the role has the right.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        let least = match right {
            Right::SeeFigures => Self::Analyst,
            Right::SeePeople | Right::Answer => Self::Operator,
            Right::Replay
            | Right::SteerWorker
            | Right::AppointEditors
            | Right::ImportLeads
            | Right::ManageTokens => Self::Owner,
            // Who answers visitors does not change pages.
            Right::EditSite | Right::PublishSite => return self == Self::Editor || self >= Self::Owner,
            Right::AllClients => Self::Agency,
        };
        self >= least
    }
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// The client he works for; `None` for the agency's own staff.
    pub client_id: Option<ClientId>,
    /// Sign-in name, lower case.
    pub login: String,
    /// Name shown to visitors and colleagues.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Interface language: `ru` or `en`.
    pub language: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_grow_with_the_role() {
        assert!(!Role::Analyst.may(Right::SeePeople));
        assert!(Role::Operator.may(Right::Answer) && !Role::Operator.may(Right::Replay));
        assert!(Role::Owner.may(Right::SteerWorker) && !Role::Owner.may(Right::AllClients));
        assert!(Role::Agency.may(Right::AllClients));
        assert!(Role::Editor.may(Right::EditSite) && !Role::Editor.may(Right::SeePeople));
        assert!(!Role::Operator.may(Right::EditSite) && Role::Owner.may(Right::PublishSite));
    }
}
