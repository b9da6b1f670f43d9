//! The attributes of one element, its class's defaults included.

use std::collections::BTreeMap;
use std::ops::Range;

use roxmltree::{Document, Node};

use super::error::{MjcfError, Problem};

/// An attribute's value and its place.
#[derive(Clone, Debug)]
pub(super) struct Attribute<'a> {
    pub(super) value: &'a str,
    pub(super) span: Range<usize>,
}

/// Attributes by name.
pub(super) type Table<'a> = BTreeMap<&'a str, Attribute<'a>>;

/// Attributes that are only looked at.
const LOOKS: [&str; 4] = ["rgba", "material", "group", "user"];

/// The attributes of an element.
pub(super) struct Attributes<'a, 'd> {
    pub(super) node: Node<'a, 'a>,
    document: &'d Document<'a>,
    table: Table<'a>,
}

pub(super) fn error_at(document: &Document<'_>, span: Range<usize>, problem: Problem) -> MjcfError {
    let place = document.text_pos_at(span.start);
    MjcfError { problem, span, line: place.row, column: place.col }
}

/// The start tag of an element, without what is inside.
pub(super) fn tag_span(node: Node<'_, '_>) -> Range<usize> {
    let range = node.range();
    let text = &node.document().input_text()[range.clone()];
    let end = text.find('>').map_or(range.end, |k| range.start + k + 1);
    range.start..end
}

impl<'a, 'd> Attributes<'a, 'd> {
    /// Those of `node` over `defaults`. Any that is not among `known`, and not only looked at, is an error.
    pub(super) fn new(
        document: &'d Document<'a>,
        node: Node<'a, 'a>,
        defaults: Option<&Table<'a>>,
        known: &[&str],
    ) -> Result<Self, MjcfError> {
        let mut table = defaults.cloned().unwrap_or_default();
        for a in node.attributes() {
            table.insert(a.name(), Attribute { value: a.value(), span: a.range() });
        }
        table.retain(|name, _| !LOOKS.contains(name));
        if let Some((name, a)) = table.iter().find(|(name, _)| !known.contains(name)) {
            let (attribute, element) = ((*name).to_owned(), node.tag_name().name().to_owned());
            let problem = Problem::Attribute { attribute, element };
            return Err(error_at(document, a.span.clone(), problem));
        }
        Ok(Self { node, document, table })
    }

    /// An error at an attribute, or at the element where it has none of that name.
    pub(super) fn error(&self, name: &str, problem: Problem) -> MjcfError {
        let span = self.table.get(name).map_or_else(|| tag_span(self.node), |a| a.span.clone());
        error_at(self.document, span, problem)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.table.get(name).map(|a| a.value)
    }

    pub(super) fn missing(&self, what: &str) -> MjcfError {
        let element = self.node.tag_name().name().to_owned();
        error_at(
            self.document,
            tag_span(self.node),
            Problem::Missing { element, what: what.into() },
        )
    }

    /// The value of `name`, which must be among `choices`; the first of them where it is absent.
    pub(super) fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<&'c str, MjcfError> {
        let Some(value) = self.text(name) else { return Ok(choices[0]) };
        choices.iter().find(|c| **c == value).copied().ok_or_else(|| {
            let problem = Problem::Value {
                attribute: name.into(),
                value: value.into(),
                expected: choices.join(" or "),
            };
            self.error(name, problem)
        })
    }

    /// Finite numbers, between `least` and `most` of them.
    pub(super) fn numbers(
        &self,
        name: &str,
        least: usize,
        most: usize,
    ) -> Result<Option<Vec<f64>>, MjcfError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let parsed: Result<Vec<f64>, _> = text.split_ascii_whitespace().map(str::parse).collect();
        match parsed {
            Ok(x) if (least..=most).contains(&x.len()) && x.iter().all(|x| x.is_finite()) => {
                Ok(Some(x))
            }
            _ => {
                let count =
                    if least == most { least.to_string() } else { format!("{least} to {most}") };
                let expected = format!("{count} finite number{}", if most == 1 { "" } else { "s" });
                let problem =
                    Problem::Numbers { attribute: name.into(), value: text.into(), expected };
                Err(self.error(name, problem))
            }
        }
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> Result<Option<[f64; N]>, MjcfError> {
        Ok(self.numbers(name, N, N)?.and_then(|x| x.try_into().ok()))
    }

    pub(super) fn number(&self, name: &str, default: f64) -> Result<f64, MjcfError> {
        Ok(self.array::<1>(name)?.map_or(default, |[x]| x))
    }

    /// A range that counts where `limited` says so, or where it is given and limits are automatic.
    pub(super) fn range(
        &self,
        name: &str,
        limited: &str,
        automatic: bool,
    ) -> Result<Option<[f64; 2]>, MjcfError> {
        let range = self.array::<2>(name)?;
        match self.choice(limited, &["auto", "true", "false"])? {
            "false" => Ok(None),
            "true" if range.is_none() => Err(self.missing(&format!("`{name}`"))),
            "true" => Ok(range),
            _ if range.is_some() && !automatic => {
                Err(self.missing(&format!("`{limited}` beside `{name}`, as autolimits is off")))
            }
            _ => Ok(range),
        }
    }
}
