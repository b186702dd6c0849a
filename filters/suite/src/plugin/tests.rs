#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::Proxy;

use super::Suite;

#[test]
fn absent_filters_change_nothing() {
    let proxy = Proxy::new();
    let mut worker = proxy.worker::<Suite>("").unwrap();
    proxy.clear_trace();
    let stream = worker.request(&[(":path", "/")]);
    worker.respond(stream, 200);
    assert!(worker.end(stream).is_forwarded());
    assert_eq!(proxy.trace(), []);
}
