//! A sample page of the shared components: form fields, every kind of diagram step, a reorderable list.

use askama::Template;

use crate::console::components::diagrams::chain_diagram::{ChainDiagram, ChainStep, ChainStepKind};
use crate::console::components::layout::Frame;
use crate::console::http::forms::Problems;

/// Components that no other sample shows.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"{% extends "layout.html" %}
{% import "components/form.html" as form %}{% import "components/code.html" as codes %}{% import "components/chain_diagram.html" as diagrams %}{% import "components/empty.html" as empties %}
{% block content %}
<header class="title"><div><h1>{{ frame.title }}</h1><p>Whoever has the link joins, until it is used or seven days are over.</p></div></header>
{% call form::summary(problems) %}{% endcall %}
<form class="form" method="post">{% call form::token(frame) %}{% endcall %}
{% call form::field(problems, "email", "E-mail", "email", "ada@acme", "username", "The link is bound to this address.") %}{% endcall %}
{% call form::field(problems, "name", "Name", "text", "Ada", "name", "") %}{% endcall %}
<p class="check"><input id="all" name="all" type="checkbox" checked><label for="all">May use every model</label></p>
<div class="actions"><button class="button primary" type="submit">Invite</button><a class="button quiet" href="/members">Cancel</a><button class="button danger" type="button">Remove</button></div></form>
{% if let Some(diagram) = diagram.as_ref() %}<section class="card pad"><h2 class="said">Rail</h2>{% call diagrams::diagram(diagram) %}{% endcall %}</section>
<section class="card"><h2>Order</h2><reorder-list><ol class="order">{% for name in ["claude-sonnet", "llama-70b", "gpt-4o-mini"] %}<li data-name="{{ name }}"><span class="place">{{ loop.index }}</span><span class="model grow">{{ name }}</span><input type="hidden" name="fallback" value="{{ name }}"><button class="button small" type="submit" name="move" value="up:{{ loop.index }}" aria-label="Move {{ name }} up">↑</button><button class="button small" type="submit" name="move" value="down:{{ loop.index }}" aria-label="Move {{ name }} down">↓</button></li>{% endfor %}</ol></reorder-list></section>
{% call codes::code("The key, shown this once", "fsk_0123456789abcdef0123456789abcdef0123") %}{% endcall %}
<section class="card">{% call empties::empty("No keys yet", "A program calls with a key. What it may do is said by its scopes.", "/keys/new", "Create a key") %}{% endcall %}</section>{% endif %}
{% endblock %}"#
)]
pub(super) struct Parts {
    frame: Frame,
    problems: Problems,
    diagram: Option<ChainDiagram>,
}

pub(super) fn parts(frame: Frame, diagram: Option<ChainDiagram>) -> Parts {
    let problem = "This is no email address: the part after the @ has no dot.";
    Parts { frame, problems: Problems::of("email", problem), diagram }
}

pub(super) fn diagram() -> ChainDiagram {
    let kinds = [
        (ChainStepKind::Asked, "Request"),
        (ChainStepKind::Failed, "gpt-4o"),
        (ChainStepKind::PassedOver, "gpt-4o-mini"),
        (ChainStepKind::Interrupted, "llama-70b"),
        (ChainStepKind::Answered, "claude-sonnet"),
        (ChainStepKind::Waiting, "mixtral-8x7b"),
        (ChainStepKind::Nobody, "No model left"),
    ];
    let steps =
        kinds.map(|(kind, name)| ChainStep { reason: kind.word().to_owned(), ..ChainStep::new(kind, name) });
    ChainDiagram { label: "Every kind of station".to_owned(), steps: steps.into() }
}
