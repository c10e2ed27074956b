//! The addresses of the database, which no provider may use.

use std::net::{SocketAddr, ToSocketAddrs as _};

use url::{Host, Url};

use crate::config::database::Database;

/// Where the database's URL points: the socket addresses that are known now, and the name with its port, which may
/// resolve to other addresses later.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DatabasePlace {
    pub(crate) sockets: Vec<SocketAddr>,
    pub(crate) names: Vec<(String, u16)>,
}

impl DatabasePlace {
    /// The addresses of the database and of its replica.
    pub(crate) fn of_all(section: &Database) -> Self {
        let mut all = Self::of(section.url.expose());
        if let Some(replica) = &section.read_url {
            let replica = Self::of(replica.expose());
            all.sockets.extend(replica.sockets);
            all.names.extend(replica.names);
        }
        all
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
            let found = DatabasePlace::of(url).sockets;
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), sockets, "{url}");
        }
        let section = Database {
            url: "postgres://user@127.0.0.1/failsoft".into(),
            read_url: Some("postgres://user@127.0.0.2:5433/failsoft".into()),
            ..Database::default()
        };
        let all = DatabasePlace::of_all(&section).sockets;
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["127.0.0.1:5432", "127.0.0.2:5433"]
        );
        let named = DatabasePlace::of("postgres://db.example:6432/failsoft");
        assert_eq!(named.names, [("db.example".to_owned(), 6432)]);
    }
}
