//! glTF 2.0 in one file: a mesh, a material and a node for each body, and an animation where bodies move.
//!
//! glTF has metres and y up: a node above all bodies turns z up, and other units are noted in `asset.extras`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cotangent_ad::{Mat3, Pose};
use cotangent_answer::Look;
use serde_json::{Value, json};

use super::moments;

const FLOAT: u32 = 5126;
const UNSIGNED_INT: u32 = 5125;

/// The binary data of a file, and what in it is what.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

#[expect(clippy::cast_possible_truncation, reason = "glTF has floats of 32 bits")]
fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

impl Buffer {
    fn accessor(&mut self, bytes: &[u8], component: u32, kind: &str, count: usize) -> usize {
        self.views.push(json!({
            "buffer": 0, "byteOffset": self.bytes.len(), "byteLength": bytes.len(),
        }));
        self.bytes.extend(bytes);
        self.accessors.push(json!({
            "bufferView": self.views.len() - 1, "componentType": component, "type": kind, "count": count,
        }));
        self.accessors.len() - 1
    }

    /// Vectors of `N` floats, with their range.
    fn vectors<const N: usize>(&mut self, kind: &str, vectors: &[[f64; N]]) -> usize {
        let flat = single(vectors.as_flattened());
        let bytes: Vec<u8> = flat.iter().flat_map(|v| v.to_le_bytes()).collect();
        let number = self.accessor(&bytes, FLOAT, kind, vectors.len());
        let bound = |pick: fn(f32, f32) -> f32, start: f32| -> Vec<f32> {
            let of = |c: usize| flat.iter().skip(c).step_by(N).copied().fold(start, pick);
            (0..N).map(of).collect()
        };
        self.accessors[number]["min"] = json!(bound(f32::min, f32::INFINITY));
        self.accessors[number]["max"] = json!(bound(f32::max, f32::NEG_INFINITY));
        number
    }

    fn indices(&mut self, faces: &[[u32; 3]]) -> usize {
        let bytes: Vec<u8> = faces.as_flattened().iter().flat_map(|k| k.to_le_bytes()).collect();
        self.accessor(&bytes, UNSIGNED_INT, "SCALAR", 3 * faces.len())
    }
}

/// The unit quaternion `x, y, z, w` of a rotation, by the greatest of its entries (Shepperd 1978).
fn quaternion(rotation: &Mat3<f64>) -> [f64; 4] {
    let r = &rotation.0;
    let trace = r[0][0] + r[1][1] + r[2][2];
    // four times the squares of x, y, z and w
    let squares = [
        1.0 + 2.0 * r[0][0] - trace,
        1.0 + 2.0 * r[1][1] - trace,
        1.0 + 2.0 * r[2][2] - trace,
        1.0 + trace,
    ];
    let largest = (0..4).max_by(|a, b| squares[*a].total_cmp(&squares[*b])).unwrap_or(3);
    let mut q = match largest {
        0 => [squares[0], r[0][1] + r[1][0], r[2][0] + r[0][2], r[2][1] - r[1][2]],
        1 => [r[0][1] + r[1][0], squares[1], r[1][2] + r[2][1], r[0][2] - r[2][0]],
        2 => [r[2][0] + r[0][2], r[1][2] + r[2][1], squares[2], r[1][0] - r[0][1]],
        _ => [r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1], squares[3]],
    };
    let norm = q.iter().map(|v| v * v).sum::<f64>().sqrt();
    q.iter_mut().for_each(|v| *v /= norm);
    q
}

/// Quaternions of poses; of the two of each rotation the one nearer to that before it, so that what is between turns the short way.
fn turns(poses: &[&Pose<f64>]) -> Vec<[f64; 4]> {
    let mut turns: Vec<[f64; 4]> = Vec::with_capacity(poses.len());
    for pose in poses {
        let mut q = quaternion(&pose.rotation);
        let before = turns.last().unwrap_or(&q);
        if before.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>() < 0.0 {
            q.iter_mut().for_each(|v| *v = -*v);
        }
        turns.push(q);
    }
    turns
}

/// The animation of bodies that move: samplers and channels.
fn animate(look: &Look, most: usize, buffer: &mut Buffer) -> (Vec<Value>, Vec<Value>) {
    let (mut samplers, mut channels) = (Vec::new(), Vec::new());
    let moments = moments(look, most);
    let times: Vec<[f64; 1]> = moments.iter().map(|k| [look.times[*k]]).collect();
    if !look.moves() {
        return (samplers, channels);
    }
    let input = buffer.vectors("SCALAR", &times);
    for (k, body) in look.bodies.iter().enumerate().filter(|(_, body)| body.moves()) {
        let poses: Vec<&Pose<f64>> = moments.iter().map(|m| &body.poses[*m]).collect();
        let places: Vec<[f64; 3]> = poses.iter().map(|pose| pose.translation.0).collect();
        let outputs = [
            ("translation", buffer.vectors("VEC3", &places)),
            ("rotation", buffer.vectors("VEC4", &turns(&poses))),
        ];
        for (path, output) in outputs {
            channels.push(
                json!({ "sampler": samplers.len(), "target": { "node": k + 1, "path": path } }),
            );
            samplers.push(json!({ "input": input, "output": output, "interpolation": "LINEAR" }));
        }
    }
    (samplers, channels)
}

/// The file of a look, with at most so many moments of a motion; what is between two of them is interpolated.
pub(crate) fn file(look: &Look, most: usize) -> Vec<u8> {
    let mut buffer = Buffer::default();
    let (mut meshes, mut materials) = (Vec::new(), Vec::new());
    let children: Vec<usize> = (1..=look.bodies.len()).collect();
    let upright = if look.up == 2 {
        [-0.5_f64.sqrt(), 0.0, 0.0, 0.5_f64.sqrt()]
    } else {
        [0.0, 0.0, 0.0, 1.0]
    };
    let mut nodes = vec![json!({ "name": look.name, "rotation": upright, "children": children })];
    for (k, body) in look.bodies.iter().enumerate() {
        let position = buffer.vectors("VEC3", &body.corners);
        let indices = buffer.indices(&body.faces);
        meshes.push(json!({
            "name": body.name,
            "primitives": [{ "attributes": { "POSITION": position }, "indices": indices, "material": k }],
        }));
        let [r, g, b] = body.colour.map(|v| v.clamp(0.0, 1.0));
        materials.push(json!({
            "name": body.name,
            "doubleSided": true,
            "emissiveFactor": body.glow.map(|v| v.clamp(0.0, 1.0)),
            "pbrMetallicRoughness": {
                "baseColorFactor": [r, g, b, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.9,
            },
        }));
        let pose = &body.poses[0];
        nodes.push(json!({
            "name": body.name,
            "mesh": k,
            "translation": pose.translation.0,
            "rotation": quaternion(&pose.rotation),
        }));
    }
    let (samplers, channels) = animate(look, most, &mut buffer);
    let Buffer { bytes, views, accessors } = buffer;
    let uri = format!("data:application/octet-stream;base64,{}", STANDARD.encode(&bytes));
    let mut file = json!({
        "asset": { "version": "2.0", "generator": "cotangent", "extras": { "unit": look.unit } },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": nodes,
        "meshes": meshes,
        "materials": materials,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{ "byteLength": bytes.len(), "uri": uri }],
    });
    if !channels.is_empty() {
        file["animations"] = json!([{ "samplers": samplers, "channels": channels }]);
    }
    file.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use cotangent_ad::{Quat, Vec3};

    use super::*;

    #[test]
    fn quaternions_are_those_of_their_rotations() {
        for v in [[0.1, -0.2, 0.3], [3.0, 0.1, 0.0], [0.0, 3.1, 0.2], [0.1, 0.0, -3.0], [0.0; 3]] {
            let exact = Quat::exp(Vec3(v));
            let [x, y, z, w] = quaternion(&exact.to_mat());
            let dot = exact.0.iter().zip([w, x, y, z]).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot.abs() - 1.0).abs() < 1e-14, "{v:?}: {dot}");
        }
    }

    #[test]
    fn a_turn_of_more_than_half_a_circle_goes_on_the_short_way() {
        let pose = |k: u32| Pose {
            rotation: Quat::exp(Vec3([0.0, 0.0, 0.5 * f64::from(k)])).to_mat(),
            translation: Vec3::zero(),
        };
        let poses: Vec<Pose<f64>> = (0..20).map(pose).collect();
        let turns = turns(&poses.iter().collect::<Vec<_>>());
        let near = |pair: &[[f64; 4]]| pair[0].iter().zip(pair[1]).map(|(a, b)| a * b).sum::<f64>();
        assert!(turns.windows(2).all(|pair| near(pair) > 0.9));
    }
}
