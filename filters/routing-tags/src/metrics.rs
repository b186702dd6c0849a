//! The counters of the filter, a set that depends on the configuration only.

use filter_core::{label_value, metric_name_part};

/// A counter that exists in every configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Requests that got at least one tag.
    Tagged,
    /// Requests without any tag.
    Untagged,
    /// Inbound tags removed because the client is not trusted.
    InboundStripped,
    /// Inbound tags kept.
    InboundTrusted,
    /// Inbound tags of trusted clients that were repeated or invalid.
    InboundInvalid,
    /// Tags with placeholders that were not valid after expansion.
    TagInvalid,
    /// Header operations left out because a placeholder's value was absent or refused.
    ValueRefused,
    /// Requests without the key of an entry's `consistentHash`.
    Unkeyed,
    /// Issued cookies.
    CookiesIssued,
    /// Requests whose baggage had no room for the tag.
    BaggageFull,
    /// Requests that `dryRun` left unchanged.
    DryRun,
    /// Failed host calls.
    Errors,
}

/// A counter: an index into [`Policy::counters`](crate::Policy::counters).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Counter(usize);

/// The counters to increment when an entry decides.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct RuleCounters {
    rule: Option<Counter>,
    /// Indexed by variant.
    variants: Vec<Counter>,
}

const PREFIX: &str = "weir_routing_tags_";

/// The tags to list in Istio's `extraStatTags` for `metrics.labels`.
pub const STAT_TAGS: [&str; 2] = ["rule", "tag"];

/// Maximum number of entries with their own counters; the others share one.
const MAX_RULES: usize = 256;

impl Metric {
    /// All metrics, in the order of their counters.
    pub const ALL: [Self; 12] = [
        Self::Tagged,
        Self::Untagged,
        Self::InboundStripped,
        Self::InboundTrusted,
        Self::InboundInvalid,
        Self::TagInvalid,
        Self::ValueRefused,
        Self::Unkeyed,
        Self::CookiesIssued,
        Self::BaggageFull,
        Self::DryRun,
        Self::Errors,
    ];

    /// Returns the counter.
    #[must_use]
    pub const fn counter(self) -> Counter {
        Counter(self as usize)
    }

    const fn stem(self) -> &'static str {
        match self {
            Self::Tagged => "tagged",
            Self::Untagged => "untagged",
            Self::InboundStripped => "inbound_stripped",
            Self::InboundTrusted => "inbound_trusted",
            Self::InboundInvalid => "inbound_invalid",
            Self::TagInvalid => "tag_invalid",
            Self::ValueRefused => "value_refused",
            Self::Unkeyed => "unkeyed",
            Self::CookiesIssued => "cookies_issued",
            Self::BaggageFull => "baggage_full",
            Self::DryRun => "dry_run",
            Self::Errors => "errors",
        }
    }
}

impl Counter {
    /// Returns the index of the counter in [`Policy::counters`](crate::Policy::counters).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl RuleCounters {
    /// Returns the counters for a variant of the entry.
    pub(crate) fn of_variant(&self, variant: usize) -> impl Iterator<Item = Counter> {
        self.rule.into_iter().chain(self.variants.get(variant).copied())
    }
}

/// Returns the names of the counters, and the counters of each entry.
///
/// `entries` yields the name of each entry and the labels of its variants.
pub(crate) fn define<'a>(
    entries: impl Iterator<Item = (&'a str, Vec<String>)>,
    labels: bool,
) -> (Vec<String>, Vec<RuleCounters>) {
    let mut names = Names(Vec::new());
    for metric in Metric::ALL {
        names.find_or_add(format!("{PREFIX}{}_total", metric.stem()));
    }
    let rules = entries.enumerate().map(|(index, (name, variants))| {
        if index >= MAX_RULES {
            let rule = Some(names.find_or_add(format!("{PREFIX}rule_other_total")));
            return RuleCounters { rule, variants: Vec::new() };
        }
        let rule = names.find_or_add(rule_name(name, labels));
        let variants =
            variants.iter().map(|tag| names.find_or_add(variant_name(name, tag, labels)));
        RuleCounters { rule: Some(rule), variants: variants.collect() }
    });
    let rules = rules.collect();
    (names.0, rules)
}

struct Names(Vec<String>);

impl Names {
    fn find_or_add(&mut self, name: String) -> Counter {
        let index = self.0.iter().position(|known| *known == name);
        Counter(index.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len().saturating_sub(1)
        }))
    }
}

fn rule_name(name: &str, labels: bool) -> String {
    if labels {
        return format!("{PREFIX}rule_total.rule=.={};.;", label_value(name.as_bytes()));
    }
    format!("{PREFIX}rule_{}_total", metric_name_part(name))
}

fn variant_name(name: &str, tag: &str, labels: bool) -> String {
    if labels {
        let name = label_value(name.as_bytes());
        return format!("{PREFIX}rule_tag_total.rule=.={name};.;.tag=.={tag};.;");
    }
    format!("{PREFIX}rule_{}_tag_{}_total", metric_name_part(name), metric_name_part(tag))
}

/// Returns the name of a canary's gauge or counter.
pub(crate) fn canary_name(entry: &str, suffix: &str) -> String {
    format!("{PREFIX}canary_{}_{suffix}", metric_name_part(entry))
}
