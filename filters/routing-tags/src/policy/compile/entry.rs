//! Compilation of an entry.

use std::collections::BTreeSet;

use filter_core::{
    ConfigErrors, HeaderName, HttpMatch, PathTemplate, Placeholder, PlaceholderKind,
    PlaceholderText,
};

use crate::{
    canary::Canary,
    config::{self, Config, WeightedTag},
    entry::{Entry, TagSource},
    operations::Operations,
    split::Split,
    sticky::Sticky,
    tag::Tag,
};

/// The placeholders that are allowed in a tag.
const IN_TAGS: [PlaceholderKind; 3] =
    [PlaceholderKind::Request, PlaceholderKind::Claim, PlaceholderKind::Path];

/// Compiles an entry.
pub(super) fn compile(
    config: &config::Entry,
    index: usize,
    document: &Config,
    tag_headers: &[HeaderName],
    names: &BTreeSet<HeaderName>,
    errors: &mut ConfigErrors,
) -> Entry {
    let path = format!("http[{index}]");
    let header = config.tag_header.as_ref().or(document.tag_header.as_ref());
    let header_index =
        header.and_then(|header| tag_headers.iter().position(|name| name == header.name()));
    let source = tag_source(config, &path, errors);
    let headers_path = format!("{path}.headers");
    let operations = Operations::compile(&config.headers, &headers_path, names, errors);
    let templates = templates(&config.r#match);
    let variables: BTreeSet<&str> = templates.flat_map(PathTemplate::names).collect();
    check_operations(&operations, &headers_path, tag_headers, &variables, errors);
    if let TagSource::Template(text) = &source {
        check_variables(text.placeholders(), &format!("{path}.tag"), &variables, errors);
    }
    if config.schedule.as_ref().is_some_and(|schedule| schedule.ramp_up().is_some()) {
        errors.add(
            format_args!("{path}.schedule.rampUp"),
            "must not be given: use canary to shift traffic gradually",
        );
    }
    Entry {
        name: config.name.as_ref().map_or(format!("http-{index}"), |name| name.as_str().to_owned()),
        header_index: header_index.unwrap_or_default(),
        schedule: config.schedule.clone(),
        sticky: sticky(config, &source, &path, errors),
        source,
        operations,
    }
}

fn tag_source(config: &config::Entry, path: &str, errors: &mut ConfigErrors) -> TagSource {
    let given = [config.tag.is_some(), config.split.is_some(), config.canary.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        errors.add(path, "must have at most one of tag, split and canary");
    }
    if let Some(canary) = &config.canary {
        if canary.baseline_tag == canary.canary_tag {
            let rule = format!("must differ from baselineTag, got \"{}\"", canary.canary_tag);
            errors.add(format_args!("{path}.canary.canaryTag"), rule);
        }
        return TagSource::Canary(Canary::new(canary));
    }
    if let Some(variants) = &config.split {
        return split(variants, &format!("{path}.split"), errors);
    }
    config.tag.as_ref().map_or(TagSource::Nothing, |text| tag(text, &format!("{path}.tag"), errors))
}

fn tag(text: &str, path: &str, errors: &mut ConfigErrors) -> TagSource {
    let text = match PlaceholderText::parse(text, &IN_TAGS) {
        Ok(text) => text,
        Err(rule) => {
            errors.add(path, rule);
            return TagSource::Nothing;
        }
    };
    let Some(literal) = text.as_literal() else { return TagSource::Template(text) };
    match literal.parse::<Tag>() {
        Ok(tag) => TagSource::Literal(tag),
        Err(rule) => {
            let got = serde_json::Value::from(literal);
            errors.add(path, format_args!("{rule}, {}", filter_core::Shown(&got)));
            TagSource::Nothing
        }
    }
}

fn split(config: &[WeightedTag], path: &str, errors: &mut ConfigErrors) -> TagSource {
    if !(2..=16).contains(&config.len()) {
        errors.add(path, format_args!("must have 2 to 16 tags, got {}", config.len()));
    }
    let mut seen = BTreeSet::new();
    for (index, variant) in config.iter().enumerate() {
        if !seen.insert(&variant.tag) {
            let rule = format_args!("must be unique, got \"{}\"", variant.tag);
            errors.add(format!("{path}[{index}].tag"), rule);
        }
    }
    if !config.is_empty() && config.iter().all(|variant| variant.weight.get() == 0) {
        errors.add(path, "must have at least one weight above 0");
    }
    let variant = |variant: &WeightedTag| {
        (variant.tag.clone(), u32::try_from(variant.weight.get()).unwrap_or(u32::MAX))
    };
    TagSource::Split(Split { variants: config.iter().map(variant).collect() })
}

fn sticky(
    config: &config::Entry,
    source: &TagSource,
    path: &str,
    errors: &mut ConfigErrors,
) -> Option<Sticky> {
    let chooses = matches!(source, TagSource::Split(_) | TagSource::Canary(_));
    let given =
        [("consistentHash", config.consistent_hash.is_some()), ("salt", config.salt.is_some())];
    for (field, _) in given.into_iter().filter(|(_, given)| *given && !chooses) {
        errors.add(format_args!("{path}.{field}"), "must not be given without split or canary");
    }
    let hash = config.consistent_hash.clone()?;
    let name = config.name.as_ref().map(|name| name.as_str().to_owned());
    let salt = config.salt.as_ref().map(|salt| salt.as_str().to_owned()).or(name);
    if salt.is_none() {
        errors.add(
            format_args!("{path}.consistentHash"),
            "must be given with name or salt: otherwise a new entry would reassign the keys",
        );
    }
    Some(Sticky { hash, salt: salt? })
}

/// Checks that the tag headers and path variables of placeholders exist.
pub(super) fn check_operations(
    operations: &Operations,
    path: &str,
    tag_headers: &[HeaderName],
    variables: &BTreeSet<&str>,
    errors: &mut ConfigErrors,
) {
    check_variables(operations.placeholders(), path, variables, errors);
    for placeholder in operations.placeholders() {
        let Placeholder::Tag(Some(header)) = placeholder else { continue };
        if !tag_headers.iter().any(|name| name.as_str() == header) {
            errors.add(path, format_args!("must name a tag header in %TAG({header})%"));
        }
    }
}

fn check_variables<'p>(
    placeholders: impl Iterator<Item = &'p Placeholder>,
    path: &str,
    variables: &BTreeSet<&str>,
    errors: &mut ConfigErrors,
) {
    for placeholder in placeholders {
        let Placeholder::Path(name) = placeholder else { continue };
        if !variables.contains(name.as_str()) {
            let rule = format_args!(
                "must have a pathTemplate with {{{name}}} in match for %PATH({name})%"
            );
            errors.add(path, rule);
        }
    }
}

fn templates(entries: &[HttpMatch]) -> impl Iterator<Item = &PathTemplate> {
    // The variables of templates nested more deeply are not available.
    let all = entries.iter().flat_map(|entry| entry.all.iter().flatten());
    entries.iter().chain(all).filter_map(|entry| entry.path_template.as_ref())
}
