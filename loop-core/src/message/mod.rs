//! AAP: messages between loops.
//!
//! - [`kind`]: what a message is about.
//! - [`draft`]: a message as sent, read and checked.
//! - [`envelope`]: a message as stored.
//! - [`status`]: how far it got.
//! - [`mailbox`]: inbox and threads.
//! - [`erase`]: forgetting what was said, and messages that are past their time.

mod draft;
mod envelope;
mod erase;
mod error;
mod kind;
mod mailbox;
mod status;

pub(crate) use draft::is_currency;
pub use draft::{DEFAULT_SECONDS, Draft, MAX_BODY, MAX_ID, MAX_SECONDS, Signed};
pub use envelope::{MESSAGES, Message, VERSION};
pub use erase::{erase, erase_chunk, purge_before};
pub use error::MessageError;
pub use kind::Kind;
pub use mailbox::{
    InboxQuery, MAX_PAGE, NewMessage, Page, deliver, get, in_thread, inbox, of_client, of_nonce, see, see_all, thread,
};
pub use status::{Seen, Status};
