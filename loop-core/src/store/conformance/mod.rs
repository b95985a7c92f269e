//! The suite every adapter passes: plain functions in one list.
