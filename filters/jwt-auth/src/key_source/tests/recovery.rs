//! Lost leases, and records that are overwritten or not written.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

const INTERVAL: Duration = Duration::from_secs(10);

/// A source that has fetched a key set.
fn fetched() -> (Shared, Source) {
    let (mut shared, mut source) = (Shared::default(), worker(at_url()));
    shared.fetch(&mut source, Algorithm::Es256, START);
    (shared, source)
}

#[test]
fn a_request_for_a_fetch_remains_until_a_worker_has_the_lease() {
    let (shared, mut source) = fetched();
    let now = START + INTERVAL;
    source.handle(Event::Control(shared.control), now, 80);
    assert_eq!(source.request_refetch(now), Refetch::Fetching);
    // The record was not written, so no event follows.
    for _ in 0..2 {
        let effects = source.handle(Event::Tick(shared.control), now, 80);
        assert!(matches!(effects.as_slice(), [Effect::Lease(_)]), "{effects:?}");
    }
    // Another worker has the lease.
    let leased_until = now + SECOND;
    let leased = Control { holder: 7, leased_until, last_refetch: now, ..shared.control };
    assert!(source.handle(Event::Tick(leased), now, 80).is_empty());
    let later = now + INTERVAL;
    assert!(source.handle(Event::Tick(shared.control), later, 80).is_empty());
}

#[test]
fn an_overwritten_record_changes_neither_age_nor_expiry() {
    let (_, mut source) = fetched();
    for control in [
        Control::default(),
        Control { generation: 9, fresh_until: Duration::MAX, ..Control::default() },
    ] {
        source.handle(Event::Control(control), START + SECOND, 80);
        assert!(is_ready(&source, START + SECOND));
        assert_eq!(source.age(START + SECOND), Some((SECOND, false)));
        let day = Duration::from_secs(86_400 + 300);
        assert!(matches!(source.state(START + day), State::Expired));
    }
}

#[test]
fn an_entity_tag_is_sent_only_if_the_document_is_shared() {
    let (mut shared, mut source) = fetched();
    let due = START + Duration::from_secs(300);
    for (control, etag) in [(shared.control, Some("\"1\"")), (Control::default(), None)] {
        shared.control = Control { holder: 0, ..control };
        shared.tick(&mut source, due);
        assert_eq!(shared.calls.last().unwrap().etag.as_deref(), etag);
    }
}

#[test]
fn a_fetch_decides_at_once_whether_another_one_is_allowed() {
    let (mut shared, mut source) = fetched();
    let now = START + INTERVAL;
    source.handle(Event::Control(shared.control), now, 80);
    assert_eq!(source.request_refetch(now), Refetch::Fetching);
    shared.tick(&mut source, now);
    shared.answer(&mut source, &[(":status", "500")], "", now);
    assert_eq!(source.request_refetch(now), Refetch::Limited);
}
