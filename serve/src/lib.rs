//! The map of a scenario for callers over HTTP, and energies and forces for programs that move atoms.
//!
//! A [`Model`] is a [`CheckedMap`](cotangent_problem::CheckedMap) with a name. A [`Protocol`] answers requests about models, one
//! protocol a file; [`serve`] carries it over HTTP/1.1 within [`Limits`]. Nothing of this knows what is
//! simulated. [`IPiDriver`] knows atoms: it connects to a program that listens at i-PI's socket.
//!
//! ```
//! use std::sync::Arc;
//! use cotangent_ad::{Num, program::Traced};
//! use cotangent_problem::{CheckedMap, Closure, Quantity, SampleKey, Simulation};
//! use cotangent_serve::{Model, Protocol, Request, UmBridge};
//!
//! let (x, y) = (Quantity::scalar("x", "m", 3.0), Quantity::output("y", "m^2", &[]));
//! let square: Arc<dyn Simulation> = Arc::new(Closure::new(vec![x], vec![y], |x: &[Traced]| vec![x[0] * x[0]]));
//! let map = CheckedMap::of_simulation(&square, &[0], &[0])?;
//! let protocol = UmBridge::new(vec![Model::new("square", map, SampleKey(0))]);
//!
//! let body = br#"{"name": "square", "outWrt": 0, "inWrt": 0, "input": [[3.0]], "sens": [1.0]}"#;
//! let answer = protocol.answer(&Request { method: "POST", path: "/Gradient", accept: "", body });
//! assert_eq!((answer.status, answer.body.to_string().as_str()), (200, r#"{"output":[6.0]}"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod i_pi;
mod model;
mod protocol;
mod server;
mod tesseract;
mod um_bridge;

pub use i_pi::{DriveError, IPiDriver};
pub use model::Model;
pub use protocol::{Answer, Protocol, Refusal, Request};
pub use server::{Limits, ServeError, serve};
pub use tesseract::Tesseract;
pub use um_bridge::UmBridge;
