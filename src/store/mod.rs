//! The storage engine behind a trait over bytes. Knows keyspaces, batches and durability; never encrypts.
