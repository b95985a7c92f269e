//! Tool names cut into words.
