//! Phrases that make text hard to read, counted in comments, messages, schemas and Markdown.

use anyhow::Result;
use tests::repository;

/// Maximum number of occurrences per 1,000 lines of comments and Markdown, measured in
/// linkerd2-proxy, rustls, tower, http and vector.
const LIMITS: [(Phrase, f64); 7] = [
    (Phrase::OpensWith("what"), 0.7),
    (Phrase::Any(&["says whether", "say whether"]), 0.0),
    (Phrase::Any(&["told", "tells"]), 0.6),
    (Phrase::Any(&["stands for", "stands in", "stands at", "stand for", "stand in"]), 0.0),
    (Phrase::Any(&["whoever", "nobody", "somebody"]), 0.2),
    (Phrase::Any(&["is no", "are no", "was no"]), 3.3),
    (Phrase::Any(&["at hand", "beside"]), 0.0),
];

/// Longer phrases that contain one of the above but are not counted.
const HARMLESS: [&str; 4] = ["is no longer", "are no longer", "was no longer", "is no more"];

/// A phrase to count.
#[derive(Clone, Copy, Debug)]
enum Phrase {
    /// A doc comment begins with this word.
    OpensWith(&'static str),
    /// One of these, anywhere.
    Any(&'static [&'static str]),
}

impl Phrase {
    fn count(self, line: &Line<'_>) -> usize {
        match self {
            Self::OpensWith(word) => {
                usize::from(line.is_doc && line.words.starts_with(&format!(" {word} ")))
            }
            Self::Any(phrases) => {
                let count = |phrase: &&str| line.words.matches(&format!(" {phrase} ")).count();
                phrases.iter().map(count).sum()
            }
        }
    }
}

/// A line of text that people read.
struct Line<'a> {
    place: String,
    text: &'a str,
    /// Its words in lower case, each between spaces.
    words: String,
    /// `true` for comments and Markdown, whose lines the limits are relative to.
    is_prose: bool,
    is_doc: bool,
}

impl<'a> Line<'a> {
    fn new(place: String, text: &'a str, is_prose: bool, is_doc: bool) -> Self {
        let word = |letter: char| if letter.is_alphanumeric() { letter } else { ' ' };
        let words: String = text.to_lowercase().chars().map(word).collect();
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let words = HARMLESS.iter().fold(format!(" {words} "), |words, harmless| {
            words.replace(&format!(" {harmless} "), " ")
        });
        Self { place, text, words, is_prose, is_doc }
    }
}

/// Returns the readable lines of a file.
fn lines<'a>(path: &str, text: &'a str) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let place = format!("{path}:{number}");
        if path.ends_with(".md") || path.starts_with("schemas/") {
            lines.push(Line::new(place, line, path.ends_with(".md"), false));
        } else if let Some(comment) = line.trim_start().strip_prefix("//") {
            let is_doc = comment.starts_with(['/', '!']);
            lines.push(Line::new(place, comment.trim_start_matches(['/', '!']), true, is_doc));
        } else {
            // Every second part is inside quotes, except after an escaped quote.
            let messages = line.split('"').skip(1).step_by(2);
            lines.extend(messages.map(|text| Line::new(place.clone(), text, false, false)));
        }
    }
    lines
}

#[test]
fn phrases_stay_within_limits() -> Result<()> {
    let texts = repository::texts()?;
    let is_read = |path: &str| {
        let is_text = path.ends_with(".rs") || path.ends_with(".md");
        // This file names the phrases.
        (is_text || path.starts_with("schemas/")) && !path.ends_with("tidy/phrases.rs")
    };
    let read = texts.iter().filter(|(path, _)| is_read(path));
    let all: Vec<_> = read.flat_map(|(path, text)| lines(path, text)).collect();
    let length = all.iter().filter(|line| line.is_prose).count();
    let mut findings = Vec::new();
    for (phrase, limit) in LIMITS {
        let found: Vec<_> = all.iter().filter(|line| phrase.count(line) > 0).collect();
        let count: usize = found.iter().map(|line| phrase.count(line)).sum();
        let per_thousand = 1_000.0 * count as f64 / length as f64;
        if per_thousand > limit {
            findings.push(format!("{phrase:?}: {per_thousand:.1} per 1,000 lines, limit {limit}"));
            findings.extend(found.iter().map(|line| format!("  {}: {}", line.place, line.text)));
        }
    }
    super::assert_none(&findings);
    Ok(())
}

#[test]
fn closures_name_their_parameter() -> Result<()> {
    let mut findings = Vec::new();
    for (path, text) in super::rust()? {
        for (number, line) in (1..).zip(text.lines()) {
            let forms = [concat!("|", "it|"), concat!("|&", "it|"), concat!("|mut ", "it|")];
            if forms.iter().any(|form| line.contains(form)) {
                findings.push(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    super::assert_none(&findings);
    Ok(())
}
