//! From a call that asks a human to the human's answer, and what a crash between the two leaves.

mod answered;
mod hook;
mod killed;
