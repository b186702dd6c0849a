//! Names of code, files and tasks in the documents for contributors.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use tests::{process::read_text, repository};

/// The documents whose names must exist.
const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

#[test]
fn every_name_in_the_documents_exists() -> Result<()> {
    let texts = repository::texts()?;
    let paths: BTreeSet<&str> = texts.iter().map(|(path, _)| path.as_str()).collect();
    let makefile = read_text(&repository::root().join("Makefile"))?;
    let code = texts.iter().filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".toml"));
    let files: Vec<_> = code.map(|(_, text)| Code::new(text)).collect();
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        let text = read_text(&repository::root().join(document))?;
        let mut checked: usize = 0;
        for name in quoted(&text) {
            let exists = match Name::of(name) {
                Name::Path(path) => is_path(path, &paths),
                Name::Task(task) => makefile.contains(&format!("\n{task}:")),
                Name::Code(segments) => files.iter().any(|file| file.has(&segments)),
                Name::Other => continue,
            };
            checked += 1;
            if !exists {
                findings.push(format!("{document} names `{name}`, which does not exist"));
            }
        }
        (checked > 10).then_some(()).with_context(|| format!("{document} names almost nothing"))?;
    }
    super::assert_none(&findings);
    Ok(())
}

/// A name in backticks.
enum Name<'a> {
    Path(&'a str),
    /// A task of the Makefile.
    Task(&'a str),
    /// The segments of a Rust path.
    Code(Vec<&'a str>),
    /// A command, a value, or a pattern.
    Other,
}

impl<'a> Name<'a> {
    fn of(name: &'a str) -> Self {
        if let Some(task) = name.strip_prefix("make ").and_then(|rest| rest.split(' ').next()) {
            return Self::Task(task);
        }
        if name.contains([' ', '<', '>', '*', '=', '$', '{', '"', ':']) && !name.contains("::") {
            return Self::Other;
        }
        let is_file =
            [".rs", ".md", ".toml", ".yaml", ".json", "/"].iter().any(|end| name.ends_with(end));
        if is_file || name.contains('/') {
            return Self::Path(name.trim_end_matches('/'));
        }
        if name.contains('.') {
            return Self::Other;
        }
        if let Some(name) = name.strip_suffix('!') {
            // A macro is named by its last segment.
            return Self::Code(name.rsplit("::").take(1).collect());
        }
        let code = name.trim_end_matches("()");
        let is_code = |part: &&str| {
            let has_case = part.contains(char::is_uppercase) && part.contains(char::is_lowercase);
            has_case || part.contains('_') || name.contains("::") || name.ends_with("()")
        };
        let segments: Vec<_> = code.split("::").collect();
        if segments.iter().all(is_code) { Self::Code(segments) } else { Self::Other }
    }
}

/// Returns the texts in backticks outside code blocks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("\n```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2))
}

/// Returns `true` for a file, a folder, or the end of a file's path.
fn is_path(name: &str, paths: &BTreeSet<&str>) -> bool {
    let (inside, below) = (format!("/{name}"), format!("{name}/"));
    repository::root().join(name).exists()
        || paths.iter().any(|path| {
            path.ends_with(&inside)
                || path.contains(&format!("/{below}"))
                || path.starts_with(&below)
        })
}

/// The code of a file, without comments.
struct Code<'a> {
    words: BTreeSet<&'a str>,
    functions: BTreeSet<&'a str>,
}

impl<'a> Code<'a> {
    fn new(text: &'a str) -> Self {
        let (mut words, mut functions) = (BTreeSet::new(), BTreeSet::new());
        for line in text.lines().filter_map(|line| line.split("//").next()) {
            let is_outside = |letter: char| !(letter.is_alphanumeric() || letter == '_');
            let mut before = "";
            for word in line.split(is_outside).filter(|word| !word.is_empty()) {
                words.insert(word);
                if before == "fn" {
                    functions.insert(word);
                }
                before = word;
            }
        }
        Self { words, functions }
    }

    /// Returns `true` if the file has all segments of a path, a method as a function.
    fn has(&self, segments: &[&str]) -> bool {
        let Some((last, types)) = segments.split_last() else { return false };
        let is_method = !types.is_empty() && last.starts_with(char::is_lowercase);
        let last = if is_method { &self.functions } else { &self.words }.contains(last);
        last && types.iter().all(|name| self.words.contains(name) || name.starts_with("filter_"))
    }
}
