//! Compiles operators and functions.

use cel::common::ast::{CallExpr, Expr, operators};
use filter_core::parse_duration;
use regex_lite::RegexBuilder;

use super::{Compiled, Compiler, Typed, fold, literal_text};
use crate::expression::{
    invalid::InvalidExpression,
    kind::Kind,
    node::Node,
    operation::{Binary, Unary},
    value::Value,
};

/// Maximum memory of a compiled regular expression in bytes.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// Unsupported functions with their alternatives.
const UNSUPPORTED_FUNCTIONS: [(&str, &str); 12] = [
    ("uint", "use int()"),
    ("bool", "compare with 'true'"),
    ("bytes", "use text"),
    ("timestamp", TIME_ARITHMETIC),
    ("type", "kinds are checked at configuration"),
    ("dyn", "numbers of different kinds can be compared"),
    ("matchesAll", "use matches()"),
    ("replace", "use extract or map of the label"),
    ("split", "use extract of the label"),
    ("substring", "use extract of the label"),
    ("upperAscii", "use lowerAscii()"),
    ("lower", "use lowerAscii()"),
];

const TIME_ARITHMETIC: &str = "arithmetic with timestamps is not supported";

impl Compiler<'_> {
    pub(super) fn call(&mut self, call: &CallExpr, depth: usize) -> Compiled {
        let name = call.func_name.as_str();
        let args: Vec<&Expr> = call.args.iter().map(|arg| &arg.expr).collect();
        let target = call.target.as_ref().map(|target| &target.expr);
        match (name, target, args.as_slice()) {
            (operators::LOGICAL_AND, None, [left, right]) => self.logic(name, left, right, depth),
            (operators::LOGICAL_OR, None, [left, right]) => self.logic(name, left, right, depth),
            (operators::CONDITIONAL, None, parts) => self.conditional(parts, depth),
            (operators::IN, None, [left, right]) => self.membership(left, right, depth),
            (operators::INDEX, ..) => Err(InvalidExpression::unsupported("[]").with_hint(
                "an index must be literal text on an attribute, such as request.headers['name']",
            )),
            ("duration", None, [text]) => duration(text),
            ("matches", Some(of), [pattern]) => self.matches(of, pattern, depth),
            ("matches", None, [of, pattern]) => self.matches(of, pattern, depth),
            (_, None, [of]) if Unary::operator(name).is_some() => {
                self.unary(Unary::operator(name), of, depth)
            }
            (_, None, [of]) => self.named(Unary::function(name), name, of, depth),
            (_, Some(of), []) => self.named(Unary::method(name), name, of, depth),
            (_, None, [left, right]) if Binary::operator(name).is_some() => {
                self.binary(Binary::operator(name), left, right, depth)
            }
            (_, Some(left), [right]) if Binary::method(name).is_some() => {
                self.binary(Binary::method(name), left, right, depth)
            }
            _ => Err(unknown(name)),
        }
    }

    fn named(&mut self, operation: Option<Unary>, name: &str, of: &Expr, depth: usize) -> Compiled {
        if operation.is_none() {
            return Err(unknown(name));
        }
        self.unary(operation, of, depth)
    }

    fn unary(&mut self, operation: Option<Unary>, of: &Expr, depth: usize) -> Compiled {
        let Some(operation) = operation else { return Err(unknown("this")) };
        let of = self.part(of, depth)?;
        let kind = operation.kind(&of.kind);
        let kind = kind.ok_or_else(|| InvalidExpression::kinds(operation.name(), &[&of.kind]))?;
        Ok(Typed { node: fold(Node::Unary(operation, Box::new(of.node)))?, kind })
    }

    pub(super) fn binary(
        &mut self,
        operation: Option<Binary>,
        left: &Expr,
        right: &Expr,
        depth: usize,
    ) -> Compiled {
        let Some(operation) = operation else { return Err(unknown("this")) };
        let (left, right) = (self.part(left, depth)?, self.part(right, depth)?);
        let kind = operation.kind(&left.kind, &right.kind).ok_or_else(|| {
            let error = InvalidExpression::kinds(operation.name(), &[&left.kind, &right.kind]);
            conversion(&left.kind, &right.kind)
                .into_iter()
                .fold(error, InvalidExpression::with_hint)
        })?;
        Ok(Typed { node: fold(Node::Binary(operation, Box::new((left.node, right.node))))?, kind })
    }

    fn logic(&mut self, name: &str, left: &Expr, right: &Expr, depth: usize) -> Compiled {
        let (left, right) = (self.part(left, depth)?, self.part(right, depth)?);
        let is_and = name == operators::LOGICAL_AND;
        if !left.kind.may_be(&Kind::Bool) || !right.kind.may_be(&Kind::Bool) {
            let name = if is_and { "&&" } else { "||" };
            return Err(InvalidExpression::kinds(name, &[&left.kind, &right.kind]));
        }
        let parts = Box::new((left.node, right.node));
        let node = if is_and { Node::And(parts) } else { Node::Or(parts) };
        Ok(Typed { node: fold(node)?, kind: Kind::Bool })
    }

    fn conditional(&mut self, parts: &[&Expr], depth: usize) -> Compiled {
        let [condition, left, right] = parts else { return Err(unknown("?:")) };
        let condition = self.part(condition, depth)?;
        let (left, right) = (self.part(left, depth)?, self.part(right, depth)?);
        if !condition.kind.may_be(&Kind::Bool) || !left.kind.may_equal(&right.kind) {
            let kinds = [&condition.kind, &left.kind, &right.kind];
            return Err(InvalidExpression::kinds("?:", &kinds));
        }
        let kind = if left.kind == right.kind { left.kind } else { Kind::Dynamic };
        let node = Node::Conditional(Box::new((condition.node, left.node, right.node)));
        Ok(Typed { node: fold(node)?, kind })
    }

    fn matches(&mut self, of: &Expr, pattern: &Expr, depth: usize) -> Compiled {
        let Some(source) = literal_text(pattern) else {
            return Err(InvalidExpression::unsupported("a computed regular expression"));
        };
        let of = self.part(of, depth)?;
        if !of.kind.may_be(&Kind::Text) {
            return Err(InvalidExpression::kinds("matches()", &[&of.kind]));
        }
        let built = RegexBuilder::new(source).size_limit(MAX_PATTERN_SIZE).nest_limit(64).build();
        let pattern = built
            .map_err(|error| InvalidExpression::Pattern(error.to_string().replace('\n', " ")))?;
        Ok(Typed { node: fold(Node::Matches(Box::new(of.node), pattern))?, kind: Kind::Bool })
    }
}

/// Compiles `duration('-1.5s')`.
fn duration(text: &Expr) -> Compiled {
    let Some(text) = literal_text(text) else {
        return Err(InvalidExpression::unsupported("duration() of a computed value"));
    };
    let unsigned = text.strip_prefix('-');
    let nanos = parse_duration(unsigned.unwrap_or(text)).ok();
    let nanos = nanos.and_then(|length| i64::try_from(length.as_nanos()).ok());
    let nanos =
        nanos.and_then(|nanos| if unsigned.is_some() { nanos.checked_neg() } else { Some(nanos) });
    let nanos = nanos.ok_or_else(|| InvalidExpression::Duration(text.to_owned()))?;
    Ok(Typed { node: Node::Constant(Value::Duration(nanos)), kind: Kind::Duration })
}

/// Returns a hint for operands of these kinds.
fn conversion(left: &Kind, right: &Kind) -> Option<&'static str> {
    let has = |kind: &Kind| left == kind || right == kind;
    let has_number = has(&Kind::Int) || has(&Kind::Double);
    match () {
        () if has(&Kind::Text) && has_number => Some("convert with int() or string()"),
        () if has(&Kind::Int) && has(&Kind::Double) => Some("convert with double()"),
        () if has(&Kind::Duration) && has_number => Some("write duration('1s')"),
        () if has(&Kind::Duration) && has(&Kind::Text) => Some("write duration('1s')"),
        () if has(&Kind::Timestamp) => Some(TIME_ARITHMETIC),
        () => None,
    }
}

fn unknown(name: &str) -> InvalidExpression {
    let hint =
        UNSUPPORTED_FUNCTIONS.iter().find(|(other, _)| *other == name).map(|(_, hint)| *hint);
    let error = InvalidExpression::unsupported(format!("{name}()"));
    hint.into_iter().fold(error, InvalidExpression::with_hint)
}
