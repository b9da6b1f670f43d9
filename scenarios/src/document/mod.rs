//! A scenario file as settings with places.
//!
//! The file is parsed to a tree that keeps spans: settings under dotted keys, and lists of tables (`[[term]]`) whose entries are
//! settings of their own. It is overlaid with `--set` and checked against the tables of [`keys`](super::keys). Every problem is
//! collected, not only the first.

mod held;
mod open;
mod problem;
mod raw;
mod read;
mod settings;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::common::{COMMON, METHOD, METHOD_OPTIONS};
use super::keys::{Amounts, AnyKey, Key, List, Named};
use crate::diagnostic::{CONTRADICTION, Diagnostic, Source};
use raw::{Block, Entries, Raw};
use read::{OVERRIDE, Overlay};

pub use settings::{Numbers, Settings};
pub use value::Value;

/// A parsed scenario file with its overrides, not yet checked.
#[derive(Debug)]
pub struct Document {
    /// Where relative paths start.
    folder: PathBuf,
    /// The file's own text.
    pub source: Source,
    entries: Entries,
    lists: BTreeMap<String, Vec<Block>>,
}

/// What a kind of scenario may say beyond the common keys.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// Its keys.
    pub keys: &'static [AnyKey],
    /// Its lists of tables.
    pub lists: &'static [List],
    /// Tables whose keys are names of the simulation, such as `values`.
    pub open_tables: &'static [&'static str],
}

impl Grammar {
    /// Keys alone.
    pub const fn of_keys(keys: &'static [AnyKey]) -> Self {
        Self { keys, lists: &[], open_tables: &[] }
    }

    fn is_open(&self, path: &str) -> bool {
        let within = |table: &&str| path.strip_prefix(*table).is_some_and(|r| r.starts_with('.'));
        self.open_tables.iter().any(within)
    }
}

impl Document {
    /// Parses `text`, named `name`, with `--set` overrides.
    ///
    /// # Errors
    /// Every syntax error of the text and of the overrides.
    pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Self, Vec<Diagnostic>> {
        let mut overlay = Overlay::of(path, text);
        overrides.iter().for_each(|text| overlay.set(text));
        let Overlay { source, entries, lists, problems } = overlay;
        if problems.is_empty() {
            let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
            Ok(Self { folder, source, entries, lists })
        } else {
            Err(problems)
        }
    }

    /// The text of a key, before the tables of its kind are known.
    pub fn peek(&self, key: Key<str>) -> Option<&str> {
        match &self.entries.get(key.path())?.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A problem with the value of a key, or with the file where it is absent.
    pub fn problem(
        &self,
        code: &'static str,
        key: impl Named,
        message: String,
        help: String,
    ) -> Diagnostic {
        problem::of_entry(&self.entries, (&self.source, 0..0), code, key.path(), message, help)
    }

    /// The document without what `key` says in entries of these lists where it names a file that is not there; `None` where all
    /// are.
    pub fn without_missing(&self, asking: &[List], key: Key<Amounts>) -> Option<Self> {
        let Self { folder, source, entries, lists } = self;
        let mut lists = lists.clone();
        let mut is_missing = false;
        let asks = |name: &str| asking.iter().any(|list| list.name == name);
        let asking = lists.iter_mut().filter(|(name, _)| asks(name));
        for block in asking.flat_map(|(_, blocks)| blocks) {
            let file = block.entries.get(key.path()).and_then(|e| value::file_name(&e.raw));
            if file.is_some_and(|file| !folder.join(file).is_file()) {
                block.entries.remove(key.path());
                is_missing = true;
            }
        }
        let (folder, source, entries) = (folder.clone(), source.clone(), entries.clone());
        is_missing.then_some(Self { folder, source, entries, lists })
    }

    /// Checks every key against the common table and the kind's.
    ///
    /// # Errors
    /// All problems: unknown keys, missing keys, wrong types, units, bounds and files.
    pub fn check(mut self, grammar: &Grammar) -> Result<Settings, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let (open, entries): (Entries, Entries) =
            self.entries.into_iter().partition(|(path, _)| grammar.is_open(path));
        self.entries = entries;
        let lists = self.check_lists(grammar, &mut problems);
        let keys: Vec<&'static AnyKey> = COMMON.iter().chain(grammar.keys).collect();
        let values =
            checked_values(&keys, &self.entries, &self.source, 0..0, &self.folder, &mut problems);
        self.foreign_options(&values, &mut problems);
        if problems.is_empty() {
            let Self { folder, source, entries, .. } = self;
            Ok(Settings { values, entries, lists, open, source, home: 0..0, folder, keys })
        } else {
            Err(problems)
        }
    }

    fn check_lists(
        &self,
        grammar: &Grammar,
        problems: &mut Vec<Diagnostic>,
    ) -> BTreeMap<&'static str, Vec<Settings>> {
        let mut checked = BTreeMap::new();
        for (name, blocks) in &self.lists {
            let Some(list) = grammar.lists.iter().find(|l| l.name == name) else {
                problems.push(problem::unknown_list(name, &blocks[0], grammar.lists));
                continue;
            };
            problem::labels_given_twice(list.name, blocks, problems);
            let keys: Vec<&'static AnyKey> = list.keys.iter().collect();
            let settings = blocks.iter().map(|block| {
                let Block { entries, source, header } = block.clone();
                let (home, folder) = (header.clone(), self.folder.clone());
                let values = checked_values(&keys, &entries, &source, header, &folder, problems);
                let (lists, open, keys) = (BTreeMap::new(), Entries::new(), keys.clone());
                Settings { values, entries, lists, open, source, home, folder, keys }
            });
            checked.insert(list.name, settings.collect());
        }
        for list in grammar.lists.iter().filter(|l| l.required && !self.lists.contains_key(l.name))
        {
            problems.push(problem::missing_list(list, &self.source));
        }
        checked
    }

    /// Options that are written down but belong to another method.
    fn foreign_options(
        &self,
        values: &BTreeMap<&'static str, Value>,
        problems: &mut Vec<Diagnostic>,
    ) {
        let Some(Value::Text(method)) = values.get(METHOD.path()) else { return };
        // a method of the command line comes in place of the file's, options and all
        let typed = |path: &str| self.entries.get(path).is_some_and(|e| e.source.name == OVERRIDE);
        for (key, owner) in METHOD_OPTIONS {
            let replaced = typed(METHOD.path()) && !typed(key.path);
            if owner == method || !self.entries.contains_key(key.path) || replaced {
                continue;
            }
            let message = format!("`{}` belongs to {owner}, but the method is {method}", key.path);
            let help = format!("remove it, or set {} = \"{owner}\"", METHOD.path());
            problems.push(self.problem(CONTRADICTION, *key, message, help));
        }
    }
}

/// The values of `keys`, defaults included; what is wrong goes to `problems`.
fn checked_values(
    keys: &[&'static AnyKey],
    entries: &Entries,
    source: &Source,
    home: Range<usize>,
    folder: &Path,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<&'static str, Value> {
    for (path, entry) in entries {
        if !keys.iter().any(|k| k.path == path) {
            problems.push(problem::unknown_key(path, entry, keys.iter().map(|k| k.path)));
        }
    }
    let mut values = BTreeMap::new();
    for key in keys {
        let value = match (entries.get(key.path), key.default) {
            (Some(entry), _) => value::checked(key, entry, folder),
            (None, Some(text)) => value::default(key, text),
            (None, None) => Err(problem::missing(key, source, home.clone())),
        };
        match value {
            Ok(value) => drop(values.insert(key.path, value)),
            Err(diagnostic) => problems.push(diagnostic),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::mem::discriminant;
    use std::path::Path;

    use super::{COMMON, Document, Grammar, value::default};
    use crate::DOMAINS;
    use crate::general::{CONSTRAINT, GOAL, TERM};
    use crate::keys::{key, keys, optional_vector, vector};

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        let lists = DOMAINS.iter().flat_map(|d| d.grammar.lists).flat_map(|l| l.keys);
        let keys = DOMAINS.iter().flat_map(|d| d.grammar.keys);
        for key in COMMON.iter().chain(keys).chain(lists) {
            if let Some(text) = key.default {
                assert!(default(key, text).is_ok(), "{}", key.path);
            }
        }
    }

    #[test]
    fn goals_and_constraints_can_be_read_by_the_keys_of_terms() {
        let asking = [GOAL, CONSTRAINT].into_iter().flat_map(|list| list.keys);
        for key in asking {
            let shared = TERM.keys.iter().filter(|k| k.path == key.path);
            for term in shared {
                assert_eq!(discriminant(&key.kind), discriminant(&term.kind), "{}", key.path);
            }
        }
    }

    keys! {
        KEYS;
        PLACE: [f64; 3] = key("place", vector("m", -1.0, 1.0), "[0.0, 0.0, 0.5]", "a place");
        PAIR: Option<[f64; 2]> = key("pair", optional_vector("", 0.0, 9.0), "[]", "two, or none");
    }

    #[test]
    fn vectors_have_their_length_or_are_told_with_all_other_problems() {
        let common = "scenario.name = \"a\"\nscenario.kind = \"b\"\n";
        let read = |own: &str| {
            let text = format!("{common}{own}");
            Document::parse(Path::new("a.toml"), &text, &[]).unwrap().check(&Grammar::of_keys(KEYS))
        };
        let settings = read("").unwrap();
        assert_eq!((settings.get(PLACE), settings.get(PAIR)), ([0.0, 0.0, 0.5], None));
        let settings = read("place = [\"10 cm\", 0, 1]\npair = [1, 2]").unwrap();
        assert_eq!((settings.get(PLACE), settings.get(PAIR)), ([0.1, 0.0, 1.0], Some([1.0, 2.0])));
        assert_eq!(read("pair = []").unwrap().get(PAIR), None);
        let problems = read("place = [0, 1]\npair = [3]\nother = 1").unwrap_err();
        let told: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        let expected = ["unknown key `other`", "`place` has 2 numbers", "`pair` has 1 number"];
        assert_eq!(told, expected);
        assert!(read("place = []").is_err() && read("place = [0, 1, 2, 3]").is_err());
    }
}
