//! `POST /account/sessions/{id}/end` and `POST /account/sessions/end-others`.

use actix_web::{HttpResponse, web};

use crate::auth::console::console_user::may;
use crate::auth::console::sign_in::Entrance;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::error::{Error, Result};

/// Ends one of the visitor's sessions.
///
/// # Errors
/// [`Error::Absent`]: it is over, or somebody else's.
pub async fn end(form: Form<may::Read>, id: web::Path<String>, entrance: Entrance) -> Result<HttpResponse> {
    let session_id = path::id("session", &id)?;
    if !entrance.end_session(&form.visitor, session_id).await? {
        return Err(Error::absent("session", id.as_str()));
    }
    // Of one's own session it leads on to the log-in.
    flash::redirect(form.visitor.request(), "/account", "The session is ended.")
}

/// Ends every session of the visitor's but this one.
///
/// # Errors
/// The database cannot be written.
pub async fn end_others(form: Form<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    let text = match entrance.end_other_sessions(&form.visitor).await? {
        0 => "There was no other session.".to_owned(),
        1 => "One other session is ended.".to_owned(),
        count => format!("{count} other sessions are ended."),
    };
    flash::redirect(form.visitor.request(), "/account", &text)
}
