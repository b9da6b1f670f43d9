//! Checks that cross crates, among them the example of the front page; and the conformance programs of `core-ad`, which are compiled without
//! optimisation here.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
