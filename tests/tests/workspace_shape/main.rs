//! The arrows between the crates point down only, and sources keep to the house's sizes.

mod circles;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// What each crate may stand on. A new arrow is a decision: it is written here and in
/// ARCHITECTURE.md, or it does not exist.
const ARROWS: &[(&str, &[&str])] = &[
    ("cotangent-ad", &[]),
    ("cotangent-problem", &["cotangent-ad"]),
    ("cotangent-answer", &["cotangent-ad", "cotangent-problem"]),
    ("cotangent-optim", &["cotangent-ad", "cotangent-problem"]),
    ("cotangent-physics", &["cotangent-ad", "cotangent-problem", "cotangent-answer"]),
    ("cotangent-raytrace", &["cotangent-ad", "cotangent-problem", "cotangent-answer"]),
    ("cotangent-dft", &["cotangent-ad", "cotangent-problem", "cotangent-answer"]),
    ("cotangent-equations", &["cotangent-ad", "cotangent-problem", "cotangent-answer"]),
    (
        "cotangent-harness",
        &["cotangent-ad", "cotangent-problem", "cotangent-answer", "cotangent-optim"],
    ),
    (
        "cotangent-scenarios",
        &[
            "cotangent-ad",
            "cotangent-problem",
            "cotangent-answer",
            "cotangent-optim",
            "cotangent-physics",
            "cotangent-raytrace",
            "cotangent-dft",
            "cotangent-equations",
            "cotangent-harness",
        ],
    ),
    ("cotangent-serve", &["cotangent-problem"]),
    (
        "cotangent-sweep",
        &["cotangent-ad", "cotangent-problem", "cotangent-harness", "cotangent-scenarios"],
    ),
    (
        "cotangent-cli",
        &[
            "cotangent-ad",
            "cotangent-problem",
            "cotangent-answer",
            "cotangent-optim",
            "cotangent-raytrace",
            "cotangent-harness",
            "cotangent-scenarios",
            "cotangent-serve",
            "cotangent-sweep",
        ],
    ),
];

/// Crates that may know of flags, of plots and of the terminal; those of scenarios know files in TOML besides.
const FRONT: &[&str] = &["cotangent-cli", "cotangent-tests", "cotangent-bench"];
const FRONT_ONLY: &[&str] = &["toml", "clap", "plotters", "miette", "indicatif"];

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").into()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace_root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".into()])
        .exec()
        .expect("cargo metadata reads the workspace")
}

fn normal_dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let normal = |p: &cargo_metadata::Package| {
        p.dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
            .map(|d| d.name.clone())
            .collect()
    };
    metadata.workspace_packages().iter().map(|p| (p.name.to_string(), normal(p))).collect()
}

#[test]
fn arrows_between_crates_point_down_only() {
    let dependencies = normal_dependencies(&metadata());
    for (name, allowed) in ARROWS {
        let found = &dependencies[*name];
        let strays: Vec<_> = found
            .iter()
            .filter(|d| d.starts_with("cotangent") && !allowed.contains(&d.as_str()))
            .collect();
        assert!(strays.is_empty(), "{name} must not depend on {strays:?}");
    }
}

#[test]
fn only_the_front_knows_toml_flags_plots_and_the_terminal() {
    for (name, found) in normal_dependencies(&metadata()) {
        if FRONT.contains(&name.as_str()) {
            continue;
        }
        let reads_files = ["cotangent-scenarios", "cotangent-sweep"].contains(&name.as_str());
        let strays: Vec<_> = found
            .iter()
            .filter(|d| FRONT_ONLY.contains(&d.as_str()) && !(reads_files && *d == "toml"))
            .collect();
        assert!(strays.is_empty(), "{name} must not depend on {strays:?}");
    }
}

fn rust_sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|e| e.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden && !path.ends_with("target") {
            rust_sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let mut sources = Vec::new();
    rust_sources(&workspace_root(), &mut sources);
    assert!(sources.len() > 8, "the walk found the sources");
    let long: Vec<_> = sources
        .iter()
        .map(|p| (fs::read_to_string(p).expect("UTF-8 source").lines().count(), p))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "split these at a seam of the mathematics: {long:?}");
}
