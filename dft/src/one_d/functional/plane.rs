//! Planes of a signal, in memory that is used again.
//!
//! A network makes and drops planes at every layer. Large ones an allocator takes from the system and gives back each time,
//! and a page that is new costs more than the arithmetic on it: a third of the time at 4097 points.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static FREE: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Shorter ones an allocator keeps by itself.
const LONG: usize = 1 << 14;

/// Planes kept for a thread: an evaluation with its derivatives has fewer in use.
const KEPT: usize = 32;

/// Entries of all channels at all points.
#[derive(Debug, Default, PartialEq)]
pub(in crate::one_d) struct Plane(Vec<f64>);

impl Plane {
    pub(in crate::one_d) fn zeros(len: usize) -> Self {
        let mut entries = empty(len);
        entries.resize(len, 0.0);
        Self(entries)
    }

    /// The entries, which are then freed as any others.
    pub(in crate::one_d) fn into_vec(mut self) -> Vec<f64> {
        std::mem::take(&mut self.0)
    }
}

/// Room for `len` entries, without twice as much.
fn empty(len: usize) -> Vec<f64> {
    if len < LONG {
        return Vec::with_capacity(len);
    }
    let fits = |v: &Vec<f64>| (len..2 * len).contains(&v.capacity());
    let kept =
        FREE.with_borrow_mut(|free| free.iter().rposition(fits).map(|at| free.swap_remove(at)));
    kept.unwrap_or_else(|| Vec::with_capacity(len))
}

impl Drop for Plane {
    fn drop(&mut self) {
        if self.0.capacity() < LONG {
            return;
        }
        let mut entries = std::mem::take(&mut self.0);
        entries.clear();
        // a thread that ends keeps nothing
        let _ = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            if free.len() < KEPT {
                free.push(entries);
            }
        });
    }
}

impl Clone for Plane {
    fn clone(&self) -> Self {
        self.iter().copied().collect()
    }
}

impl From<Vec<f64>> for Plane {
    fn from(entries: Vec<f64>) -> Self {
        Self(entries)
    }
}

impl FromIterator<f64> for Plane {
    fn from_iter<I: IntoIterator<Item = f64>>(iter: I) -> Self {
        let iter = iter.into_iter();
        let mut entries = empty(iter.size_hint().0);
        entries.extend(iter);
        Self(entries)
    }
}

impl Deref for Plane {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl DerefMut for Plane {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{FREE, LONG, Plane};

    #[test]
    fn a_long_plane_is_used_again_and_is_zero_again() {
        let mut plane = Plane::zeros(LONG);
        plane.fill(7.0);
        let address = plane.as_ptr();
        drop(plane);
        assert_eq!(FREE.with_borrow(Vec::len), 1);
        assert_eq!(Plane::zeros(LONG / 2 - 1).len(), LONG / 2 - 1);
        assert_eq!(FREE.with_borrow(Vec::len), 1);
        let again = Plane::zeros(LONG);
        assert_eq!(again.as_ptr(), address);
        assert!(again.iter().all(|x| *x == 0.0));
        assert_eq!(again.into_vec().len(), LONG);
        assert_eq!(FREE.with_borrow(Vec::len), 0);
    }
}
