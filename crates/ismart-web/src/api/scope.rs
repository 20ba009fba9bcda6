//! What a key may do.

/// One thing that a key of the API may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// Read sites, pages, collections, redirects, forms.
    ContentRead,
    /// Change and publish content.
    ContentWrite,
    /// Send forms: each becomes a lead.
    FormsSubmit,
    /// Read leads, with personal data.
    LeadsRead,
    /// Have a lead delivered again.
    LeadsWrite,
}

impl Scope {
    /// Every scope.
    pub(crate) const ALL: [Self; 5] =
        [Self::ContentRead, Self::ContentWrite, Self::FormsSubmit, Self::LeadsRead, Self::LeadsWrite];

    /// The stable wire name.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ContentRead => "content:read",
            Self::ContentWrite => "content:write",
            Self::FormsSubmit => "forms:submit",
            Self::LeadsRead => "leads:read",
            Self::LeadsWrite => "leads:write",
        }
    }

    /// Reads a wire name.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.code() == code)
    }
}

/// Names the scope that an operation needs; part of each handler's signature, so that none is forgotten.
pub(crate) trait Asks: Send + Sync + 'static {
    /// The scope.
    const SCOPE: Scope;
    /// Whether the operation shows only what visitors can see: then the site's own host answers without a key.
    const OPEN: bool = false;
}

macro_rules! asks {
    ($($(#[$doc:meta])* $name:ident = $scope:ident $(, open: $open:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) enum $name {}
        impl Asks for $name {
            const SCOPE: Scope = Scope::$scope;
            $(const OPEN: bool = $open;)?
        }
    )*};
}

asks! {
    /// Content as editors see it.
    Content = ContentRead;
    /// Content as visitors see it.
    Shown = ContentRead, open: true;
    /// Changing content.
    Writing = ContentWrite;
    /// Sending forms.
    Submitting = FormsSubmit;
    /// Leads.
    Leads = LeadsRead;
    /// Deliveries of leads.
    Delivering = LeadsWrite;
}
