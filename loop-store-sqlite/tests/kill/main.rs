//! A process that is killed while it writes loses nothing it acknowledged, and leaves nothing half done.

#![cfg(test)]

mod invokes;
mod writes;
