//! Horizontal bar chart in SVG.

use std::fmt::{self, Display, Formatter};

use crate::{
    results::Row,
    variants::typical::{Kind, TypicalRow},
};

const TITLE: &str = "CPU µs per request above no filter";
const WIDTH: f64 = 780.0;
/// Left end of the bars.
const LEFT: f64 = 260.0;
/// Length of the axis.
const AXIS: f64 = 450.0;
/// Upper end of the first bar.
const TOP: f64 = 40.0;
/// Distance between the upper ends of two bars.
const STEP: f64 = 26.0;
/// Height of a bar.
const BAR: f64 = 16.0;
/// Space below the last bar, for the axis.
const BOTTOM: f64 = 52.0;
/// Smallest number of intervals on the axis.
const INTERVALS: f64 = 4.0;

/// Colours for light and dark mode.
const STYLE: &str = "text { fill: #1f2328; font: 13px system-ui, sans-serif; } \
.grid { stroke: #d1d9e0; } .baseline { fill: #818b98; } .weir { fill: #0969da; } \
.envoy { fill: #bc4c00; } \
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .grid { stroke: #3d444d; } \
.baseline { fill: #9198a1; } .weir { fill: #4493f8; } .envoy { fill: #f0883e; } }";

/// Returns the chart of all rows with a difference from no filter, except that row itself.
pub(super) fn svg(rows: &[(&TypicalRow, &Row)]) -> String {
    let bars = rows.iter().filter(|(typical, _)| typical.name != crate::variants::NO_FILTER);
    let bar = |(typical, row): &(&TypicalRow, &Row)| {
        let micros = row.cpu.above_no_filter?;
        Some(Bar { label: Escaped(typical.label), kind: typical.kind, micros })
    };
    Chart(bars.filter_map(bar).collect()).to_string()
}

struct Bar {
    label: Escaped,
    kind: Kind,
    micros: f64,
}

struct Chart(Vec<Bar>);

impl Chart {
    /// Returns the distance between two ticks, in microseconds: 1, 2 or 5 times a power of ten.
    fn tick(&self) -> f64 {
        let longest = self.0.iter().map(|bar| bar.micros).fold(1.0, f64::max);
        let power = 10f64.powf((longest / INTERVALS).log10().floor());
        let steps = [5.0, 2.0].map(|step| step * power);
        steps.into_iter().find(|step| step * INTERVALS <= longest).unwrap_or(power)
    }

    /// Returns the number of intervals on the axis.
    fn intervals(&self) -> f64 {
        let tick = self.tick();
        self.0.iter().map(|bar| (bar.micros / tick).ceil()).fold(1.0, f64::max)
    }

    /// Returns the lower end of the bars.
    fn lower(&self) -> f64 {
        TOP + STEP * self.0.len() as f64
    }

    fn write_legend(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let entries = [
            (Kind::Weir, "Weir", 0.0),
            (Kind::Envoy, "Envoy's native filters", 80.0),
            (Kind::Baseline, "baseline", 260.0),
        ];
        for (kind, name, x) in entries {
            let x = LEFT + x;
            writeln!(
                f,
                r#"<rect class="{}" x="{x}" y="12" width="12" height="12"/>"#,
                class(kind)
            )?;
            writeln!(f, r#"<text x="{}" y="22">{name}</text>"#, x + 18.0)?;
        }
        Ok(())
    }

    fn write_axis(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (tick, intervals, lower) = (self.tick(), self.intervals(), self.lower());
        let mut index = 0.0;
        while index <= intervals {
            let x = LEFT + AXIS * index / intervals;
            let (upper, text) = (TOP - 6.0, lower + 16.0);
            writeln!(
                f,
                r#"<line class="grid" x1="{x:.1}" y1="{upper}" x2="{x:.1}" y2="{lower}"/>"#
            )?;
            let value = index * tick;
            writeln!(f, r#"<text x="{x:.1}" y="{text}" text-anchor="middle">{value}</text>"#)?;
            index += 1.0;
        }
        let (x, y) = (LEFT + AXIS / 2.0, lower + 38.0);
        writeln!(f, r#"<text x="{x}" y="{y}" text-anchor="middle">{TITLE}</text>"#)
    }

    fn write_bars(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scale = AXIS / (self.tick() * self.intervals());
        let mut y = TOP;
        for Bar { label, kind, micros } in &self.0 {
            let (base, width) = (y + BAR - 3.0, (micros * scale).max(0.0));
            let (before, after, class) = (LEFT - 8.0, LEFT + width + 6.0, class(*kind));
            writeln!(f, r#"<text x="{before}" y="{base}" text-anchor="end">{label}</text>"#)?;
            writeln!(
                f,
                r#"<rect class="{class}" x="{LEFT}" y="{y}" width="{width:.1}" height="{BAR}"/>"#
            )?;
            writeln!(f, r#"<text x="{after:.1}" y="{base}">{micros:.1}</text>"#)?;
            y += STEP;
        }
        Ok(())
    }
}

impl Display for Chart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let height = self.lower() + BOTTOM;
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title description">"#
        )?;
        writeln!(f, r#"<title id="title">{TITLE}</title>"#)?;
        let bars = self.0.iter().map(|bar| format!("{}: {:.1}", bar.label, bar.micros));
        let description = bars.collect::<Vec<_>>().join("; ");
        writeln!(f, r#"<desc id="description">{description}</desc>"#)?;
        writeln!(f, "<style>{STYLE}</style>")?;
        self.write_legend(f)?;
        self.write_axis(f)?;
        self.write_bars(f)?;
        writeln!(f, "</svg>")
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Baseline => "baseline",
        Kind::Weir => "weir",
        Kind::Envoy => "envoy",
    }
}

/// Text for SVG.
struct Escaped(&'static str);

impl Display for Escaped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('&', "&amp;").replace('<', "&lt;"))
    }
}

#[cfg(test)]
mod tests;
