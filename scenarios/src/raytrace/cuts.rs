//! Meshes that cut through each other: seldom what the author of a scene meant.

use cotangent_raytrace::{MeshCut, Scene, World};

/// What is said of each pair of meshes that cut through each other, where one of them is `moving`: that is, a free parameter moves it.
pub(super) fn cuts(scene: &Scene, moving: &[String]) -> Vec<String> {
    if moving.is_empty() {
        return Vec::new();
    }
    let said = |cut: &MeshCut| {
        let ([a, b], [x, y, z]) = (&cut.meshes, cut.near);
        let place =
            format!("near ({x:.3}, {y:.3}, {z:.3}), and derivatives follow where they meet");
        if a == b {
            format!("mesh `{a}` cuts through itself {place}")
        } else {
            format!("meshes `{a}` and `{b}` cut through each other {place}")
        }
    };
    let cuts = World::new(scene).cuts();
    cuts.iter().filter(|c| c.meshes.iter().any(|m| moving.contains(m))).map(said).collect()
}
