//! A visitor of the console: curl with a cookie jar, which submits the forms of pages.

use tempfile::NamedTempFile;

use crate::installation::curl;
use crate::process::{run, succeeded};

/// One browser profile.
pub(crate) struct Browser {
    jar: NamedTempFile,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { jar: NamedTempFile::new().expect("a temporary file") }
    }

    /// A page, or the body of another answer.
    pub(crate) fn get(&self, url: &str) -> String {
        self.browse(&[], url)
    }

    /// Opens a page and submits these fields with its token, as its form does.
    pub(crate) fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> String {
        let page = self.get(page);
        let (_, token) = page.split_once("name=\"form_token\" value=\"").expect("a form");
        let token = token.split('"').next().expect("a token");
        let token = [("form_token", token)];
        let fields = token.iter().chain(fields).map(|(name, value)| format!("{name}={value}"));
        let fields: Vec<String> = fields.flat_map(|field| ["--data-urlencode".to_owned(), field]).collect();
        self.browse(&fields.iter().map(String::as_str).collect::<Vec<_>>(), action)
    }

    fn browse(&self, arguments: &[&str], url: &str) -> String {
        let mut command = curl();
        command.arg("--cookie").arg(self.jar.path()).arg("--cookie-jar").arg(self.jar.path());
        command.args(arguments).arg(url);
        succeeded(&run(command, ""))
    }
}
