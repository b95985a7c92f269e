//! What goes wrong around a file gives a clear error, loses nothing acknowledged, and is over when it is over.

#![cfg(test)]

mod disk;
mod file;
mod format;
mod queue;
mod sharing;
