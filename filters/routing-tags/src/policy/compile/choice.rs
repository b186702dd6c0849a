//! From one entry of the document to one of the policy.

use std::collections::BTreeSet;

use crate::placeholder::{Placeholder, PlaceholderKind, PlaceholderText};
use filter_core::{ConfigErrors, HeaderName, HttpMatch, PathTemplate};

use crate::{
    canary::Canary,
    config::{self, Config, WeightedTag},
    entry::{Choice, Entry},
    operations::Operations,
    split::Split,
    sticky::Sticky,
    tag::Tag,
};

/// The placeholders that a tag may hold.
const IN_TAGS: [PlaceholderKind; 3] =
    [PlaceholderKind::Request, PlaceholderKind::Claim, PlaceholderKind::Path];

pub(super) fn entry(
    config: &config::Entry,
    index: usize,
    document: &Config,
    owned: &[HeaderName],
    names: &BTreeSet<HeaderName>,
    errors: &mut ConfigErrors,
) -> Entry {
    let path = format!("http[{index}]");
    let header = config.tag_header.as_ref().or(document.tag_header.as_ref());
    let slot = header.and_then(|header| owned.iter().position(|name| name == header.name()));
    let choice = choice(config, &path, errors);
    let at = format!("{path}.headers");
    let operations = Operations::compile(&config.headers, &at, names, errors);
    let holes: BTreeSet<&str> = templates(&config.r#match).flat_map(PathTemplate::names).collect();
    check_operations(&operations, &at, owned, &holes, errors);
    if let Choice::Template(text) = &choice {
        check_holes(text.placeholders(), &format!("{path}.tag"), &holes, errors);
    }
    if config.schedule.as_ref().is_some_and(|schedule| schedule.ramp_up().is_some()) {
        errors.add(
            format_args!("{path}.schedule.rampUp"),
            "must not be given: an entry matches or not: use canary",
        );
    }
    Entry {
        name: config.name.as_ref().map_or(format!("http-{index}"), |name| name.as_str().to_owned()),
        slot: slot.unwrap_or_default(),
        schedule: config.schedule.clone(),
        sticky: sticky(config, &choice, &path, errors),
        choice,
        operations,
    }
}

fn choice(config: &config::Entry, path: &str, errors: &mut ConfigErrors) -> Choice {
    let given = [config.tag.is_some(), config.split.is_some(), config.canary.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        errors.add(path, "must have one of tag, split and canary");
    }
    if let Some(canary) = &config.canary {
        if canary.baseline_tag == canary.canary_tag {
            let rule = format!("must differ from baselineTag, got \"{}\"", canary.canary_tag);
            errors.add(format_args!("{path}.canary.canaryTag"), rule);
        }
        return Choice::Canary(Canary::new(canary));
    }
    if let Some(variants) = &config.split {
        return split(variants, &format!("{path}.split"), errors);
    }
    config.tag.as_ref().map_or(Choice::Nothing, |text| tag(text, &format!("{path}.tag"), errors))
}

fn tag(text: &str, path: &str, errors: &mut ConfigErrors) -> Choice {
    let text = match PlaceholderText::parse(text, &IN_TAGS) {
        Ok(text) => text,
        Err(rule) => {
            errors.add(path, rule);
            return Choice::Nothing;
        }
    };
    let Some(literal) = text.as_literal() else { return Choice::Template(text) };
    match literal.parse::<Tag>() {
        Ok(tag) => Choice::Literal(tag),
        Err(rule) => {
            let got = serde_json::Value::from(literal);
            errors.add(path, format_args!("{rule}, {}", filter_core::Shown(&got)));
            Choice::Nothing
        }
    }
}

fn split(config: &[WeightedTag], path: &str, errors: &mut ConfigErrors) -> Choice {
    if !(2..=16).contains(&config.len()) {
        errors.add(path, format_args!("must have 2 to 16 tags, got {}", config.len()));
    }
    let mut seen = BTreeSet::new();
    for (index, variant) in config.iter().enumerate() {
        if !seen.insert(&variant.tag) {
            let rule = format_args!("must name each tag once, got \"{}\"", variant.tag);
            errors.add(format!("{path}[{index}].tag"), rule);
        }
    }
    if !config.is_empty() && config.iter().all(|variant| variant.weight.get() == 0) {
        errors.add(path, "must have a weight above 0");
    }
    let variant =
        |one: &WeightedTag| (one.tag.clone(), u32::try_from(one.weight.get()).unwrap_or(u32::MAX));
    Choice::Split(Split { variants: config.iter().map(variant).collect() })
}

fn sticky(
    config: &config::Entry,
    choice: &Choice,
    path: &str,
    errors: &mut ConfigErrors,
) -> Option<Sticky> {
    let chooses = matches!(choice, Choice::Split(_) | Choice::Canary(_));
    let given =
        [("consistentHash", config.consistent_hash.is_some()), ("salt", config.salt.is_some())];
    for (field, _) in given.into_iter().filter(|(_, given)| *given && !chooses) {
        errors.add(
            format_args!("{path}.{field}"),
            "must not be given without split or canary, nothing is chosen",
        );
    }
    let hash = config.consistent_hash.clone()?;
    let name = config.name.as_ref().map(|name| name.as_str().to_owned());
    let salt = config.salt.as_ref().map(|salt| salt.as_str().to_owned()).or(name);
    if salt.is_none() {
        errors.add(
            format_args!("{path}.consistentHash"),
            "must have salt or name beside it, or a new line would move users",
        );
    }
    Some(Sticky { hash, salt: salt? })
}

/// Checks placeholders that name other parts of the configuration.
pub(super) fn check_operations(
    operations: &Operations,
    path: &str,
    owned: &[HeaderName],
    holes: &BTreeSet<&str>,
    errors: &mut ConfigErrors,
) {
    check_holes(operations.placeholders(), path, holes, errors);
    for placeholder in operations.placeholders() {
        let Placeholder::Tag(Some(header)) = placeholder else { continue };
        if !owned.iter().any(|name| name.as_str() == header) {
            errors
                .add(path, format_args!("must name a header that carries tags in %TAG({header})%"));
        }
    }
}

fn check_holes<'p>(
    placeholders: impl Iterator<Item = &'p Placeholder>,
    path: &str,
    holes: &BTreeSet<&str>,
    errors: &mut ConfigErrors,
) {
    for placeholder in placeholders {
        let Placeholder::Path(name) = placeholder else { continue };
        if !holes.contains(name.as_str()) {
            let rule = format_args!(
                "must have a pathTemplate with {{{name}}} in match for %PATH({name})%"
            );
            errors.add(path, rule);
        }
    }
}

fn templates(entries: &[HttpMatch]) -> impl Iterator<Item = &PathTemplate> {
    // What a nested match took is not told apart, so only the outermost is offered.
    let all = entries.iter().flat_map(|entry| entry.all.iter().flatten());
    entries.iter().chain(all).filter_map(|entry| entry.path_template.as_ref())
}
