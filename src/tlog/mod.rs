//! Merkle tree hashes over the ledger (RFC 9162, and RFC 6962 before it), and tiles of them as C2SP `tlog-tiles` cuts
//! them.
//!
//! And what is said about it to others, in the formats of C2SP: signed notes, checkpoints, proofs as files, and how all
//! of them are verified.
//!
//! Pure: takes hashes and gives hashes; reads no storage, knows no row and no leaf's content. `ledger` appends to a
//! [`Tree`], stores the [`Tile`]s it yields, and at opening rebuilds the tree from them. Proofs are read from the same
//! tiles; nothing but tiles and leaves is needed for them. `vault` signs; whoever verifies needs this room alone.

mod checkpoint;
mod frontier;
mod hash;
mod key;
mod note;
mod proof;
mod proof_file;
mod rebuild;
mod tile_path;
mod tree;
mod verify;

pub use checkpoint::Checkpoint;
pub use frontier::Frontier;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use key::{KeyName, SignatureType, VerifierKey};
pub use note::{Attested, NOTE_BYTES_MAX, Note, NoteError, SIGNATURES_MAX, cosign, sign_note};
pub use proof::{consistency_proof, inclusion_proof, root_at, tile_at};
pub use proof_file::InclusionProof;
pub use rebuild::{HashSource, rebuild};
pub use tile_path::{InvalidTilePath, TileKind, TilePath};
pub use tree::{TILE_HEIGHT, TILE_LEVELS_MAX, TILE_WIDTH, Tile, Tree};
pub use verify::{verify_consistency, verify_inclusion};

#[cfg(test)]
mod naive;
