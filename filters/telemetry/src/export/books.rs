//! What became of every item.

use super::{Dropped, Metric};

/// The counts of one lane since it began.
///
/// At every moment: built + adopted = sent + rejected + dropped + handed over + still there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Books {
    counts: [u64; Metric::COUNT],
    /// Items taken over from a lane of before.
    pub adopted: u64,
    /// Items left to a lane to come.
    pub handed_over: u64,
}

impl Books {
    /// Returns one count.
    #[must_use]
    pub fn count(&self, metric: Metric) -> u64 {
        self.counts.get(metric.index()).copied().unwrap_or_default()
    }

    /// Returns how many items must still be there for the books to balance.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        use Dropped::{Expired, Full, Oversize, Reconfigured, Refused};
        let dropped = [Full, Expired, Refused, Oversize, Reconfigured].map(Metric::Dropped);
        let gone = [Metric::Sent, Metric::Rejected].into_iter().chain(dropped);
        let gone =
            gone.fold(self.handed_over, |sum, metric| sum.saturating_add(self.count(metric)));
        self.count(Metric::Built).saturating_add(self.adopted).saturating_sub(gone)
    }

    /// Returns what was counted since `earlier`.
    pub fn since(&self, earlier: &Self) -> impl Iterator<Item = (Metric, u64)> {
        Metric::all().filter_map(|metric| {
            let more = self.count(metric).saturating_sub(earlier.count(metric));
            (more > 0).then_some((metric, more))
        })
    }

    pub(super) fn add(&mut self, metric: Metric, more: u64) {
        if let Some(count) = self.counts.get_mut(metric.index()) {
            *count = count.saturating_add(more);
        }
    }
}
