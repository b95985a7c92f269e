//! OpenAI's responses: calls are output items. What the provider ran itself (searches, its code interpreter, MCP
//! servers it called) passes; every type that is not known is decided.

mod item;
mod stream;
pub(super) mod whole;

pub(super) use stream::Responses;
