//! Each host call of the suite fails once.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use filter_host::memory::failures;

use super::*;

/// Sends one signed and one forged request through all filters.
fn scenario(proxy: &Proxy) -> String {
    proxy.set_now(NOW);
    let mut worker = match proxy.worker::<Suite>(&document().to_string()) {
        Ok(worker) => worker,
        Err(error) => return error,
    };
    let stream = request(&mut worker);
    worker.respond(stream, 200);
    let signed = worker.end(stream);
    let stream = worker.request(&[(":path", "/"), ("authorization", "Bearer a.b.c")]);
    let forged = worker.end(stream);
    worker.advance(Duration::from_secs(2));
    let status = |reply: Option<filter_host::memory::LocalReply>| reply.map(|reply| reply.status);
    format!(
        "signed {:?}, tag {:?}, forged {:?}{}",
        status(signed.reply.clone()),
        signed.request_header("x-weir-tag").unwrap_or_default(),
        status(forged.reply.clone()),
        if forged.is_forwarded() { ", forged request forwarded" } else { "" },
    )
}

#[test]
fn no_failed_host_call_admits_a_forged_token() {
    let failures = failures(scenario);
    assert_eq!(failures.expected, "signed None, tag \"v2\", forged Some(401)");
    assert!(failures.calls.len() > 50);
    for failed in &failures.calls {
        assert!(!failed.outcome.contains("forwarded"), "{:?}: {}", failed.call, failed.outcome);
    }
}
