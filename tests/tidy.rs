//! Rules of the repository that no compiler checks.

use std::{collections::BTreeSet, env, process::Command};

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{process::read_text, repository};

#[path = "tidy/names.rs"]
mod names;
#[path = "tidy/phrases.rs"]
mod phrases;

/// Maximum number of lines of a Rust file.
const FILE_LINES: usize = 400;
/// Maximum number of lines of a filter's `plugin.rs`, which makes no decisions.
const PLUGIN_LINES: usize = 150;
/// `plugin.rs` and `plugin/` have at most one in this many lines of a filter.
const PLUGIN_SHARE: usize = 5;
/// The only file that may contain unsafe code.
const HOSTCALLS: &str = "crates/filter-host/src/sys/wasm/imports.rs";

/// Fails with one line per finding.
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The Rust files with their paths.
fn rust() -> Result<Vec<(String, String)>> {
    let mut texts = repository::texts()?;
    texts.retain(|(path, _)| path.ends_with(".rs"));
    Ok(texts)
}

#[test]
fn only_filter_host_depends_on_proxy_wasm() -> Result<()> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--manifest-path"])
        .arg(repository::root().join("Cargo.toml"))
        .output()?;
    let metadata: Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata["packages"].as_array().context("no packages")?;
    let knows = |package: &&Value| {
        let dependencies = package["dependencies"].as_array();
        dependencies.is_some_and(|all| all.iter().any(|one| one["name"] == "proxy-wasm"))
    };
    let names = packages.iter().filter(knows).filter_map(|package| package["name"].as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["filter-host"]);
    Ok(())
}

#[test]
fn a_filter_never_depends_on_a_filter() -> Result<()> {
    let filters = repository::filters()?;
    let mut findings = Vec::new();
    for filter in &repository::single_filters()? {
        let path = format!("filters/{filter}/Cargo.toml");
        let manifest = read_text(&repository::root().join(&path))?;
        for other in filters.iter().filter(|other| *other != filter) {
            let dependency = format!("{other}.workspace");
            if manifest.lines().any(|line| line.starts_with(&dependency)) {
                findings.push(format!("{path} depends on {other}"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_filter_is_complete() -> Result<()> {
    let readme = read_text(&repository::root().join("README.md"))?;
    let mut findings = Vec::new();
    for name in repository::filters()? {
        let module = name.replace('-', "_");
        for needed in [
            format!("filters/{name}/README.md"),
            format!("filters/{name}/src/plugin.rs"),
            format!("wasmplugins/{name}.yaml"),
            format!("envoy/{name}.yaml"),
            format!("schemas/{name}.json"),
            format!("tests/envoy/{module}.rs"),
        ] {
            if !repository::root().join(&needed).exists() {
                findings.push(format!("{name} has no {needed}"));
            }
        }
        if !readme.contains(&format!("\n| [{name}](filters/{name}/README.md) |")) {
            findings.push(format!("{name} has no row in README.md"));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn every_path_in_the_documents_exists() -> Result<()> {
    let mut findings = Vec::new();
    for (document, text) in repository::texts()? {
        if !document.ends_with(".md") {
            continue;
        }
        let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&text) {
            if !repository::root().join(folder).join(link).exists() {
                findings.push(format!("{document} links to {link}, which does not exist"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

/// The targets of links to files, without their anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter_map(|target| target.split('#').next());
    files.filter(|file| !file.is_empty() && !file.contains(':'))
}

#[test]
fn no_file_is_too_long() -> Result<()> {
    let mut findings = Vec::new();
    for (path, text) in rust()? {
        let limit = if path.ends_with("src/plugin.rs") { PLUGIN_LINES } else { FILE_LINES };
        let lines = text.lines().count();
        if lines > limit {
            findings.push(format!("{path} has {lines} lines, at most {limit} are allowed"));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn plugins_are_thin() -> Result<()> {
    let rust = rust()?;
    let mut findings = Vec::new();
    for filter in repository::filters()? {
        let lines = |part: &str| -> usize {
            let folder = format!("filters/{filter}/src/{part}");
            let files = rust.iter().filter(|(path, _)| path.starts_with(&folder));
            files.map(|(_, text)| text.lines().count()).sum()
        };
        // Native tests of a plugin are not part of it.
        let (plugin, all) = (lines("plugin").saturating_sub(lines("plugin/tests")), lines(""));
        if plugin * PLUGIN_SHARE > all {
            findings.push(format!(
                "{filter}: plugin.rs and plugin/ have {plugin} of {all} lines, \
                 at most one in {PLUGIN_SHARE} is allowed"
            ));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn policies_do_not_use_the_host() -> Result<()> {
    let is_policy = |path: &str| {
        let file = path.strip_prefix("filters/").and_then(|path| path.split_once("/src/"));
        file.is_some_and(|(filter, file)| filter != "suite" && !file.starts_with("plugin"))
    };
    let rust = rust()?.into_iter();
    let findings = rust.filter(|(path, text)| is_policy(path) && text.contains("filter_host"));
    assert_none(&findings.map(|(path, _)| format!("{path} uses filter_host")).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn modules_are_files_next_to_their_folders() -> Result<()> {
    let named_mod = |path: &String| path.ends_with("/mod.rs");
    assert_none(&rust()?.into_iter().map(|(path, _)| path).filter(named_mod).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn unsafe_code_is_in_one_file() -> Result<()> {
    let word = concat!("un", "safe");
    let forms =
        [" {", " fn", " extern", " impl", "(", "_code)"].map(|after| format!("{word}{after}"));
    let mut findings = Vec::new();
    for (path, text) in rust()? {
        if path != HOSTCALLS && forms.iter().any(|form| text.contains(form.as_str())) {
            findings.push(format!("{path} has {word} code"));
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn a_version_is_pinned_once() -> Result<()> {
    let mut findings = Vec::new();
    for (path, text) in repository::texts()? {
        // `fuzz` is a separate workspace.
        if !path.ends_with("/Cargo.toml") || path.starts_with("fuzz/") {
            continue;
        }
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            let pins = [" = \"", "version = ", "git = "].iter().any(|form| line.contains(form));
            if pins && section.contains("dependencies") {
                findings.push(format!("{path}: {line}: belongs in [workspace.dependencies]"));
            }
        }
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn nothing_names_a_registry_or_a_machine() -> Result<()> {
    // Concatenated, so that the test does not find these names in this file.
    let hosts = [
        concat!("crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("static.crates", ".io"),
        concat!("pypi", ".org"),
        concat!("files.python", "hosted.org"),
        concat!("registry.npm", "js.org"),
        concat!("proxy.golang", ".org"),
        concat!("sum.golang", ".org"),
        concat!("deb.debian", ".org"),
    ];
    let home = env::var("HOME").unwrap_or_default();
    let folders = [repository::root().display().to_string(), format!("{home}/")];
    let mut findings = Vec::new();
    for (path, text) in repository::texts()? {
        if path == "Cargo.lock" || path.ends_with("go.sum") {
            continue;
        }
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let words: BTreeSet<_> = text.split(|c| !inside(c)).collect();
        let named = hosts.iter().filter(|host| words.contains(**host));
        findings.extend(named.map(|host| format!("{path} names {host}")));
        let named = folders.iter().filter(|folder| text.contains(folder.as_str()));
        findings.extend(named.map(|folder| format!("{path} has a path of this machine, {folder}")));
    }
    assert_none(&findings);
    Ok(())
}

#[test]
fn the_compose_file_has_the_pinned_envoy() -> Result<()> {
    let compose = repository::yaml("envoy/compose.yaml")?;
    let image = compose["services"]["envoy"]["image"].as_str().context("no image")?;
    assert_eq!(image, format!("envoyproxy/envoy:v{}", tests::envoy::version()?));
    Ok(())
}
