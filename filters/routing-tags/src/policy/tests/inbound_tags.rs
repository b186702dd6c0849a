//! Inbound tags.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use serde_json::json;

use super::*;

const MESH: &str = "spiffe://cluster.local/ns/istio-ingress/sa/gateway";

/// Returns a policy that trusts the gateway and chooses `new` for requests with `x-new`.
fn trusting() -> Policy {
    policy(&json!({
        "trustInbound": [{"source": {"principal": {"exact": MESH}}}],
        "baggageKey": "weir-tag",
        "http": [{"match": [{"headers": {"x-new": {}}}], "tag": "new"}],
    }))
}

fn from_mesh<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Request {
    Request { source_principal: Some(MESH.into()), ..request(headers) }
}

#[test]
fn removes_tags_of_untrusted_clients() {
    let policy = trusting();
    for copies in [1, 2, 50] {
        for new in [false, true] {
            let forged = (0..copies).map(|_| ("x-weir-tag", "forged"));
            let request = request(forged.chain(new.then_some(("x-new", "1"))));
            let decision = decide(&policy, &request);
            let expected: &[&str] = if new { &["new"] } else { &[] };
            assert_eq!(texts(&after(&request, &decision), "x-weir-tag"), expected);
            assert_eq!(count(&decision, Metric::InboundTrusted), 0);
        }
    }
}

#[test]
fn keeps_a_single_valid_tag_of_a_trusted_client() {
    let policy = trusting();
    for (values, new, expected, metric) in [
        (vec!["edge"], true, vec!["edge"], Metric::InboundTrusted),
        (vec!["edge"], false, vec!["edge"], Metric::InboundTrusted),
        (vec!["edge", "edge"], true, vec!["new"], Metric::InboundInvalid),
        (vec!["edge", "edge"], false, vec![], Metric::InboundInvalid),
        (vec!["a,b"], true, vec!["new"], Metric::InboundInvalid),
        (vec![""], false, vec![], Metric::InboundInvalid),
    ] {
        let headers = values.iter().map(|value| ("x-weir-tag", *value));
        let request = from_mesh(headers.chain(new.then_some(("x-new", "1"))));
        let decision = decide(&policy, &request);
        assert_eq!(texts(&after(&request, &decision), "x-weir-tag"), expected, "{values:?}");
        assert_eq!(count(&decision, metric), 1, "{values:?}");
    }
}

#[test]
fn a_tag_cannot_make_its_request_trusted() {
    let policy = policy(&json!({
        "trustInbound": [{"headers": {"x-weir-tag": {}}}],
        "http": [
            {"name": "a", "match": [{"headers": {"x-weir-tag": {}}}], "tag": "seen"},
            {"name": "b", "match": [{"withoutHeaders": {"x-weir-tag": {}}}], "tag": "%REQ(x-weir-tag)%"},
        ],
    }));
    let request = request([("x-weir-tag", "forged")]);
    let decision = decide(&policy, &request);
    assert_eq!(texts(&after(&request, &decision), "x-weir-tag"), [""; 0]);
}

#[test]
fn entries_for_another_header_can_match_a_kept_tag() {
    let policy = policy(&json!({
        "trustInbound": [{}],
        "http": [{"match": [{"headers": {"x-weir-tag": {"exact": "edge"}}}], "tagHeader": "x-tier", "tag": "gold"}],
    }));
    let decision = decide(&policy, &request([("x-weir-tag", "edge")]));
    assert_eq!(set(&decision, "x-tier"), Some("gold"));
    assert_eq!(policy.warnings().len(), 1);
}

#[test]
fn baggage_carries_the_tag_of_trusted_clients() {
    for (trusted, header, baggage, new, tags, left) in [
        // The member of an untrusted client is removed, the rest stays byte for byte.
        (false, None, vec!["weir-tag=f"], false, vec![], vec![]),
        (false, None, vec!["a=1;p , weir-tag = f;x=y,\tb=2"], false, vec![], vec!["a=1;p ,\tb=2"]),
        (false, None, vec!["a=1", "weir-tag=f", "b=2"], false, vec![], vec!["a=1", "b=2"]),
        (false, None, vec!["weir%2Dtag=f,a=1"], false, vec![], vec!["a=1"]),
        (false, None, vec!["weir-tag=f,weir-tag=g"], false, vec![], vec![]),
        (false, None, vec!["weir-tag=f"], true, vec!["new"], vec!["weir-tag=new"]),
        (false, None, vec!["a=1"], true, vec!["new"], vec!["a=1,weir-tag=new"]),
        (false, None, vec!["a=1"], false, vec![], vec!["a=1"]),
        (false, None, vec![], true, vec!["new"], vec!["weir-tag=new"]),
        // Invalid baggage only loses the member.
        (false, None, vec!["no baggage"], true, vec!["new"], vec!["no baggage"]),
        (false, None, vec!["no baggage,weir-tag=f"], false, vec![], vec!["no baggage"]),
        // A trusted client.
        (true, None, vec!["weir-tag=edge"], true, vec!["edge"], vec!["weir-tag=edge"]),
        (
            true,
            None,
            vec!["weir-tag=edge;p=1,a=2"],
            true,
            vec!["edge"],
            vec!["weir-tag=edge;p=1,a=2"],
        ),
        (true, Some("edge"), vec!["weir-tag=other"], true, vec!["edge"], vec!["weir-tag=edge"]),
        (true, Some("edge"), vec![], true, vec!["edge"], vec!["weir-tag=edge"]),
        (true, None, vec!["weir-tag=f,weir-tag=g"], false, vec![], vec![]),
        (true, None, vec!["weir-tag=%41"], false, vec![], vec![]),
    ] {
        let headers = baggage.iter().map(|value| ("baggage", *value));
        let headers = headers.chain(header.map(|tag| ("x-weir-tag", tag)));
        let headers = headers.chain(new.then_some(("x-new", "1")));
        let request = if trusted { from_mesh(headers) } else { request(headers) };
        let after = after(&request, &decide(&trusting(), &request));
        assert_eq!(texts(&after, "x-weir-tag"), tags, "{trusted} {header:?} {baggage:?}");
        assert_eq!(texts(&after, "baggage"), left, "{trusted} {header:?} {baggage:?}");
    }
}

#[test]
fn full_baggage_does_not_get_the_tag() {
    let many: Vec<_> = (0..64).map(|index| format!("k{index}=v")).collect();
    for (baggage, full) in [
        (many.join(","), true),
        (many[1..].join(","), false),
        (format!("a={}", "x".repeat(8_192)), true),
        (format!("a={}", "x".repeat(8_100)), false),
    ] {
        let request = request([("x-new", "1"), ("baggage", &*baggage)]);
        let decision = decide(&trusting(), &request);
        assert_eq!(count(&decision, Metric::BaggageFull) == 1, full);
        let after = after(&request, &decision);
        let expected = if full { baggage } else { format!("{baggage},weir-tag=new") };
        assert_eq!(texts(&after, "baggage"), [expected]);
    }
}

#[test]
fn removes_tags_and_the_baggage_member_from_trailers() {
    for (trailers, left) in [
        (&[][..], &[][..]),
        (&[("x-weir-tag", "v2"), ("x-other", "1")], &[("x-other", "1")]),
        (&[("baggage", "weir-tag=v2")], &[]),
        (&[("baggage", "a=1, weir-tag=v2;p=1,b=2")], &[("baggage", "a=1,b=2")]),
        (&[("baggage", "weir%2Dtag=v2,a=1")], &[("baggage", "a=1")]),
        (&[("baggage", "a=1"), ("baggage", "weir-tag=v2")], &[("baggage", "a=1")]),
        (&[("baggage", "a=1"), ("baggage", "b=2")], &[("baggage", "a=1"), ("baggage", "b=2")]),
        (&[("baggage", "a=1 , b=2;p")], &[("baggage", "a=1 , b=2;p")]),
    ] {
        let policy = trusting();
        let headers: Headers = trailers.iter().copied().collect();
        let edits = policy.strip_edits(Some(&headers));
        let left: Headers = left.iter().copied().collect();
        assert_eq!(edited(headers, &edits), left, "{trailers:?}");
    }
}

#[test]
fn a_dry_run_only_counts() {
    let policy = policy(&json!({
        "dryRun": true, "filterState": true, "headers": {"response": {"set": {"x-served": "%TAG%"}}},
        "http": [{"name": "a", "tag": "v2"}],
    }));
    let decision = decide(&policy, &request([("x-weir-tag", "forged")]));
    assert!(decision.request.is_empty() && decision.response.is_none() && decision.is_dry_run);
    assert_eq!(decision.filter_state.as_deref(), Some(&b"v2"[..]));
    for metric in [Metric::Tagged, Metric::DryRun, Metric::InboundStripped] {
        assert_eq!(count(&decision, metric), 1, "{metric:?}");
    }
    assert!(policy.strip_edits(None).is_empty());
}

#[test]
fn removes_unreadable_baggage_as_a_whole() {
    let forged = Headers::from_iter([("x-weir-tag", "v2"), ("baggage", "a=1,weir-tag=v2")]);
    for (document, left) in [
        (json!({"baggageKey": "weir-tag"}), vec![]),
        (json!({}), vec![("baggage", "a=1,weir-tag=v2")]),
    ] {
        let edits = policy(&document).strip_edits(None);
        assert_eq!(edited(forged.clone(), &edits), Headers::from_iter(left), "{document}");
    }
}
