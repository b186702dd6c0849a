//! Hints for common mistakes in expressions.

use super::{envoy_attributes, invalid::InvalidExpression};

/// Attribute names of other systems, and the equivalents here.
const FOREIGN_NAMES: [(&str, &str); 24] = [
    ("istio_operationId", "write weir.operation, with names from operations"),
    ("istio_responseClass", "write response.code, with buckets: [200, 300, 400, 500]"),
    ("attributes.canonical_service_name", CANONICAL_NAME),
    ("attributes.canonical_service_revision", CANONICAL_REVISION),
    ("node.metadata.LABELS.app", "write xds.node.metadata.LABELS['app']"),
    ("request.header", "write request.headers['name']"),
    ("response.header", "write response.headers['name']"),
    ("request.uri", "write request.url_path, or request.path with the query"),
    ("request.url", "write request.url_path, or request.path with the query"),
    ("request.authority", "write request.host"),
    ("request.user_agent", "write request.useragent"),
    ("request.request_id", "write request.id"),
    ("request.auth.claims", "write request.auth.claims['name']"),
    ("request.auth", "write request.auth.principal, .audiences or .claims['name']"),
    ("response.status", "write response.code"),
    ("response.status_code", "write response.code"),
    ("response.duration", "write request.duration or response.backend_latency"),
    ("response.response_flags", "write response.flags"),
    ("source.ip", "write source.address"),
    ("source.principal", "write connection.uri_san_peer_certificate"),
    ("source.workload", "write filter_state.downstream_peer.workload"),
    ("destination.workload", "write filter_state.upstream_peer.workload"),
    ("upstream.cluster", "write xds.cluster_name"),
    ("connection.sni", "write connection.requested_server_name"),
];

const CANONICAL_NAME: &str = "write xds.node.metadata.LABELS['service.istio.io/canonical-name']";
const CANONICAL_REVISION: &str =
    "write xds.node.metadata.LABELS['service.istio.io/canonical-revision']";

const QUOTES: &str = "text needs quotes";

/// First segments of paths in older Istio expressions.
const FOREIGN_ROOTS: [(&str, &str); 3] = [
    ("upstream_peer", "write filter_state.upstream_peer.<field>"),
    ("downstream_peer", "write filter_state.downstream_peer.<field>"),
    ("attributes", "leave out attributes: write request.method"),
];

/// Returns the error for an unknown attribute.
pub(super) fn unknown(segments: &[&str]) -> InvalidExpression {
    let name = segments.join(".");
    let error = InvalidExpression::UnknownAttribute { name: name.clone(), hint: None };
    match hint(segments, &name) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn hint(segments: &[&str], name: &str) -> Option<String> {
    let foreign = FOREIGN_NAMES.iter().find(|(other, _)| *other == name);
    if let Some((_, hint)) = foreign {
        return Some((*hint).to_owned());
    }
    let peer = FOREIGN_ROOTS.iter().find(|(root, _)| segments.first() == Some(root));
    if let Some((_, hint)) = peer {
        return Some((*hint).to_owned());
    }
    match segments {
        ["weir", ..] => {
            Some("weir has operation, error, traceId, spanId, sampled, tag, fault".into())
        }
        ["baggage", ..] => Some("write baggage['key']".into()),
        ["filter_state" | "upstream_filter_state" | "node"] => {
            Some(format!("write {name}['name']"))
        }
        [word] => Some(format!("{QUOTES}: \"'{word}'\"")),
        [root, rest @ ..] => fields(root, rest),
        [] => None,
    }
}

/// Returns a hint about the fields of a root.
fn fields(root: &str, rest: &[&str]) -> Option<String> {
    let known = envoy_attributes::ROOTS.iter().find(|known| known.name == root)?;
    let field = rest.first().and_then(|field| known.fields.iter().find(|(name, ..)| name == field));
    Some(match field {
        Some((name, envoy_attributes::Shape::Headers, _)) => format!("write {root}.{name}['name']"),
        Some((name, envoy_attributes::Shape::Tree, _)) => {
            format!("write {root}.{name}['name'] or deeper")
        }
        Some((name, envoy_attributes::Shape::Leaf(_), _)) => format!("{root}.{name} has no fields"),
        None => {
            let names: Vec<&str> = known.fields.iter().map(|(name, ..)| *name).collect();
            format!("{root} has {}", names.join(", "))
        }
    })
}

/// Returns a hint for a text that was probably meant literally.
pub(super) fn unquoted_text(text: &str) -> Option<String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/ ".contains(&byte);
    let is_unquoted =
        text.bytes().all(is_word) && text.contains(|letter: char| letter.is_alphabetic());
    is_unquoted.then(|| format!("{QUOTES}: \"'{text}'\""))
}

/// Extends the hint about an unknown word to the whole text, such as `istio-proxy`.
pub(super) fn refine(error: InvalidExpression, text: &str) -> InvalidExpression {
    if let InvalidExpression::UnknownAttribute { hint: Some(hint), .. } = &error
        && hint.starts_with(QUOTES)
    {
        return unquoted_text(text).into_iter().fold(error, InvalidExpression::with_hint);
    }
    error
}
