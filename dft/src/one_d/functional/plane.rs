//! Planes of a signal, in memory that is used again.
//!
//! A network makes and drops planes at every layer. An allocator gives their pages back to the system each time, and a page that is new
//! costs more than the arithmetic on it: a seventh of the time at 513 points, a third at 4097.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

thread_local! {
    static FREE: RefCell<Free> = const { RefCell::new(Free { planes: Vec::new(), room: 0 }) };
}

/// Planes that are not in use, with what was in them, and how many entries they have room for together.
struct Free {
    planes: Vec<Vec<f64>>,
    room: usize,
}

impl Free {
    /// The last one with room for `len` entries, and not for twice as many.
    fn take(&mut self, len: usize) -> Option<Vec<f64>> {
        let fits = |v: &Vec<f64>| (len..2 * len).contains(&v.capacity());
        let plane = self.planes.iter().rposition(fits).map(|k| self.planes.remove(k))?;
        self.room -= plane.capacity();
        Some(plane)
    }

    fn keep(&mut self, plane: Vec<f64>) {
        if self.room + plane.capacity() <= KEPT {
            self.room += plane.capacity();
            self.planes.push(plane);
        }
    }
}

/// Shorter ones an allocator keeps by itself.
const LONG: usize = 1 << 12;

/// Entries of planes kept for a thread, 64 MiB: a trajectory of 15 steps on 513 points has half of them in use at its end.
const KEPT: usize = 1 << 23;

/// Entries of all channels at all points.
#[derive(Debug, Default, PartialEq)]
pub(in crate::one_d) struct Plane(Vec<f64>);

impl Plane {
    pub(in crate::one_d) fn zeros(len: usize) -> Self {
        let mut entries = taken(len);
        entries.clear();
        entries.resize(len, 0.0);
        Self(entries)
    }

    /// Entries of any value, for what will be written whole.
    pub(in crate::one_d) fn stale(len: usize) -> Self {
        let mut entries = taken(len);
        entries.resize(len, 0.0);
        Self(entries)
    }

    /// The entries, which are then freed as any others.
    pub(in crate::one_d) fn into_vec(mut self) -> Vec<f64> {
        std::mem::take(&mut self.0)
    }
}

/// Room for `len` entries, with what was in it.
fn taken(len: usize) -> Vec<f64> {
    let kept = if len < LONG { None } else { FREE.with_borrow_mut(|free| free.take(len)) };
    kept.unwrap_or_else(|| Vec::with_capacity(len))
}

impl Drop for Plane {
    fn drop(&mut self) {
        if self.0.capacity() >= LONG {
            let entries = std::mem::take(&mut self.0);
            // a thread that ends keeps nothing
            let _ = FREE.try_with(|free| free.borrow_mut().keep(entries));
        }
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
        let mut entries = taken(iter.size_hint().0);
        entries.clear();
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
    use super::{FREE, KEPT, LONG, Plane};

    fn kept() -> [usize; 2] {
        FREE.with_borrow(|free| [free.planes.len(), free.room])
    }

    #[test]
    fn a_long_plane_is_used_again_and_is_zero_again() {
        let mut plane = Plane::zeros(LONG);
        plane.fill(7.0);
        let address = plane.as_ptr();
        drop(plane);
        assert_eq!(kept(), [1, LONG]);
        assert_eq!(Plane::zeros(LONG / 2 - 1).len(), LONG / 2 - 1);
        assert_eq!(kept(), [1, LONG]);
        let again = Plane::zeros(LONG);
        assert_eq!(again.as_ptr(), address);
        assert!(again.iter().all(|x| *x == 0.0));
        assert_eq!(again.into_vec().len(), LONG);
        assert_eq!(kept(), [0, 0]);
    }

    #[test]
    fn no_more_is_kept_than_is_allowed() {
        let planes: Vec<Plane> = (0..5).map(|_| Plane::stale(KEPT / 4)).collect();
        drop(planes);
        assert_eq!(kept(), [4, KEPT]);
    }
}
