//! A headless browser: it keeps cookies, does not follow redirects by itself, and submits the forms of pages.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};

use super::app::{Answer, App};

/// The password of all users in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// One browser profile.
pub(crate) struct Browser {
    base: String,
    client: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page, or another response.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    /// The redirect target; empty if there is none.
    pub(crate) location: String,
    pub(crate) html: String,
    pub(crate) answer: Answer,
}

impl Page {
    /// The CSRF token in the page's forms.
    pub(crate) fn token(&self) -> String {
        let marker = r#"name="form_token" value=""#;
        let (_, rest) = self.html.split_once(marker).unwrap_or_else(|| panic!("no form in {}", self.html));
        rest.split('"').next().expect("a value").to_owned()
    }

    /// The page without the CSRF token, which is masked differently every time.
    pub(crate) fn without_token(&self) -> String {
        let marker = r#"name="form_token" value=""#;
        let mut parts = self.html.split(marker);
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| part.split_once('"').map_or(part, |(_, rest)| rest));
        rest.fold(first, |text, part| text + marker + part)
    }

    /// The first link whose URL starts with this text.
    pub(crate) fn link(&self, start: &str) -> String {
        let at = self.html.find(start).unwrap_or_else(|| panic!("no {start} in {}", self.html));
        let rest = &self.html[at..];
        rest.split(['"', '<', ' ', '\n']).next().expect("an address").to_owned()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.html.contains(text)
    }

    /// Panics with the page unless it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "-> {} {}", self.location, self.html);
        self
    }

    /// Panics with the page unless it redirects there.
    #[track_caller]
    pub(crate) fn leads_to(self, location: &str) -> Self {
        assert_eq!((self.status, self.location.as_str()), (303, location), "{}", self.html);
        self
    }
}

impl Browser {
    pub(crate) fn new(app: &App) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        let client = client.build().expect("a client");
        Self { base: app.url(""), client, cookies: Mutex::default() }
    }

    /// Signs up as the owner of a new organization.
    pub(crate) async fn owner(app: &App, name: &str) -> Self {
        let browser = Self::new(app);
        let email = format!("{name}@example.com");
        let fields = [("organization", name), ("email", &email), ("password", PASSWORD)];
        browser.submit("/signup", "/signup", &fields).await.leads_to("/start");
        browser
    }

    /// Signs in with the password of all users.
    pub(crate) async fn logged_in(app: &App, email: &str) -> Self {
        let browser = Self::new(app);
        browser.submit("/login", "/login", &[("email", email), ("password", PASSWORD)]).await.leads_to("/");
        browser
    }

    /// Another profile with the same cookies.
    pub(crate) fn copy(&self) -> Self {
        let cookies = self.cookies.lock().expect("no panic").clone();
        Self { base: self.base.clone(), client: self.client.clone(), cookies: Mutex::new(cookies) }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().expect("no panic").get(name).cloned()
    }

    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().expect("no panic").insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends a request with the cookies, and stores those in the response.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Page {
        let cookies = self.cookies.lock().expect("no panic").clone();
        let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for cookie in headers.get_all("set-cookie") {
            self.keep(cookie.to_str().expect("a text"));
        }
        let answer = Answer { status, headers, body: response.bytes().await.expect("a body") };
        Page { status, location: answer.header("location").to_owned(), html: answer.text(), answer }
    }

    /// Opens an endless response without reading it.
    pub(crate) async fn open(&self, request: RequestBuilder) -> reqwest::Response {
        let cookies = self.cookies.lock().expect("no panic").clone();
        let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request.header("cookie", cookies.join("; ")).send().await.expect("an answer")
    }

    /// A response whose body is not awaited, except for errors and redirects.
    pub(crate) async fn beginning(&self, path: &str) -> Page {
        let response = self.open(self.request(Method::GET, path)).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = if status == 200 { bytes::Bytes::new() } else { response.bytes().await.expect("a body") };
        let answer = Answer { status, headers, body };
        Page { status, location: answer.header("location").to_owned(), html: answer.text(), answer }
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').expect("attributes");
        let (name, value) = pair.split_once('=').expect("a name and a value");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(attribute), "{cookie}");
        }
        let mut cookies = self.cookies.lock().expect("no panic");
        if attributes.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.send(self.request(Method::GET, path)).await
    }

    /// A form submitted without loading its page.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
    }

    /// Opens a page and submits its form, as a browser does.
    pub(crate) async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.get(page).await.expect(200).token();
        self.submit_with(&token, action, fields).await
    }

    /// Submits a form with this token.
    pub(crate) async fn submit_with(&self, token: &str, action: &str, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("form_token", token)];
        all.extend_from_slice(fields);
        let request =
            self.post(action, &all).header("origin", &self.base).header("sec-fetch-site", "same-origin");
        self.send(request).await
    }
}
