//! Compiles the syntax tree of an expression.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use super::{
    attribute::{Attribute, Phase},
    attribute_table::{AttributeTable, Slot},
    evaluate::NoAttributes,
    hints,
    invalid::InvalidExpression,
    kind::Kind,
    node::Node,
    path::Path,
    value::Value,
};

mod call;
mod membership;

/// Maximum nesting depth.
const MAX_DEPTH: usize = 32;

/// A compiled node and the kind of its value.
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) kind: Kind,
}

type Compiled = Result<Typed, InvalidExpression>;

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<IdedExpr, InvalidExpression> {
    let parser = cel::parser::PrattParser::new()
        .max_recursion_depth(u16::try_from(MAX_DEPTH).unwrap_or(u16::MAX))
        .error_reporting_limit(1);
    parser.parse(text).map_err(|failure| {
        let first = failure.errors.first();
        // The parser reports no position if the expression is nested too deeply.
        let position = first.map(|error| error.pos).filter(|(line, _)| *line > 0);
        let Some((_, column)) = position else { return InvalidExpression::TooDeep };
        // The list of expected tokens consists of the parser's internal names.
        let reason = first.map(|error| error.msg.lines().next().unwrap_or_default());
        let reason =
            reason.map(|text| text.split_once(" expecting").map_or(text, |(start, _)| start));
        let reason = reason.unwrap_or_default().to_owned();
        let column = usize::try_from(column).unwrap_or_default();
        let error = InvalidExpression::Syntax { reason, column, hint: None };
        hints::unquoted_text(text).into_iter().fold(error, InvalidExpression::with_hint)
    })
}

/// The state of the compilation of one expression.
pub(super) struct Compiler<'r> {
    pub(super) phase: Phase,
    pub(super) reads: &'r mut AttributeTable,
    /// The slots of the attributes that the expression reads.
    pub(super) slots: Vec<Slot>,
}

impl Compiler<'_> {
    /// Compiles a subexpression with at most `depth` levels of nesting.
    pub(super) fn part(&mut self, expr: &Expr, depth: usize) -> Compiled {
        let Some(depth_left) = depth.checked_sub(1) else { return Err(InvalidExpression::TooDeep) };
        if let Some(path) = path(expr) {
            return self.attribute(&path);
        }
        match expr {
            Expr::Literal(literal) => self::literal(literal),
            Expr::List(list) => {
                let elements = list.elements.iter().map(|element| &element.expr);
                self.list(elements, depth_left)
            }
            Expr::Select(select) if select.test => self.presence(select),
            Expr::Call(call) => self.call(call, depth_left),
            Expr::Select(_) => Err(InvalidExpression::unsupported("a field of a computed value")),
            Expr::Comprehension(_) => {
                Err(InvalidExpression::unsupported("all, exists, exists_one, map or filter"))
            }
            Expr::Map(_) | Expr::Struct(_) => Err(InvalidExpression::unsupported("{}")),
            Expr::Ident(_) | Expr::Unspecified => Err(InvalidExpression::unsupported("this")),
        }
    }

    pub(super) fn root(&mut self, expr: &Expr) -> Compiled {
        self.part(expr, MAX_DEPTH)
    }

    /// Compiles a reference to an attribute.
    fn attribute(&mut self, path: &Path<'_>) -> Compiled {
        let attribute = path.resolve()?;
        let kind = attribute.kind();
        Ok(Typed { node: Node::Read(self.slot(attribute)?), kind })
    }

    fn slot(&mut self, attribute: Attribute) -> Result<Slot, InvalidExpression> {
        if attribute.phase() > self.phase {
            return Err(InvalidExpression::too_early(&attribute));
        }
        let slot = self.reads.slot(attribute);
        self.slots.push(slot);
        Ok(slot)
    }

    /// Compiles `has(a.b)`.
    fn presence(&mut self, select: &SelectExpr) -> Compiled {
        let Some(mut path) = path(&select.operand.expr) else {
            return Err(InvalidExpression::unsupported("has() of a computed value"));
        };
        path.0.push(&select.field);
        let slot = self.slot(path.resolve()?)?;
        Ok(Typed { node: Node::Has(slot), kind: Kind::Bool })
    }

    fn list<'e>(&mut self, elements: impl Iterator<Item = &'e Expr>, depth: usize) -> Compiled {
        let mut nodes = Vec::new();
        let mut kind: Option<Kind> = None;
        for element in elements {
            let typed = self.part(element, depth)?;
            kind = Some(match kind {
                Some(known) if known == typed.kind => known,
                Some(known) if !known.may_equal(&typed.kind) => {
                    return Err(InvalidExpression::kinds("a list", &[&known, &typed.kind]));
                }
                Some(_) => Kind::Dynamic,
                None => typed.kind,
            });
            nodes.push(typed.node);
        }
        let node = if nodes.is_empty() {
            Node::Constant(Value::List(vec![]))
        } else {
            fold(Node::List(nodes))?
        };
        Ok(Typed { node, kind: Kind::List(Box::new(kind.unwrap_or(Kind::Dynamic))) })
    }
}

/// Replaces a node by its value if its operands are constants.
pub(super) fn fold(node: Node) -> Result<Node, InvalidExpression> {
    if !node.is_foldable() {
        return Ok(node);
    }
    let value = node.evaluate(&NoAttributes).map(std::borrow::Cow::into_owned);
    value.map(Node::Constant).map_err(InvalidExpression::AlwaysFails)
}

/// Returns the path of an attribute: names and indexes with literal text; `None` for any other
/// expression.
fn path(expr: &Expr) -> Option<Path<'_>> {
    let mut segments = Vec::new();
    let mut expr = expr;
    loop {
        match expr {
            Expr::Ident(name) => {
                segments.push(name.as_str());
                segments.reverse();
                return Some(Path(segments));
            }
            Expr::Select(select) if !select.test => {
                segments.push(select.field.as_str());
                expr = &select.operand.expr;
            }
            Expr::Call(CallExpr { func_name, args, .. }) if func_name == operators::INDEX => {
                let [of, index] = args.as_slice() else { return None };
                segments.push(literal_text(&index.expr)?);
                expr = &of.expr;
            }
            _ => return None,
        }
    }
}

pub(super) fn literal_text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

fn literal(literal: &LiteralValue) -> Compiled {
    let (value, kind) = match literal {
        LiteralValue::Boolean(value) => (Value::Bool(*value.inner()), Kind::Bool),
        LiteralValue::Int(whole) => (Value::Int(*whole.inner()), Kind::Int),
        LiteralValue::Double(number) => (Value::Double(*number.inner()), Kind::Double),
        LiteralValue::String(text) => (Value::text(text.inner()), Kind::Text),
        LiteralValue::UInt(_) => {
            return Err(
                InvalidExpression::unsupported("an unsigned number").with_hint("leave out the u")
            );
        }
        LiteralValue::Bytes(_) => return Err(InvalidExpression::unsupported("bytes")),
        LiteralValue::Null => {
            let error = InvalidExpression::unsupported("null");
            return Err(error.with_hint("write has(a.b), or 'b' in a"));
        }
    };
    Ok(Typed { node: Node::Constant(value), kind })
}
