//! Resolves paths to attributes.

use super::{
    attribute::{Attribute, Encoding, Phase, WeirAttribute},
    envoy_attributes::{self, Shape},
    hints,
    invalid::InvalidExpression,
    kind::Kind,
};

/// The path of an attribute in an expression: names, outermost first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path<'e>(pub(super) Vec<&'e str>);

impl Path<'_> {
    /// Returns the attribute at the path.
    ///
    /// # Errors
    ///
    /// Returns an error with a hint if the attribute does not exist.
    pub(super) fn resolve(&self) -> Result<Attribute, InvalidExpression> {
        let found = match self.0.as_slice() {
            ["weir", name] => weir(name),
            ["baggage", key] => Some(Attribute::Baggage((*key).to_owned())),
            ["request", "auth", identity @ ..] => identity_attribute(identity),
            ["node", rest @ ..] => tree(&["xds", "node"], rest, Phase::Request),
            [root @ ("filter_state" | "upstream_filter_state"), rest @ ..] => {
                let phase = if *root == "filter_state" { Phase::Request } else { Phase::End };
                tree(&[root], rest, phase)
            }
            [root, field, rest @ ..] => envoy(root, field, rest),
            _ => None,
        };
        found.ok_or_else(|| hints::unknown(&self.0))
    }
}

fn weir(name: &str) -> Option<Attribute> {
    let property = |name: &str, phase| Attribute::property(&[name], Encoding::Text, phase);
    Some(match name {
        "operation" => Attribute::Weir(WeirAttribute::Operation),
        "error" => Attribute::Weir(WeirAttribute::Error),
        "traceId" => Attribute::Weir(WeirAttribute::TraceId),
        "spanId" => Attribute::Weir(WeirAttribute::SpanId),
        "sampled" => Attribute::Weir(WeirAttribute::Sampled),
        "tag" => property("weir.tag", Phase::Request),
        // fault-injection runs after telemetry.
        "fault" => property("weir.fault", Phase::End),
        _ => return None,
    })
}

fn identity_attribute(segments: &[&str]) -> Option<Attribute> {
    match segments {
        ["principal"] => Some(Attribute::Principal),
        ["audiences"] => Some(Attribute::Audiences),
        ["claims", claim @ ..] if !claim.is_empty() => {
            Some(Attribute::Claim(claim.iter().map(|name| (*name).to_owned()).collect()))
        }
        _ => None,
    }
}

fn envoy(root: &str, field: &str, rest: &[&str]) -> Option<Attribute> {
    let known = envoy_attributes::ROOTS.iter().find(|known| known.name == root)?;
    let (_, shape, phase) = known.fields.iter().find(|(name, ..)| *name == field)?;
    match (shape, rest) {
        (Shape::Leaf(encoding), []) => Some(Attribute::property(&[root, field], *encoding, *phase)),
        (Shape::Tree, rest) => tree(&[root, field], rest, *phase),
        (Shape::Headers, [name]) => {
            let name = name.to_ascii_lowercase();
            Some(match (root, field) {
                ("request", _) => Attribute::RequestHeader(name),
                (_, "trailers") => Attribute::ResponseTrailer(name),
                _ => Attribute::ResponseHeader(name),
            })
        }
        _ => None,
    }
}

/// Returns an attribute of arbitrary depth below `root`; `None` for `root` itself, which has no
/// value.
fn tree(root: &[&str], rest: &[&str], phase: Phase) -> Option<Attribute> {
    let segments: Vec<&str> = root.iter().chain(rest).copied().collect();
    (!rest.is_empty()).then(|| Attribute::property(&segments, Encoding::Dynamic, phase))
}

impl Attribute {
    /// Returns the kind of its value.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Property { encoding, .. } => match encoding {
                Encoding::Text => Kind::Text,
                Encoding::Int => Kind::Int,
                Encoding::Bool => Kind::Bool,
                Encoding::Duration => Kind::Duration,
                Encoding::Timestamp => Kind::Timestamp,
                Encoding::Dynamic => Kind::Dynamic,
            },
            Self::Weir(WeirAttribute::Error | WeirAttribute::Sampled) => Kind::Bool,
            Self::Audiences => Kind::List(Box::new(Kind::Text)),
            Self::Claim(_) => Kind::Dynamic,
            Self::RequestHeader(_)
            | Self::ResponseHeader(_)
            | Self::ResponseTrailer(_)
            | Self::Baggage(_)
            | Self::Principal
            | Self::Weir(
                WeirAttribute::Operation | WeirAttribute::TraceId | WeirAttribute::SpanId,
            ) => Kind::Text,
        }
    }
}
