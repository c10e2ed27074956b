//! Section `[secrets]`: the master key under which credentials are sealed.

use std::path::PathBuf;

use secrecy::SecretString;

/// Section `[secrets]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// 32 bytes in base64. Required with PostgreSQL. `FAILSOFT_MASTER_KEY`; never in the file.
    #[serde(skip)]
    pub master_key: Option<SecretString>,
    /// Where the key is kept with SQLite when `FAILSOFT_MASTER_KEY` is not set: a file of mode 0600, made on the
    /// first run. Default: beside the database, `<database>.key`. `FAILSOFT_MASTER_KEY_FILE`.
    pub master_key_file: Option<PathBuf>,
}
