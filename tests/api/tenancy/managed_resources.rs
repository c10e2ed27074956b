//! The rows of managed resources: list, create, read, change and delete for each kind.

use serde_json::{Value, json};

use super::matrix::{Foreign, Row, Victim};

/// List, create, read, change and delete of one kind of resource.
struct Managed<'a> {
    folder: &'a str,
    id: &'a str,
    /// The resource to delete.
    spare: &'a str,
    name: &'a str,
    new: Value,
    /// What another organization gets when it creates the same resource.
    foreign: Foreign,
    change: Value,
}

impl Managed<'_> {
    fn rows(self) -> Vec<Row> {
        let Self { folder, id, spare, name, new, foreign, change } = self;
        let title = |method: &str, rest: &str| format!("{method} {folder}{rest}");
        let (one, gone) = (format!("{folder}/{id}"), format!("{folder}/{spare}"));
        let absent = Foreign::Absent;
        // The complete list: the owner has a key for each of the rows.
        let list = format!("{folder}?limit=200");
        vec![
            Row::new(&title("GET", ""), &list, Value::Null, 200, Foreign::Own(200), &[name]),
            Row::new(&title("POST", ""), folder, new, 201, foreign, &[]),
            Row::new(&title("GET", "/{id}"), &one, Value::Null, 200, absent, &[name]),
            Row::new(&title("PATCH", "/{id}"), &one, change, 200, absent, &[id]),
            Row::new(&title("DELETE", "/{id}"), &gone, Value::Null, 204, absent, &[]),
        ]
    }
}

pub(super) fn catalog(victim: &Victim) -> Vec<Row> {
    let models = Managed {
        folder: "/v1/model-router/models",
        id: &victim.model,
        spare: &victim.spare_model,
        name: "victim/first",
        // The provider belongs to the first organization, so it is absent for another one.
        new: json!({"name": "new/model", "provider_id": victim.provider}),
        foreign: Foreign::Refused(422),
        change: json!({"enabled": true}),
    };
    let providers = Managed {
        folder: "/v1/model-router/providers",
        id: &victim.provider,
        spare: &victim.spare_provider,
        name: "victim-provider",
        // A name is only taken within its organization.
        new: json!({"name": "new-provider", "preset": "simulated"}),
        foreign: Foreign::Own(201),
        change: json!({"name": "renamed-provider"}),
    };
    let test = Row::new(
        "POST /v1/model-router/providers/{id}/test",
        &format!("/v1/model-router/providers/{}/test", victim.provider),
        Value::Null,
        200,
        Foreign::Absent,
        &["remedy"],
    );
    let cooldown = Row::new(
        "DELETE /v1/model-router/models/{id}/cooldown",
        &format!("/v1/model-router/models/{}/cooldown", victim.model),
        Value::Null,
        200,
        Foreign::Absent,
        &["victim/first"],
    );
    let budgets = Managed {
        folder: "/v1/model-router/budgets",
        id: &victim.budget,
        spare: &victim.spare_budget,
        name: &victim.budget,
        // The key belongs to the first organization, too.
        new: json!({"api_key_id": victim.key, "period": "month", "soft_limit_nano_dollars": 5}),
        foreign: Foreign::Refused(422),
        change: json!({"soft_limit_nano_dollars": 7}),
    };
    models
        .rows()
        .into_iter()
        .chain([test, cooldown])
        .chain(mappings(victim))
        .chain(providers.rows())
        .chain(budgets.rows())
        .collect()
}

/// A mapping can be created and deleted, but not changed.
fn mappings(victim: &Victim) -> Vec<Row> {
    let rows = Managed {
        folder: "/v1/model-router/error-mappings",
        id: &victim.mapping,
        spare: &victim.spare_mapping,
        name: "victim-sentence",
        // The provider belongs to the first organization, too.
        new: json!({"contains": ["another sentence"], "class": "content_policy", "provider_id": victim.provider}),
        foreign: Foreign::Refused(422),
        change: Value::Null,
    };
    rows.rows().into_iter().filter(|row| row.method != "PATCH").collect()
}

pub(super) fn identity(victim: &Victim) -> Vec<Row> {
    let keys = Managed {
        folder: "/v1/identity/api-keys",
        id: &victim.key,
        spare: &victim.spare_key,
        name: "victim-key",
        new: json!({"name": "new-key", "scopes": ["keys:manage"]}),
        foreign: Foreign::Own(201),
        change: json!({"name": "renamed-key"}),
    };
    let whoami = "/v1/identity/whoami";
    let mut rows = keys.rows();
    rows.push(Row::new(
        "GET /v1/identity/whoami",
        whoami,
        Value::Null,
        200,
        Foreign::Own(200),
        &[&victim.organization],
    ));
    rows
}
