//! Schedules of entries.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

fn met_at(policy: &Policy, instant: &str) -> String {
    let plan = policy.plan(&request(&[]), &Inputs { now: at(instant), ..inputs() });
    let names: Vec<_> = plan.draws.iter().map(|draw| policy.name_of(draw)).collect();
    names.join(" ")
}

#[test]
fn the_next_entry_decides_outside_a_schedule() {
    let schedule = json!({"startsAt": "2026-12-01T09:00:00Z", "expiresAt": "2026-12-01T18:00:00Z"});
    let policy = policy(&json!({"limits": [limit("pod", json!({}))], "http": [
        {"schedule": schedule, "limits": [limit("day", json!({}))]},
        {"limits": [limit("night", json!({}))]}]}));
    for (instant, expected) in [
        ("2026-12-01T08:59:59Z", "night pod"),
        ("2026-12-01T09:00:00Z", "day pod"),
        ("2026-12-01T17:59:59Z", "day pod"),
        ("2026-12-01T18:00:00Z", "night pod"),
    ] {
        assert_eq!(met_at(&policy, instant), expected, "{instant}");
    }
}

#[test]
fn an_exemption_ends_with_its_schedule() {
    let policy = policy(&json!({"limits": [limit("pod", json!({}))], "http": [
        {"match": [{"uri": {"prefix": "/"}}], "schedule": {"expiresAt": "2026-12-01T18:00:00Z"}},
    ]}));
    let met = |instant: &str| {
        let inputs = Inputs { now: at(instant), ..inputs() };
        policy.plan(&request(&[(":path", "/a")]), &inputs).draws.len()
    };
    assert_eq!((met("2026-12-01T17:59:59Z"), met("2026-12-01T18:00:00Z")), (0, 1));
}

#[test]
fn a_ramp_grows_the_enforced_share_and_never_releases_a_key() {
    let policy = policy(&json!({"http": [{
        "schedule": {"startsAt": "2026-12-01T00:00:00Z", "rampUp": "10h"},
        "limits": [limit("user", json!({"key": [{"httpHeaderName": "x-user"}],
            "enforced": {"value": 80}}))]}]}));
    let is_enforced = |user: usize, hour: u64| {
        let now = at("2026-12-01T00:00:00Z") + Duration::from_secs(hour * 3_600);
        let request = request(&[("x-user", &user.to_string())]);
        policy.plan(&request, &Inputs { now, ..inputs() }).draws[0].is_enforced
    };
    let mut before = vec![false; 1_000];
    for hour in 0..=12 {
        let now: Vec<bool> = (0..1_000).map(|user| is_enforced(user, hour)).collect();
        let kept = before.iter().zip(&now).all(|(before, now)| !before || *now);
        assert!(kept, "hour {hour}");
        let share = now.iter().filter(|is_enforced| **is_enforced).count() as u64;
        let expected = 80 * hour.min(10);
        assert!(share.abs_diff(expected) <= 40, "hour {hour}: {share}");
        before = now;
    }
}
