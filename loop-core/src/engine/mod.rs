//! The facade an embedder holds.
