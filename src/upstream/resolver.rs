//! The DNS resolver: asynchronous, with one lookup per name however many calls wait for it, and a cache that respects
//! TTLs.
//!
//! The system's resolver blocks a thread for each lookup, and those are the threads that hash passwords. This one
//! blocks none, and limits each organization to a few lookups at once, so a name server that does not answer only
//! delays the organizations that use it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use moka::future::Cache;

use crate::limits::shares::Share;

/// The timeout of a lookup, whatever the name servers do.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a failure is cached.
const FAILED: Duration = Duration::from_secs(5);
/// An answer is cached for its TTL, within these bounds.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);
/// The most names that are cached.
const MOST: u64 = 10_000;

tokio::task_local! {
    /// The organization that a name is looked up for. The HTTP client gives its resolver only the name.
    static ON_BEHALF_OF: Arc<Share>;
}

/// Runs a call and attributes its lookups to this organization.
pub async fn on_behalf_of<F: Future>(share: Arc<Share>, call: F) -> F::Output {
    ON_BEHALF_OF.scope(share, call).await
}

/// A name that does not resolve.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the name does not resolve: {0}")]
pub struct ResolveFailed(Arc<str>);

impl ResolveFailed {
    /// An error for a name without an address.
    #[must_use]
    pub fn new(why: &str) -> Self {
        Self(why.into())
    }
}

type Found = Result<Arc<[IpAddr]>, ResolveFailed>;

/// The process's resolver and its cache.
pub struct Resolver {
    /// The name servers; if empty, those of the system.
    servers: Vec<SocketAddr>,
    resolver: OnceLock<Result<TokioResolver, ResolveFailed>>,
    known: Cache<String, (Found, Instant)>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Resolver").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Resolver {
    /// Uses these name servers; if empty, those of the system.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, resolver: OnceLock::new(), known: Cache::new(MOST) }
    }

    /// The addresses of a name, at least one.
    ///
    /// # Errors
    /// It has none, or the name servers do not answer.
    pub async fn look_up(&self, name: &str) -> Found {
        if let Some(found) = self.remembered(name).await {
            return found;
        }
        // Taken before the lookup is shared with others, so that no organization waits behind another's lookups.
        let share = ON_BEHALF_OF.try_with(Clone::clone).ok();
        let _turn = match &share {
            Some(share) => share.look_up().await,
            None => None,
        };
        if let Some(found) = self.remembered(name).await {
            return found;
        }
        self.known.invalidate(name).await;
        self.known.get_with_by_ref(name, self.ask(name)).await.0
    }

    async fn remembered(&self, name: &str) -> Option<Found> {
        let (found, until) = self.known.get(name).await?;
        (Instant::now() < until).then_some(found)
    }

    async fn ask(&self, name: &str) -> (Found, Instant) {
        let resolver = match self.resolver.get_or_init(|| resolver(&self.servers)) {
            Ok(resolver) => resolver,
            Err(failed) => return (Err(failed.clone()), Instant::now() + FAILED),
        };
        let now = Instant::now();
        let failed = |why: String| (Err(ResolveFailed(why.into())), Instant::now() + FAILED);
        match tokio::time::timeout(PATIENCE, resolver.lookup_ip(name)).await {
            Err(_) => failed(format!("no name server answered within {} seconds", PATIENCE.as_secs())),
            Ok(Err(error)) => failed(error.to_string()),
            Ok(Ok(answer)) => {
                let addresses: Arc<[IpAddr]> = answer.iter().collect();
                if addresses.is_empty() {
                    return failed("it has no address".to_owned());
                }
                let kept = answer.valid_until().saturating_duration_since(now).clamp(SHORTEST, LONGEST);
                (Ok(addresses), now + kept)
            }
        }
    }
}

fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, ResolveFailed> {
    let failed = |error: &dyn fmt::Display| ResolveFailed(error.to_string().into());
    let provider = TokioRuntimeProvider::default();
    let mut builder = if servers.is_empty() {
        TokioResolver::builder(provider).map_err(|error| failed(&error))?
    } else {
        let servers = servers.iter().map(|socket| {
            let mut server = NameServerConfig::udp_and_tcp(socket.ip());
            server.connections.iter_mut().for_each(|connection| connection.port = socket.port());
            server
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(config, provider)
    };
    adjust(builder.options_mut());
    builder.build().map_err(|error| failed(&error))
}

fn adjust(options: &mut ResolverOpts) {
    // The cache above also holds failures.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Always;
    options.timeout = options.timeout.min(Duration::from_secs(2));
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;
    use crate::limits::shares::Shares;

    fn share(number: u128) -> Arc<Share> {
        Shares::ample().of(entity::ids::OrganizationId(uuid::Uuid::from_u128(number)))
    }

    /// A name server that answers for names that start with `good`, ignores all others and counts queries.
    async fn name_server() -> (SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let asked = Arc::<std::sync::atomic::AtomicUsize>::default();
        let count = asked.clone();
        tokio::spawn(async move {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet).await {
                count.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                let question = &packet[12..length];
                if !question[1..].starts_with(b"good") {
                    continue;
                }
                let end = question.iter().position(|byte| *byte == 0).expect("a name") + 5;
                let address = question[end - 3] == 1;
                // The question again, and an answer if it asks for IPv4.
                let mut answer = packet[..2].to_vec();
                answer.extend([0x81, 0x80, 0, 1, 0, u8::from(address), 0, 0, 0, 0]);
                answer.extend(&question[..end]);
                if address {
                    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
                }
                let _ = socket.send_to(&answer, from).await;
            }
        });
        (address, asked)
    }

    #[tokio::test]
    async fn a_silent_name_server_costs_only_who_asks_it() {
        let (address, asked) = name_server().await;
        let names = Arc::new(Resolver::new(vec![address]));
        let (one, two) = (share(1), share(2));
        let mut waiting = tokio::task::JoinSet::new();
        for number in 0..200 {
            let (names, one) = (names.clone(), one.clone());
            waiting
                .spawn(async move { on_behalf_of(one, names.look_up(&format!("mute{number}.test"))).await });
        }
        // The first organization has used all of its permits, and its other lookups wait.
        while one.look_up_turns() > 0 {
            tokio::task::yield_now().await;
        }
        let soon = tokio::time::timeout(
            Duration::from_secs(2),
            on_behalf_of(two.clone(), names.look_up("good.test")),
        );
        let found = soon.await.expect("at once").expect("an address");
        assert_eq!(found[..], [IpAddr::from([192, 0, 2, 7])]);
        let before = asked.load(std::sync::atomic::Ordering::Acquire);
        on_behalf_of(two, names.look_up("good.test")).await.expect("remembered");
        let after = asked.load(std::sync::atomic::Ordering::Acquire);
        assert!(after - before < 16, "{before} {after}");
        waiting.abort_all();
    }

    #[tokio::test]
    async fn the_hosts_file_and_localhost_need_no_name_server() {
        let names = Resolver::new(vec![SocketAddr::from(([127, 0, 0, 1], 9))]);
        let found = names.look_up("localhost").await.expect("addresses");
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
