//! Cotangents of all leaves of a world: as sums, and as parts of these of which most are zero.

use super::Layout;
use crate::geometry::{V3, ZERO, id};

/// Cotangents of all leaves of a world.
#[derive(Clone, Debug)]
pub(crate) struct Leaves {
    pub(crate) points: Vec<V3>,
    pub(crate) normals: Vec<V3>,
    pub(crate) slots: Vec<V3>,
}

impl Leaves {
    /// The sums of these parts, which are added in their order.
    pub(crate) fn sum<'a>(layout: &Layout, parts: impl Iterator<Item = &'a PartOfLeaves>) -> Self {
        let zeros = |n: usize| vec![ZERO; n];
        let [points, normals, slots] =
            [layout.vertices(), layout.normals(), layout.slots()].map(zeros);
        let mut sums = Self { points, normals, slots };
        for part in parts {
            part.points.add_to(&mut sums.points);
            part.normals.add_to(&mut sums.normals);
            part.slots.add_to(&mut sums.slots);
        }
        sums
    }
}

/// What a part of the film, or of the edges, adds to the cotangents of leaves.
#[derive(Clone, Debug)]
pub(crate) struct PartOfLeaves {
    pub(crate) points: Scattered,
    pub(crate) normals: Scattered,
    pub(crate) slots: Scattered,
}

impl PartOfLeaves {
    pub(crate) fn zero(layout: &Layout) -> Self {
        let [points, normals, slots] =
            [layout.vertices(), layout.normals(), layout.slots()].map(Scattered::zero);
        Self { points, normals, slots }
    }
}

/// Triples of a page.
const PAGE: usize = 32;
/// The place of a page that is zero.
const NONE: u32 = u32::MAX;

/// A row of triples of which few are not zero: a page of them takes memory, and time, from when one of them is first added to.
#[derive(Clone, Debug)]
pub(crate) struct Scattered {
    /// Where each page stands.
    places: Vec<u32>,
    pages: Vec<[V3; PAGE]>,
}

impl Scattered {
    fn zero(count: usize) -> Self {
        Self { places: vec![NONE; count.div_ceil(PAGE)], pages: Vec::new() }
    }

    /// Adds to the triple `k`.
    #[inline]
    pub(crate) fn add(&mut self, k: u32, bar: V3) {
        let (page, within) = (k as usize / PAGE, k as usize % PAGE);
        if self.places[page] == NONE {
            self.open(page);
        }
        self.pages[self.places[page] as usize][within] += bar;
    }

    #[cold]
    fn open(&mut self, page: usize) {
        self.places[page] = id(self.pages.len());
        self.pages.push([ZERO; PAGE]);
    }

    fn add_to(&self, sums: &mut [V3]) {
        for (sums, place) in sums.chunks_mut(PAGE).zip(&self.places) {
            if *place != NONE {
                for (sum, bar) in sums.iter_mut().zip(&self.pages[*place as usize]) {
                    *sum += *bar;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGE, Scattered};
    use crate::geometry::{V3, ZERO};

    #[test]
    fn what_is_added_here_and_there_stands_where_it_was_added() {
        let count = 3 * PAGE + 7;
        let of = |k: u32, times: u32| V3::from([1.0, 2.0, 3.0]) * f64::from(k * times);
        let mut row = Scattered::zero(count);
        let last = u32::try_from(count - 1).unwrap();
        for (k, times) in [(last, 1), (40, 1), (last, 2), (41, 1)] {
            row.add(k, of(k, times));
        }
        let mut sums = vec![V3::from([1.0; 3]); count];
        row.add_to(&mut sums);
        for (k, sum) in (0..).zip(sums) {
            let expected = match k {
                40 | 41 => of(k, 1),
                _ if k == last => of(k, 3),
                _ => ZERO,
            };
            assert_eq!(sum, expected + V3::from([1.0; 3]), "{k}");
        }
        assert_eq!(row.pages.len(), 2);
    }
}
