//! The proxy before language models: what it promises, with a model that a test plays on a real socket.

mod fake;
mod models;
mod upstream;

use loop_server::{config::Models, surface};

use self::fake::Fake;
use crate::support::Fixture;

/// The key that the client sends for the provider.
const UPSTREAM_KEY: &str = "Bearer sk-upstream-0123456789";

/// A server whose providers are both `fake`.
async fn before(fake: &Fake) -> Fixture {
    let base = fake.url();
    Fixture::with(
        |config| {
            config.models = Models { openai: format!("{base}/v1"), anthropic: base.clone(), ..config.models.clone() };
        },
        surface::rows(),
    )
    .await
}
