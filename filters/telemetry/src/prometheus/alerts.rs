//! Alerts.

use super::{Objective, Rules, rule::Rule};
use crate::{export::Metric, export::otlp::Signal};

/// Burn rate alerts: the factor, the long window and the short window.
const FAST: (f64, &str, &str) = (14.4, "1h", "5m");
const SLOW: (f64, &str, &str) = (6.0, "6h", "30m");

/// Returns the alerts for a document.
pub(super) fn alerts(rules: &Rules) -> Vec<Rule> {
    let mut all = Vec::from(traffic(rules));
    all.extend(slo_burn_rate(rules));
    all.extend(exporter(rules));
    all.push(overflow(rules));
    all.push(not_counting(rules));
    all
}

fn traffic(rules: &Rules) -> [Rule; 2] {
    let subject = if rules.is_labelled {
        "{{ $labels.request_operation }} in {{ $labels.namespace }}"
    } else {
        "{{ $labels.namespace }}"
    };
    let errors = "weir:errors:ratio_rate5m > 0.05 and weir:requests:rate5m > 0.1";
    let duration = "weir:duration_ms:p99_5m > 1000";
    [
        Rule::alert("WeirErrorRateHigh", errors.to_owned(), "5m", "critical").annotate(
            format!("{subject}: {{{{ $value | humanizePercentage }}}} of the streams are errors"),
            "Errors are status 500 or above, server-side gRPC statuses, and incomplete responses.",
        ),
        Rule::alert("WeirLatencyHigh", duration.to_owned(), "10m", "warning").annotate(
            format!("{subject}: the 99th percentile is {{{{ $value | humanize }}}} ms"),
            "Measured from the request headers to the end of the stream.",
        ),
    ]
}

/// Returns the burn rate alerts. The short window ends them soon after the errors stop.
fn slo_burn_rate(rules: &Rules) -> Vec<Rule> {
    let over = |(factor, long, short): (f64, &str, &str)| {
        let expression = |slo: &Objective| {
            let budget = slo.budget?;
            let exceeds = |window: &str| {
                let name = &slo.name;
                format!(
                    "weir:slo_error_budget:ratio_{window}{{slo=\"{name}\"}} > {factor} * {budget}"
                )
            };
            Some(format!("{} and {}", exceeds(long), exceeds(short)))
        };
        rules.objectives.iter().filter_map(expression).collect::<Vec<_>>().join(" or ")
    };
    if rules.objectives.iter().all(|slo| slo.budget.is_none()) {
        return Vec::new();
    }
    let subject = "{{ $labels.slo }} in {{ $labels.namespace }} burns its error budget";
    vec![
        Rule::alert("WeirSloBurnFast", over(FAST), "2m", "critical").annotate(
            format!("{subject} 14 times too fast"),
            "At this rate, the 30-day budget is exhausted in two days.",
        ),
        Rule::alert("WeirSloBurnSlow", over(SLOW), "15m", "warning").annotate(
            format!("{subject} six times too fast"),
            "At this rate, the 30-day budget is exhausted in five days.",
        ),
    ]
}

fn exporter(rules: &Rules) -> [Rule; 2] {
    let subject = "{{ $labels.namespace }}/{{ $labels.pod }}";
    let dropped = |metric: &Metric| matches!(metric, Metric::Dropped(_));
    let failed = |metric: &Metric| matches!(metric, Metric::Failures(_));
    [
        Rule::alert("WeirTelemetryExportDropping", rising(rules, dropped), "5m", "warning")
            .annotate(
                format!("{subject} drops spans or log records"),
                "Depending on the reason, the collector is slow, unavailable, or refuses them.",
            ),
        Rule::alert("WeirTelemetryExportFailing", rising(rules, failed), "10m", "warning")
            .annotate(
                format!("{subject} fails to export"),
                "Items stay in the queue, and are dropped once it is full.",
            ),
    ]
}

/// Returns an expression that has results while one of the selected counters rises.
fn rising(rules: &Rules, selects: fn(&Metric) -> bool) -> String {
    let mut terms = Vec::new();
    for signal in [Signal::Traces, Signal::Logs] {
        for metric in Metric::all().filter(selects) {
            let name = metric.name(signal, rules.is_labelled);
            let family = name.and_then(|name| name.split('.').next().map(str::to_owned));
            let term = family.map(|family| match rules.is_labelled {
                true => format!("sum by (namespace, pod, reason) (rate({family}[5m])) > 0"),
                false => format!("rate({family}[5m]) > 0"),
            });
            terms.extend(term.filter(|term| !terms.contains(term)));
        }
    }
    terms.join(" or ")
}

fn overflow(rules: &Rules) -> Rule {
    if rules.is_labelled {
        let rate = "sum by (namespace, metric) (rate(weir_telemetry_overflow_total[10m])) > 0";
        return Rule::alert("WeirTelemetryOverflow", rate.to_owned(), "10m", "warning").annotate(
            "{{ $labels.metric }} in {{ $labels.namespace }} has reached a limit of series or values",
            "New values are counted as other. Restrict the label with map, values or buckets, or raise its limit.",
        );
    }
    let rate = "rate(weir_telemetry_expression_errors_total[10m]) > 0";
    Rule::alert("WeirTelemetryOverflow", rate.to_owned(), "10m", "warning").annotate(
        "{{ $labels.namespace }}/{{ $labels.pod }}: expressions fail, or give values out of range",
        "Check the expressions of the document, first of all the values of metric definitions.",
    )
}

fn not_counting(rules: &Rules) -> Rule {
    let sum = |rate: &str| format!("sum by (namespace, pod) (rate({rate}[5m])) > 0");
    let proxy = sum("envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix!=\"admin\"}");
    let ours = sum(&format!("{}_requests_total", rules.prefix));
    let expression = format!("{proxy} unless {ours}");
    Rule::alert("WeirTelemetryBlind", expression, "5m", "critical").annotate(
        "{{ $labels.namespace }}/{{ $labels.pod }} serves requests that are not counted",
        "The filter is not loaded, its configuration was rejected, or it has crashed. The proxy still serves requests.",
    )
}
