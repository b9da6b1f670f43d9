//! Derivatives of images: against closed forms, against differences of images, and forward against reverse.

mod common;
mod ends_of_ranges;
mod every_parameter;
mod hostile_scenes;
mod known_derivatives;
mod lights_and_paths;
mod mirrors_and_glass;
