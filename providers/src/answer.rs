//! What a backend answers: a value, absent, or a fault whose class can be matched on.
//!
//! Texts in here name things (paths, keys, permissions) and never hold a value or a credential.

use std::time::Duration;

use crate::Secret;

/// The answer to one address.
pub type Answer = Result<Reply, Fault>;

/// The answers to a batch.
#[derive(Debug, Default)]
pub struct Fetched {
    /// One an address, in the order of the batch.
    pub answers: Vec<Answer>,
    /// What the user should know although nothing failed. The launcher prints equal ones once.
    pub warnings: Vec<Warning>,
}

/// Something that works and should be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A lower-case fragment without a period.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A backend's word on one address, when nothing went wrong.
#[derive(Debug)]
pub enum Reply {
    /// The value.
    Value(Value),
    /// There is none: the next place of a list is asked.
    Absent(Absence),
}

/// A value and what the backend says of it.
#[derive(Debug)]
pub struct Value {
    /// The bytes.
    pub secret: Secret,
    /// Version, time of creation and lease, as far as the backend knows them.
    pub metadata: Metadata,
}

/// What is known of a value without the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The backend's own name for the version: a number, an id, a stage. Equal versions of one
    /// address are equal values.
    pub version: Option<String>,
    /// When this version was made, RFC 3339.
    pub created: Option<String>,
    /// Whether and how long the value lives. Values of one read share one lease.
    pub lease: Option<Lease>,
    /// Anything else worth reporting, as `name`, `text`: tags, custom metadata, rotation.
    pub labels: Vec<(String, String)>,
}

/// A value's time to live, kept by the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The backend's handle for renewing and revoking. Not a credential.
    pub id: String,
    /// How long from the answer.
    pub duration: Duration,
    /// Whether [`crate::Provider::renew`] can prolong it.
    pub is_renewable: bool,
}

/// Nothing stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// What is missing, as a lower-case fragment: ``no `NAME` in .env``.
    pub what: String,
    /// The keys that stand there instead; empty if there are none or they can't be listed.
    pub keys: Vec<String>,
}

/// Why a value could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind, for decisions.
    pub class: Class,
    /// What happened, as a lower-case fragment without a period.
    pub message: String,
    /// What a person can do, one sentence each.
    pub hints: Vec<String>,
}

/// The kinds of fault, with their data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// More than one thing answers to that name.
    Ambiguous {
        /// Identifiers that are unambiguous.
        candidates: Vec<String>,
    },
    /// Compare-and-set found another version.
    Conflict,
    /// It stood there and was deleted or destroyed, or is marked for deletion.
    Deleted {
        /// When, RFC 3339.
        at: Option<String>,
    },
    /// The caller is known and may not.
    Denied {
        /// The permission that would allow it, in the backend's own words.
        permission: Option<String>,
    },
    /// The answer, or what stands at the place, is not what it must be.
    Malformed,
    /// Too many requests.
    Throttled {
        /// How long the backend asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer within the deadline.
    TimedOut,
    /// No valid credential: signing in would help.
    Unauthenticated,
    /// The backend could not be reached.
    Unreachable,
}

impl Class {
    /// The word used in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ambiguous { .. } => "ambiguous",
            Self::Conflict => "conflict",
            Self::Deleted { .. } => "deleted",
            Self::Denied { .. } => "denied",
            Self::Malformed => "malformed",
            Self::Throttled { .. } => "throttled",
            Self::TimedOut => "timed out",
            Self::Unauthenticated => "unauthenticated",
            Self::Unreachable => "unreachable",
        }
    }
}

impl Fault {
    /// A fault without hints.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The same fault with one more hint.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
