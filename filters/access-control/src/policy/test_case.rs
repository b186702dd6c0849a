//! Tests of the policies, which must pass before a configuration takes effect.

use std::{collections::BTreeSet, net::SocketAddr, time::SystemTime};

use filter_core::{ConfigErrors, Headers, Request};
use serde_json::Value;

use super::{
    Policies, Reason, RuleId,
    subject::{PORT, SOURCE},
};
use crate::config::{Expected, TestCase, TestRequest};

/// A port of a peer, which no policy reads.
const PEER_PORT: u16 = 1024;

/// The attribute with the tag that routing-tags chose.
const TAG: &str = "weir.tag";

/// Runs tests; adds an error for each one that fails. Returns the rules that decide or audit their
/// requests.
pub(super) fn run(
    policies: &Policies,
    cases: &[TestCase],
    errors: &mut ConfigErrors,
) -> BTreeSet<RuleId> {
    let mut reached = BTreeSet::new();
    for (index, case) in cases.iter().enumerate() {
        let path = format!("tests[{index}]");
        let Some(expected) = case.expect else {
            errors.add(format_args!("{path}.expect"), "must be given: ALLOW or DENY");
            continue;
        };
        let now = case.request.time.map_or(SystemTime::UNIX_EPOCH, |time| time.get());
        let decision = policies.decide(&request(&case.request), now);
        let verdict =
            if case.dry_run { decision.dry_run } else { None }.unwrap_or(decision.verdict);
        reached.extend(decision.audited);
        if let Reason::Rule(rule) = verdict.reason {
            reached.insert(rule);
        }
        let got = if verdict.is_allowed { Expected::Allow } else { Expected::Deny };
        let by = policies.by(verdict.reason);
        let is_by = case.by.as_deref().is_none_or(|expected| names(&by, expected));
        if got == expected && is_by {
            continue;
        }
        let name = case.name.as_ref().map(|name| format!(" (\"{name}\")")).unwrap_or_default();
        let wanted = case.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        errors.add(
            format_args!("{path}{name}"),
            format_args!("must be {}{wanted}, is {} by {by}", word(expected), word(got)),
        );
    }
    reached
}

/// Returns `true` if `expected` is a policy and its rule, or the policy alone.
fn names(by: &str, expected: &str) -> bool {
    by == expected || by.strip_prefix(expected).is_some_and(|rule| rule.starts_with('.'))
}

const fn word(decision: Expected) -> &'static str {
    match decision {
        Expected::Allow => "ALLOW",
        Expected::Deny => "DENY",
    }
}

fn request(config: &TestRequest) -> Request {
    let text = |text: &Option<String>, default: &str| text.clone().unwrap_or(default.to_owned());
    let mut headers = vec![
        (":method".to_owned(), text(&config.method, "GET")),
        (":path".to_owned(), text(&config.path, "/")),
    ];
    headers.extend(config.host.clone().map(|host| (":authority".to_owned(), host)));
    let given = config.headers.iter();
    headers.extend(given.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
    let mut request = Request {
        headers: Headers::from_iter(
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
        ),
        source_principal: config
            .principal
            .as_ref()
            .map(|principal| format!("spiffe://{principal}").into_bytes()),
        source_address: config.source_ip,
        ..Request::default()
    };
    let mut attribute = |name: &str, value: Vec<u8>| {
        request.attributes.insert(name.to_owned(), value);
    };
    if let Some(address) = config.source_ip {
        attribute(SOURCE, SocketAddr::new(address, PEER_PORT).to_string().into_bytes());
    }
    if let Some(port) = config.port.and_then(|port| i64::try_from(port.get()).ok()) {
        attribute(PORT, port.to_le_bytes().to_vec());
    }
    if let Some(tag) = &config.tag {
        attribute(TAG, tag.clone().into_bytes());
    }
    let mut claims = config.claims.clone();
    if let Some((issuer, subject)) =
        config.request_principal.as_ref().and_then(|principal| principal.rsplit_once('/'))
    {
        let claims = claims.get_or_insert_default();
        claims.entry("iss").or_insert_with(|| Value::from(issuer));
        claims.entry("sub").or_insert_with(|| Value::from(subject));
    }
    request.claims = claims.map(Value::Object);
    request
}

impl Policies {
    /// Returns what decided, such as `blocked.rule-0`.
    fn by(&self, reason: Reason) -> String {
        match reason {
            Reason::Rule(rule) => {
                let (policy, rule) = self.names_of(rule);
                format!("{policy}.{rule}")
            }
            Reason::NoPolicyAllows => "no_policy_allows".to_owned(),
            Reason::NoPolicy | Reason::Unreadable => "no_policy".to_owned(),
        }
    }
}
