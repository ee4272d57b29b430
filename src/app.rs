//! Composition: the one place that names the concrete engine and master key provider.
