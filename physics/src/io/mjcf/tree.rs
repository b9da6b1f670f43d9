//! The elements of a model's files: included ones in place, with the place of everything.
//!
//! Elements own their text, so that several documents make one tree; they are visited by index, so that depth costs no stack.

use std::collections::BTreeSet;
use std::ops::Range;

use roxmltree::{Document, Node};

use super::error::{MjcfError, Problem};
use super::files::Files;

/// An attribute and its place.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// Bytes of one of the files.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// An element; its children by index.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) index: usize,
    pub(super) tag: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<usize>,
    /// Its start tag.
    pub(super) place: Place,
}

impl Element {
    /// The value of an attribute, as it stands.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }
}

/// A file's name (`None`: the one that was given as text) and the start of each line.
#[derive(Clone, Debug)]
struct Source {
    name: Option<String>,
    text: String,
    lines: Vec<usize>,
}

/// All elements; the first is the root.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    sources: Vec<Source>,
    elements: Vec<Element>,
}

/// An `include` that still stands for its file: parent, position among its children, element.
struct Include {
    parent: usize,
    element: usize,
}

impl Tree {
    /// Reads `text` and what it includes.
    pub(super) fn read(text: &str, files: &mut dyn Files) -> Result<Self, Vec<MjcfError>> {
        let mut tree = Self::default();
        let mut open = vec![];
        let root = tree.parse(None, text, &mut open).map_err(|e| vec![e])?;
        if tree.elements[root].tag != "mujoco" {
            let problem = Problem::NotMujoco(tree.elements[root].tag.clone());
            return Err(vec![tree.error(&tree.elements[root].place, problem)]);
        }
        let (mut problems, mut seen) = (vec![], BTreeSet::new());
        while let Some(include) = open.pop() {
            if let Err(e) = tree.include(&include, files, &mut seen, &mut open) {
                problems.push(e);
            }
        }
        if problems.is_empty() { Ok(tree) } else { Err(problems) }
    }

    /// Adds the elements of one file; the index of its root.
    fn parse(
        &mut self,
        name: Option<String>,
        text: &str,
        includes: &mut Vec<Include>,
    ) -> Result<usize, MjcfError> {
        let lines = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(k, _)| k + 1);
        let lines = std::iter::once(0).chain(lines).collect();
        let file = self.sources.len();
        self.sources.push(Source { name, text: text.into(), lines });
        let document = Document::parse(text).map_err(|e| {
            let at = match e {
                // which has no position of its own
                roxmltree::Error::DtdDetected => text.find("<!DOCTYPE").unwrap_or(0),
                _ => self.offset(file, e.pos().row, e.pos().col),
            };
            self.error(&Place { file, span: at..at }, Problem::Xml(e.to_string()))
        })?;
        let first = self.elements.len();
        let mut index_of = std::collections::BTreeMap::new();
        for node in document.descendants().filter(Node::is_element) {
            let index = self.elements.len();
            index_of.insert(node.id().get_usize(), index);
            let start = node.range().start;
            let end = text[start..].find('>').map_or(node.range().end, |k| start + k + 1);
            let attribute = |a: roxmltree::Attribute<'_, '_>| Attribute {
                name: a.name().into(),
                value: a.value().into(),
                place: Place { file, span: a.range() },
            };
            self.elements.push(Element {
                index,
                tag: node.tag_name().name().into(),
                attributes: node.attributes().map(attribute).collect(),
                children: vec![],
                place: Place { file, span: start..end },
            });
            if let Some(parent) = node.parent_element() {
                let parent = index_of[&parent.id().get_usize()];
                self.elements[parent].children.push(index);
                if node.has_tag_name("include") {
                    includes.push(Include { parent, element: index });
                }
            }
        }
        Ok(first)
    }

    /// Puts the elements of an included file's root in the place of the `include`.
    fn include(
        &mut self,
        include: &Include,
        files: &mut dyn Files,
        seen: &mut BTreeSet<String>,
        open: &mut Vec<Include>,
    ) -> Result<(), MjcfError> {
        let element = &self.elements[include.element];
        let place = element.place.clone();
        let Some(name) = element.get("file").map(str::to_owned) else {
            let (element, what) = ("include".into(), "`file`".into());
            return Err(self.error(&place, Problem::Missing { element, what }));
        };
        if !seen.insert(name.clone()) {
            return Err(self.error(&place, Problem::IncludedTwice(name)));
        }
        let from = self.sources[place.file].name.clone();
        let unreadable = |why: String| Problem::File { name: name.clone(), why };
        let bytes = files
            .read(&name, from.as_deref())
            .map_err(|why| self.error(&place, unreadable(why)))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| self.error(&place, unreadable("it is not UTF-8".into())))?;
        let root = self.parse(Some(name.clone()), &text, open)?;
        let inside = self.elements[root].children.clone();
        // an include that stands directly under that root now stands here
        for other in open.iter_mut().filter(|i| i.parent == root) {
            other.parent = include.parent;
        }
        let siblings = &mut self.elements[include.parent].children;
        if let Some(at) = siblings.iter().position(|c| *c == include.element) {
            siblings.splice(at..=at, inside);
        }
        Ok(())
    }

    /// All elements of a tag.
    pub(super) fn tagged<'t>(&'t self, tag: &'t str) -> impl Iterator<Item = &'t Element> {
        self.elements.iter().filter(move |element| element.tag == tag)
    }

    pub(super) fn element(&self, index: usize) -> &Element {
        &self.elements[index]
    }

    pub(super) fn children<'t>(
        &'t self,
        element: &'t Element,
    ) -> impl DoubleEndedIterator<Item = &'t Element> + use<'t> {
        element.children.iter().map(|c| &self.elements[*c])
    }

    fn offset(&self, file: usize, line: u32, column: u32) -> usize {
        let source = &self.sources[file];
        let start = source.lines.get(line.saturating_sub(1) as usize).copied().unwrap_or(0);
        let before = source.text[start..].chars().take(column.saturating_sub(1) as usize);
        start + before.map(char::len_utf8).sum::<usize>()
    }

    /// Line, from 1, of a place.
    pub(super) fn line(&self, place: &Place) -> u32 {
        let lines = &self.sources[place.file].lines;
        u32::try_from(lines.partition_point(|start| *start <= place.span.start)).unwrap_or(u32::MAX)
    }

    pub(super) fn file(&self, place: &Place) -> Option<String> {
        self.sources[place.file].name.clone()
    }

    pub(super) fn error(&self, place: &Place, problem: Problem) -> MjcfError {
        let (source, line) = (&self.sources[place.file], self.line(place));
        let start = source.lines[line as usize - 1];
        let column = source.text[start..place.span.start].chars().count() + 1;
        MjcfError {
            problem: Box::new(problem),
            file: source.name.clone(),
            span: place.span.clone(),
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}
