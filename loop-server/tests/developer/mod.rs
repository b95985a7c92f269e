//! The developer surface on real sockets: a file per operation.

mod evaluate;
