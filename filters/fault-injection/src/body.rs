//! Edits of a response body, chunk by chunk.

use std::rc::Rc;

/// A change to a response body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BodyEdit {
    /// Replaces the body.
    Replace(Rc<[u8]>),
    /// Keeps at most this many bytes.
    Truncate(u64),
    /// Resets the stream once the body exceeds this many bytes.
    Reset(u64),
}

/// The edit of one chunk of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Chunk {
    /// Leaves the chunk unchanged.
    Keep,
    /// Replaces the chunk.
    Replace(Rc<[u8]>),
    /// Keeps at most this many bytes of the chunk.
    Cut(usize),
    /// Resets the stream.
    Reset,
}

impl BodyEdit {
    /// Returns the edit of a chunk of `size` bytes that follows `seen` bytes.
    ///
    /// `is_first` is `true` for the first chunk only, even if that chunk is empty.
    pub fn edit(&self, is_first: bool, seen: u64, size: usize) -> Chunk {
        let until = seen.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        match self {
            Self::Replace(body) if is_first => Chunk::Replace(Rc::clone(body)),
            Self::Replace(_) if size > 0 => Chunk::Cut(0),
            Self::Truncate(keep) if until > *keep => {
                Chunk::Cut(usize::try_from(keep.saturating_sub(seen)).unwrap_or(usize::MAX))
            }
            Self::Reset(keep) if until > *keep => Chunk::Reset,
            Self::Replace(_) | Self::Truncate(_) | Self::Reset(_) => Chunk::Keep,
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn edits_depend_on_the_offset_of_the_chunk() {
        let body: Rc<[u8]> = Rc::from(*b"other");
        let replace = BodyEdit::Replace(Rc::clone(&body));
        for (edit, is_first, seen, size, chunk) in [
            (&replace, true, 0, 10, Chunk::Replace(Rc::clone(&body))),
            (&replace, true, 0, 0, Chunk::Replace(body.clone())),
            (&replace, false, 10, 10, Chunk::Cut(0)),
            (&replace, false, 20, 0, Chunk::Keep),
            (&BodyEdit::Truncate(10), true, 0, 10, Chunk::Keep),
            (&BodyEdit::Truncate(10), false, 5, 10, Chunk::Cut(5)),
            (&BodyEdit::Truncate(10), false, 20, 10, Chunk::Cut(0)),
            (&BodyEdit::Truncate(0), true, 0, 1, Chunk::Cut(0)),
            (&BodyEdit::Reset(10), true, 0, 10, Chunk::Keep),
            (&BodyEdit::Reset(10), false, 10, 1, Chunk::Reset),
            (&BodyEdit::Reset(0), true, 0, 1, Chunk::Reset),
            (&BodyEdit::Reset(u64::MAX), false, u64::MAX, 1, Chunk::Keep),
        ] {
            assert_eq!(edit.edit(is_first, seen, size), chunk, "{edit:?} {seen} {size}");
        }
    }
}
