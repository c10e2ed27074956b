//! Resolves host names. The address policy decides which of the addresses may be used.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::resolver::{ResolveFailed, Resolver};

/// Resolves host names. The process has one resolver, which every new connection uses.
pub trait NameResolver: fmt::Debug + Send + Sync + 'static {
    /// All addresses of a name, in the order in which to try them.
    fn addresses(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>>;
}

impl NameResolver for Resolver {
    fn addresses(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<Arc<[IpAddr]>, ResolveFailed>> {
        Box::pin(async move { self.look_up(&name).await })
    }
}
