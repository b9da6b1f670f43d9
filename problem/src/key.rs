//! Names of random draws.

use cotangent_ad::random::Stream;
use serde::{Deserialize, Serialize};

/// Names one draw of a stochastic objective.
///
/// The same key and the same point give the same bits. An optimizer that assumes a deterministic
/// function freezes the key for its whole run; a stochastic one takes a [`child`](Self::child) each iteration.
/// A deterministic objective ignores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SampleKey(pub u64);

impl SampleKey {
    /// The key of another draw under this one: of `purpose`, number `index`.
    ///
    /// Keys are hashed, never added, because sums collide: draw 1 of seed 0 would be draw 0 of seed 1.
    ///
    /// ```
    /// use cotangent_problem::SampleKey;
    /// let seed = SampleKey(0);
    /// assert_eq!(seed.child("iteration", 1), seed.child("iteration", 1));
    /// assert_ne!(seed.child("iteration", 1), SampleKey(1).child("iteration", 0));
    /// ```
    #[must_use]
    pub fn child(self, purpose: &str, index: u64) -> Self {
        Self(Stream::new(&[self.0, name_word(purpose), index]).bits(0))
    }
}

/// A text as one word of a stream's name: FNV-1a, 64 bits (Fowler, Noll, Vo 1991).
///
/// ```
/// assert_eq!(cotangent_problem::name_word(""), 0xcbf2_9ce4_8422_2325);
/// ```
pub const fn name_word(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut k = 0;
    while k < bytes.len() {
        hash = (hash ^ bytes[k] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        k += 1;
    }
    hash
}
