//! `GET /find`: leads to the page of a pasted id, or lists what has a name like the typed one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use entity::ids::{ApiKeyId, FallbackEventId, ModelId, ProviderId, RequestId};
use url::form_urlencoded;
use uuid::Uuid;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::format::not_shown;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::query::Query;
use crate::console::http::responses::{page, see_other};
use crate::domain::error::Result;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{OrgStore, Store};

/// Maximum number of matches shown.
const MATCHES: usize = 50;

#[derive(Template)]
#[template(path = "find/list.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) typed: String,
    pub(crate) matches: Vec<Match>,
    /// That some matches are not shown; empty if all are.
    pub(crate) more: String,
    /// Path of the requests of a session with this name.
    pub(crate) session: String,
}

/// A resource with a matching name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) path: String,
}

/// Redirects to what was found, if it is one thing, or renders the matches.
///
/// # Errors
/// The database cannot be read.
pub async fn find(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let typed = Query::parse(request.query_string()).text("q").unwrap_or_default();
    let organization = &console_user.organization;
    if let Some(id) = pasted_id(&typed) {
        let data = store.organization(&console_user.tenant);
        if let Some(path) = path_of(id, organization, &data).await? {
            return Ok(see_other(&path));
        }
    }
    let matches = named(&typed, organization);
    if let [only] = matches.as_slice() {
        return Ok(see_other(&only.path));
    }
    page(&Page::of(Frame::of(&console_user, "Find", NavigationItem::None), typed, matches))
}

impl Page {
    pub(crate) fn of(frame: Frame, typed: String, mut matches: Vec<Match>) -> Self {
        let more = not_shown(matches.len().saturating_sub(MATCHES));
        matches.truncate(MATCHES);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("session", &typed)
            .append_pair("range", "30d")
            .finish();
        let frame = Frame { find: typed.clone(), ..frame };
        Self { frame, typed, matches, more, session: format!("/requests?{query}") }
    }
}

/// The id in what was pasted: the id itself, or the end of an address, perhaps with quotation marks.
fn pasted_id(typed: &str) -> Option<Uuid> {
    let bare = typed.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    let last = bare.rsplit(['/', '=', ' ', ':', '"', '\'']).next()?;
    last.parse().ok()
}

/// The path of the page of an id; `None` if the organization has nothing with it.
async fn path_of(id: Uuid, organization: &OrganizationSnapshot, data: &OrgStore) -> Result<Option<String>> {
    if organization.model(ModelId(id)).is_some() {
        return Ok(Some(format!("/models/{id}")));
    }
    if organization.providers.contains_key(&ProviderId(id)) {
        return Ok(Some(format!("/providers/{id}")));
    }
    if data.request_find(RequestId(id)).await?.is_some() {
        return Ok(Some(format!("/requests/{id}")));
    }
    if data.event_find(FallbackEventId(id)).await?.is_some() {
        return Ok(Some(format!("/events/{id}")));
    }
    let key = data.api_key_find(ApiKeyId(id)).await?;
    Ok(key.map(|_| format!("/keys/{id}")))
}

/// The models, providers and keys with a name that contains the typed one, by kind and name.
fn named(typed: &str, organization: &OrganizationSnapshot) -> Vec<Match> {
    let wanted = typed.to_lowercase();
    if wanted.is_empty() {
        return Vec::new();
    }
    let of = |kind, folder: &str, name: &str, id: Uuid| Match {
        kind,
        name: name.to_owned(),
        path: format!("/{folder}/{id}"),
    };
    let models = organization.models.values().map(|model| of("Model", "models", &model.name, model.id.0));
    let providers = organization.providers.values();
    let providers = providers.map(|provider| of("Provider", "providers", &provider.name, provider.id.0));
    let keys = organization.keys.values().map(|key| of("API key", "keys", &key.name, key.id.0));
    let mut matches: Vec<Match> = models
        .chain(providers)
        .chain(keys)
        .filter(|found| found.name.to_lowercase().contains(&wanted))
        .collect();
    // The typed name itself comes first.
    matches.sort_by_cached_key(|found| (found.name.to_lowercase() != wanted, found.kind, found.name.clone()));
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_in_what_people_paste() {
        let id = "0192f3a0-7c1e-7000-8000-00000000abcd";
        for pasted in [
            id.to_owned(),
            format!("\"{id}\","),
            format!("x-request-id: {id}"),
            format!("https://failsoft.example.com/requests/{id}"),
            format!("https://failsoft.example.com/events?request={id}"),
        ] {
            assert_eq!(pasted_id(&pasted), id.parse().ok(), "{pasted}");
        }
        for other in ["", "gpt-4o", "/requests/", "0192f3a0"] {
            assert_eq!(pasted_id(other), None, "{other}");
        }
    }
}
