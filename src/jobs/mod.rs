//! Background work: looks at the state, does a bounded step.
