//! When schedules begin and end.

use std::{fmt, time::SystemTime};

use super::Policy;

/// A schedule that has begun or ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScheduleTransition {
    /// The entry whose schedule it is; `None` for that of the document.
    pub entry: Option<String>,
    /// Whether faults are in force from now on.
    pub begins: bool,
}

impl Policy {
    /// Says whether any schedule ever changes what is in force.
    pub fn is_timed(&self) -> bool {
        !self.schedule.is_always() || self.timed().next().is_some()
    }

    /// Says of each schedule whether it is in force, one byte each: that of the document, then those
    /// of the entries that have both a schedule and a fault.
    pub fn schedule_state(&self, now: SystemTime) -> Vec<u8> {
        let entries = self.timed().map(|(_, is_active)| is_active(now));
        std::iter::once(self.schedule.is_active(now)).chain(entries).map(u8::from).collect()
    }

    /// Returns what is in force in `after` and was not in `before`, and the other way round.
    ///
    /// Bytes that [`Policy::schedule_state`] did not write tell nothing.
    pub fn transitions(&self, before: &[u8], after: &[u8]) -> Vec<ScheduleTransition> {
        let entries = self.timed().map(|(name, _)| Some(name));
        let names: Vec<_> = std::iter::once(None).chain(entries).collect();
        if before.len() != names.len() || after.len() != names.len() {
            return Vec::new();
        }
        let states = before.iter().zip(after).zip(names);
        let turned = states.filter(|((before, after), _)| before != after);
        turned
            .map(|((_, after), name)| ScheduleTransition {
                entry: name.map(str::to_owned),
                begins: *after == 1,
            })
            .collect()
    }

    /// Returns the names of the entries with a schedule, each with that schedule's answer.
    fn timed(&self) -> impl Iterator<Item = (&str, impl Fn(SystemTime) -> bool)> {
        let timed = self.entries.iter().filter(|it| it.fault.is_some() && !it.schedule.is_always());
        timed.map(|entry| (entry.name.as_str(), |now| entry.schedule.is_active(now)))
    }
}

impl fmt::Display for ScheduleTransition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.begins { "begins" } else { "ends" };
        match &self.entry {
            Some(entry) => write!(out, "{entry}: its schedule {verb}"),
            None => write!(out, "the schedule {verb}"),
        }
    }
}
