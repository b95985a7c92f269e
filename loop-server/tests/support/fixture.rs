//! A running server with two tenants.

use std::net::SocketAddr;

use loop_core::{
    access::{
        Scope, Scopes, key,
        tenant::{self, SignUp},
    },
    base::{TenantId, secret::Secret},
    store::Lane,
};
use loop_server::{
    config::{Config, Models},
    http::{Listener, Row, listen::Bound},
    start::Server,
    surface,
};

use super::client::{Answer, Client, request};

/// Where nobody answers.
const NOBODY: &str = "http://127.0.0.1:9";

/// A running server. `key` belongs to tenant `default`, `other` to another; both hold every scope.
pub struct Fixture {
    pub server: Server,
    pub address: SocketAddr,
    pub key: String,
    pub other: String,
    pub _folder: tempfile::TempDir,
}

impl Fixture {
    /// The whole table over a database file of its own.
    pub async fn start() -> Self {
        Self::with(|_| {}, surface::rows()).await
    }

    pub async fn with(change: impl FnOnce(&mut Config), rows: Vec<&'static Row>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = "tl_fixture_0123456789abcdef0123456789abcdef".to_owned();
        let mut config = Config::ephemeral();
        config.db = folder.path().join("loop.db");
        config.api_key = Some(Secret::new(key.clone()));
        config.allow_signup = true;
        config.allow_private_targets = true;
        // No test asks a real provider; the discard port of this machine refuses.
        config.models = Models { openai: NOBODY.to_owned(), anthropic: NOBODY.to_owned(), ..Models::default() };
        change(&mut config);
        let listener = Listener::bind(&config.listen).await.expect("a free port");
        let server = loop_server::serve_rows(config, listener, rows).await.expect("started");
        let Bound::Tcp(address) = *server.bound() else { panic!("a TCP address") };
        let other = sign_up(&server).await;
        Self { server, address, key, other, _folder: folder }
    }

    /// A key of tenant `default` with these scopes.
    pub async fn key_with(&self, scopes: Scopes) -> String {
        let engine = &self.server.app.engine;
        let now = engine.now();
        let seed = engine.seed().expect("randomness");
        let tenant = TenantId::default_tenant();
        let subject = tenant.clone();
        let minted = engine
            .write_as_system(&subject, "test.key", Lane::Normal, move |tx| {
                let new = key::NewKey::operator("test", scopes);
                key::mint(tx, &tenant, &new, now, &mut seed.clone())
            })
            .await
            .expect("minted");
        minted.token.expose().to_owned()
    }

    /// A key of tenant `default` with every scope but this.
    pub async fn key_without(&self, scope: Scope) -> String {
        self.key_with(Scope::ALL.into_iter().filter(|other| *other != scope).collect()).await
    }

    /// One request on a connection of its own.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut client = Client::connect(self.address).await;
        client.send(&request(method, path, headers, body)).await;
        let answer = client.answer(method == "HEAD").await;
        answer.unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// One request with a key, as the vendor's clients send it.
    pub async fn call(&self, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        self.send(method, path, &headers, body.as_bytes()).await
    }
}

async fn sign_up(server: &Server) -> String {
    let engine = &server.app.engine;
    let now = engine.now();
    let seed = engine.seed().expect("randomness");
    let (_, minted) = engine
        .write_as_system(&TenantId::default_tenant(), "test.signup", Lane::Normal, move |tx| {
            let input = SignUp { email: "other@example.com".to_owned(), name: None, company: None };
            tenant::sign_up(tx, &input, now, &mut seed.clone())
        })
        .await
        .expect("signed up");
    minted.token.expose().to_owned()
}
