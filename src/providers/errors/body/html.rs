//! HTML pages in place of an error, as of a firewall or a proxy.

/// How much of a text is searched for a title, in bytes.
const HEAD: usize = 1024;

/// Whether the text is an HTML page, or a part of one that has a title.
pub(super) fn is_html(text: &str) -> bool {
    let begins = |tag: &str| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    let head = || text.get(..text.floor_char_boundary(HEAD)).unwrap_or_default().to_ascii_lowercase();
    let has_title = || ["<title", "<html"].into_iter().any(|tag| head().contains(tag));
    ["<!doctype", "<html", "<head", "<body"].into_iter().any(begins) || text.starts_with('<') && has_title()
}

/// What is said of an HTML page without a title.
pub(super) const UNTITLED: &str = "an HTML page";

/// The title of an HTML page.
pub(super) fn html_title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let from = start + "<title>".len();
        let length = lower.get(from..)?.find('<')?;
        html.get(from..from + length)
    });
    match title.map(str::trim) {
        Some(title) if !title.is_empty() => format!("an HTML page titled \"{title}\""),
        Some(_) | None => UNTITLED.to_owned(),
    }
}
