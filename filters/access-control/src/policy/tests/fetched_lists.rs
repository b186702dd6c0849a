//! Lists that are fetched.

use filter_core::remote::{DocumentSpec, Slot};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// A document with one policy and two lists, of addresses and of texts.
fn document(action: &str, rule: &Value, on_unavailable: &str) -> Value {
    let list = |file: &str| {
        let uri = format!("https://lists.example.com/{file}");
        json!({"uri": uri, "onUnavailable": on_unavailable})
    };
    json!({
        "policies": [{"name": "a", "action": action, "rules": [rule]}],
        "lists": {"blocked": list("blocked"), "partners": list("partners"),
            "inline": {"values": ["c"]}},
    })
}

/// Sets the only list that a document uses.
fn set(policies: &Policies, body: Option<&str>) {
    let spec = policies.lists().next().unwrap();
    let parsed = body.map(|body| spec.parse(body.as_bytes(), &()).unwrap().content);
    policies.set_list(0, parsed.as_ref());
}

fn by_address(field: &str) -> Value {
    json!({"from": [{"source": {field: ["blocked"]}}]})
}

fn by_header(lists: Value) -> Value {
    json!({"when": [{"key": "request.headers[x-partner]", "inLists": lists}]})
}

/// Returns the verdicts of an ALLOW and of a DENY policy: `a` allowed, `d` denied, `u` unsure.
fn verdicts(rule: &Value, on_unavailable: &str, body: Option<&str>, request: &Request) -> String {
    let of = |action: &str| {
        let policies = policies(&document(action, rule, on_unavailable));
        set(&policies, body);
        let verdict = policies.decide(request, SystemTime::UNIX_EPOCH).verdict;
        match verdict {
            Verdict { is_unsure: true, is_allowed: false, .. } => 'u',
            Verdict { is_allowed, .. } => {
                if is_allowed {
                    'a'
                } else {
                    'd'
                }
            }
        }
    };
    ["ALLOW", "DENY"].map(of).iter().collect()
}

#[test]
fn a_fetched_list_matches_like_an_inline_one() {
    let from = by_address("remoteIpLists");
    let not_from = by_address("notRemoteIpLists");
    let partner = by_header(json!(["partners"]));
    let request = request(&[("x-partner", "b")]);
    for (rule, body, expected) in [
        (&from, "10.1.0.0/16", "ad"),
        (&from, "10.2.0.0/16", "da"),
        (&from, "# none", "da"),
        (&not_from, "10.1.0.0/16", "da"),
        (&not_from, "10.2.0.0/16", "ad"),
        (&partner, "[\"b\"]", "ad"),
        (&partner, "[\"c\"]", "da"),
    ] {
        assert_eq!(verdicts(rule, "UNSURE", Some(body), &request), expected, "{rule} {body}");
    }
}

#[test]
fn an_unavailable_list_is_unsure_or_empty() {
    let from = by_address("remoteIpLists");
    let not_from = by_address("notRemoteIpLists");
    let partner = by_header(json!(["partners"]));
    for (rule, on_unavailable, expected) in [
        (&from, "UNSURE", "uu"),
        (&not_from, "UNSURE", "uu"),
        (&partner, "UNSURE", "uu"),
        (&from, "EMPTY", "da"),
        (&not_from, "EMPTY", "ad"),
        (&partner, "EMPTY", "da"),
    ] {
        let request = request(&[("x-partner", "b")]);
        assert_eq!(verdicts(rule, on_unavailable, None, &request), expected, "{rule}");
    }
    // Values that no list can change.
    assert_eq!(verdicts(&partner, "UNSURE", None, &request(&[])), "da");
    let both = by_header(json!(["partners", "inline"]));
    assert_eq!(verdicts(&both, "UNSURE", None, &request(&[("x-partner", "c")])), "ad");
    assert_eq!(verdicts(&both, "UNSURE", None, &request(&[("x-partner", "d")])), "uu");
}

#[test]
fn an_unavailable_list_never_allows_more_than_any_content() {
    let rules = [
        by_address("remoteIpLists"),
        by_address("notRemoteIpLists"),
        by_header(json!(["partners"])),
        by_header(json!(["partners", "inline"])),
    ];
    for (rule, contents) in rules.iter().zip([
        ["10.1.0.0/16", "10.2.0.0/16"],
        ["10.1.0.0/16", "10.2.0.0/16"],
        ["a\na,b", "# none"],
        ["a\na,b", "# none"],
    ]) {
        for action in ["ALLOW", "DENY"] {
            let policies = policies(&document(action, rule, "UNSURE"));
            for headers in
                [&[][..], &[("x-partner", "a")], &[("x-partner", "a"), ("x-partner", "b")]]
            {
                let request = request(headers);
                let decide = |body| {
                    set(&policies, body);
                    policies.decide(&request, SystemTime::UNIX_EPOCH).verdict.is_allowed
                };
                let is_allowed = decide(None);
                for body in contents {
                    assert!(decide(Some(body)) || !is_allowed, "{action} {rule} {body}");
                }
            }
        }
    }
}

#[test]
fn tests_run_with_unavailable_lists() {
    for (on_unavailable, expect) in [("UNSURE", "DENY"), ("EMPTY", "ALLOW")] {
        let mut document = document("DENY", &by_address("remoteIpLists"), on_unavailable);
        document["tests"] = json!([{"request": {"sourceIp": "10.1.2.3"}, "expect": expect}]);
        policies(&document);
    }
}

#[test]
fn bad_fetched_lists_are_refused() {
    let uri = "https://lists.example.com/a";
    let in_rule = json!([by_address("remoteIpLists")]);
    for (list, message) in [
        (json!({"uri": "lists/a"}), "lists.blocked.uri: must be an http or https URL"),
        (json!({"uri": uri, "ips": []}), "must have exactly one of ips, values and uri"),
        (json!({"values": [], "cluster": "a"}), "lists.blocked.uri: is required with service"),
        (
            json!({"uri": uri, "cluster": "a", "port": 80}),
            "lists.blocked.cluster: must not be given together with service, port or subset",
        ),
        (json!({"uri": uri, "service": "a"}), "lists.blocked.port: is required with service"),
        (
            json!({"uri": "https://[::1]/a"}),
            "lists.blocked.uri: must have a host that a cluster name can contain; otherwise set \
             lists.blocked.cluster",
        ),
        (json!({"uri": uri, "refreshInterval": "1s"}), "must be between 5s and 24h"),
        (json!({"uri": uri, "onUnavailable": "ALLOW"}), "lists.blocked.onUnavailable"),
    ] {
        let document = json!({"rules": in_rule, "lists": {"blocked": list}});
        let errors = errors(&document);
        assert!(errors.contains(message), "{list}: {errors}");
    }
    let both = json!([by_address("remoteIpLists"), by_header(json!(["blocked"]))]);
    let both = json!({"rules": both, "lists": {"blocked": {"uri": uri}}});
    assert!(errors(&both).contains("must not be a list of both addresses and texts"));
    let lists: serde_json::Map<_, _> =
        (0..17).map(|index| (format!("l{index}"), json!({"uri": uri}))).collect();
    let many = json!({"rules": [{}], "lists": lists});
    assert!(errors(&many).contains("lists: must have at most 16 lists with uri, got 17"));
}

#[test]
fn warns_about_unused_lists_and_on_unavailable_empty() {
    let compiled = policies(&document("DENY", &by_address("remoteIpLists"), "EMPTY"));
    let warnings: Vec<_> = compiled.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "lists.blocked.onUnavailable: while the list is unavailable it counts as empty, so a \
             DENY rule does not deny its entries",
            "lists.partners: is not fetched, because no rule uses it",
        ]
    );
    assert_eq!(compiled.lists().map(|list| list.name()).collect::<Vec<_>>(), ["blocked"]);
}

#[test]
fn addresses_and_texts_of_a_url_have_their_own_slots() {
    let slot = |rule: &Value| {
        let mut document = document("DENY", rule, "UNSURE");
        document["lists"]["partners"]["uri"] = document["lists"]["blocked"]["uri"].clone();
        policies(&document).lists().next().unwrap().slot(Slot::Document)
    };
    assert_eq!(
        [slot(&by_address("remoteIpLists")), slot(&by_header(json!(["partners"])))],
        ["addresses", "texts"].map(|kind| format!(
            "weir.access-control.1.document.{kind} https://lists.example.com/blocked  \
             outbound|443||lists.example.com"
        ))
    );
}
