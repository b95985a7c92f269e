//! Telling a worker that there is something to do.

use std::sync::Arc;

use tokio::sync::Notify;

/// A bell. Ringing it never blocks and rings that nobody heard yet are kept as one.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// A bell that has not rung.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Rings; call it when the work is durable. May be called from any thread.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring, or takes one that was kept.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}
