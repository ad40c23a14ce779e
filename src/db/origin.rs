//! Where a write comes from: who does it, on which request, from which address.
//!
//! It is carried by the task that works on a request, and every transaction that the task begins has it. So no code that
//! writes can forget it. Knows nothing of HTTP: the middleware calls [`Origin::scope`], and whoever learns who is calling
//! calls [`Origin::identify`].

use std::cell::RefCell;

use crate::ids::{ApiKeyId, UserId};

tokio::task_local! {
    static CURRENT: RefCell<Origin>;
}

/// Where a write comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who does it.
    pub actor: Actor,
    /// The id of the request; none for a command and for what the server does by itself.
    pub request_id: Option<String>,
    /// The address that the request came from.
    pub address: Option<String>,
}

/// Who does something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// Whoever may run commands on the machine.
    #[default]
    Command,
    /// A request that has not shown who it is from.
    Anonymous,
    /// Somebody with an account.
    User {
        /// The account.
        id: UserId,
        /// What it may do.
        role: &'static str,
    },
    /// A key, in the name of somebody with an account.
    Key {
        /// The key.
        id: ApiKeyId,
        /// The account.
        acts_for: UserId,
    },
    /// The clock: what was planned has happened.
    Clock,
    /// The server by itself.
    Server,
}

impl Actor {
    /// Returns the account, if it is somebody's.
    pub fn id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } | Self::Key { acts_for: id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Returns the role, or what does it instead of a person.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Anonymous => "anonymous",
            Self::User { role, .. } => role,
            Self::Key { .. } => "api_key",
            Self::Clock => "clock",
            Self::Server => "server",
        }
    }
}

impl Origin {
    /// The origin of what a request does, until it is known who calls.
    pub fn request(request_id: String, address: Option<String>) -> Self {
        Self { actor: Actor::Anonymous, request_id: Some(request_id), address }
    }

    /// The origin of what the server does by itself.
    pub fn server() -> Self {
        Self { actor: Actor::Server, ..Self::default() }
    }

    /// The origin of what was planned, whoever comes to record it.
    pub fn clock() -> Self {
        Self { actor: Actor::Clock, ..Self::default() }
    }

    /// Does some work of which all writes have this origin.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(RefCell::new(self), work).await
    }

    /// Says who the task that is running works for.
    pub fn identify(actor: Actor) {
        // Outside of a scope there is nobody to work for.
        let _ = CURRENT.try_with(|current| current.borrow_mut().actor = actor);
    }

    /// Returns the origin of the task that is running; that of a command outside of any scope.
    pub(super) fn current() -> Self {
        CURRENT.try_with(|current| current.borrow().clone()).unwrap_or_default()
    }
}
