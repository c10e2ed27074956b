//! Forms with values that no page offers: each is answered with a page, and none is a failure of the server.

use std::collections::{BTreeMap, BTreeSet};

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Role;

use super::errors::assert_page;
use crate::support::browser::Browser;
use crate::support::on_both_databases;

/// What every visible field of a form is set to.
const VALUES: [&str; 8] =
    ["", " ", "-1", "1e999", "99999999999999999999", "\u{0}", "a\r\n\u{202e}b", "[null]"];

/// Forms that end the session, or others of its user.
const SKIPPED: [&str; 2] = ["/logout", "/account/sessions/"];

/// The name of a field, and its value if it is hidden.
type Field = (String, Option<String>);

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// The forms of a page that are posted: their address and their fields.
fn forms(html: &str) -> Vec<(String, Vec<Field>)> {
    let mut found = Vec::new();
    for form in html.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap_or_default();
        let (head, inside) = form.split_once('>').expect("a tag");
        let action = attribute(head, "action").filter(|action| action.starts_with('/'));
        let Some(action) = action.filter(|_| attribute(head, "method") == Some("post")) else { continue };
        let fields = inside.split('<').filter_map(|tag| {
            let name = attribute(tag, "name").filter(|name| *name != "form_token")?;
            let hidden = attribute(tag, "type") == Some("hidden");
            let kept = attribute(tag, "value").filter(|_| hidden);
            Some((name.to_owned(), kept.map(str::to_owned)))
        });
        let action = action.split('#').next().unwrap_or_default();
        found.push((action.to_owned(), fields.collect()));
    }
    found
}

/// Every form of the pages that a user reaches by links, once for each set of names.
async fn all_forms(browser: &Browser) -> BTreeMap<(String, Vec<String>), Vec<Field>> {
    let (mut seen, mut open, mut found) = (BTreeSet::new(), vec!["/".to_owned()], BTreeMap::new());
    while let Some(path) = open.pop() {
        let elsewhere = ["/docs", "/static/", "/openapi.json"].iter().any(|start| path.starts_with(start));
        if elsewhere || path.contains(['?', '.']) || !seen.insert(path.clone()) {
            continue;
        }
        let page = browser.get(&path).await.expect(200);
        let html = page.html.split_whitespace().collect::<Vec<_>>().join(" ");
        let links = html.split(" href=\"").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
        open.extend(links.filter(|link| link.starts_with('/')).map(str::to_owned));
        for (action, fields) in forms(&html) {
            let names = fields.iter().map(|(name, _)| name.clone()).collect();
            found.entry((action, names)).or_insert(fields);
        }
    }
    found
}

on_both_databases! {
    async fn a_mangled_form_is_never_a_failure_of_the_server(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        for name in ["a", "b"] {
            app.organization.model_like(name, provider, |model| "sim/steady".clone_into(&mut model.upstream_model)).await;
        }
        app.organization.fallback("a", FallbackType::General, &["b"]).await;
        let email = app.organization.member(Role::Owner).await;
        let browser = Browser::logged_in(&app, &email).await;
        let token = browser.get("/account").await.expect(200).token();
        let mut sent = 0;
        for ((action, _), fields) in all_forms(&browser).await {
            if SKIPPED.iter().any(|skipped| action.starts_with(skipped)) {
                continue;
            }
            for value in VALUES {
                let filled: Vec<(&str, &str)> =
                    fields.iter().map(|(name, kept)| (name.as_str(), kept.as_deref().unwrap_or(value))).collect();
                let page = browser.submit_with(&token, &action, &filled).await;
                assert!(page.status < 500, "{action} {filled:?}: {} {}", page.status, page.html);
                if page.status >= 400 {
                    assert_page(&page);
                }
                sent += 1;
            }
        }
        assert!(sent >= 15 * VALUES.len(), "only {sent} forms were sent");
        // The session has not ended in the meantime.
        assert_eq!(browser.get("/account").await.status, 200);
    }
}
