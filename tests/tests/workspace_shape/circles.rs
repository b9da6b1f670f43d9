//! Files do not import each other in a circle.
//!
//! What a module hands on by a public `use` is no need of its own; who takes it there needs the file that it comes from. Tests
//! within a file do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{rust_sources, workspace_root};

/// A module by its path within its crate; the crate itself is empty.
type Module = Vec<String>;

/// Circles that stay, each of one thing in several files: a scalar, its traits and rules and what records it; the graph of a
/// program, the rules that it calls and the scalar that they take; a method with what all methods share.
const KNOTS: &[(&str, &[&str])] = &[
    (
        "core-ad",
        &[
            "dual",
            "map",
            "real",
            "rule",
            "rules",
            "scan",
            "tape",
            "tape::inputs",
            "tape::map_sum",
            "tape::scan",
            "tape::slice_scan",
            "tape::sweep",
            "tape::var",
        ],
    ),
    ("core-ad", &["program::graph", "program::record::rule", "program::record::traced"]),
    (
        "core-ad",
        &[
            "ode",
            "ode::control",
            "ode::crossing",
            "ode::dop853",
            "ode::event",
            "ode::field",
            "ode::mass",
            "ode::rodas5p",
            "ode::stages",
            "ode::tsit5",
        ],
    ),
    ("core-ad", &["small::mat3", "small::vec3"]),
];
/// Crates in which circles are still to be opened.
const OPEN: &[&str] = &["bench", "dft", "physics"];

/// Modules of a crate with the text of their files.
fn modules(source: &Path) -> BTreeMap<Module, String> {
    let mut files = Vec::new();
    rust_sources(source, &mut files);
    let mut modules = BTreeMap::new();
    for file in files {
        let within = file.strip_prefix(source).expect("below its crate").with_extension("");
        let mut path: Module =
            within.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if path.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
            path.pop();
        }
        modules.insert(path, fs::read_to_string(&file).expect("UTF-8 source"));
    }
    modules
}

/// The trees of the imports of a file up to its tests, public ones or the others. A statement begins its line, as rustfmt has it.
fn trees(text: &str, public: bool) -> Vec<String> {
    let mut trees = Vec::new();
    let mut lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    while let Some(line) = lines.next() {
        let Some((before, first)) = line.split_once("use ") else { continue };
        let kind = before.trim();
        let wanted =
            if public { kind.starts_with("pub") && !kind.contains("//") } else { kind.is_empty() };
        if !wanted {
            continue;
        }
        let mut tree = first.to_owned();
        while !tree.contains(';') {
            tree += lines.next().expect("a statement ends");
        }
        trees.push(tree.split(';').next().unwrap_or_default().to_owned());
    }
    trees
}

/// The paths of a tree of imports, such as `a::{b, c::{d, e}}`.
fn paths(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().replace(' ', "")];
    };
    let (prefix, rest) = (tree[..open].replace(' ', ""), &tree[open + 1..]);
    let inner = &rest[..rest.rfind('}').unwrap_or(0)];
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&inner[start..]);
    let branches = branches.into_iter().filter(|branch| !branch.trim().is_empty());
    branches.flat_map(paths).map(|path| format!("{prefix}{path}")).collect()
}

/// The files of a crate, and what each hands on: names with the paths that they stand for.
struct Crate {
    modules: BTreeMap<Module, String>,
    handed_on: BTreeMap<Module, BTreeMap<String, String>>,
}

impl Crate {
    fn new(modules: BTreeMap<Module, String>) -> Self {
        let names = |text: &String| -> BTreeMap<String, String> {
            let paths = trees(text, true).into_iter().flat_map(|tree| paths(&tree));
            paths.filter_map(|path| Some((path.rsplit("::").next()?.to_owned(), path))).collect()
        };
        let handed_on = modules.iter().map(|(m, text)| (m.clone(), names(text))).collect();
        Self { modules, handed_on }
    }

    /// The file that a path leads to, seen from `here`; `None` for another crate's, and for what the crate's root has.
    fn target(&self, path: &str, here: &Module) -> Option<Module> {
        let mut parts: Vec<&str> = path.split("::").collect();
        let mut at = match parts.first() {
            Some(&"crate") => Module::new(),
            Some(&("self" | "super")) => here.clone(),
            Some(first) => {
                let child: Module = here.iter().cloned().chain([(*first).to_owned()]).collect();
                self.modules.contains_key(&child).then(|| here.clone())?
            }
            None => return None,
        };
        while let Some(part @ ("crate" | "self" | "super")) = parts.first().copied() {
            if part == "super" {
                at.pop();
            }
            parts.remove(0);
        }
        for (k, part) in parts.iter().enumerate() {
            let child: Module = at.iter().cloned().chain([(*part).to_owned()]).collect();
            if self.modules.contains_key(&child) {
                at = child;
            } else if let Some(path) = self.handed_on.get(&at).and_then(|names| names.get(*part)) {
                let rest: String = parts[k + 1..].iter().map(|part| format!("::{part}")).collect();
                return self.target(&format!("{path}{rest}"), &at);
            } else {
                break;
            }
        }
        (!at.is_empty()).then_some(at)
    }
}

/// What each module imports of its own crate.
fn imports(files: &Crate) -> BTreeMap<Module, BTreeSet<Module>> {
    let of_module = |(here, text): (&Module, &String)| {
        let paths = trees(text, false).into_iter().flat_map(|tree| paths(&tree));
        let targets = paths.filter_map(|path| files.target(&path, here));
        (here.clone(), targets.filter(|target| target != here).collect())
    };
    files.modules.iter().map(of_module).collect()
}

/// What can be reached from each module by one import or more.
fn reached(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeMap<Module, BTreeSet<Module>> {
    let from = |start: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(module) = open.pop() {
            open.extend(imports[module].iter().filter(|next| seen.insert((*next).clone())));
        }
        (start.clone(), seen)
    };
    imports.keys().map(from).collect()
}

/// The circles of a crate: groups of modules that reach each other.
fn circles(source: &Path) -> BTreeSet<Vec<String>> {
    let reached = reached(&imports(&Crate::new(modules(source))));
    let group = |module: &Module| -> Vec<String> {
        let both = |other: &&Module| reached[*other].contains(module);
        reached[module].iter().filter(both).map(|m| m.join("::")).collect()
    };
    reached.keys().map(group).filter(|group| group.len() > 1).collect()
}

#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let root = workspace_root();
    let mut strays = Vec::new();
    for entry in fs::read_dir(&root).expect("a readable folder") {
        let folder = entry.expect("an entry").path();
        let source = folder.join("src");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        if !source.is_dir() || OPEN.contains(&name.as_str()) {
            continue;
        }
        let stays = |circle: &Vec<String>| {
            KNOTS
                .iter()
                .any(|(of, knot)| *of == name && circle.iter().all(|m| knot.contains(&m.as_str())))
        };
        strays
            .extend(circles(&source).into_iter().filter(|c| !stays(c)).map(|c| (name.clone(), c)));
    }
    strays.sort();
    assert!(strays.is_empty(), "put what both need into a file of its own: {strays:#?}");
}

#[test]
fn a_circle_is_seen() {
    let text = |text: &str| text.to_owned();
    let path = |path: &str| -> Module { path.split("::").map(str::to_owned).collect() };
    let modules = BTreeMap::from([
        (path("a"), text("use crate::b::{D,\n    c::{E as F}};\n")),
        (path("b"), text("mod c;\npub use self::c::D;\n")),
        (
            path("b::c"),
            text("// use crate::none;\nuse super::super::a::H;\n#[cfg(test)]\nuse crate::b::G;\n"),
        ),
    ]);
    let reached = reached(&imports(&Crate::new(modules)));
    assert_eq!(reached[&path("b")], BTreeSet::new(), "what it hands on is no need of its own");
    let circle = BTreeSet::from([path("a"), path("b::c")]);
    assert_eq!(reached[&path("a")], circle, "D is handed on by b");
    assert_eq!(reached[&path("b::c")], circle);
}
