//! Delivery statistics of a pipeline.

use super::{Dropped, Metric};

/// The counts of one pipeline since it was opened.
///
/// At any time: built + taken over = sent + rejected + dropped + handed over + outstanding.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeliveryStats {
    counts: [u64; Metric::COUNT],
    /// Items taken over from the previous configuration.
    pub taken_over: u64,
    /// Items handed over to the next configuration.
    pub handed_over: u64,
}

impl DeliveryStats {
    /// Returns one count.
    #[must_use]
    pub fn count(&self, metric: Metric) -> u64 {
        self.counts.get(metric.index()).copied().unwrap_or_default()
    }

    /// Returns the number of items that must still be in the pipeline.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        use Dropped::{Expired, Full, Oversize, Reconfigured, Refused};
        let dropped = [Full, Expired, Refused, Oversize, Reconfigured].map(Metric::Dropped);
        let gone = [Metric::Sent, Metric::Rejected].into_iter().chain(dropped);
        let gone =
            gone.fold(self.handed_over, |sum, metric| sum.saturating_add(self.count(metric)));
        self.count(Metric::Built).saturating_add(self.taken_over).saturating_sub(gone)
    }

    /// Returns the counts that have grown since `earlier`, and by how much.
    pub fn since(&self, earlier: &Self) -> impl Iterator<Item = (Metric, u64)> {
        Metric::all().filter_map(|metric| {
            let growth = self.count(metric).saturating_sub(earlier.count(metric));
            (growth > 0).then_some((metric, growth))
        })
    }

    pub(super) fn add(&mut self, metric: Metric, count: u64) {
        if let Some(total) = self.counts.get_mut(metric.index()) {
            *total = total.saturating_add(count);
        }
    }
}
