//! The units of a request.

use filter_core::{
    Captures, ConfigErrors, Needs, Placeholder, PlaceholderKind, PlaceholderText, Request,
    percent_decode,
};

use crate::{
    config::{CostConfig, CostFrom},
    key::header_values,
};

/// The kinds of placeholders in `cost.from`.
const KINDS: [PlaceholderKind; 3] =
    [PlaceholderKind::Claim, PlaceholderKind::Request, PlaceholderKind::Path];
const DEFAULT_MAX: u64 = 1_000;

/// The cost of a request.
#[derive(Debug)]
pub(super) enum Cost {
    /// The same for all requests.
    Fixed(u64),
    /// Read from the request.
    From {
        source: Placeholder,
        default: u64,
        /// 1 if the client can write the source.
        min: u64,
        max: u64,
    },
}

impl Cost {
    pub(super) fn compile(
        config: Option<&CostConfig>,
        path: &str,
        errors: &mut ConfigErrors,
    ) -> Self {
        match config {
            None => Self::Fixed(1),
            Some(CostConfig::Fixed(units)) => Self::Fixed(units.get()),
            Some(CostConfig::From(from)) => {
                from_request(from, path, errors).unwrap_or(Self::Fixed(1))
            }
        }
    }

    pub(super) fn add_needs(&self, needs: &mut Needs) {
        if let Self::From { source, .. } = self {
            source.add_needs(needs);
        }
    }

    /// Returns the name of the variable of a path template.
    pub(super) fn path_variable(&self) -> Option<&str> {
        match self {
            Self::From { source: Placeholder::Path(name), .. } => Some(name),
            _ => None,
        }
    }

    /// Returns the units of a request.
    pub(super) fn units(&self, request: &Request, captures: &Captures) -> u64 {
        match self {
            Self::Fixed(units) => *units,
            Self::From { source, default, min, max } => {
                // A number that is not whole is rounded up, and of several ones the largest counts, so
                // that no spelling lowers it.
                let number = match source {
                    Placeholder::Path(name) => {
                        let found = captures.iter().filter(|(found, _)| found == name);
                        found.filter_map(|(_, value)| units(&percent_decode(value))).max()
                    }
                    Placeholder::Request(name) => header_values(&request.headers, name)
                        .filter_map(|value| units(&value))
                        .max(),
                    source => source.of_request(request).and_then(|value| units(&value)),
                };
                let number = number.unwrap_or(*default);
                number.clamp(*min, *max)
            }
        }
    }
}

fn from_request(from: &CostFrom, path: &str, errors: &mut ConfigErrors) -> Option<Cost> {
    let max = from.max.map_or(DEFAULT_MAX, |max| max.get());
    let default = from.default.map_or(1, |default| default.get());
    if default > max {
        errors.add(
            format_args!("{path}.cost.default"),
            format_args!("must be at most max, got {default}"),
        );
    }
    let path = format!("{path}.cost.from");
    let text = PlaceholderText::parse(&from.from, &KINDS);
    let text = text.map_err(|rule| errors.add(&path, rule)).ok()?;
    let Some(source) = text.as_placeholder() else {
        errors.add(
            path,
            format_args!("must be one placeholder such as %CLAIM(weight)%, got \"{}\"", from.from),
        );
        return None;
    };
    let min = u64::from(!matches!(source, Placeholder::Claim(_)));
    Some(Cost::From { source: source.clone(), default, min, max: max.max(default) })
}

/// Reads a number of units, rounded up; `None` unless it is a non-negative number.
pub(super) fn units(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.trim_ascii();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let has_fraction = fraction.bytes().any(|digit| digit != b'0');
    // More digits than fit are a large number.
    let whole = whole.parse().unwrap_or(u64::MAX);
    Some(whole.saturating_add(u64::from(has_fraction)))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use filter_core::Headers;
    use serde_json::json;

    use super::*;

    fn cost(config: serde_json::Value) -> Cost {
        let config: CostConfig = serde_json::from_value(config).unwrap();
        let mut errors = ConfigErrors::default();
        let cost = Cost::compile(Some(&config), "limits[0]", &mut errors);
        errors.finish(cost).unwrap()
    }

    fn request(header: &str) -> Request {
        Request {
            headers: Headers::from_iter([("x-cost", header)]),
            claims: Some(json!({"weight": 0, "big": 5000, "float": 2.5, "text": "3"})),
            ..Request::default()
        }
    }

    #[test]
    fn a_header_never_lowers_the_cost_below_one() {
        let cost = cost(json!({"from": "%REQ(x-cost)%", "default": 3, "max": 50}));
        for (header, units) in [
            ("0", 1),
            ("1", 1),
            ("7", 7),
            ("7.0", 7),
            ("6.01", 7),
            ("50", 50),
            ("51", 50),
            ("99999999999999999999999999", 50),
            (" 8 ", 8),
            ("", 3),
            ("-1", 3),
            ("1e9", 3),
            ("0x10", 3),
            ("NaN", 3),
            ("1,2", 3),
            (".5", 3),
        ] {
            assert_eq!(cost.units(&request(header), &Vec::new()), units, "{header:?}");
        }
    }

    #[test]
    fn the_largest_of_several_numbers_counts() {
        let cost = |from: &str| cost(json!({"from": from}));
        let request = |values: [&str; 2]| Request {
            headers: values.iter().map(|value| ("x-cost", *value)).collect::<Headers>(),
            ..Request::default()
        };
        for (values, expected) in
            [(["1", "9"], 9), (["9", "1"], 9), (["x", "9"], 9), (["", "x"], 1)]
        {
            let header = cost("%REQ(x-cost)%");
            assert_eq!(header.units(&request(values), &Vec::new()), expected, "{values:?}");
            let captures = values.map(|value| ("n".to_owned(), value.as_bytes().to_vec())).to_vec();
            let path = cost("%PATH(n)%");
            assert_eq!(path.units(&Request::default(), &captures), expected, "{values:?}");
        }
    }

    #[test]
    fn a_claim_can_be_free() {
        for (claim, units) in
            [("weight", 0), ("big", 1_000), ("float", 3), ("text", 3), ("none", 1)]
        {
            let cost = cost(json!({"from": format!("%CLAIM({claim})%")}));
            assert_eq!(cost.units(&request("9"), &Vec::new()), units, "{claim}");
        }
    }

    #[test]
    fn a_path_variable_costs_at_least_one() {
        let cost = cost(json!({"from": "%PATH(count)%"}));
        let captures = |value: &str| vec![("count".to_owned(), value.as_bytes().to_vec())];
        assert_eq!(cost.units(&request(""), &captures("25")), 25);
        assert_eq!(cost.units(&request(""), &captures("0")), 1);
        assert_eq!(cost.units(&request(""), &Vec::new()), 1);
    }
}
