//! What the rules of issues, labels and relations must hold, on the store in memory.

mod given;
mod issues;
mod labels;
mod lists;
mod relations;
