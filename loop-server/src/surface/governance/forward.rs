//! `forward_to`: what is to be done with an allowed call.

use http::Method;
use loop_core::base::json::{View, write};

use crate::{
    http::{Call, Failure},
    outbound::{self, forward::Forwarded},
};

/// A `forward_to` as sent, checked before anything is decided.
pub(super) struct ForwardTo<'d> {
    url: &'d str,
    method: Method,
    headers: Vec<(&'d str, &'d str)>,
    body: Option<View<'d>>,
}

impl<'d> ForwardTo<'d> {
    /// Reads and checks the member; `None` when it is absent or null.
    pub(super) fn read(call: &Call, view: Option<View<'d>>) -> Result<Option<Self>, Failure> {
        let Some(view) = view.filter(|view| !view.is_null()) else { return Ok(None) };
        let text = |name: &str| match view.get(name).filter(|view| !view.is_null()) {
            None => Ok(None),
            Some(view) => {
                view.as_str().map(Some).ok_or_else(|| Failure::invalid(format!("`forward_to.{name}` must be text")))
            }
        };
        let url = text("url")?.ok_or_else(|| Failure::invalid("`forward_to.url` is missing"))?;
        let method = text("method")?.unwrap_or("POST").to_ascii_uppercase();
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| Failure::invalid("`forward_to.method` is not valid"))?;
        let mut headers = Vec::new();
        if let Some(list) = view.get("headers").filter(|view| !view.is_null()) {
            if !list.is_object() {
                return Err(Failure::invalid("`forward_to.headers` must be an object"));
            }
            for member in list.members() {
                let value = member.as_str().ok_or_else(|| Failure::invalid("`forward_to.headers` must hold text"))?;
                headers.push((member.key(), value));
            }
        }
        outbound::forward::check(&call.app.outbound, url, method.as_str(), &headers)
            .map_err(|error| Failure::invalid(format!("`forward_to`: {error}")))?;
        Ok(Some(Self { url, method, headers, body: view.get("body") }))
    }

    /// What rules see of it and approvals bind.
    pub(super) fn proposed(&self) -> loop_core::policy::Forward<'_> {
        loop_core::policy::Forward { url: self.url, method: self.method.as_str(), body: self.body }
    }

    /// Sends it. The body is `forward_to.body`, or the call's arguments when there is none.
    pub(super) async fn send(&self, call: &Call, arguments: View<'_>) -> Result<Forwarded, outbound::Error> {
        let mut body = String::new();
        write(self.body.unwrap_or(arguments), &mut body);
        let own_key = call.presented_key();
        let forward = outbound::forward::Forward {
            url: self.url,
            method: self.method.as_str(),
            headers: &self.headers,
            body: &body,
            own_key: own_key.as_ref(),
        };
        outbound::forward::send(&call.app.outbound, forward).await
    }
}
