//! What the front page promises: its commands are those that CI runs, its scenarios load, its links lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace").into()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect(name)
}

#[test]
fn ci_runs_the_readme_s_test_command() {
    let readme = read("README.md");
    let command = readme.lines().find(|l| l.starts_with("cargo test")).expect("a test command");
    assert!(read(".ci/run").contains(command), "{command}");
}

#[test]
fn every_scenario_loads_and_says_what_it_costs() {
    let mut scenarios: Vec<PathBuf> = fs::read_dir(root().join("scenarios"))
        .expect("scenarios/")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml") && !p.ends_with("Cargo.toml"))
        .collect();
    scenarios.sort();
    assert!(!scenarios.is_empty());
    let readme = read("README.md");
    for path in scenarios {
        let loaded = cotangent_scenarios::load(&path, &[])
            .unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
        assert!(!loaded.scenario.cost().is_empty());
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(readme.contains(&format!("scenarios/{name}")), "README names {name}");
    }
}

#[test]
fn links_of_the_pages_lead_to_files() {
    let mut pages = vec!["README.md", "ARCHITECTURE.md", "CONVENTIONS.md", "CONTRIBUTING.md"]
        .into_iter()
        .map(PathBuf::from)
        .collect::<Vec<_>>();
    let docs = fs::read_dir(root().join("docs")).expect("docs/");
    let names = docs.map(|e| Path::new("docs").join(e.expect("an entry").file_name()));
    pages.extend(names.filter(|p| p.extension().is_some_and(|e| e == "md")));
    pages.sort();
    for page in pages {
        let text = fs::read_to_string(root().join(&page)).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let folder = page.parent().unwrap_or(Path::new(""));
            let found = root().join(folder).join(target).exists();
            assert!(found, "{}: {link} leads nowhere", page.display());
        }
    }
}
