//! The addresses of the database, of the archive and of Valkey, which no provider may use.

use std::net::{SocketAddr, ToSocketAddrs as _};

use url::{Host, Url};

use crate::config::archive::Archive;
use crate::config::database::Database;
use crate::config::valkey::{Valkey, ValkeyUrl};

/// Where the URLs of the database, of the archive and of Valkey point: the socket addresses that are known now, and the name
/// with its port, which may resolve to other addresses later.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnPlaces {
    pub(crate) sockets: Vec<SocketAddr>,
    pub(crate) names: Vec<(String, u16)>,
}

impl OwnPlaces {
    /// The addresses of the database, of its replica, of the archive and of Valkey.
    pub(crate) fn of_all(database: &Database, archive: &Archive, valkey: &Valkey) -> Self {
        let mut all = Self::of(database.url.expose());
        let replica = database.read_url.as_ref().map(|replica| Self::of(replica.expose()));
        let archive = archive.endpoint.as_deref().and_then(|endpoint| Url::parse(endpoint).ok());
        let valkey = valkey.url.as_ref().and_then(ValkeyUrl::socket);
        let valkey = valkey.map(|(host, port)| Self::of_host(host, port));
        for other in replica.into_iter().chain(archive.as_ref().map(Self::of_endpoint)).chain(valkey) {
            all.sockets.extend(other.sockets);
            all.names.extend(other.names);
        }
        all
    }

    /// The address of an HTTP server.
    fn of_endpoint(url: &Url) -> Self {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Self::default();
        };
        Self::of_host(plain(host), port)
    }

    fn of_host(host: String, port: u16) -> Self {
        let sockets = (host.as_str(), port).to_socket_addrs().into_iter().flatten().collect();
        Self { sockets, names: vec![(host, port)] }
    }

    /// The addresses of a PostgreSQL URL. An embedded database has none.
    fn of(url: &str) -> Self {
        let Ok(url) = Url::parse(url) else { return Self::default() };
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Self::default();
        }
        let mut port = url.port().unwrap_or(5432);
        let mut hosts: Vec<String> = url.host().map(plain).into_iter().collect();
        // The driver reads both from the query, too.
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "port" => port = value.parse().unwrap_or(port),
                // A path is a Unix socket.
                "host" | "hostaddr" if !value.starts_with('/') => hosts.push(value.into_owned()),
                _ => {}
            }
        }
        let sockets = |host: &String| (host.as_str(), port).to_socket_addrs().into_iter().flatten();
        Self {
            sockets: hosts.iter().flat_map(sockets).collect(),
            names: hosts.into_iter().map(|host| (host, port)).collect(),
        }
    }
}

/// The host without the brackets of IPv6.
fn plain(host: Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_where_its_url_or_its_query_says() {
        for (url, sockets) in [
            ("postgres://user:secret@127.0.0.1/failsoft", vec!["127.0.0.1:5432"]),
            ("postgresql://user@[::1]:6432/failsoft", vec!["[::1]:6432"]),
            ("postgres:///failsoft?host=127.0.0.2&port=6432", vec!["127.0.0.2:6432"]),
            ("postgres:///failsoft?host=/run/postgresql", vec![]),
            ("sqlite://failsoft.db", vec![]),
            ("nonsense", vec![]),
        ] {
            let found = OwnPlaces::of(url).sockets;
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), sockets, "{url}");
        }
        let section = Database {
            url: "postgres://user@127.0.0.1/failsoft".into(),
            read_url: Some("postgres://user@127.0.0.2:5433/failsoft".into()),
            ..Database::default()
        };
        let archive = Archive { endpoint: Some("http://127.0.0.3:9000".to_owned()), ..Archive::default() };
        let valkey = Valkey { url: Some("valkey://:secret@127.0.0.4".into()), url_file: None };
        let all = OwnPlaces::of_all(&section, &archive, &valkey).sockets;
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:5432", "127.0.0.2:5433", "127.0.0.3:9000", "127.0.0.4:6379"]
        );
        let named = OwnPlaces::of("postgres://db.example:6432/failsoft");
        assert_eq!(named.names, [("db.example".to_owned(), 6432)]);
    }
}
