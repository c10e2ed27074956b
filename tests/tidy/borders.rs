//! Which layers may import each other, which files may name a crate, and which may read across tenants.

use crate::hold;
use crate::source::{Source, Word};

/// The folders of `src/` that each folder may import besides itself, from the ground up. There are no exceptions: code that
/// two folders share is below both. Folders without a limit are in [`IMPORT_EVERYTHING`].
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &[]),
    ("telemetry", &["config"]),
    ("dialects", &["domain"]),
    ("providers", &["dialects", "domain"]),
    ("store", &["config", "domain", "providers"]),
    ("limits", &["config", "domain", "store"]),
    ("upstream", &["config", "limits", "providers"]),
    ("auth", &["config", "domain", "limits", "store"]),
    ("gateway", &["dialects", "domain", "limits", "providers", "store", "upstream"]),
    // It simulates a provider of another vendor, so it uses nothing of ours.
    ("simulate", &[]),
    ("http", &["config", "domain", "limits", "store"]),
    ("validation", &["providers", "upstream"]),
    (
        "api",
        &[
            "auth",
            "config",
            "dialects",
            "domain",
            "gateway",
            "http",
            "limits",
            "providers",
            "store",
            "telemetry",
            "upstream",
            "validation",
        ],
    ),
    (
        "console",
        &[
            "auth",
            "config",
            "dialects",
            "domain",
            "gateway",
            "http",
            "limits",
            "providers",
            "store",
            "telemetry",
            "upstream",
            "validation",
        ],
    ),
];

/// The folders that assemble all others.
const IMPORT_EVERYTHING: &[&str] = &["app", "cli"];

/// A crate, the only places that may name it, and what other code uses instead.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    (
        "argon2",
        &["src/auth/console/password.rs"],
        "call auth::console::password, which keeps it off the workers",
    ),
    (
        "jsonwebtoken",
        &["src/auth/console/session_token.rs", "src/providers/service_account.rs"],
        "call auth::console::session_token, or providers::service_account",
    ),
    ("reqwest", &["src/upstream/"], "send through upstream: one client, behind the address gate"),
    ("object_store", &["src/upstream/object_storage.rs", "src/store/archive/"], "the archive keeps objects"),
    ("parquet", &["src/store/archive/"], "the archive writes and reads columns"),
    ("hyper", &["src/upstream/"], "send through upstream: one client, behind the address gate"),
    (
        "redis",
        &["src/limits/valkey.rs", "src/limits/leases/place/valkey.rs"],
        "send through limits::valkey: one connection",
    ),
    ("sea_orm", DATABASE, "add a function to the resource's file in store"),
    ("sea_orm_migration", DATABASE, "add a function to the resource's file in store"),
    ("sqlx", DATABASE, "add a function to the resource's file in store"),
];

const DATABASE: &[&str] = &["src/store/", "entity/src/", "migration/src/"];

/// Places, the names (or prefixes of names) that they may not use, and why.
const NEVER_IN: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "src/store/",
            "src/gateway/",
            "src/dialects/",
            "src/providers/",
            "src/upstream",
            "src/config/",
            "src/domain/",
        ],
        &["actix"],
        "the core knows no HTTP server; return its own types and format them in api or console",
    ),
    (
        &["src/dialects/", "src/providers/"],
        &["tokio", "hyper", "TcpStream", "TcpListener", "UdpSocket"],
        "a provider is pure functions; upstream sends and gateway waits",
    ),
    (
        &["src/console/pages/"],
        &["Payload", "BodyReader", "Bytes"],
        "a page reads what was posted with console::http::forms, which checks the origin first",
    ),
];

/// The places that may read across tenants with `store::maintenance::system`, and for which work.
const SYSTEM_CALLERS: &[(&str, &str)] = &[
    ("src/app/", "follows changes of other processes, stores when keys were used"),
    ("src/auth/console/sign_in/", "a visitor with a password or a link has not proven anything yet"),
    ("src/auth/console/console_user.rs", "the session names the organization"),
    ("src/cli/", "the operator at the command line, and the demo before it has a user"),
    (
        "src/limits/leases/place/postgres.rs",
        "takes slices of the counters of all organizations in one statement",
    ),
];

/// The words of each file outside of tests.
fn shipped(sources: &[Source]) -> impl Iterator<Item = (&Source, &Word)> {
    sources.iter().flat_map(|source| source.product.iter().map(move |word| (source, word)))
}

fn is_in(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || (!place.ends_with(".rs") && path.starts_with(place)))
}

fn imports_follow_the_layers(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("src/")) {
        let Some(layer) = source.module().first().cloned() else {
            continue;
        };
        if IMPORT_EVERYTHING.contains(&layer.as_str()) {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            findings
                .push(format!("{}:1: module {layer} is in no layer; give it a row in LAYERS", source.path));
            continue;
        };
        for reference in source.references() {
            let target = reference.path.join("::");
            let is_below = |prefix: &&str| target == *prefix || target.starts_with(&format!("{prefix}::"));
            let own = reference.path.first() == Some(&layer);
            if !own && !allowed.iter().any(is_below) {
                findings.push(format!(
                    "{}:{}: {layer} may not import {target}; move the code to where both may import it, or pass it as an argument",
                    source.path, reference.line
                ));
            }
        }
    }
    findings
}

#[test]
fn a_module_imports_only_what_its_layer_allows() {
    hold(
        imports_follow_the_layers,
        &[
            ("src/gateway/plan.rs", "use crate::{error::Error,\n auth::Tenant};", 2),
            ("src/api/openai/chat.rs", "fn f() { crate::console::layout::page() }", 1),
            ("src/store/mod.rs", "use crate::auth::api::Scope;", 1),
            ("src/providers/mod.rs", "use super::store::Store;", 1),
            ("src/gateway/mod.rs", "use crate::startup;", 1),
            ("src/extras/mod.rs", "", 1),
        ],
    );
}

fn crates_stay_in_their_place(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for (source, word) in shipped(sources) {
        for (name, places, remedy) in ONLY_IN {
            if word.text == *name && !is_in(&source.path, places) {
                findings.push(format!(
                    "{}:{}: {name} only in {}; {remedy}",
                    source.path,
                    word.line,
                    places.join(", ")
                ));
            }
        }
        for (places, names, remedy) in NEVER_IN {
            let named =
                names.iter().find(|name| word.text == **name || word.text.starts_with(&format!("{name}_")));
            if let Some(name) = named.filter(|_| is_in(&source.path, places)) {
                findings.push(format!("{}:{}: no {name} here; {remedy}", source.path, word.line));
            }
        }
    }
    findings
}

#[test]
fn a_crate_stays_where_it_belongs() {
    hold(
        crates_stay_in_their_place,
        &[
            ("src/auth/console/sign_in/mod.rs", "use argon2::Argon2;", 1),
            ("src/auth/console/password.rs", "use jsonwebtoken::encode;", 1),
            ("src/api/management/model/create.rs", "\nfn f(_: reqwest::Client) {}", 2),
            ("src/api/management/model/list.rs", "use sea_orm::EntityTrait;", 1),
            ("src/gateway/mod.rs", "use {actix_web::HttpRequest};", 1),
            ("src/providers/openai.rs", "use tokio::net::TcpStream;", 1),
            ("src/console/pages/members/role.rs", "async fn f(body: web::Payload) {}", 1),
        ],
    );
}

/// The lines of a file that call or name `store::maintenance::system`.
fn system_lines(source: &Source) -> Vec<usize> {
    let is_call = |words: &&[Word]| words.iter().map(|word| word.text.as_str()).eq([".", "system", "("]);
    let calls = source.product.windows(3).filter(is_call).map(|words| words[1].line);
    let names = source
        .references()
        .into_iter()
        .filter(|found| found.path.join("::").starts_with("store::maintenance::system"));
    calls.chain(names.map(|found| found.line)).collect()
}

fn system_is_called_by_the_listed(sources: &[Source]) -> Vec<String> {
    let outside =
        |source: &&Source| source.path.starts_with("src/") && !source.path.starts_with("src/store/");
    let mut findings = Vec::new();
    let mut used = Vec::new();
    for source in sources.iter().filter(outside) {
        let row = SYSTEM_CALLERS.iter().find(|(place, _)| is_in(&source.path, &[place]));
        for line in system_lines(source) {
            match row {
                Some(row) => used.push(row),
                None => findings.push(format!(
                    "{}:{line}: store::maintenance::system reads across tenants; open an OrgStore, or add a row with its reason to SYSTEM_CALLERS",
                    source.path
                )),
            }
        }
    }
    let idle = SYSTEM_CALLERS.iter().filter(|row| !used.contains(row));
    findings.extend(idle.map(|(place, _)| {
        format!("{place}:1: no longer calls store::maintenance::system; remove it from SYSTEM_CALLERS")
    }));
    findings
}

#[test]
fn only_the_listed_reach_past_the_tenants() {
    hold(
        system_is_called_by_the_listed,
        &[
            ("src/api/management/model/list.rs", "async fn f(store: &Store) {\n store.system().list() }", 2),
            ("src/console/pages/home.rs", "use crate::store::maintenance::system::System;", 1),
        ],
    );
}

fn tenants_are_made_by_auth(sources: &[Source]) -> Vec<String> {
    let makes =
        |words: &&[Word]| words.iter().map(|word| word.text.as_str()).eq(["Tenant", "::", "authenticated"]);
    let outside = shipped_outside(sources, "src/auth/");
    let found = outside.flat_map(|source| {
        let lines = source.product.windows(3).filter(makes).map(|words| words[0].line);
        lines.map(|line| {
            format!(
                "{}:{line}: only the extractors in auth create a Tenant; take one as an argument",
                source.path
            )
        })
    });
    found.collect()
}

fn shipped_outside<'a>(sources: &'a [Source], folder: &'static str) -> impl Iterator<Item = &'a Source> {
    sources.iter().filter(move |source| source.path.starts_with("src/") && !source.path.starts_with(folder))
}

#[test]
fn only_auth_makes_a_tenant() {
    hold(
        tenants_are_made_by_auth,
        &[("src/api/public.rs", "fn f() {\n Tenant::authenticated(id, Actor::system(\"\")) }", 2)],
    );
}
