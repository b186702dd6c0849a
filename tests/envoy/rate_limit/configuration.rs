//! Refused and changed configurations.

use std::fs;

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{client::Request, repository, suite};

use super::{FILTER, Fixture, filter, limit, requests::statuses};

/// Writes the module with an additional custom section, for which Envoy starts new VMs.
pub(super) fn other_module(folder: &TempDir) -> Result<String> {
    let path = folder.path().join("other.wasm");
    let mut module = fs::read(repository::module(FILTER)?)?;
    module.extend_from_slice(&[0, 5, 4, b't', b'e', b's', b't']);
    fs::write(&path, module)?;
    Ok(path.display().to_string())
}

fn user(requests: u32) -> Value {
    let key = json!([{"httpHeaderName": "x-user"}]);
    limit(json!({"name": "user", "requests": requests, "per": "1h", "key": key}))
}

fn send(fixture: &Fixture, user: &str, count: usize) -> Result<Vec<u16>> {
    let request = Request::get("/").header("x-user", user);
    statuses(&fixture.envoy.http1(), vec![request; count])
}

#[test]
fn rejects_an_invalid_configuration_and_keeps_the_last_valid_one() -> Result<()> {
    let mut fixture = Fixture::start(&user(3))?;
    assert_eq!(send(&fixture, "a", 2)?, [200, 200]);
    let bad: [(Value, &str); 5] = [
        (limit(json!({"requests": 0, "per": "1s"})), "limits[0].requests"),
        (limit(json!({"requests": 100, "time_window": 60})), "write per, such as per: 60s"),
        (limit(json!({"requests": 100})), "limits[0].per"),
        (
            json!({"http": [{"limits": [{"concurrent": 5, "wait": "1s"}]}]}),
            "http[0].limits[0].wait",
        ),
        (json!({"limits": [{"ref": "other"}]}), "limits[0].ref"),
    ];
    for (config, message) in bad {
        let since = fixture.envoy.expect_rejection(&[filter(&config)])?;
        let message = match message.starts_with("write") {
            true => message.to_owned(),
            false => suite::path(FILTER, message),
        };
        assert!(since.contains(&message), "{config}: no {message} in\n{since}");
    }
    assert_eq!(send(&fixture, "a", 2)?, [200, 429], "the counts are kept as well");
    Ok(())
}

#[test]
fn a_new_configuration_keeps_counts() -> Result<()> {
    let mut fixture = Fixture::start_with(2, &user(3))?;
    assert_eq!(send(&fixture, "a", 3)?, [200; 3]);
    let folder = tempfile::tempdir()?;
    let module = other_module(&folder)?;
    // Other fields, the same numbers again, and another module.
    let mut changed = user(3);
    changed["rateLimitHeaders"] = json!("ALL");
    let changes =
        [filter(&changed), filter(&user(3)), filter(&user(3)).module(&module), filter(&user(3))];
    for change in changes {
        fixture.envoy.reconfigure(std::slice::from_ref(&change))?;
        assert_eq!(send(&fixture, "a", 1)?, [429], "{change:?}");
    }
    assert_eq!(send(&fixture, "b", 4)?, [200, 200, 200, 429]);
    Ok(())
}

#[test]
fn changed_numbers_apply_to_what_is_used() -> Result<()> {
    let sliding = |requests: u32| {
        limit(json!({"name": "all", "requests": requests, "per": "1h", "window": "SLIDING"}))
    };
    let mut fixture = Fixture::start(&sliding(3))?;
    assert_eq!(send(&fixture, "", 4)?, [200, 200, 200, 429]);
    fixture.envoy.reconfigure(&[filter(&sliding(5))])?;
    assert_eq!(send(&fixture, "", 3)?, [200, 200, 429]);
    fixture.envoy.reconfigure(&[filter(&sliding(4))])?;
    assert_eq!(send(&fixture, "", 1)?, [429]);
    // Another window, and another name, have their own counts.
    let bucket = limit(json!({"name": "all", "requests": 2, "per": "1h"}));
    fixture.envoy.reconfigure(&[filter(&bucket)])?;
    assert_eq!(send(&fixture, "", 3)?, [200, 200, 429]);
    let other = limit(json!({"name": "other", "requests": 2, "per": "1h"}));
    fixture.envoy.reconfigure(&[filter(&other)])?;
    assert_eq!(send(&fixture, "", 3)?, [200, 200, 429]);
    fixture.envoy.reconfigure(&[filter(&bucket)])?;
    assert_eq!(send(&fixture, "", 1)?, [429], "a renamed limit leaves its counts behind");
    Ok(())
}

#[test]
fn warns_about_keys_that_clients_write() -> Result<()> {
    let mut fixture = Fixture::start(&user(3))?;
    let path = suite::path(FILTER, "limits[0].key: is written by the client");
    fixture.envoy.wait_for_log(&path)?;
    Ok(())
}
