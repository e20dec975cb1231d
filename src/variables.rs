//! What is known of variables by their name alone: which are inherited, which steer programs.

pub mod base;
pub mod glob;
pub mod steering;
