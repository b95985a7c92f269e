//! What the benches share. A bench judges ratios only: it runs Loop and a floor (the same work by hand, without
//! Loop) in turns within one run, because a shared machine is faster at one moment than at the next.
//!
//! - [`workload`]: the call that is decided, the rule it is decided by, the engine that decides.
//! - [`group_commit`]: the floor of durable writes.
//! - [`bare_server`]: the floor of HTTP.
//! - [`model`], [`bare_proxy`]: a language model that answers at once, and the floor of proxies before it.
//! - [`first_text`]: how soon a stream's first text comes.
//! - [`issues`]: a table full of issues.
//! - [`load`]: clients that ask as fast as they are answered.
//! - [`process`]: servers in processes of their own.
//! - [`report`]: rounds, medians and the printed line.

pub mod bare_proxy;
pub mod bare_server;
pub mod first_text;
pub mod group_commit;
pub mod issues;
pub mod load;
pub mod model;
pub mod process;
pub mod report;
pub mod workload;

/// What benches answer: any error ends them.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
