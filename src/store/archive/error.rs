//! Why records could not be archived. They stay in the database.

use object_store::Error as StorageError;
use parquet::errors::ParquetError;
use sea_orm::DbErr;

/// The longest message of a storage, in characters.
const LONGEST: usize = 400;

/// Why records could not be archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The storage cannot be read or written.
    #[error("the storage: {}", message(.0))]
    Storage(#[from] StorageError),
    /// An object cannot be encoded or decoded.
    #[error("an object: {0}")]
    Object(#[from] ParquetError),
    /// The database cannot be read or written.
    #[error("the database: {0}")]
    Database(#[from] DbErr),
    /// What is in the storage is not what was written.
    #[error("{path} does not hold what was written to it")]
    Different {
        /// The path of the object.
        path: String,
    },
    /// A manifest that this release did not write.
    #[error("the manifest {path} cannot be read by this release")]
    Manifest {
        /// The path of the manifest.
        path: String,
    },
    /// Another process has taken over.
    #[error("another process has begun to archive")]
    Lost,
    /// A task was stopped.
    #[error("it was interrupted")]
    Interrupted,
}

/// The message of a storage without the page that it answers with: that may repeat the headers of the request.
fn message(error: &StorageError) -> String {
    let text = error.to_string();
    let line = match text.split_once("status code: ") {
        Some((before, answer)) => {
            let status = answer.split([':', '<']).next().unwrap_or_default().trim();
            let code = answer.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<'));
            let code = code.map_or(String::new(), |(code, _)| format!(" ({code})"));
            format!("{before}status code: {status}{code}")
        }
        None => text.split('<').next().unwrap_or_default().to_owned(),
    };
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_storage_answers_is_not_repeated() {
        let of = |text: &str| message(&StorageError::Generic { store: "S3", source: text.into() });
        let refused = of(
            "Error performing PUT https://bucket.example/x in 1ms - Server returned non-2xx status code: 403 Forbidden: \
             <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>canary</CanonicalRequest></Error>",
        );
        assert!(refused.ends_with("status code: 403 Forbidden (SignatureDoesNotMatch)"), "{refused}");
        let page = of("Server returned error response: <html>\ncanary</html>");
        assert!(page.ends_with("error response:"), "{page}");
        assert!(!format!("{refused}{page}").contains("canary"));
    }
}
