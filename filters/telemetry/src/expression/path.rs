//! From the steps that an expression takes to the attribute at their end.

use super::{
    attribute::{Attribute, Form, Own, Phase},
    hints,
    invalid::InvalidExpression,
    kind::Kind,
    table::{self, Shape},
};

/// Steps to a value, as an expression writes them: names, outermost first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Path<'e>(pub(super) Vec<&'e str>);

impl Path<'_> {
    /// Finds what stands at the end of the steps.
    ///
    /// # Errors
    ///
    /// Refuses what no proxy has, with a word on what was probably meant.
    pub(super) fn resolve(&self) -> Result<Attribute, InvalidExpression> {
        let found = match self.0.as_slice() {
            ["weir", own] => weir(own),
            ["baggage", key] => Some(Attribute::Baggage((*key).to_owned())),
            ["request", "auth", identity @ ..] => auth(identity),
            ["node", rest @ ..] => tree(&["xds", "node"], rest, Phase::Request),
            [root @ ("filter_state" | "upstream_filter_state"), rest @ ..] => {
                let phase = if *root == "filter_state" { Phase::Request } else { Phase::End };
                tree(&[root], rest, phase)
            }
            [root, field, rest @ ..] => of_proxy(root, field, rest),
            _ => None,
        };
        found.ok_or_else(|| hints::unknown(&self.0))
    }
}

fn weir(name: &str) -> Option<Attribute> {
    let published = |name: &str| Attribute::property(&[name], Form::Text, Phase::Request);
    Some(match name {
        "operation" => Attribute::Own(Own::Operation),
        "error" => Attribute::Own(Own::Error),
        "traceId" => Attribute::Own(Own::TraceId),
        "spanId" => Attribute::Own(Own::SpanId),
        "sampled" => Attribute::Own(Own::Sampled),
        "tag" => published("weir.tag"),
        "fault" => published("weir.fault"),
        _ => return None,
    })
}

fn auth(steps: &[&str]) -> Option<Attribute> {
    match steps {
        ["principal"] => Some(Attribute::Principal),
        ["audiences"] => Some(Attribute::Audiences),
        ["claims", claim @ ..] if !claim.is_empty() => {
            Some(Attribute::Claim(claim.iter().map(|name| (*name).to_owned()).collect()))
        }
        _ => None,
    }
}

fn of_proxy(root: &str, field: &str, rest: &[&str]) -> Option<Attribute> {
    let known = table::ROOTS.iter().find(|known| known.name == root)?;
    let (_, shape, phase) = known.fields.iter().find(|(name, ..)| *name == field)?;
    match (shape, rest) {
        (Shape::Leaf(form), []) => Some(Attribute::property(&[root, field], *form, *phase)),
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

/// Finds a value in what only the proxy's configuration knows; the tree itself is no value.
fn tree(root: &[&str], rest: &[&str], phase: Phase) -> Option<Attribute> {
    let steps: Vec<&str> = root.iter().chain(rest).copied().collect();
    (!rest.is_empty()).then(|| Attribute::property(&steps, Form::Dynamic, phase))
}

impl Attribute {
    /// Returns the kind of its value.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Property { form, .. } => match form {
                Form::Text => Kind::Text,
                Form::Int => Kind::Int,
                Form::Bool => Kind::Bool,
                Form::Duration => Kind::Duration,
                Form::Timestamp => Kind::Timestamp,
                Form::Dynamic => Kind::Dynamic,
            },
            Self::Own(Own::Error | Own::Sampled) => Kind::Bool,
            Self::Audiences => Kind::List(Box::new(Kind::Text)),
            Self::Claim(_) => Kind::Dynamic,
            _ => Kind::Text,
        }
    }
}
