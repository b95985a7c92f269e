//! The reference store: persistent maps, one lock, jobs run inline.
