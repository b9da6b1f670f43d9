//! Checks that cross crates; the example of the front page is one of them.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
