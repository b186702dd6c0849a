//! Limits that a rate-limit service counts.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;
use serde_json::json;

use super::{admitted, flush, limited, metric, start, with};

#[test]
fn a_limit_that_is_not_enforced_refuses_nothing_while_the_service_is_down() {
    for (percent, passed, metrics) in [(0, 5, (5, 5, 0)), (100, 0, (0, 0, 5))] {
        let proxy = Proxy::new();
        let limit = json!({"scope": "GLOBAL", "enforced": {"value": percent}});
        let service = json!({"cluster": "none", "domain": "shop", "failureMode": "DENY"});
        let mut worker = start(&proxy, with(limited(limit), "rateLimitService", service));
        assert_eq!(admitted(&mut worker, &[], 5), passed);
        flush(&proxy, &mut worker);
        let found =
            ["allowed_total", "dry_run_total", "denied_total"].map(|name| metric(&proxy, name));
        assert_eq!(<(u64, u64, u64)>::from(found), metrics);
    }
}
