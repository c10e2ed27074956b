//! A page of the parts that other pages make use of: forms, every kind of station, a list to be reordered.

use askama::Template;

use crate::console::components::chain_diagram::{Rail, Station, StationKind};
use crate::console::components::layout::Frame;
use crate::console::http::forms::Problems;

/// The parts that the pages so far do not show.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% extends "layout.html" %}
{% import "parts/form.html" as form %}{% import "parts/code.html" as codes %}{% import "parts/rail.html" as rails %}{% import "parts/empty.html" as empties %}
{% block content %}
<header class="title"><div><h1>{{ frame.title }}</h1><p>Whoever has the link joins, until it is used or seven days are over.</p></div></header>
{% call form::summary(problems) %}{% endcall %}
<form class="form" method="post">{% call form::token(frame) %}{% endcall %}
{% call form::field(problems, "email", "E-mail", "email", "ada@acme", "username", "The link is bound to this address.") %}{% endcall %}
{% call form::field(problems, "name", "Name", "text", "Ada", "name", "") %}{% endcall %}
<p class="check"><input id="all" name="all" type="checkbox" checked><label for="all">May use every model</label></p>
<div class="actions"><button class="button primary" type="submit">Invite</button><a class="button quiet" href="/members">Cancel</a><button class="button danger" type="button">Remove</button></div></form>
{% if let Some(rail) = rail.as_ref() %}<section class="card pad"><h2 class="said">Rail</h2>{% call rails::rail(rail) %}{% endcall %}</section>
<section class="card"><h2>Order</h2><reorder-list><ol class="order">{% for name in ["claude-sonnet", "llama-70b", "gpt-4o-mini"] %}<li data-name="{{ name }}"><span class="place">{{ loop.index }}</span><span class="model grow">{{ name }}</span><input type="hidden" name="fallback" value="{{ name }}"><button class="button small" type="submit" name="move" value="up:{{ loop.index }}" aria-label="Move {{ name }} up">↑</button><button class="button small" type="submit" name="move" value="down:{{ loop.index }}" aria-label="Move {{ name }} down">↓</button></li>{% endfor %}</ol></reorder-list></section>
{% call codes::code("The key, shown this once", "fsk_0123456789abcdef0123456789abcdef0123") %}{% endcall %}
<section class="card">{% call empties::empty("No keys yet", "A program calls with a key. What it may do is said by its scopes.", "/keys/new", "Create a key") %}{% endcall %}</section>{% endif %}
{% endblock %}"#
)]
pub(super) struct Parts {
    frame: Frame,
    problems: Problems,
    rail: Option<Rail>,
}

pub(super) fn parts(frame: Frame, rail: Option<Rail>) -> Parts {
    let problem = "This is no e-mail address: the part after the @ has no dot.";
    Parts { frame, problems: Problems::of("email", problem), rail }
}

pub(super) fn rail() -> Rail {
    let kinds = [
        (StationKind::Asked, "Request"),
        (StationKind::Failed, "gpt-4o"),
        (StationKind::PassedOver, "gpt-4o-mini"),
        (StationKind::Interrupted, "llama-70b"),
        (StationKind::Answered, "claude-sonnet"),
        (StationKind::Waiting, "mixtral-8x7b"),
        (StationKind::Nobody, "Nobody left"),
    ];
    let stations =
        kinds.map(|(kind, name)| Station { reason: kind.word().to_owned(), ..Station::new(kind, name) });
    Rail { label: "Every kind of station".to_owned(), stations: stations.into() }
}
