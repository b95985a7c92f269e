//! Approvals: asking a human, and letting the one approved call through once.
