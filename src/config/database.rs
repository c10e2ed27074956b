//! Section `[database]`: embedded SQLite, or PostgreSQL.

use std::convert::Infallible;
use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// The settings of section `[database]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://...`. Default `sqlite://failsoft.db` in the working directory.
    /// `DATABASE_URL`.
    pub url: DatabaseUrl,
    /// A file that holds the address instead. Default none. `DATABASE_URL_FILE`, `--database-url-file`.
    pub url_file: Option<PathBuf>,
    /// The address of a replica, from which lists, exports and figures of records are read. Default none.
    /// `FAILSOFT_DATABASE_READ_URL`.
    pub read_url: Option<DatabaseUrl>,
    /// A file that holds this address instead. Default none. `FAILSOFT_DATABASE_READ_URL_FILE`.
    pub read_url_file: Option<PathBuf>,
    /// The connections that the process may open, in all. Default 16, with SQLite 10. `FAILSOFT_DATABASE_CONNECTIONS`.
    pub connections: Option<u32>,
    /// Whether statements are prepared. Default `on`. `FAILSOFT_DATABASE_PREPARED_STATEMENTS`.
    pub prepared_statements: PreparedStatements,
}

/// Whether statements are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PreparedStatements {
    /// Each statement is prepared once per connection.
    #[default]
    On,
    /// For poolers that pool by transaction and do not track prepared statements: each statement is parsed again, in a
    /// transaction. About three more round trips per statement.
    Off,
}

/// What the connections of a process are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// For pages, lists, exports and sign-ins.
    pub readers: u32,
    /// For changes, and for counting records.
    pub writers: u32,
    /// For records. On SQLite they are written by the writer.
    pub recorder: u32,
    /// For checking the database's health and the changes of other processes.
    pub watchers: u32,
}

impl Shares {
    /// The number of connections.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.readers + self.writers + self.recorder + self.watchers
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite://failsoft.db".into(),
            url_file: None,
            read_url: None,
            read_url_file: None,
            connections: None,
            prepared_statements: PreparedStatements::On,
        }
    }
}

impl Database {
    /// Whether the database is the embedded SQLite.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.url.expose().starts_with("sqlite:")
    }

    /// Whether statements are prepared. On SQLite they always are.
    #[must_use]
    pub fn prepares(&self) -> bool {
        self.is_sqlite() || self.prepared_statements == PreparedStatements::On
    }

    /// Divides the connections: one watches, three write records (two if there are fewer than 8), a third of the others
    /// makes changes, and the rest reads. SQLite has one that writes.
    #[must_use]
    pub fn shares(&self) -> Shares {
        let least = self.fewest_connections();
        if self.is_sqlite() {
            let total = self.connections.unwrap_or(10).max(least);
            return Shares { readers: total - 2, writers: 1, recorder: 0, watchers: 1 };
        }
        let total = self.connections.unwrap_or(16).max(least);
        let recorder = if total < 8 { 2 } else { 3 };
        let others = total - 1 - recorder;
        let writers = (others / 3).max(1);
        Shares { readers: others - writers, writers, recorder, watchers: 1 }
    }

    /// The fewest connections with which a process works.
    #[must_use]
    pub fn fewest_connections(&self) -> u32 {
        if self.is_sqlite() { 3 } else { 5 }
    }
}

/// The address of a database. It may hold a password, so `Debug` does not show it, it has no `Display`, and its error
/// messages contain no part of it.
#[derive(Clone, serde::Deserialize)]
#[serde(from = "String")]
pub struct DatabaseUrl(SecretString);

impl Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("DatabaseUrl([REDACTED])")
    }
}

impl From<String> for DatabaseUrl {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl FromStr for DatabaseUrl {
    /// Never fails, because the command line repeats the input of a parser that fails. Call [`DatabaseUrl::check`].
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

/// Databases that users may expect; an error repeats only these words.
const FOREIGN: &[&str] = &[
    "mysql",
    "mariadb",
    "mssql",
    "sqlserver",
    "mongodb",
    "cockroachdb",
    "redis",
    "jdbc",
    "file",
    "http",
    "https",
];

/// Query parameters of an address that PostgreSQL's driver reads.
const READ: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Query parameters of other drivers, which hosting companies include. They are removed.
const LEFT_OUT: &[&str] = &[
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "connection_limit",
    "fallback_application_name",
    "gssencmode",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "passfile",
    "pgbouncer",
    "pool_timeout",
    "require_auth",
    "requiressl",
    "schema",
    "service",
    "sslcompression",
    "sslcrl",
    "sslnegotiation",
    "sslsni",
    "supa",
    "target_session_attrs",
    "tcp_user_timeout",
];

impl DatabaseUrl {
    /// The address itself, for opening a connection.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Checks that the address is well-formed.
    ///
    /// # Errors
    /// One line with the cause and the remedy, and without any part of the address.
    pub fn check(&self) -> Result<(), String> {
        let text = self.expose();
        if text.starts_with("sqlite:") {
            return Ok(());
        }
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return self.postgres().map(|_| ());
        }
        let scheme = text.split(':').next().unwrap_or_default();
        let begins = match FOREIGN.iter().find(|known| scheme.eq_ignore_ascii_case(known)) {
            Some(known) => format!("DATABASE_URL starts with '{known}:'"),
            None => "DATABASE_URL starts with neither sqlite:// nor postgres://".to_owned(),
        };
        Err(format!("{begins}; write sqlite://PATH or postgres://USER:PASSWORD@HOST/NAME"))
    }

    /// The address of a PostgreSQL, with the parameters that its driver reads.
    ///
    /// # Errors
    /// The same as [`DatabaseUrl::check`].
    pub fn postgres(&self) -> Result<Url, String> {
        let text = self.expose().trim();
        let (_, rest) =
            text.split_once("://").ok_or_else(|| unreadable("it has no '//' after its scheme"))?;
        if rest.contains('#') {
            return Err(unreadable("it holds a '#', which ends an address"));
        }
        if rest.contains(|character: char| character.is_control() || character == '\\') {
            return Err(unreadable("it holds a line break, another control character or a backslash"));
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if rest.strip_prefix(authority).is_some_and(|behind| behind.contains('@')) {
            return Err(unreadable("a '/' or '?' comes before its '@', or an '@' after its host"));
        }
        let mut url = Url::parse(text).map_err(|error| match error {
            url::ParseError::InvalidPort => unreadable("its port is not a number from 1 to 65535"),
            _ => unreadable("its host cannot be read"),
        })?;
        if url.port() == Some(0) {
            return Err(unreadable("its port is not a number from 1 to 65535"));
        }
        let given: Vec<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let is_read = |name: &str| READ.contains(&name) || name.starts_with("options[");
        if given.iter().any(|(name, _)| !is_read(name) && !LEFT_OUT.contains(&name.as_str())) {
            return Err(unreadable("a parameter after its '?' is not one that is known"));
        }
        url.set_query(None);
        for (name, value) in given.iter().filter(|(name, _)| is_read(name)) {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url)
    }

    /// A message of a driver or a server with this address's password removed.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let mut secrets = vec![self.expose().to_owned()];
        if let Ok(url) = self.postgres() {
            let given =
                url.query_pairs().filter(|(name, _)| name == "password").map(|(_, value)| value.into_owned());
            secrets.extend(given);
            if let Some(raw) = url.password() {
                secrets.push(raw.to_owned());
                // The form decoder reads a plus as a space, so each plus is escaped first.
                let form = format!("p={}", raw.replace('+', "%2B").replace('&', "%26"));
                secrets.extend(
                    url::form_urlencoded::parse(form.as_bytes()).map(|(_, value)| value.into_owned()),
                );
            }
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let hide = |text: String, secret: &String| text.replace(secret.as_str(), "[hidden]");
        secrets.iter().filter(|secret| !secret.is_empty()).fold(text.to_owned(), hide)
    }
}

fn unreadable(what: &str) -> String {
    format!(
        "DATABASE_URL cannot be read: {what}. If its user or password holds a special character, percent-encode it: \
         # as %23, / as %2F, ? as %3F, @ as %40, : as %3A, % as %25, a blank as %20"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kanarienvogel";

    #[test]
    fn an_address_that_cannot_be_read_is_refused_without_any_of_it() {
        for password in ["a#b", "a/b", "a?b", "1/2", "1?2", "1#2", "a@b/c", "a\\b", "a\nb", "1/a@b"] {
            let url = DatabaseUrl::from(format!("postgres://user:{SECRET}{password}@host:5432/name"));
            let message = url.check().expect_err(password);
            assert!(
                message.contains("percent-encode it") && !message.contains(SECRET),
                "{password}: {message}"
            );
        }
        for rest in
            ["host:54x32/name", "host:99999/name", "host:0/name", "ho st/name", "/name", "host/name?pass=1"]
        {
            let url = DatabaseUrl::from(format!("postgres://user:{SECRET}@{rest}"));
            if rest == "/name" {
                continue;
            }
            let message = url.check().expect_err(rest);
            assert!(message.contains("percent-encode it") && !message.contains(SECRET), "{rest}: {message}");
        }
        for text in
            [SECRET, "kanarienvogel://a:b@c/d", "mysql://a:kanarienvogel@b/c", "postgres:kanarienvogel"]
        {
            let message = DatabaseUrl::from(text).check().expect_err(text);
            assert!(!message.contains(SECRET), "{message}");
        }
        assert!(!format!("{:?}", DatabaseUrl::from(SECRET)).contains(SECRET));
    }

    #[test]
    fn what_is_encoded_or_harmless_is_taken() {
        for text in [
            "sqlite://failsoft.db",
            "postgres://user@host",
            "postgresql://user:pa%23s%2Fs%3F%40@host:5432/name?sslmode=require",
            "postgres://user:with@sign@host/name",
            "postgres://user:p%20w@[::1]:5432/name?host=/var/run/postgresql",
            "postgres://user:p@host/name?sslmode=require&channel_binding=require&connect_timeout=5",
        ] {
            assert_eq!(DatabaseUrl::from(text).check(), Ok(()), "{text}");
        }
        let url = DatabaseUrl::from(
            "postgres://u:p@h/n?channel_binding=require&sslmode=require&options=-c%20a%3Db",
        );
        assert_eq!(url.postgres().expect("read").query(), Some("sslmode=require&options=-c+a%3Db"));
    }

    #[test]
    fn connections_are_divided_by_one_rule() {
        let shares = |url: &str, connections| {
            let section = Database { url: url.into(), connections, ..Database::default() };
            let shares = section.shares();
            assert_eq!(shares.total(), connections.unwrap_or(if section.is_sqlite() { 10 } else { 16 }));
            (shares.readers, shares.writers, shares.recorder, shares.watchers)
        };
        let postgres = |connections| shares("postgres://user@host/name", connections);
        assert_eq!(postgres(None), (8, 4, 3, 1));
        assert_eq!(postgres(Some(5)), (1, 1, 2, 1));
        assert_eq!(postgres(Some(7)), (3, 1, 2, 1));
        assert_eq!(postgres(Some(8)), (3, 1, 3, 1));
        assert_eq!(postgres(Some(10)), (4, 2, 3, 1));
        assert_eq!(postgres(Some(64)), (40, 20, 3, 1));
        assert_eq!(shares("sqlite://a.db", None), (8, 1, 0, 1));
        assert_eq!(shares("sqlite://a.db", Some(3)), (1, 1, 0, 1));
    }

    #[test]
    fn what_a_driver_says_is_shown_without_the_password() {
        let url = DatabaseUrl::from("postgres://user:pa%2Bs%2Fs+w@host/name");
        let said = "no role pa+s/s+w, pa%2Bs%2Fs+w, at postgres://user:pa%2Bs%2Fs+w@host/name";
        assert_eq!(url.hide_in(said), "no role [hidden], [hidden], at [hidden]");
    }
}
