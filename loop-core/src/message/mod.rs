//! AAP: messages between loops.
//!
//! - [`kind`]: what a message is about.
//! - [`draft`]: a message as sent, read and checked.
//! - [`envelope`]: a message as stored.
//! - [`status`]: how far it got.
//! - [`mailbox`]: inbox and threads.

mod draft;
mod envelope;
mod error;
mod kind;
mod mailbox;
mod status;

pub(crate) use draft::is_currency;
pub use draft::{DEFAULT_SECONDS, Draft, MAX_BODY, MAX_ID, MAX_SECONDS};
pub use envelope::{MESSAGES, Message, VERSION};
pub use error::MessageError;
pub use kind::Kind;
pub use mailbox::{
    InboxQuery, MAX_PAGE, NewMessage, Page, deliver, get, in_thread, inbox, of_client, of_nonce, see, see_all, thread,
};
pub use status::{Seen, Status};
