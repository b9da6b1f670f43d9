//! `contact` and `equality`, and which geoms may touch.

use std::collections::{BTreeMap, BTreeSet};

use super::Reader;
use crate::io::mjcf::error::Effect;
use crate::io::mjcf::tree::Element;
use crate::model::Model;

/// The geoms of one pair of contact masks: links (`None`: the world's) and the first element of each.
type Links = BTreeMap<Option<usize>, usize>;

/// A geom: its body and its element.
type Collider = (Option<usize>, usize);

/// Geoms by what they may collide with.
#[derive(Debug, Default)]
pub(super) struct Collisions {
    /// By `contype` and `conaffinity`.
    groups: BTreeMap<(u32, u32), Vec<Collider>>,
}

impl Collisions {
    pub(super) fn add(&mut self, body: Option<usize>, masks: (u32, u32), element: usize) {
        self.groups.entry(masks).or_default().push((body, element));
    }

    /// The first element of a pair of geoms that may touch by its masks: on links that are neither one nor neighbours. Excluded
    /// pairs of bodies are not looked at, so that it errs on the side of a contact.
    pub(super) fn first(&self, model: &Model) -> Option<usize> {
        let links = |geoms: &[Collider]| {
            let mut links = Links::new();
            for (body, element) in geoms {
                let link = body.and_then(|b| model.bodies()[b].link);
                links.entry(link).or_insert(*element);
            }
            links
        };
        let groups: Vec<_> =
            self.groups.iter().map(|(masks, geoms)| (masks, links(geoms))).collect();
        let mut found = BTreeSet::new();
        for (i, ((type_i, with_i), first)) in groups.iter().enumerate() {
            for ((type_j, with_j), second) in &groups[i..] {
                if type_i & with_j != 0 || type_j & with_i != 0 {
                    found.extend(meeting(model, first, second));
                }
            }
        }
        found.first().copied()
    }
}

/// The element of a geom that a geom of another link may touch. Neighbours do not collide, unless one is the world.
fn meeting(model: &Model, first: &Links, second: &Links) -> Option<usize> {
    let parent = |l: Option<usize>| l.and_then(|l| model.links()[l].parent);
    first.iter().find_map(|(a, element)| {
        let apart = |b: &Option<usize>| {
            let neighbours = (parent(*a) == *b || parent(*b) == *a) && a.is_some() && b.is_some();
            *a != *b && !neighbours
        };
        second.iter().find(|(b, _)| apart(b)).map(|(_, other)| *element.min(other))
    })
}

impl<'t> Reader<'t, '_> {
    /// Excluded pairs, and pairs that collide whatever their masks.
    pub(super) fn contact(&mut self, section: &'t Element) {
        for child in self.tree.children(section) {
            match child.tag.as_str() {
                "pair" => self.enables(child, Effect::Contact),
                "exclude" => {}
                _ => {
                    let problem = self.unsupported(child, "contact");
                    self.problems.push(problem);
                }
            }
        }
    }

    pub(super) fn equality(&mut self, section: &'t Element) {
        for child in self.tree.children(section) {
            match child.tag.as_str() {
                _ if child.get("active") == Some("false") => {}
                "connect" | "weld" | "joint" | "tendon" => self.enables(child, Effect::Equality),
                _ => {
                    let problem = self.unsupported(child, "equality");
                    self.problems.push(problem);
                }
            }
        }
    }
}
