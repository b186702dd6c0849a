//! Generated sets of policies, each with requests.

use serde_json::{Value, json};

use super::vocabulary::{KEYS, Parts, Random, World, of_key, of_operation, of_source};

/// Request header with the number of the set that decides about a request.
pub(super) const SET: &str = "x-set";

/// A set of policies, and requests that it decides about.
pub(super) struct Case {
    pub(super) number: usize,
    /// Rules of ALLOW policies. `None` without such a policy.
    pub(super) allow: Option<Vec<Value>>,
    /// Rules of DENY policies.
    pub(super) deny: Vec<Value>,
    pub(super) requests: Vec<Parts>,
}

impl Case {
    pub(super) fn generate(
        number: usize,
        requests: usize,
        random: &mut Random,
        world: &World,
    ) -> Self {
        let rules = |random: &mut Random| {
            let count = random.below(2).saturating_add(1);
            (0..count).map(|_| rule(random, world)).collect()
        };
        let (allow, deny) = match random.below(20) {
            // An ALLOW policy without rules denies every request.
            0 => (Some(Vec::new()), Vec::new()),
            1..=5 => (None, rules(random)),
            6..=10 => (Some(rules(random)), rules(random)),
            _ => (Some(rules(random)), Vec::new()),
        };
        let requests = (0..requests).map(|_| Parts::generate(random)).collect();
        Self { number, allow, deny, requests }
    }

    /// Returns the rules of one action, limited to the requests of this set.
    ///
    /// A proxy allows requests if there is no ALLOW policy; a set without one needs a rule, because
    /// others have one.
    pub(super) fn limited_rules(&self, is_deny: bool) -> Vec<Value> {
        let rules = match (is_deny, &self.allow) {
            (true, _) => self.deny.clone(),
            (false, Some(rules)) => rules.clone(),
            (false, None) => vec![json!({})],
        };
        let this =
            json!({"key": format!("request.headers[{SET}]"), "values": [self.number.to_string()]});
        let limited = rules.into_iter().map(|mut rule| {
            if let Some(rule) = rule.as_object_mut() {
                let when = rule.entry("when").or_insert_with(|| json!([]));
                when.as_array_mut().into_iter().for_each(|when| when.push(this.clone()));
            }
            rule
        });
        limited.collect()
    }

    /// Returns the intended difference because of which a request may be denied here that Istio
    /// allows.
    pub(super) fn difference(&self, parts: &Parts) -> Option<&'static str> {
        let rules = json!([self.allow, self.deny]).to_string();
        let has = |names: &[&str]| names.iter().any(|name| rules.contains(name));
        let token = |indices: &[usize]| parts.token.is_some_and(|token| indices.contains(&token));
        let differences = [
            (
                "a hidden peer",
                parts.has_hidden_peer() && has(&["\"ipBlocks", "\"notIpBlocks", "source.ip"]),
            ),
            ("a repeated header", parts.users.len() > 1 && has(&["[x-user]", "[X-User]"])),
            ("an odd path", parts.has_odd_path() && has(&["aths\""])),
            ("an odd host", parts.has_odd_host() && has(&["osts\""])),
            (
                "a number or boolean",
                token(&[1]) && has(&["[level]"]) || token(&[2]) && has(&["[admin]"]),
            ),
            (
                "a subject with a slash",
                token(&[2]) && has(&["equestPrincipals", "request.auth.principal"]),
            ),
        ];
        differences.iter().find(|(_, is_so)| *is_so).map(|(name, _)| *name)
    }
}

fn rule(random: &mut Random, world: &World) -> Value {
    let mut rule = json!({});
    let mut add = |name: &str, entries: Vec<Value>| {
        if let Some(rule) = rule.as_object_mut().filter(|_| !entries.is_empty()) {
            rule.insert(name.to_owned(), json!(entries));
        }
    };
    let count = [0, 1, 1, 2].get(random.below(4)).copied().unwrap_or_default();
    add("from", (0..count).map(|_| json!({"source": source(random, world)})).collect());
    let count = [0, 1, 1, 2].get(random.below(4)).copied().unwrap_or_default();
    add("to", (0..count).map(|_| json!({"operation": operation(random, world)})).collect());
    let count = [0, 0, 1, 2].get(random.below(4)).copied().unwrap_or_default();
    add("when", (0..count).map(|_| condition(random, world)).collect());
    rule
}

fn source(random: &mut Random, world: &World) -> Value {
    // Istio refuses service accounts together with principals or namespaces.
    let fields: &[&str] = match random.percent(25) {
        true => &["serviceAccounts", "requestPrincipals", "ipBlocks", "remoteIpBlocks"],
        false => &["principals", "namespaces", "requestPrincipals", "ipBlocks", "remoteIpBlocks"],
    };
    fields_of(random, fields, &mut |random, field| of_source(random, field, world))
}

fn operation(random: &mut Random, world: &World) -> Value {
    let fields = ["hosts", "methods", "paths", "paths", "ports"];
    fields_of(random, &fields, &mut |random, field| of_operation(random, field, world))
}

/// Returns an object with one or two of the fields, of which some are negated.
fn fields_of(
    random: &mut Random,
    fields: &[&str],
    values: &mut dyn FnMut(&mut Random, &str) -> Vec<String>,
) -> Value {
    let mut object = json!({});
    for _ in 0..=random.below(2) {
        let Some(field) = random.pick(fields) else { continue };
        let values = values(random, field);
        let name = if random.percent(25) { negated(field) } else { field.to_owned() };
        if let Some(object) = object.as_object_mut() {
            object.insert(name, json!(values));
        }
    }
    object
}

/// Returns `notPaths` for `paths`.
fn negated(field: &str) -> String {
    let (first, rest) = field.split_at_checked(1).unwrap_or_default();
    format!("not{}{rest}", first.to_uppercase())
}

fn condition(random: &mut Random, world: &World) -> Value {
    let key = random.pick(&KEYS).unwrap_or("remote.ip");
    let mut condition = json!({"key": key});
    let fields: &[&str] = match random.below(5) {
        0 => &["notValues"],
        1 => &["values", "notValues"],
        _ => &["values"],
    };
    for field in fields {
        let values = of_key(random, key, world);
        if let Some(condition) = condition.as_object_mut() {
            condition.insert((*field).to_owned(), json!(values));
        }
    }
    condition
}
