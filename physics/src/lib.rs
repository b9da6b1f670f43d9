//! Articulated rigid bodies with exact step derivatives. Empty until its first slice lands.
