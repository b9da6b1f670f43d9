//! Default classes.

use std::collections::BTreeMap;

use super::attributes::{Table, unknown};
use super::error::{MjcfError, Problem};
use super::schema;
use super::tree::{Element, Tree};

/// The class of what names none.
pub(super) const MAIN: &str = "main";

/// One class: it starts as a copy of the one that it stands in.
#[derive(Clone, Debug, Default)]
pub(super) struct Class<'t> {
    tables: BTreeMap<&'t str, Table<'t>>,
    /// Elements of `actuator` kinds, which all write to one default: those of each class around, and of itself, outermost first.
    pub(super) actuators: Vec<Vec<&'t Element>>,
}

/// Defaults by class.
#[derive(Debug, Default)]
pub(super) struct Defaults<'t> {
    classes: BTreeMap<&'t str, Class<'t>>,
}

/// Defaults of things that are only looked at.
const LOOKS: [&str; 4] = ["camera", "light", "material", "texture"];

impl<'t> Defaults<'t> {
    /// Reads a `default` section and those inside.
    pub(super) fn read(
        &mut self,
        tree: &'t Tree,
        section: &'t Element,
        problems: &mut Vec<MjcfError>,
    ) {
        let mut open: Vec<(&Element, Option<&'t str>)> = vec![(section, None)];
        while let Some((element, outer)) = open.pop() {
            let class = match (element.get("class"), outer) {
                (Some(class), _) => class,
                (None, None) => MAIN,
                (None, Some(_)) => {
                    let (name, what) = ("default".into(), "`class` inside another default".into());
                    let problem = Problem::Missing { element: name, what };
                    problems.push(tree.error(&element.place, problem));
                    continue;
                }
            };
            problems.extend(unknown(tree, element, &["class"]));
            let start = self.classes.get(outer.unwrap_or(class)).cloned().unwrap_or_default();
            let into = self.classes.entry(class).or_insert(start);
            into.actuators.push(vec![]);
            for child in tree.children(element) {
                into.add(tree, child, problems);
            }
            // the first on top: a class may stand in one that comes before it
            let inner = tree.children(element).rev().filter(|c| c.tag == "default");
            open.extend(inner.map(|c| (c, Some(class))));
        }
    }

    /// The class of an element whose own `class`, or that of the bodies around it, is `around`.
    pub(super) fn class(
        &self,
        tree: &'t Tree,
        element: &'t Element,
        around: &'t str,
    ) -> Result<Option<&Class<'t>>, MjcfError> {
        let class = element.get("class").unwrap_or(around);
        match self.classes.get(class) {
            Some(class) => Ok(Some(class)),
            None if class == MAIN => Ok(None),
            None => {
                let known = self.classes.keys().map(|k| (*k).to_owned()).collect();
                let problem = Problem::Unknown { kind: "default class", name: class.into(), known };
                let place =
                    element.attributes.iter().find(|a| a.name == "class" || a.name == "childclass");
                Err(tree.error(place.map_or(&element.place, |a| &a.place), problem))
            }
        }
    }
}

impl<'t> Class<'t> {
    fn add(&mut self, tree: &'t Tree, child: &'t Element, problems: &mut Vec<MjcfError>) {
        let tag = child.tag.as_str();
        if tag == "default" || LOOKS.contains(&tag) {
            return;
        }
        let Some(known) = schema::defaults(tag) else {
            let (element, parent) = (child.tag.clone(), "default".into());
            problems.push(tree.error(&child.place, Problem::Element { element, parent }));
            return;
        };
        problems.extend(unknown(tree, child, known));
        if schema::is_actuator(tag) {
            self.actuators.last_mut().into_iter().for_each(|own| own.push(child));
        } else {
            let table = self.tables.entry(tag).or_default();
            table.extend(child.attributes.iter().map(|a| (a.name.as_str(), a)));
        }
    }

    pub(super) fn table(&self, tag: &str) -> Option<&Table<'t>> {
        self.tables.get(tag)
    }
}
