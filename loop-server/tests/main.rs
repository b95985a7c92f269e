//! The real server on real sockets. One folder per surface; a file per operation.
//!
//! - `support`: a tiny client, and a running server with keys.
//! - `table`: what is tested for every row of the route table, so that a new row is tested by being there.
//! - `http`: the layer below the surfaces.
//! - `cli`: the command line.
//! - `hook`: the program as the hooks of coding agents run it.
//! - `governance`: what the surface promises, on real files.
//! - `developer`, `improvement`: what these surfaces promise.
//! - `gateway`: the proxy, before a provider that the test plays.
//! - `judge`: the model that judges rules with unclear words, which a test plays.
//! - `mcp`: Loop's own tools, and those of other servers behind its decisions.
//! - `telemetry`: spans in and out.
//! - `outbox`: notices from the call that asks to the answer.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod developer;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod governance;
#[cfg(test)]
mod hook;
#[cfg(test)]
mod http;
#[cfg(test)]
mod improvement;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod support;
#[cfg(test)]
mod table;
#[cfg(test)]
mod telemetry;
