//! Whole turns on the memory store: what goes out together, what waits, and what is handed on later.
