//! Merkle tree hashes (RFC 9162) over the ledger: pure, no storage.
