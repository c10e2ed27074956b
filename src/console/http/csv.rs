//! A list as a CSV file, for a browser: the rows and columns of the API's export.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};

use crate::domain::error::Result;
use crate::http::listings::export::{Format, Listed, MOST_ROWS, export};

/// Streams the rows that `read` finds after a position, newest first.
///
/// # Errors
/// The first batch cannot be read.
pub(in crate::console) async fn csv_file<R, T, P>(
    read: impl AsyncFn(Option<P>, u64) -> Result<Vec<R>> + 'static,
) -> Result<HttpResponse>
where
    T: Listed + From<R> + 'static,
    R: 'static,
    P: for<'a> From<&'a R> + 'static,
{
    let mut response = export::<R, T, P>(Format::Csv, (None, MOST_ROWS), read).await?;
    let headers = response.headers_mut();
    // The file has an address of its own: its format does not depend on `Accept`.
    headers.remove(VARY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
