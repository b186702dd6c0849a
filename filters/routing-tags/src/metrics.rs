//! The counters of the filter: a closed set, made from the configuration alone.

use filter_core::{label_value, metric_name_part};

/// Something that is counted whatever the configuration is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Event {
    /// A request got at least one tag.
    Tagged,
    /// A request got no tag and brought none that was kept.
    Untagged,
    /// An inbound tag of a stranger was removed.
    InboundStripped,
    /// An inbound tag was kept.
    InboundTrusted,
    /// An inbound tag of someone trusted was not a single valid one.
    InboundInvalid,
    /// An entry made a tag that is none.
    TagInvalid,
    /// A placeholder's value was absent or could not be written.
    ValueRefused,
    /// A request had none of the keys that would have kept it with one tag.
    Unkeyed,
    /// A cookie was issued.
    CookiesIssued,
    /// The baggage had no room for the tag.
    BaggageFull,
    /// A request was left alone that would have been changed but for `dryRun`.
    DryRun,
    /// The proxy failed to answer while a request was decided.
    Errors,
}

/// The place of a counter among [`Policy::counters`](crate::Policy::counters).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Counter(usize);

/// What is counted each time an entry decides.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct RuleCounters {
    rule: Option<Counter>,
    /// One per variant, in their order.
    variants: Vec<Counter>,
}

const PREFIX: &str = "weir_routing_tags_";

/// The labels of [`Policy::counters`](crate::Policy::counters) with `metrics.labels`, as Istio's
/// `extraStatTags` lists them.
pub const STAT_TAGS: [&str; 2] = ["rule", "tag"];

/// Entries behind this many share one counter.
const MAX_RULES: usize = 256;

impl Event {
    /// Lists every event.
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

    /// Returns the event's counter.
    #[must_use]
    pub const fn counter(self) -> Counter {
        Counter(self as usize)
    }

    const fn word(self) -> &'static str {
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
    /// Returns the place, counted from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

impl RuleCounters {
    /// Returns what is counted when `variant` is decided, or nothing had to be.
    pub(crate) fn of(&self, variant: Option<usize>) -> impl Iterator<Item = Counter> {
        let variant = variant.and_then(|variant| self.variants.get(variant));
        self.rule.into_iter().chain(variant.copied())
    }
}

/// Names the counters of a configuration, and says which ones each entry increments.
///
/// `entries` are their names and what metrics call their variants.
pub(crate) fn define<'a>(
    entries: impl Iterator<Item = (&'a str, Vec<String>)>,
    labels: bool,
) -> (Vec<String>, Vec<RuleCounters>) {
    let mut names = Names(Vec::new());
    for event in Event::ALL {
        names.find_or_add(format!("{PREFIX}{}_total", event.word()));
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
        let found = self.0.iter().position(|known| *known == name);
        Counter(found.unwrap_or_else(|| {
            self.0.push(name);
            self.0.len().saturating_sub(1)
        }))
    }
}

fn rule_name(name: &str, labels: bool) -> String {
    if labels {
        return format!("{PREFIX}rule_total.rule=.={};.;", label_value(name.as_bytes()));
    }
    format!("{PREFIX}rule_{}_total", clean(name))
}

fn variant_name(name: &str, tag: &str, labels: bool) -> String {
    if labels {
        let name = label_value(name.as_bytes());
        return format!("{PREFIX}rule_tag_total.rule=.={name};.;.tag=.={tag};.;");
    }
    format!("{PREFIX}rule_{}_tag_{}_total", clean(name), clean(tag))
}

/// Makes a text fit for a metric's name in Prometheus.
pub(crate) fn clean(text: &str) -> String {
    metric_name_part(text)
}

/// Names a canary's gauge or counter.
pub(crate) fn canary_name(entry: &str, what: &str) -> String {
    format!("{PREFIX}canary_{}_{what}", clean(entry))
}
