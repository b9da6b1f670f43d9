//! The attributes of one element, its class's defaults included.

use std::collections::BTreeMap;

use super::error::{MjcfError, Problem};
use super::tree::{Attribute, Element, Tree};

/// Attributes by name.
pub(super) type Table<'t> = BTreeMap<&'t str, &'t Attribute>;

/// Attributes that are only looked at, or only named.
const LOOKS: [&str; 4] = ["rgba", "material", "group", "user"];

/// The attributes of an element.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'t> {
    pub(super) element: &'t Element,
    tree: &'t Tree,
    table: Table<'t>,
}

/// The first attribute that an element may not have.
pub(super) fn unknown<'t>(
    tree: &'t Tree,
    element: &'t Element,
    known: &'t [&'t str],
) -> impl Iterator<Item = MjcfError> + use<'t> {
    let strange = element
        .attributes
        .iter()
        .filter(move |a| !known.contains(&a.name.as_str()) && !LOOKS.contains(&a.name.as_str()));
    strange.map(|a| {
        let (attribute, element) = (a.name.clone(), element.tag.clone());
        tree.error(&a.place, Problem::Attribute { attribute, element })
    })
}

impl<'t> Attributes<'t> {
    /// Those of `element` over `defaults`. An own way to write an orientation replaces those of the defaults.
    pub(super) fn new(tree: &'t Tree, element: &'t Element, defaults: Option<&Table<'t>>) -> Self {
        let mut table = defaults.cloned().unwrap_or_default();
        let turned = |name: &str| super::place::ORIENTATION.contains(&name);
        if element.attributes.iter().any(|a| turned(&a.name)) {
            table.retain(|name, _| !turned(name));
        }
        table.extend(element.attributes.iter().map(|a| (a.name.as_str(), a)));
        Self { element, tree, table }
    }

    /// An error at an attribute, or at the element where it has none of that name.
    pub(super) fn error(&self, name: &str, problem: Problem) -> MjcfError {
        let place = self.table.get(name).map_or(&self.element.place, |a| &a.place);
        self.tree.error(place, problem)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'t str> {
        self.table.get(name).map(|a| a.value.as_str())
    }

    /// A name; nothing where there is none.
    pub(super) fn name(&self) -> &'t str {
        self.text("name").unwrap_or_default()
    }

    pub(super) fn missing(&self, what: &str) -> MjcfError {
        let element = self.element.tag.clone();
        self.tree.error(&self.element.place, Problem::Missing { element, what: what.into() })
    }

    pub(super) fn value_error(&self, name: &str, expected: &str) -> MjcfError {
        let (attribute, value) = (name.to_owned(), self.text(name).unwrap_or_default().to_owned());
        self.error(name, Problem::Value { attribute, value, expected: expected.into() })
    }

    /// The value of `name`, which must be among `choices`; the first of them where it is absent.
    pub(super) fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<&'c str, MjcfError> {
        let Some(value) = self.text(name) else { return Ok(choices[0]) };
        let chosen = choices.iter().find(|c| **c == value).copied();
        chosen.ok_or_else(|| self.value_error(name, &choices.join(" or ")))
    }

    /// Refuses an attribute that would have an effect: whose numbers are not all `neutral`.
    pub(super) fn neutral(&self, name: &str, neutral: f64) -> Result<(), MjcfError> {
        let Some(numbers) = self.numbers(name, 0, usize::MAX)? else { return Ok(()) };
        if numbers.iter().all(|x| x.to_bits() == neutral.to_bits()) {
            return Ok(());
        }
        let (attribute, element) = (name.to_owned(), self.element.tag.clone());
        Err(self.error(name, Problem::Attribute { attribute, element }))
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
                let count = match most {
                    usize::MAX => "any number of".to_owned(),
                    _ if least == most => least.to_string(),
                    _ => format!("{least} to {most}"),
                };
                let expected = format!("{count} finite number{}", if most == 1 { "" } else { "s" });
                let (attribute, value) = (name.into(), text.into());
                Err(self.error(name, Problem::Numbers { attribute, value, expected }))
            }
        }
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> Result<Option<[f64; N]>, MjcfError> {
        Ok(self.numbers(name, N, N)?.and_then(|x| x.try_into().ok()))
    }

    /// Up to `N` numbers; those that are not given are as in `rest`.
    pub(super) fn some<const N: usize>(
        &self,
        name: &str,
        rest: [f64; N],
    ) -> Result<[f64; N], MjcfError> {
        let mut all = rest;
        if let Some(given) = self.numbers(name, 1, N)? {
            all[..given.len()].copy_from_slice(&given);
        }
        Ok(all)
    }

    pub(super) fn number(&self, name: &str, default: f64) -> Result<f64, MjcfError> {
        Ok(self.array::<1>(name)?.map_or(default, |[x]| x))
    }

    /// Whole numbers that are not negative, of at most 32 bits.
    pub(super) fn count(&self, name: &str, default: u32) -> Result<u32, MjcfError> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => {
                text.trim().parse::<i64>().ok().and_then(|x| u32::try_from(x).ok()).ok_or_else(
                    || {
                        let expected = "a whole number that is not negative".to_owned();
                        let (attribute, value) = (name.into(), text.into());
                        self.error(name, Problem::Numbers { attribute, value, expected })
                    },
                )
            }
        }
    }

    /// A range that counts where `limited` says so, or where limits are automatic and it is not empty.
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
            _ => Ok(range.filter(|[least, greatest]| least < greatest)),
        }
    }
}
