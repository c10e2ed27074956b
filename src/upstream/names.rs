//! How a name becomes addresses. What may be done with them is the gate's to say.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::resolver::{ResolveFailed, Resolver};

/// Resolves names. The process has one, which every new connection asks.
pub trait Names: fmt::Debug + Send + Sync + 'static {
    /// All addresses of a name, in the order in which they should be tried.
    fn addresses(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>>;
}

impl Names for Resolver {
    fn addresses(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>> {
        Box::pin(async move { self.look_up(&name).await })
    }
}
