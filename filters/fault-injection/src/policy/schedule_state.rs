//! The state of the schedules, and its transitions.

use std::{fmt, time::SystemTime};

use super::{Entry, Policy};

/// The beginning or the end of a schedule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScheduleTransition {
    /// Name of the entry; `None` for the top-level schedule.
    pub entry: Option<String>,
    /// `true` if the schedule begins, `false` if it ends.
    pub begins: bool,
}

impl Policy {
    /// Returns `true` if a schedule limits the top level or an entry with a fault.
    pub fn has_schedules(&self) -> bool {
        !self.schedule.is_always() || self.scheduled_entries().next().is_some()
    }

    /// Returns the state of the schedules at `now`, a byte each, 1 if it is active: the top-level
    /// schedule, then those of entries with a schedule and a fault.
    pub fn schedule_state(&self, now: SystemTime) -> Vec<u8> {
        let entries = self.scheduled_entries().map(|(_, is_active)| is_active(now));
        std::iter::once(self.schedule.is_active(now)).chain(entries).map(u8::from).collect()
    }

    /// Returns the transitions between two states from [`Policy::schedule_state`], none if a state has
    /// another length.
    pub fn transitions(&self, before: &[u8], after: &[u8]) -> Vec<ScheduleTransition> {
        let entries = self.scheduled_entries().map(|(name, _)| Some(name));
        let names: Vec<_> = std::iter::once(None).chain(entries).collect();
        if before.len() != names.len() || after.len() != names.len() {
            return Vec::new();
        }
        let states = before.iter().zip(after).zip(names);
        let changed = states.filter(|((before, after), _)| before != after);
        changed
            .map(|((_, after), name)| ScheduleTransition {
                entry: name.map(str::to_owned),
                begins: *after == 1,
            })
            .collect()
    }

    /// Returns the names of the entries with a schedule and a fault, each with the test of its
    /// schedule.
    fn scheduled_entries(&self) -> impl Iterator<Item = (&str, impl Fn(SystemTime) -> bool)> {
        let scheduled = |entry: &&Entry| entry.fault.is_some() && !entry.schedule.is_always();
        let entries = self.entries.iter().filter(scheduled);
        entries.map(|entry| (entry.name.as_str(), |now| entry.schedule.is_active(now)))
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
