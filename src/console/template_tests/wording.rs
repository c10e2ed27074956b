//! Rules for the words of all pages: a one has a singular after it, and options fit on a phone.

use askama::Template as _;

use super::configure::after_one_request;
use super::{event_list, frame, overview, samples, search, unclassified};
use crate::console::components::layout::NavigationItem;
use crate::console::http::forms::Problems;
use crate::console::pages::settings;
use crate::domain::permission::Role;
use crate::store::{OrganizationSettings, RequestCounts, RequestTimes};

/// Plurals that follow counts on pages.
const PLURALS: &[&str] = &[
    "bars",
    "callers",
    "changes",
    "days",
    "events",
    "fallbacks",
    "keys",
    "models",
    "providers",
    "requests",
    "seconds",
    "times",
    "tokens",
];

/// The most characters of an option that a select field of 340 px shows.
const LONGEST_OPTION: usize = 40;

/// The words of a page without its tags.
fn words(html: &str) -> Vec<&str> {
    let texts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    texts.flat_map(str::split_whitespace).map(|word| word.trim_matches(['(', ')', '.', ',', ':'])).collect()
}

/// What a page says in the plural of one thing.
fn odd_plurals(html: &str) -> Vec<String> {
    let words = words(html);
    let pairs = words.windows(2).filter(|pair| pair[0] == "1" && PLURALS.contains(&pair[1]));
    let more = words.windows(3).filter(|three| *three == ["1", "more", "are"]);
    pairs.map(|pair| pair.join(" ")).chain(more.map(|three| three.join(" "))).collect()
}

/// Pages about one of each thing.
fn ones() -> Vec<String> {
    let one = RequestCounts {
        by_fallback: 1,
        client_closed: 1,
        input_tokens: 1,
        output_tokens: 1,
        ..RequestCounts::default()
    };
    let figures = super::overview::figures(&one, &RequestTimes::default());
    let overview = super::overview::Page { figures, ..overview("") };
    let mut member = frame("Settings", NavigationItem::Settings);
    if let Some(person) = member.person.as_mut() {
        person.role = Role::Member;
    }
    let short = OrganizationSettings {
        deadline_ms: 1_000,
        keepalive_after_ms: 1_000,
        retention_days: 1,
        ..OrganizationSettings::default()
    };
    let settings =
        settings::Page::with(member, settings::FormValues::of_settings(&short), Problems::default());
    let own = [
        overview.render(),
        settings.render(),
        event_list("range=24h", 1).render(),
        search("gpt", 51).render(),
        unclassified(1).render(),
    ];
    own.map(|page| page.expect("a page")).into_iter().chain(after_one_request()).collect()
}

#[test]
fn one_thing_is_singular_on_every_page() {
    assert_eq!(
        odd_plurals("<p>(<b>1</b> requests, 11 keys, 1 key)</p>1 more are"),
        ["1 requests", "1 more are"]
    );
    let ones = ones();
    for said in ["1 request in 24 h", "1 caller disconnected", "1 day", "1 time", "1 more is not shown"] {
        assert!(ones.iter().any(|html| words(html).join(" ").contains(said)), "no page says {said}");
    }
    for html in samples().into_iter().map(|(_, html)| html).chain(ones) {
        assert!(odd_plurals(&html).is_empty(), "{:?}", odd_plurals(&html));
    }
}

#[test]
fn options_fit_on_a_phone() {
    for (page, html) in samples() {
        for option in html.split("<option ").skip(1) {
            let (_, rest) = option.split_once('>').expect("the end of a tag");
            let text = rest.split('<').next().unwrap_or_default();
            assert!(text.chars().count() <= LONGEST_OPTION, "{page}: {text}");
        }
    }
}
