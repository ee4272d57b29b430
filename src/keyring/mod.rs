//! The key hierarchy: keyring file, key tree, member keys. Proposes rows, never writes them.
