//! Renders our own Markdown: headings with ids, links between documents, and tables that scroll on a phone.

use std::collections::HashMap;

use pulldown_cmark::{Alignment, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// A document, rendered as HTML.
#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub(super) html: String,
    /// The text of the first heading.
    pub(super) title: String,
    /// The headings of the second level.
    pub(super) sections: Vec<Heading>,
}

/// A heading and its id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) id: String,
    pub(super) text: String,
}

/// Renders a document. `link` gives the address for a link, or `None` if only its text is shown.
pub(super) fn render(markdown: &str, link: fn(&str) -> Option<String>) -> Rendered {
    let events: Vec<Event<'_>> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut renderer = Renderer::new(link);
    for (index, event) in events.iter().enumerate() {
        renderer.add(event, events.get(index + 1..).unwrap_or_default());
    }
    let Renderer { written, mut rendered, .. } = renderer;
    html::push_html(&mut rendered.html, written.into_iter());
    rendered
}

struct Renderer<'a> {
    link: fn(&str) -> Option<String>,
    rendered: Rendered,
    written: Vec<Event<'a>>,
    /// How often each heading was used.
    ids: HashMap<String, usize>,
    tables: usize,
    /// Whether each open link has an address.
    links: Vec<bool>,
}

impl<'a> Renderer<'a> {
    fn new(link: fn(&str) -> Option<String>) -> Self {
        Self {
            link,
            rendered: Rendered::default(),
            written: Vec::new(),
            ids: HashMap::new(),
            tables: 0,
            links: Vec::new(),
        }
    }

    fn add(&mut self, event: &Event<'a>, following: &[Event<'a>]) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.heading(*level, text_of(following)),
            Event::Start(Tag::Table(columns)) => {
                self.tables += 1;
                let number = self.tables;
                self.raw(format!(
                    "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table {number}\">"
                ));
                // An alignment would be an inline style.
                let columns = columns.iter().map(|_| Alignment::None).collect();
                self.written.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                self.written.push(event.clone());
                self.raw("</div>\n".to_owned());
            }
            Event::Start(Tag::CodeBlock(_)) => self.raw("<pre tabindex=\"0\"><code>".to_owned()),
            Event::End(TagEnd::CodeBlock) => self.raw("</code></pre>\n".to_owned()),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let address = (self.link)(dest_url);
                self.links.push(address.is_some());
                self.written.extend(address.map(|address| {
                    Event::Start(Tag::Link {
                        link_type: LinkType::Inline,
                        dest_url: address.into(),
                        title: "".into(),
                        id: "".into(),
                    })
                }));
            }
            Event::End(TagEnd::Link) if self.links.pop() == Some(false) => {}
            // Comments are for authors, and there are no other tags; a test holds the documents to it.
            Event::Html(_) | Event::InlineHtml(_) => {}
            _ => self.written.push(event.clone()),
        }
    }

    fn heading(&mut self, level: HeadingLevel, text: String) {
        let id = self.id(&text);
        self.written.push(Event::Start(Tag::Heading {
            level,
            id: Some(id.clone().into()),
            classes: Vec::new(),
            attrs: Vec::new(),
        }));
        match level {
            HeadingLevel::H1 => self.rendered.title = text,
            HeadingLevel::H2 => self.rendered.sections.push(Heading { id, text }),
            _ => {}
        }
    }

    fn raw(&mut self, html: String) {
        self.written.push(Event::Html(html.into()));
    }

    /// The id of a heading, as on GitHub, where the same links work.
    fn id(&mut self, text: &str) -> String {
        let letter = |letter: char| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        };
        let id: String = text.to_lowercase().chars().filter_map(letter).collect();
        let used = self.ids.entry(id.clone()).or_default();
        *used += 1;
        if *used == 1 { id } else { format!("{id}-{}", *used - 1) }
    }
}

/// The text of a heading that has just started.
fn text_of(events: &[Event<'_>]) -> String {
    let within = events.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let text = |event: &Event<'_>| match event {
        Event::Text(text) | Event::Code(text) => Some(text.to_string()),
        _ => None,
    };
    within.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(to: &str) -> Option<String> {
        to.strip_prefix("A.md").map(|place| format!("/docs/a{place}"))
    }

    #[test]
    fn headings_have_the_ids_of_github_and_the_first_is_the_title() {
        let rendered = render("# What `it` does\n\n## A, b and c_d\n\n### x\n\n## A b\n\n## A b\n", link);
        assert_eq!(rendered.title, "What it does");
        let ids: Vec<&str> = rendered.sections.iter().map(|section| section.id.as_str()).collect();
        assert_eq!(ids, ["a-b-and-c_d", "a-b", "a-b-1"]);
        assert!(
            rendered.html.contains("<h1 id=\"what-it-does\">What <code>it</code> does</h1>"),
            "{rendered:?}"
        );
        assert!(rendered.html.contains("<h3 id=\"x\">x</h3>"), "{rendered:?}");
    }

    #[test]
    fn links_lead_to_what_is_served_and_are_text_otherwise() {
        let rendered = render("[one](A.md#x) and [*two*](../b.toml), [three](A.md)", link);
        assert_eq!(
            rendered.html,
            "<p><a href=\"/docs/a#x\">one</a> and <em>two</em>, <a href=\"/docs/a\">three</a></p>\n"
        );
    }

    #[test]
    fn tables_and_code_can_be_scrolled_by_keyboard_and_have_no_inline_styles() {
        let rendered = render("| a |\n|--:|\n| 1 |\n\n```sh\nls <b>\n```\n", link);
        assert!(rendered.html.contains("aria-label=\"Table 1\"><table><thead>"), "{rendered:?}");
        assert!(!rendered.html.contains("style"), "{rendered:?}");
        assert!(
            rendered.html.contains("<pre tabindex=\"0\"><code>ls &lt;b&gt;\n</code></pre>"),
            "{rendered:?}"
        );
    }

    #[test]
    fn tags_do_not_pass() {
        let rendered = render("a <b>c</b>\n\n<!-- for authors -->\n\n<script>x</script>\n", link);
        assert_eq!(rendered.html, "<p>a c</p>\n");
    }
}
