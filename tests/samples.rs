//! Every sample is accepted by its filter, and the files with samples are consistent.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use tests::{process::read_text, repository};

mod documents;
mod schemas;

use documents::Reader;

/// Fails unless the filter accepts the document.
fn accept(filter: &str, document: &Value) -> Result<()> {
    Ok(Reader::of(filter)?.accept(document)?)
}

#[test]
fn accepts_every_wasm_plugin() -> Result<()> {
    for filter in repository::filters()? {
        let path = format!("wasmplugins/{filter}.yaml");
        accept(&filter, &repository::plugin_config(&path)?).with_context(|| path.clone())?;
        let plugin = repository::yaml(&path)?;
        assert_eq!(plugin["apiVersion"], "extensions.istio.io/v1alpha1", "{path}");
        assert_eq!(plugin["kind"], "WasmPlugin", "{path}");
        assert_eq!(plugin["metadata"]["name"], filter.as_str(), "{path}");
        let url = plugin["spec"]["url"].as_str().context("no url")?;
        let image = format!("/weir/{filter}:{}", env!("CARGO_PKG_VERSION"));
        assert!(url.starts_with("oci://") && url.ends_with(&image), "{path}: {url}");
        for field in ["phase", "failStrategy"] {
            assert!(plugin["spec"][field].is_string(), "{path} has no {field}");
        }
        let priority = plugin["spec"]["priority"].as_i64();
        assert!(
            priority.is_some(),
            "{path} has no priority: it would run after all plugins that have one"
        );
    }
    Ok(())
}

#[test]
fn readme_lists_phase_and_priority_of_every_wasm_plugin() -> Result<()> {
    let readme = read_text(&repository::root().join("README.md"))?;
    for filter in repository::filters()? {
        let plugin = repository::yaml(&format!("wasmplugins/{filter}.yaml"))?;
        let phase = plugin["spec"]["phase"].as_str().context("no phase")?;
        let row = format!("\n| {filter} | `{phase}` | {} |", plugin["spec"]["priority"]);
        assert!(readme.contains(&row), "README.md has no row{row}");
    }
    assert_eq!(repository::filter_order()?.len(), repository::single_filters()?.len());
    Ok(())
}

#[test]
fn envoy_filters_match_the_wasm_plugins() -> Result<()> {
    for filter in repository::filters()? {
        let path = format!("envoy/{filter}.yaml");
        let config = repository::plugin_config(&path)?;
        accept(&filter, &config).with_context(|| path.clone())?;
        let istio = repository::plugin_config(&format!("wasmplugins/{filter}.yaml"))?;
        assert_eq!(unfolded(config), unfolded(istio), "{path}");
    }
    Ok(())
}

#[test]
fn accepts_additional_samples() -> Result<()> {
    let filters = repository::filters()?;
    let mut found = 0_usize;
    for (path, text) in repository::texts()? {
        let sample = path.strip_prefix("wasmplugins/").and_then(|name| name.strip_suffix(".yaml"));
        if sample.is_none_or(|name| name == "kustomization" || filters.iter().any(|f| f == name)) {
            continue;
        }
        for document in text.split("\n---\n") {
            let document = repository::parse_yaml(document).with_context(|| path.clone())?;
            if document["kind"] == "WasmPlugin" {
                let url = document["spec"]["url"].as_str().context("no url")?;
                let filter = filters.iter().find(|filter| url.contains(&format!("/{filter}:")));
                let filter = filter.with_context(|| format!("{path}: no filter at {url}"))?;
                accept(filter, &document["spec"]["pluginConfig"]).with_context(|| path.clone())?;
                let plain = repository::yaml(&format!("wasmplugins/{filter}.yaml"))?;
                for field in ["phase", "priority", "failStrategy"] {
                    assert_eq!(document["spec"][field], plain["spec"][field], "{path}: {field}");
                }
                found = found.saturating_add(1);
            }
        }
    }
    assert!(found > 0, "no additional sample was found");
    Ok(())
}

/// Returns the document with every string of JSON parsed, so that whitespace does not matter.
fn unfolded(document: Value) -> Value {
    match document {
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ Value::Object(_)) => inner,
            _ => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(unfolded).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, unfolded(value))).collect()
        }
        other => other,
    }
}

/// A proxy must not run a filter both in the suite and in a module of its own.
#[test]
fn only_the_suite_is_applied_with_kustomize() -> Result<()> {
    let kustomization = repository::yaml("wasmplugins/kustomization.yaml")?;
    assert_eq!(kustomization["resources"], json!(["suite.yaml"]));
    Ok(())
}

#[test]
fn the_suite_contains_the_samples_of_all_filters() -> Result<()> {
    for folder in ["envoy", "wasmplugins"] {
        let sample = |name: &str| repository::plugin_config(&format!("{folder}/{name}.yaml"));
        let filters = repository::single_filters()?.into_iter();
        let sections = filters.map(|name| Ok((name.clone(), sample(&name)?)));
        let sections = sections.collect::<Result<Map<_, _>>>()?;
        assert_eq!(
            unfolded(sample(repository::SUITE)?),
            unfolded(Value::Object(sections)),
            "{folder}/suite.yaml"
        );
    }
    Ok(())
}

#[test]
fn bootstrap_runs_the_suite() -> Result<()> {
    let bootstrap = repository::yaml("envoy/bootstrap.yaml")?;
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = bootstrap.pointer(manager).context("no connection manager")?;
    let chain = manager["http_filters"].as_array().context("no chain")?;
    assert_eq!(chain.len(), 2, "the chain must be the suite, then the router");
    let block = repository::yaml("envoy/suite.yaml")?;
    assert_eq!(chain.first(), Some(&block), "envoy/bootstrap.yaml differs from envoy/suite.yaml");
    let admin = bootstrap.pointer("/admin/address/socket_address/address");
    assert_eq!(
        admin,
        Some(&json!("127.0.0.1")),
        "the admin interface must listen on loopback only"
    );
    Ok(())
}

#[test]
fn accepts_readme_samples() -> Result<()> {
    for filter in repository::filters()? {
        let path = format!("filters/{filter}/README.md");
        let readme = read_text(&repository::root().join(&path))?;
        let mut shown = 0_usize;
        for block in yaml_blocks(&readme) {
            let sample =
                repository::parse_yaml(block).with_context(|| format!("{path}: {block}"))?;
            let config = match sample.get("kind").and_then(Value::as_str) {
                None => &sample,
                Some("WasmPlugin") => {
                    sample.pointer("/spec/pluginConfig").context("no pluginConfig")?
                }
                Some(_) => continue,
            };
            accept(&filter, config).with_context(|| format!("{path}: {block}"))?;
            shown = shown.saturating_add(1);
        }
        assert!(shown > 0, "{path} has no pluginConfig in a YAML block");
    }
    Ok(())
}

/// The earliest year in samples, so that a copied date is not in the past soon.
const FIRST_YEAR: u32 = 2030;

#[test]
fn dates_in_samples_are_far_in_the_future() -> Result<()> {
    let folders = ["README.md", "envoy/", "filters/", "schemas/", "wasmplugins/"];
    let is_shown = |path: &str| {
        folders.iter().any(|folder| path.starts_with(folder))
            && (path.ends_with(".md") || path.ends_with(".yaml"))
    };
    let (mut found, mut near) = (0_usize, Vec::new());
    for (path, text) in repository::texts()? {
        for year in is_shown(&path).then(|| years(&text)).into_iter().flatten() {
            found = found.saturating_add(1);
            near.extend((year < FIRST_YEAR).then(|| format!("{path} has a date in {year}")));
        }
    }
    assert!(found > 0, "no sample has a date");
    assert!(near.is_empty(), "{}", near.join("\n"));
    Ok(())
}

/// Returns the years of quoted timestamps such as `2035-12-01T09:00:00Z`.
fn years(text: &str) -> impl Iterator<Item = u32> {
    text.split('"').filter_map(|word| {
        let (date, time) = word.split_once('T')?;
        let (year, day) = date.split_once('-')?;
        let is_day = day.len() == 5 && day.as_bytes().get(2) == Some(&b'-');
        let is_time = time.starts_with(|first: char| first.is_ascii_digit());
        year.parse().ok().filter(|_| is_day && is_time && year.len() == 4)
    })
}

/// Returns the YAML code blocks of a Markdown document.
fn yaml_blocks(markdown: &str) -> impl Iterator<Item = &str> {
    markdown
        .split("\n```yaml")
        .skip(1)
        .filter_map(|rest| rest.split_once('\n')?.1.split("\n```").next())
}

#[test]
fn compose_file_starts_the_bootstrap() -> Result<()> {
    let envoy = &repository::yaml("envoy/compose.yaml")?["services"]["envoy"];
    assert_eq!(envoy["command"], json!(["envoy", "--config-path", "envoy/bootstrap.yaml"]));
    assert_eq!(envoy["network_mode"], "host", "the bootstrap uses addresses of the host");
    let work = envoy["working_dir"].as_str().context("no working_dir")?;
    let mounts = envoy["volumes"].as_array().context("no volumes")?;
    for (source, below) in [(".", "envoy"), ("../target/wasm", "target/wasm")] {
        let target = format!("{work}/{below}");
        let mount = json!({"type": "bind", "source": source, "target": target, "read_only": true});
        assert!(mounts.contains(&mount), "{mount}");
    }
    // If Docker Compose is installed, it validates the file as well.
    let compose = |arguments: &[&str]| {
        let file = repository::root().join("envoy/compose.yaml");
        Command::new("docker").args(["compose", "--file"]).arg(file).args(arguments).output()
    };
    if compose(&["version"]).is_ok_and(|output| output.status.success()) {
        let output = compose(&["config", "--quiet"])?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
