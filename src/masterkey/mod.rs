//! Providers of the key-encryption key: passphrase, key file.
