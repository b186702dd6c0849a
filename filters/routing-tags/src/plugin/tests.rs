#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::{Proxy, Worker, failures};

use super::RoutingTags;

/// A rule that tags every request of testers.
const TESTERS: &str =
    r#"{"http": [{"match": [{"headers": {"x-tester": {"exact": "1"}}}], "tag": "v2"}]}"#;

fn tagged(proxy: &Proxy) -> String {
    let mut worker: Worker<RoutingTags> = match proxy.worker(TESTERS) {
        Ok(worker) => worker,
        Err(error) => return error,
    };
    let stream = worker.request(&[("x-tester", "1"), ("x-weir-tag", "forged")]);
    worker.respond(stream, 200);
    let stream = worker.end(stream);
    format!("tag {:?}", stream.request_header("x-weir-tag"))
}

#[test]
fn tags_a_request_and_strips_a_forged_tag() {
    assert_eq!(tagged(&Proxy::new()), "tag Some(\"v2\")");
}

#[test]
fn survives_each_failed_host_call() {
    println!("{}", failures(tagged));
}
