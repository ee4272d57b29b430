//! Merkle tree hashes over the ledger (RFC 9162, and RFC 6962 before it), and tiles of them as C2SP `tlog-tiles` cuts
//! them.
//!
//! Pure: takes hashes and gives hashes; reads no storage, knows no row and no leaf's content. `ledger` appends to a
//! [`Tree`], stores the [`Tile`]s it yields, and at opening rebuilds the tree from them. Proofs are read from the same
//! tiles; nothing but tiles and leaves is needed for them.

mod frontier;
mod hash;
mod proof;
mod rebuild;
mod tree;
mod verify;

pub use frontier::Frontier;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use proof::{consistency_proof, inclusion_proof, root_at, tile_at};
pub use rebuild::{HashSource, rebuild};
pub use tree::{TILE_HEIGHT, TILE_LEVELS_MAX, TILE_WIDTH, Tile, Tree};
pub use verify::{verify_consistency, verify_inclusion};

#[cfg(test)]
mod naive;
