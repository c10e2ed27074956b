//! Which callers may use a route. The first argument of its handler says it, so that the signature is the permission.

use std::future::{Ready, ready};

use actix_web::{FromRequest, Handler, HttpRequest, dev::Payload};

use crate::domain::error::Error;
use crate::domain::permission::{Permission, Scope};

/// Which callers may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every caller, without a key or a session.
    Public,
    /// The operator, with the token for metrics.
    Operator,
    /// Any valid API key.
    Key,
    /// An API key with this scope.
    Scope(Scope),
    /// A signed-in user with a role that has the permission.
    ConsoleUser(Permission),
}

/// An extractor that lets only some callers through.
#[diagnostic::on_unimplemented(
    message = "the first argument of a handler says who may call it, and `{Self}` does not",
    note = "take an `ApiCaller`, a `ConsoleUser` or a `Form` first, or `Anyone` if the route is public"
)]
pub trait Admits {
    /// The callers that it lets through.
    const ACCESS: Access;
}

/// Lets every caller through: the first argument of a public route's handler.
#[derive(Debug, Clone, Copy)]
pub struct Anyone;

impl Admits for Anyone {
    const ACCESS: Access = Access::Public;
}

impl FromRequest for Anyone {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

/// The arguments of a handler, which its first one protects.
pub trait ProtectedArguments {
    /// The callers that the first argument lets through.
    const ACCESS: Access;
}

macro_rules! protected_by_the_first {
    ($($other:ident)*) => {
        impl<First: Admits, $($other),*> ProtectedArguments for (First, $($other,)*) {
            const ACCESS: Access = First::ACCESS;
        }
    };
}

protected_by_the_first! {}
protected_by_the_first! { B }
protected_by_the_first! { B C }
protected_by_the_first! { B C D }
protected_by_the_first! { B C D E }
protected_by_the_first! { B C D E F }
protected_by_the_first! { B C D E F G }
protected_by_the_first! { B C D E F G H }

/// The callers that may use the routes of a handler.
pub const fn access_of<F: Handler<Args>, Args: ProtectedArguments>(_: &F) -> Access {
    Args::ACCESS
}
