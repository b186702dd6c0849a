//! Any text is refused or is an expression, which evaluates to the same value each time, of the
//! required kind.

#![no_main]

use fuzz::{message::cut, values};
use libfuzzer_sys::fuzz_target;
use telemetry::expression::{
    Attribute, AttributeCache, AttributeTable, Attributes, Encoding, Expression, Phase, ResultKind,
    Slot, Value, WeirAttribute,
};

/// A stream with all attributes.
struct Stream(AttributeCache);

impl Attributes for Stream {
    fn value(&self, slot: Slot) -> Option<&Value> {
        self.0.get(slot, || None)
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (text, rest) = cut(bytes, b'\n');
    let Ok(text) = std::str::from_utf8(text) else { return };
    for phase in [Phase::Request, Phase::End] {
        for wanted in [ResultKind::Bool, ResultKind::Number, ResultKind::Scalar, ResultKind::Any] {
            check(text, phase, wanted, rest);
        }
    }
});

fn check(text: &str, phase: Phase, wanted: ResultKind, rest: &[u8]) {
    let mut reads = AttributeTable::default();
    let expression = match Expression::compile(text, phase, wanted, &mut reads) {
        Ok(expression) => expression,
        Err(invalid) => {
            let told = invalid.to_string();
            assert!(!told.is_empty() && told.len() <= 8 * 1024, "{} bytes", told.len());
            return;
        }
    };
    assert!(text.len() <= 1024);
    for (_, attribute) in reads.iter() {
        assert!(phase == Phase::End || attribute.phase() == Phase::Request, "{attribute} is late");
        let _ = attribute.decode(rest.to_vec());
    }
    let stream = stream(&reads, rest);
    let value = expression.evaluate(&stream);
    assert_eq!(format!("{value:?}"), format!("{:?}", expression.evaluate(&stream)));
    let Ok(value) = value else { return };
    let is_wanted = match wanted {
        ResultKind::Bool => matches!(*value, Value::Bool(_)),
        ResultKind::Number => matches!(*value, Value::Int(_) | Value::Double(_)),
        ResultKind::Scalar => !matches!(*value, Value::List(_)),
        ResultKind::Any => true,
    };
    let is_checked = !reads.iter().any(|(_, attribute)| is_dynamic(attribute));
    assert!(is_wanted || !is_checked, "{wanted:?} of {text} is {value:?}");
    let is_true = if let Value::Bool(holds) = &*value { Some(*holds) } else { None };
    assert_eq!(expression.holds(&stream).ok(), is_true);
}

/// A stream on which each attribute has one of the values, if it is of the attribute's kind.
fn stream(reads: &AttributeTable, rest: &[u8]) -> Stream {
    let values: Vec<Option<Value>> = rest.split(|byte| *byte == b'\n').map(values::read).collect();
    let readings = reads.new_cache();
    for (index, (slot, attribute)) in reads.iter().enumerate() {
        let value = values.get(index % values.len()).cloned().flatten();
        readings.get(slot, || value.filter(|value| suits(attribute, value)));
    }
    Stream(readings)
}

/// Returns `true` if an attribute has values of any kind.
const fn is_dynamic(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Claim(_) | Attribute::Property { encoding: Encoding::Dynamic, .. }
    )
}

fn suits(attribute: &Attribute, value: &Value) -> bool {
    match attribute {
        Attribute::Property { encoding: Encoding::Int, .. } => matches!(value, Value::Int(_)),
        Attribute::Property { encoding: Encoding::Bool, .. } => matches!(value, Value::Bool(_)),
        Attribute::Property { encoding: Encoding::Duration, .. } => {
            matches!(value, Value::Duration(_))
        }
        Attribute::Property { encoding: Encoding::Timestamp, .. } => {
            matches!(value, Value::Timestamp(_))
        }
        Attribute::Weir(WeirAttribute::Error | WeirAttribute::Sampled) => {
            matches!(value, Value::Bool(_))
        }
        Attribute::Audiences => {
            matches!(value, Value::List(all) if all.iter().all(|value| matches!(value, Value::Text(_))))
        }
        _ => is_dynamic(attribute) || matches!(value, Value::Text(_)),
    }
}
