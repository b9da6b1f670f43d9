//! Default classes.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::attributes::{Attribute, Table, error_at, tag_span};
use super::error::{MjcfError, Problem};

/// Defaults by class and element; a class starts as a copy of the one that it stands in.
#[derive(Debug, Default)]
pub(super) struct Defaults<'a> {
    classes: BTreeMap<&'a str, BTreeMap<&'a str, Table<'a>>>,
}

/// The class of what names none.
pub(super) const MAIN: &str = "main";

impl<'a> Defaults<'a> {
    /// Reads a `default` section and those inside.
    pub(super) fn read(
        &mut self,
        document: &Document<'a>,
        node: Node<'a, 'a>,
        outer: Option<&'a str>,
    ) -> Result<(), MjcfError> {
        let class = match (node.attribute("class"), outer) {
            (Some(class), _) => class,
            (None, None) => MAIN,
            (None, Some(_)) => {
                let (element, what) = ("default".into(), "`class` inside another default".into());
                return Err(error_at(document, tag_span(node), Problem::Missing { element, what }));
            }
        };
        let start = self.classes.get(outer.unwrap_or(class)).cloned().unwrap_or_default();
        let tables = self.classes.entry(class).or_insert(start);
        for child in node.children().filter(Node::is_element) {
            let tag = child.tag_name().name();
            match tag {
                "joint" | "geom" | "site" | "motor" => {
                    let table = tables.entry(tag).or_default();
                    for a in child.attributes() {
                        table.insert(a.name(), Attribute { value: a.value(), span: a.range() });
                    }
                }
                "default" | "camera" | "light" | "material" => {}
                _ => {
                    let problem =
                        Problem::Element { element: tag.into(), parent: "default".into() };
                    return Err(error_at(document, tag_span(child), problem));
                }
            }
        }
        for child in node.children().filter(|c| c.has_tag_name("default")) {
            self.read(document, child, Some(class))?;
        }
        Ok(())
    }

    /// The defaults of `tag` for an element whose own `class`, or that of the bodies around it, is `around`.
    pub(super) fn of(
        &self,
        document: &Document<'a>,
        node: Node<'a, 'a>,
        around: &'a str,
    ) -> Result<Option<&Table<'a>>, MjcfError> {
        let class = node.attribute("class").unwrap_or(around);
        match self.classes.get(class) {
            Some(tables) => Ok(tables.get(node.tag_name().name())),
            None if class == MAIN => Ok(None),
            None => {
                let known = self.classes.keys().map(|k| (*k).to_owned()).collect();
                let problem = Problem::Unknown { kind: "default class", name: class.into(), known };
                Err(error_at(document, tag_span(node), problem))
            }
        }
    }
}
