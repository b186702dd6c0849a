//! The index decides as a walk over all rules does.

use super::*;

/// Returns the verdict of the first rule that matches, without an index.
#[cfg(not(target_arch = "wasm32"))]
fn walk(compiled: &Policies, request: &Request) -> (bool, Option<RuleId>) {
    let context = Context { normalization: compiled.normalization, now: SystemTime::UNIX_EPOCH };
    let matched = |action: Action, is_wanted: fn(Answer) -> bool| {
        compiled.policies.iter().enumerate().find_map(|(policy, compiled)| {
            let rules = compiled.rules.iter().enumerate();
            let mut rules = rules.filter(|_| compiled.action == action);
            let found = rules.find(|(_, rule)| is_wanted(compiled.answer(rule, request, context)));
            found.map(|(rule, _)| RuleId { policy, rule })
        })
    };
    if let Some(rule) = matched(Action::Deny, |answer| answer != Answer::No) {
        return (false, Some(rule));
    }
    if !compiled.policies.iter().any(|policy| policy.action == Action::Allow) {
        return (true, None);
    }
    let rule = matched(Action::Allow, |answer| answer == Answer::Yes);
    (rule.is_some(), rule)
}

#[cfg(not(target_arch = "wasm32"))]
proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(cases()))]
    #[test]
    fn the_index_finds_every_rule(
        deny in proptest::collection::vec(rule(), 0..8),
        allow in proptest::collection::vec(rule(), 0..8),
        requests in proptest::collection::vec(any_request(), REQUESTS),
    ) {
        let mut documents = vec![policy("DENY", Value::Array(deny))];
        if !allow.is_empty() {
            documents.push(policy("ALLOW", Value::Array(allow)));
        }
        let compiled = policies(&json!({"policies": documents}));
        for request in requests {
            let verdict = compiled.decide(&request, SystemTime::UNIX_EPOCH).verdict;
            let rule = match verdict.reason {
                Reason::Rule(rule) => Some(rule),
                _ => None,
            };
            proptest::prop_assert_eq!((verdict.is_allowed, rule), walk(&compiled, &request));
        }
    }
}

/// Number of requests for each set of policies.
#[cfg(not(target_arch = "wasm32"))]
const REQUESTS: usize = 10;

/// Returns the number of sets of policies; a release needs a million requests, `WEIR_THOROUGH=1`.
#[cfg(not(target_arch = "wasm32"))]
fn cases() -> u32 {
    if std::env::var_os("WEIR_THOROUGH").is_some() { 100_000 } else { 1_000 }
}

#[cfg(not(target_arch = "wasm32"))]
fn any_request() -> impl proptest::strategy::Strategy<Value = Request> {
    use proptest::strategy::Strategy;
    let path = "(/[ab]|/%61|;x|/\\.\\.|\\\\a){1,3}";
    (path, "[ab]", "[aA](:1)?", proptest::bool::ANY).prop_map(
        |(path, principal, host, has_token)| Request {
            source_principal: Some(format!("spiffe://{principal}").into_bytes()),
            claims: has_token.then(|| json!({"iss": "a", "sub": "b"})),
            ..request(&[(":path", &path), (":authority", &host)])
        },
    )
}

#[cfg(not(target_arch = "wasm32"))]
fn rule() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::{collection::vec, strategy::Strategy};
    let operation = ("[ab]", 0u8..9).prop_map(|(text, kind)| match kind {
        0 => json!({"paths": [format!("/{text}")]}),
        1 => json!({"paths": [format!("/{text}*")]}),
        2 => json!({"paths": [format!("*{text}")]}),
        3 => json!({"paths": [format!("/{text}/{{*}}"), "/b"]}),
        4 => json!({"notPaths": [format!("/{text}*")]}),
        5 => json!({"hosts": [text]}),
        6 => json!({"methods": ["GET"], "paths": [format!("/{text}/{text}")]}),
        7 => json!({"methods": ["POST"]}),
        _ => json!({"notHosts": [text], "methods": ["G*"]}),
    });
    let source = ("[ab]", 0u8..5).prop_map(|(text, kind)| match kind {
        0 => json!({"principals": [text]}),
        1 => json!({"principals": [format!("{text}*")]}),
        2 => json!({"notPrincipals": [text]}),
        3 => json!({"requestPrincipals": [format!("{text}/b")]}),
        _ => json!({"principals": ["*"], "notRequestPrincipals": ["*"]}),
    });
    (vec(operation, 0..3), vec(source, 0..3)).prop_map(|(to, from)| {
        let mut rule = json!({});
        if !to.is_empty() {
            let to = to.into_iter().map(|operation| json!({"operation": operation}));
            rule["to"] = to.collect();
        }
        if !from.is_empty() {
            let from = from.into_iter().map(|source| json!({"source": source}));
            rule["from"] = from.collect();
        }
        rule
    })
}
