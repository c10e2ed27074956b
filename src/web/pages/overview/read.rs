//! `GET /`: where things are.

use actix_web::HttpResponse;
use askama::Template;

use crate::auth::visitor::{Visitor, may};
use crate::error::Result;
use crate::web::layout::{Frame, Lit};
use crate::web::response::page;

#[derive(Template)]
#[template(path = "overview/read.html")]
struct Page<'a> {
    frame: Frame,
    organization: &'a str,
    models: usize,
    chains: usize,
    keys: usize,
}

/// The page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(visitor: Visitor<may::Read>) -> Result<HttpResponse> {
    let organization = &visitor.organization;
    page(&Page {
        frame: Frame::of(&visitor, "Overview", Lit::Overview),
        organization: &organization.name,
        models: organization.models.len(),
        chains: organization.chains.len(),
        keys: organization.keys.len(),
    })
}
