//! The one door to disk: rows and their evidence in one commit.
