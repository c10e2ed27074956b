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
    /// Where the key is kept when `FAILSOFT_MASTER_KEY` is not set. With SQLite it is a file of mode 0600, made on the
    /// first run; default: beside the database, `<database>.key`. With PostgreSQL it has to be there; default none.
    /// `FAILSOFT_MASTER_KEY_FILE`.
    pub master_key_file: Option<PathBuf>,
}
