use super::*;
use crate::results::tests::results;

fn chart(micros: &[f64]) -> Chart {
    let bar = |micros: &f64| Bar { label: Escaped("a < b & c"), kind: Kind::Weir, micros: *micros };
    Chart(micros.iter().map(bar).collect())
}

/// Asserts that every element is closed in order, and that texts have no bare `<` or `&`.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("open tag: {part}"));
        let name = tag.trim_matches('/').split(' ').next().unwrap();
        assert!(tag.matches('"').count() % 2 == 0, "quotes of {tag}");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        let entities = text.replace("&amp;", "").replace("&lt;", "");
        assert!(!entities.contains(['&', '>']), "{text}");
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

#[test]
fn the_chart_is_well_formed() {
    assert_well_formed(&chart(&[12.0, 0.3, -0.2]).to_string());
    assert_well_formed(&chart(&[]).to_string());
}

#[test]
fn the_chart_has_a_bar_per_row_with_a_difference() {
    let results = results();
    let svg = svg(&super::super::typical_rows(&results));
    assert_well_formed(&svg);
    assert_eq!(svg.matches(r#"x="260" y="#).count(), 3, "legend and two bars: {svg}");
    assert!(
        svg.contains(r#"<title id="title">CPU µs per request above no filter</title>"#),
        "{svg}"
    );
    assert!(svg.contains(">telemetry: 9.0; stats access log: 2.0</desc>"), "{svg}");
}

#[test]
fn ticks_are_round() {
    for (longest, tick, intervals) in
        [(0.4, 0.2, 2.0), (7.0, 1.0, 7.0), (9.0, 2.0, 5.0), (43.0, 10.0, 5.0), (100.0, 20.0, 5.0)]
    {
        let chart = chart(&[longest]);
        assert_eq!((chart.tick(), chart.intervals()), (tick, intervals), "{longest}");
    }
}

#[test]
fn a_bar_below_zero_is_empty() {
    let svg = chart(&[10.0, -1.0]).to_string();
    assert!(svg.contains(r#"width="0.0""#) && svg.contains(">-1.0<"), "{svg}");
}
