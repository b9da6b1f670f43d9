//! Checks that cross crates, among them the example of the front page; and those of the public interface of `core-ad` that are generic
//! code in many modes (the conformance programs, the rules, programs), which are compiled without optimisation here.
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]
