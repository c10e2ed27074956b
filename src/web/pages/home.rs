//! `GET /`: on to the page that says what can be done here.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};

/// Leads to the description of the API.
pub async fn redirect() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, "/docs/api"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish()
}
