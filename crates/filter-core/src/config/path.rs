//! Paths of values in a document.

use std::fmt;

use serde_json::Value;
use serde_path_to_error::Segment;

/// One step into a list or an object.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Step {
    Index(usize),
    Member(String),
}

/// The steps from the root to a value.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Path(pub(super) Vec<Step>);

impl Path {
    /// Converts the path of a serde error, up to its first unknown segment.
    pub(super) fn of(path: &serde_path_to_error::Path) -> Self {
        let steps = path.iter().map_while(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Member(key.clone())),
            Segment::Enum { variant } => Some(Step::Member(variant.clone())),
            Segment::Unknown => None,
        });
        Self(steps.collect())
    }

    pub(super) fn member(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Member(name.to_owned()));
        path
    }

    /// Returns the path of the enclosing object or list.
    pub(super) fn parent(&self) -> Self {
        Self(self.0.split_last().map_or_else(Vec::new, |(_, steps)| steps.to_vec()))
    }

    /// Removes trailing steps that do not exist in `root`, and returns the value at the end.
    pub(super) fn resolve<'a>(&mut self, root: &'a Value) -> &'a Value {
        let mut value = root;
        for index in 0..self.0.len() {
            let next = match self.0.get(index) {
                Some(Step::Index(index)) => value.get(index),
                Some(Step::Member(name)) => value.get(name),
                None => None,
            };
            let Some(next) = next else {
                self.0.truncate(index);
                break;
            };
            value = next;
        }
        value
    }

    /// Replaces the value in `root`.
    pub(super) fn replace(&self, root: &mut Value, value: Value) {
        if let Some(old) = Self::find(&self.0, root) {
            *old = value;
        }
    }

    /// Removes the value from `root`; returns `false` if the path is empty or does not exist.
    pub(super) fn remove(&self, root: &mut Value) -> bool {
        let Some((last, steps)) = self.0.split_last() else { return false };
        match (Self::find(steps, root), last) {
            (Some(Value::Array(list)), Step::Index(index)) if *index < list.len() => {
                list.remove(*index);
                true
            }
            (Some(Value::Object(members)), Step::Member(name)) => members.remove(name).is_some(),
            _ => false,
        }
    }

    fn find<'a>(steps: &[Step], root: &'a mut Value) -> Option<&'a mut Value> {
        steps.iter().try_fold(root, |value, step| match step {
            Step::Index(index) => value.get_mut(index),
            Step::Member(name) => value.get_mut(name),
        })
    }

    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(out, "[{index}]")?,
                Step::Member(name) if !is_plain(name) => {
                    write!(out, "[{}]", crate::config::shown::QuotedText(name))?;
                }
                Step::Member(name) if depth == 0 => out.write_str(name)?,
                Step::Member(name) => write!(out, ".{name}")?,
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}
