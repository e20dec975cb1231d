//! What the two backends of AWS share: names, settings, sign-in, and what a refusal means.
//!
//! Requests, signatures and the sources of credentials are the official SDK's. Ours are which
//! sources count, when they are asked, and what is said where they fail.

mod arn;
#[cfg(feature = "aws")]
mod ask;
#[cfg(feature = "aws")]
mod backend;
#[cfg(feature = "aws")]
mod begin;
#[cfg(feature = "aws")]
mod credentials;
#[cfg(feature = "aws")]
mod http;
#[cfg(feature = "aws")]
mod place;
#[cfg(feature = "aws")]
mod profile;
#[cfg(feature = "aws")]
mod refusal;
#[cfg(feature = "aws")]
mod session;
#[cfg(feature = "aws")]
mod settings;

pub(crate) use self::arn::{Arn, is_region};
#[cfg(feature = "aws")]
pub(crate) use self::{
    ask::{Asked, ask},
    backend::{Here, Known, Service, open},
    place::Place,
    refusal::Refusal,
    session::{Ready, Session, written},
    settings::Settings,
};
