//! `rotate-master-key`: data stays readable, and the old key becomes useless.

use rstest::rstest;
use serde_json::{Value, json};

use crate::installation::{Installation, Kind, Server, master_key};
use crate::process::{failed, succeeded};

/// An organization whose provider has a credential; returns the key and the provider.
fn prepare(installation: &Installation) -> (String, Value) {
    let server = installation.serve();
    let made = installation.create_organization("owner@example.com");
    let key = made["api_key"].as_str().expect("a key").to_owned();
    server.wait_for_key(&key);
    let provider = json!({
        "name": "vendor",
        "preset": "custom",
        "base_url": "https://vendor.example.com/v1",
        "credential": "sk-a-credential-of-the-test",
    });
    let provider = server.create(&key, "/v1/model-router/providers", &provider);
    server.process.stop();
    (key, provider)
}

/// A server that cannot open the credential would not start; the provider must be unchanged.
fn assert_whole(server: Server, key: &str, provider: &Value) {
    let id = provider["id"].as_str().expect("an id");
    let now = server.get(key, &format!("/v1/model-router/providers/{id}"));
    assert_eq!(now["credential_hint"], provider["credential_hint"]);
    server.process.stop();
}

#[rstest]
fn the_new_key_opens_everything_and_the_old_one_nothing(#[values(Kind::Sqlite, Kind::Postgres)] kind: Kind) {
    let mut installation = Installation::new(kind);
    installation.set("FAILSOFT_MASTER_KEY", &master_key(1));
    let (key, provider) = prepare(&installation);

    let refused = failed(&installation.run(&["rotate-master-key"]));
    assert!(refused.contains("FAILSOFT_NEW_MASTER_KEY"), "{refused}");
    installation.set("FAILSOFT_NEW_MASTER_KEY", &master_key(1));
    assert!(failed(&installation.run(&["rotate-master-key"])).contains("is the current key"));
    installation.set("FAILSOFT_NEW_MASTER_KEY", "no key");
    assert!(failed(&installation.run(&["rotate-master-key"])).contains("32 bytes"));

    installation.set("FAILSOFT_NEW_MASTER_KEY", &master_key(2));
    let said = succeeded(&installation.run(&["rotate-master-key"]));
    // The check, the pepper, the signing key, and the credential.
    assert!(said.contains("4 values") && said.contains("FAILSOFT_MASTER_KEY"), "{said}");
    assert!(failed(&installation.run(&["serve"])).contains("the master key is not the one"));
    installation.set("FAILSOFT_MASTER_KEY", &master_key(2));
    assert_whole(installation.serve(), &key, &provider);
}

#[test]
fn a_key_file_gets_a_random_key() {
    let installation = Installation::new(Kind::Sqlite);
    let (key, provider) = prepare(&installation);
    let file = installation.folder().join("failsoft.db.key");
    let old = std::fs::read_to_string(&file).expect("the key file");
    let said = succeeded(&installation.run(&["rotate-master-key"]));
    assert!(said.contains("4 values") && said.contains("key file"), "{said}");
    let new = std::fs::read_to_string(&file).expect("the key file");
    assert_ne!(old, new);
    assert_whole(installation.serve(), &key, &provider);
    std::fs::write(&file, old).expect("written");
    assert!(failed(&installation.run(&["serve"])).contains("the master key is not the one"));
}
