//! `GET /docs`: from nothing to a request that fails soft, and what the words mean. For anybody.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::auth::visitor::{Visitor, may};
use crate::config::Settings;
use crate::error::{Error, Result, VisitFault};
use crate::web::address;
use crate::web::layout::{Frame, Lit};
use crate::web::response::page;

#[derive(Template)]
#[template(path = "docs/start.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) snippets: Vec<(&'static str, String)>,
    pub(crate) glossary: &'static [(&'static str, &'static str)],
}

impl Page {
    pub(crate) fn of(frame: Frame, address: &str) -> Self {
        let snippets = SNIPPETS.map(|(label, text)| (label, text.replace("{address}", address)));
        Self { frame, snippets: snippets.into(), glossary: GLOSSARY }
    }
}

/// The page; around it is who is logged in, if anybody is.
///
/// # Errors
/// The database cannot be read.
pub async fn read(request: HttpRequest, settings: web::Data<Settings>) -> Result<HttpResponse> {
    const TITLE: &str = "Quick start";
    let frame = match Visitor::<may::Read>::of(&request).await {
        Ok(visitor) => Frame::of(&visitor, TITLE, Lit::None),
        Err(Error::Visit(VisitFault::LoggedOut { .. })) => Frame::public(TITLE),
        Err(error) => return Err(error),
    };
    page(&Page::of(frame, &address::of(&settings, &request)))
}

const SNIPPETS: [(&str, &str); 3] = [
    (
        "curl",
        r#"export FAILSOFT_API_KEY=fsk_...

curl '{address}/v1/chat/completions' \
  -H "Authorization: Bearer $FAILSOFT_API_KEY" \
  -H 'Content-Type: application/json' \
  -d '{"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}'"#,
    ),
    (
        "Python",
        r#"import os
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key=os.environ["FAILSOFT_API_KEY"])
answer = client.chat.completions.create(
    model="smart",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.model, answer.choices[0].message.content)"#,
    ),
    (
        "TypeScript",
        r#"import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{address}/v1", apiKey: process.env.FAILSOFT_API_KEY });
const answer = await client.chat.completions.create({
  model: "smart",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.model, answer.choices[0].message.content);"#,
    ),
];

const GLOSSARY: &[(&str, &str)] = &[
    ("Provider", "Where models are served: an address and a credential. A vendor, or a server of your own."),
    ("Model", "A name that apps ask for, and the provider that serves it."),
    (
        "Fallback",
        "A model that is asked when another one did not answer. Each model has up to three lists of them: general, for prompts that are too long, and for content that was refused.",
    ),
    ("Chain", "A model and its fallbacks, in the order in which they are asked for one request."),
    ("Attempt", "One call of one model. It answers, or it fails with a reason."),
    (
        "Passed over",
        "A model of the chain that was not called at all: it is switched off or cooling down, the key may not use it, or it cannot do what was asked.",
    ),
    (
        "Fallback event",
        "The record of an attempt that failed, or of a model that was passed over, and of who came next.",
    ),
    (
        "Cooldown",
        "A model that keeps failing is left alone for a while. Then one request finds out whether it works again.",
    ),
    ("Drill", "A failure made on purpose, to prove a fallback before it is needed."),
    ("Saved by fallback", "A request that another model answered than the one it asked for."),
    ("API key", "What an app calls with. Its scopes say what it may do."),
];
