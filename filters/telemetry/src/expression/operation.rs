//! Names and signatures of operators and functions.

use cel::common::ast::operators;

use super::kind::Kind;

/// An operator or function with one operand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unary {
    Not,
    Negate,
    Size,
    ToText,
    ToInt,
    ToDouble,
    LowerAscii,
}

/// An operator or function that always evaluates two operands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    StartsWith,
    EndsWith,
    Contains,
}

impl Unary {
    /// Returns the operator with the parser's name.
    pub(super) fn operator(name: &str) -> Option<Self> {
        match name {
            operators::LOGICAL_NOT => Some(Self::Not),
            operators::NEGATE => Some(Self::Negate),
            _ => None,
        }
    }

    /// Returns the function with this name.
    pub(super) fn function(name: &str) -> Option<Self> {
        Some(match name {
            "size" => Self::Size,
            "string" => Self::ToText,
            "int" => Self::ToInt,
            "double" => Self::ToDouble,
            _ => return None,
        })
    }

    /// Returns the method with this name.
    pub(super) fn method(name: &str) -> Option<Self> {
        match name {
            "size" => Some(Self::Size),
            "lowerAscii" => Some(Self::LowerAscii),
            _ => None,
        }
    }

    /// Returns the kind of the result; `None` if the operand must not have the kind `of`.
    pub(super) fn kind(self, of: &Kind) -> Option<Kind> {
        let given =
            |is_allowed: bool, kind: Kind| (is_allowed || *of == Kind::Dynamic).then_some(kind);
        match self {
            Self::Not => given(*of == Kind::Bool, Kind::Bool),
            Self::Negate => given(of.is_number(), of.clone()),
            Self::Size => given(matches!(of, Kind::Text | Kind::List(_)), Kind::Int),
            Self::ToText => given(!matches!(of, Kind::List(_)), Kind::Text),
            Self::ToInt => {
                given(of.is_number() || matches!(of, Kind::Text | Kind::Timestamp), Kind::Int)
            }
            Self::ToDouble => given(of.is_number() || *of == Kind::Text, Kind::Double),
            Self::LowerAscii => given(*of == Kind::Text, Kind::Text),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Negate => "-",
            Self::Size => "size()",
            Self::ToText => "string()",
            Self::ToInt => "int()",
            Self::ToDouble => "double()",
            Self::LowerAscii => "lowerAscii()",
        }
    }
}

impl Binary {
    /// Returns the operator with the parser's name.
    pub(super) fn operator(name: &str) -> Option<Self> {
        Some(match name {
            operators::ADD => Self::Add,
            operators::SUBSTRACT => Self::Subtract,
            operators::MULTIPLY => Self::Multiply,
            operators::DIVIDE => Self::Divide,
            operators::MODULO => Self::Remainder,
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::GREATER => Self::Greater,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            operators::IN => Self::In,
            _ => return None,
        })
    }

    /// Returns the method with this name.
    pub(super) fn method(name: &str) -> Option<Self> {
        match name {
            "startsWith" => Some(Self::StartsWith),
            "endsWith" => Some(Self::EndsWith),
            "contains" => Some(Self::Contains),
            _ => None,
        }
    }

    /// Returns the kind of the result; `None` if the operands must not have these kinds.
    pub(super) fn kind(self, left: &Kind, right: &Kind) -> Option<Kind> {
        match self {
            Self::Add => {
                arithmetic(left, right, &[Kind::Int, Kind::Double, Kind::Text, Kind::Duration])
            }
            Self::Subtract => arithmetic(left, right, &[Kind::Int, Kind::Double, Kind::Duration]),
            Self::Multiply | Self::Divide => arithmetic(left, right, &[Kind::Int, Kind::Double]),
            Self::Remainder => arithmetic(left, right, &[Kind::Int]),
            Self::Equal | Self::NotEqual => left.may_equal(right).then_some(Kind::Bool),
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                let ordered = left.may_equal(right) && left.is_ordered() && right.is_ordered();
                ordered.then_some(Kind::Bool)
            }
            Self::In => match right {
                Kind::List(element) => left.may_equal(element).then_some(Kind::Bool),
                Kind::Dynamic => Some(Kind::Bool),
                Kind::Bool
                | Kind::Int
                | Kind::Double
                | Kind::Text
                | Kind::Duration
                | Kind::Timestamp => None,
            },
            Self::StartsWith | Self::EndsWith | Self::Contains => {
                (left.may_be(&Kind::Text) && right.may_be(&Kind::Text)).then_some(Kind::Bool)
            }
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::StartsWith => "startsWith()",
            Self::EndsWith => "endsWith()",
            Self::Contains => "contains()",
        }
    }
}

/// Returns the common kind of both operands if it is one of `allowed`.
fn arithmetic(left: &Kind, right: &Kind, allowed: &[Kind]) -> Option<Kind> {
    let kind = if *left == Kind::Dynamic { right } else { left };
    let is_allowed = *kind == Kind::Dynamic || allowed.contains(kind);
    (is_allowed && left.may_be(right)).then(|| kind.clone())
}
