//! The order of policies.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn deny_comes_before_allow() {
    let get = json!([{"to": [{"operation": {"methods": ["GET"]}}]}]);
    let admin = json!([{"to": [{"operation": {"paths": ["/admin*"]}}]}]);
    for (documents, path, allowed, reason) in [
        (json!([policy("ALLOW", get.clone())]), "/", true, "allow"),
        (json!([policy("DENY", get.clone())]), "/", false, "deny"),
        (json!([policy("DENY", admin.clone())]), "/", true, ""),
        (json!([policy("ALLOW", get.clone()), policy("DENY", get.clone())]), "/", false, "deny"),
        (json!([policy("ALLOW", admin.clone())]), "/", false, ""),
        (json!([policy("ALLOW", admin.clone())]), "/admin/x", true, "allow"),
        (json!([policy("ALLOW", json!([]))]), "/", false, ""),
        (json!([policy("ALLOW", json!([{}]))]), "/", true, "allow"),
        (json!([policy("DENY", json!([{}]))]), "/", false, "deny"),
        (json!([policy("AUDIT", json!([{}]))]), "/", true, ""),
    ] {
        let document = json!({"policies": documents});
        let compiled = policies(&document);
        let request = request(&[(":path", path)]);
        let verdict = compiled.decide(&request, SystemTime::UNIX_EPOCH).verdict;
        let name = match verdict.reason {
            Reason::Rule(rule) => compiled.names_of(rule).0,
            _ => "",
        };
        assert_eq!((verdict.is_allowed, name), (allowed, reason), "{document} {path}");
    }
}

#[test]
fn the_first_deny_in_the_document_is_named() {
    let named = |name: &str| json!({"name": name, "action": "DENY", "rules": [{}]});
    let compiled = policies(&json!({"policies": [named("b"), named("a")]}));
    let decision = compiled.decide(&request(&[]), SystemTime::UNIX_EPOCH);
    assert_eq!(compiled.summary(&decision), "decision=deny;policy=b;rule=rule-0");
}

#[test]
fn a_dry_run_shows_the_combined_verdict() {
    let dry = |action: &str, rules: Value| {
        let mut policy = policy(action, rules);
        policy["name"] = json!("shadow");
        policy["dryRun"] = json!(true);
        policy
    };
    for (documents, enforced, dry_run) in [
        (json!([dry("DENY", json!([{}]))]), true, false),
        (json!([dry("ALLOW", json!([]))]), true, false),
        (json!([dry("ALLOW", json!([{}]))]), true, true),
        (json!([policy("ALLOW", json!([])), dry("ALLOW", json!([{}]))]), false, true),
        (json!([policy("DENY", json!([{}])), dry("ALLOW", json!([{}]))]), false, false),
    ] {
        let compiled = policies(&json!({"policies": documents}));
        let decision = compiled.decide(&request(&[]), SystemTime::UNIX_EPOCH);
        let verdicts = (decision.verdict.is_allowed, decision.dry_run.map(|run| run.is_allowed));
        assert_eq!(verdicts, (enforced, Some(dry_run)), "{documents}");
        // Enforcing the same policies gives the verdict of the dry run.
        let mut enforcing = documents.clone();
        for policy in enforcing.as_array_mut().unwrap() {
            policy["dryRun"] = json!(false);
        }
        assert_eq!(allows(&json!({"policies": enforcing}), &request(&[])), dry_run, "{documents}");
    }
}

#[test]
fn a_difference_names_the_policies_in_dry_run_that_cause_it() {
    let dry = |name: &str, action: &str, rules: Value| json!({"name": name, "action": action, "dryRun": true, "rules": rules});
    let audit = json!({"name": "audit", "action": "AUDIT", "rules": [{}]});
    for (documents, names, summary) in [
        (
            json!([dry("x", "DENY", json!([])), dry("y", "DENY", json!([{}]))]),
            &["y"][..],
            "decision=allow;dry_run=deny;policy=y",
        ),
        (
            json!([audit, dry("x", "DENY", json!([{}]))]),
            &["x"],
            "decision=allow;policy=audit;rule=rule-0;dry_run=deny;policy=x",
        ),
        (
            json!([policy("ALLOW", json!([])), dry("x", "ALLOW", json!([{}]))]),
            &["x"],
            "decision=deny;dry_run=allow;policy=x",
        ),
        // Each of them would deny the request.
        (
            json!([dry("x", "ALLOW", json!([])), dry("y", "ALLOW", json!([]))]),
            &["x", "y"],
            "decision=allow;dry_run=deny;policy=x",
        ),
        (json!([dry("x", "ALLOW", json!([{}]))]), &[], "decision=allow"),
        (
            json!([policy("DENY", json!([{}])), dry("x", "ALLOW", json!([{}]))]),
            &[],
            "decision=deny;policy=deny;rule=rule-0",
        ),
    ] {
        let compiled = policies(&json!({"policies": documents}));
        let decision = compiled.decide(&request(&[]), SystemTime::UNIX_EPOCH);
        let found = compiled.dry_run_policies(&decision);
        let found: Vec<_> = found.filter_map(|index| compiled.names().nth(index)).collect();
        assert_eq!(found, names, "{documents}");
        assert_eq!(compiled.summary(&decision), summary, "{documents}");
    }
}

#[test]
fn a_share_of_denials_is_sticky_by_principal() {
    let half = json!({"policies": [
        {"name": "new", "action": "DENY", "rules": [{}], "enforced": {"value": 50}},
    ]});
    let compiled = policies(&half);
    let tolerated = |account: usize| {
        let principal = format!("spiffe://cluster.local/ns/shop/sa/{account}");
        let request = Request { source_principal: Some(principal.into_bytes()), ..request(&[]) };
        compiled.decide(&request, SystemTime::UNIX_EPOCH).is_tolerated
    };
    let count = (0..1_000).filter(|account| tolerated(*account)).count();
    assert!((400..600).contains(&count), "{count}");
    assert!((0..100).all(|account| tolerated(account) == tolerated(account)));
}

#[test]
fn a_grant_ends() {
    let document = json!({"policies": [
        {"name": "incident", "rules": [{"schedule": {"expiresAt": "2030-01-01T00:00:00Z"}}]},
    ]});
    let compiled = policies(&document);
    assert!(compiled.uses_wall_clock());
    let at = |seconds: u64| {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        compiled.decide(&request(&[]), now).verdict.is_allowed
    };
    assert!(at(1_893_455_999));
    assert!(!at(1_893_456_000));
}

#[test]
fn a_request_that_cannot_be_read_is_denied() {
    let document = json!({"policies": [policy("DENY", json!([])), policy("AUDIT", json!([{}]))]});
    assert!(!policies(&document).unreadable().verdict.is_allowed);
    for policy in [
        policy("AUDIT", json!([{}])),
        json!({"action": "DENY", "dryRun": true, "rules": [{}]}),
        json!({"dryRun": true}),
    ] {
        let document = json!({"policies": [policy]});
        assert!(policies(&document).unreadable().verdict.is_allowed, "{document}");
    }
}
