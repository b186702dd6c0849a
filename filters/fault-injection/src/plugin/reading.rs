//! Reading the request.

use filter_host::{Result, clock, request};

use super::FaultInjection;
use crate::{Decision, Dice};

impl FaultInjection {
    /// Reads what the policy names and asks it.
    pub(super) fn ask(&self, dice: &Dice) -> Result<Decision> {
        let needs = self.policy.needs();
        let mut reading = request::read(needs)?;
        for name in self.policy.matched_headers() {
            // A header matches if any of its values does.
            let is_there = reading.request.headers.first(name).is_some();
            if !reading.is_whole && is_there && request::has_more_values(&reading.request, name)? {
                reading = request::read_whole(needs)?;
            }
        }
        Ok(self.policy.decide(&reading.request, dice, clock::now()?))
    }
}
