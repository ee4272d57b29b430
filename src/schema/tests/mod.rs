//! What the data map says, and what it refuses to say.

mod lookups;
mod refusals;

/// A small map: one purpose by contract, one by consent, and what a test adds.
pub(super) fn small(rest: &str) -> String {
    format!(
        "version = 1\nstrict = true\ncontroller = \"Shop\"\ncontact = \"privacy@shop.example\"\n\n\
         [purposes.service]\nabout = \"Serving\"\nbasis = \"contract\"\ndpv = \"dpv:ServiceProvision\"\n\n\
         [purposes.health]\nabout = \"Advice\"\nbasis = \"consent\"\ndpv = \"dpv:ServicePersonalisation\"\n\n{rest}"
    )
}

/// A record type with these fields.
pub(super) fn record(compartment: &str, name: &str, fields: &[&str]) -> String {
    let fields = fields.iter().map(|field| format!("fields.{field}\n")).collect::<String>();
    format!(
        "[[records]]\ncompartment = \"{compartment}\"\nname = \"{name}\"\nabout = \"x\"\nretention = \"P2Y\"\n{fields}\n"
    )
}

/// A field of ordinary text that serves `service`.
pub(super) fn plain(name: &str) -> String {
    format!(
        "{name} = {{ type = \"text\", sensitivity = \"ordinary\", purposes = [\"service\"], source = \"x\", about = \"x\" }}"
    )
}
