//! Logs: set up once, never personal.
