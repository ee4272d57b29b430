//! The shapes of bodies: those that are read, and those that document what is written.

/// Declares a shape that OpenAPI documents.
macro_rules! shapes {
    ($($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ })+) => {
        $(
            $(#[$meta])*
            #[derive(ToSchema)]
            pub(in crate::http) struct $name { $($(#[$field_meta])* pub(in crate::http) $field: $type,)+ }
        )+
    };
}

/// Declares what bodies are read, how large they may be, and what they may be declared as.
macro_rules! request_bodies {
    ($($name:ident up to $max:ident as $types:expr,)+) => {
        $(impl RequestBody for $name {
            const BYTES_MAX: usize = $max;
            const MEDIA_TYPES: &'static [&'static str] = $types;
        })+
    };
}

mod consents;
mod crowds;
mod data_keys;
mod erasures;
mod guards;
mod maps;
mod queries;
mod replies;
mod reports;
mod requests;
mod rights;
mod shares;
mod retention;
mod transparency;

pub(super) use consents::*;
pub(super) use crowds::*;
pub(super) use data_keys::*;
pub(super) use erasures::*;
pub(super) use guards::*;
pub(super) use maps::*;
pub(super) use queries::*;
pub(super) use replies::*;
pub(super) use reports::*;
pub(super) use requests::*;
pub(super) use retention::*;
pub(super) use rights::*;
pub(super) use shares::*;
pub(super) use transparency::*;
