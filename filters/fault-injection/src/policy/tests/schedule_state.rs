//! Transitions of schedules.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn reports_the_transitions_of_each_schedule() {
    let policy = policy(&json!({"schedule": {"expiresAt": "2026-12-01T18:00:00Z"}, "http": [
        {"name": "exempt", "match": [{"uri": {"exact": "/"}}],
            "schedule": {"startsAt": "2026-12-01T10:00:00Z"}},
        {"name": "a", "match": [{"uri": {"exact": "/a"}}], "fault": abort(503, 1.0),
            "schedule": {"startsAt": "2026-12-01T09:00:00Z"}},
        {"name": "b", "match": [{"uri": {"exact": "/b"}}], "fault": abort(503, 1.0),
            "schedule": {"windows": [{"from": "09:00", "to": "10:00"}]}},
        {"name": "c", "fault": abort(503, 1.0)},
    ]}));
    assert!(policy.has_schedules());
    let mut before = policy.schedule_state(at("2026-12-01T08:59:59Z"));
    assert_eq!(before, [1, 0, 0]);
    for (instant, expected) in [
        ("2026-12-01T09:00:00Z", &["a: its schedule begins", "b: its schedule begins"][..]),
        ("2026-12-01T09:59:59Z", &[]),
        ("2026-12-01T10:00:00Z", &["b: its schedule ends"]),
        ("2026-12-01T18:00:00Z", &["the schedule ends"]),
        ("2026-12-02T09:30:00Z", &["b: its schedule begins"]),
        ("2026-12-01T09:30:00Z", &["the schedule begins"]),
    ] {
        let after = policy.schedule_state(at(instant));
        let transitions = policy.transitions(&before, &after);
        let texts: Vec<String> = transitions.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected, "{instant}");
        before = after;
    }
}

#[test]
fn ignores_states_of_another_length() {
    let policy = policy(&json!({"schedule": {"expiresAt": "2026-12-01T18:00:00Z"}}));
    assert_eq!(policy.transitions(&[], &[1]), []);
    assert_eq!(policy.transitions(&[1, 1], &[1]), []);
    assert_eq!(policy.transitions(&[7], &[1]), [ScheduleTransition { entry: None, begins: true }]);
}

#[test]
fn only_schedules_of_faults_count() {
    for (document, has_schedules) in [
        (json!({}), false),
        (json!({"http": [{"schedule": {"startsAt": "2026-12-01T09:00:00Z"}}]}), false),
        (json!({"http": [{"fault": abort(503, 1.0)}]}), false),
        (json!({"schedule": {"startsAt": "2026-12-01T09:00:00Z"}}), true),
        (
            json!({"http": [{"schedule": {"startsAt": "2026-12-01T09:00:00Z"},
            "fault": abort(503, 1.0)}]}),
            true,
        ),
    ] {
        assert_eq!(policy(&document).has_schedules(), has_schedules, "{document}");
    }
}
