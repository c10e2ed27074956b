//! Section `[database]`: SQLite embedded, or PostgreSQL.

/// Section `[database]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://...`. Default `sqlite://failsoft.db` in the working directory.
    /// `DATABASE_URL`.
    pub url: String,
    /// Connections for reading; SQLite has one more for writing, PostgreSQL four. Default 8. `FAILSOFT_DATABASE_CONNECTIONS`.
    pub connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite://failsoft.db".to_owned(), connections: 8 }
    }
}

impl Database {
    /// Is it the embedded one?
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }
}
