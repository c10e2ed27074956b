//! A call of the management API: what the handlers of every resource do the same way.

use std::fmt::Display;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::http::header::LOCATION;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, web};
use serde::Serialize;

use super::checks::path_id;
use super::page::{CursorPage, Size, requested};
use super::query::QueryParameters;
use crate::auth::access::{Access, Admits};
use crate::auth::api::api_caller::{ApiCaller, RequiredScope};
use crate::auth::part::part;
use crate::domain::error::{Error, Result};
use crate::http::body_reader::{Body, BodyReader};
use crate::store::pagination::{Page, PageRequest};
use crate::store::{OrgStore, Store};

/// A caller with a key that has the scope `S`, and the organization's data.
#[derive(Debug)]
pub struct Call<S> {
    /// The caller, with the key and the organization's snapshot.
    pub caller: ApiCaller<S>,
    /// The data of the caller's organization.
    pub data: OrgStore,
    request: HttpRequest,
}

impl<S: RequiredScope> Admits for Call<S> {
    const ACCESS: Access = ApiCaller::<S>::ACCESS;
}

impl<S: RequiredScope> FromRequest for Call<S> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = ApiCaller::from_request(request, payload).into_inner();
        ready(caller.and_then(|caller| {
            let store = part::<Store>(request)?;
            Ok(Self { data: store.organization(&caller.tenant), caller, request: request.clone() })
        }))
    }
}

impl<S> Call<S> {
    /// The underlying HTTP request.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The query's parameters, none of them read yet.
    #[must_use]
    pub fn query(&self) -> QueryParameters {
        QueryParameters::parse(self.request.query_string())
    }

    /// The page of a list that the query asks for. `query` has only the parameters of every list left.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every violation of the query; the cursor belongs to another list.
    pub fn page_request(&self, query: QueryParameters, list: &'static str) -> Result<PageRequest> {
        requested(query, &self.data, list, Size::PAGE)
    }

    /// Responds with a page of a list.
    pub fn page<R: Serialize>(&self, list: &'static str, page: Page<R>) -> HttpResponse {
        HttpResponse::Ok().json(CursorPage::new(&self.data, list, page))
    }

    /// Reads the body.
    ///
    /// # Errors
    /// The body is compressed, too large, stalls, or ends early; or the organization's share is used up.
    pub async fn body(&self, payload: web::Payload) -> Result<Body> {
        let reader = part::<BodyReader>(&self.request)?;
        reader.read_management(self.caller.organization.id, &self.request, payload).await
    }

    /// The id in the path. A malformed id is the id of no resource. `what` names the resource in the message.
    ///
    /// # Errors
    /// [`Error::Absent`].
    pub fn id<T: FromStr>(&self, what: &'static str) -> Result<T> {
        let id: String = self.request.match_info().load().map_err(|_| Error::RouteUnknown)?;
        path_id(what, &id)
    }

    /// Starts the response about a new resource, with its path.
    pub fn created(&self, id: impl Display) -> HttpResponseBuilder {
        let mut response = HttpResponse::Created();
        response.insert_header((LOCATION, format!("{}/{id}", self.request.path())));
        response
    }
}

/// The row of a resource, which the organization has.
///
/// # Errors
/// [`Error::Absent`]: it has none with this id.
pub fn found<T>(what: &'static str, id: impl Display, row: Option<T>) -> Result<T> {
    row.ok_or_else(|| Error::absent(what, id))
}

/// Responds that the resource is deleted.
#[must_use]
pub fn deleted() -> HttpResponse {
    HttpResponse::NoContent().finish()
}
