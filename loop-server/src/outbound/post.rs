//! Sending a notice through its channel.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue as MailHeader},
    },
};
use loop_core::{
    base::{Time, secret::Secret},
    outbox::{Notice, Retry, Target, links::Links},
};
use url::Url;

use super::{
    Answer, Client, Error,
    channel::{self, Urls, Words},
};

/// How long one SMTP command, and how long a whole delivery, may take, in seconds.
const SMTP_SECONDS: (u64, u64) = (20, 45);

/// Why a notice was not delivered. The text is safe to store and log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Undelivered {
    /// Our own words: never the other side's, never a secret.
    pub why: String,
    /// Whether trying again may help.
    pub retry: Retry,
}

impl Undelivered {
    fn never(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry: Retry::Never }
    }

    fn later(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry: Retry::After(None) }
    }
}

impl From<Error> for Undelivered {
    fn from(error: Error) -> Self {
        let retry = if error.is_transient() { Retry::After(None) } else { Retry::Never };
        Self { why: error.to_string(), retry }
    }
}

/// A mail server set by the operator. It is exempt from the guard: mail servers stand in private networks.
#[derive(Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why the mail settings cannot be used; never holds the URL, which may carry a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    /// The URL is no SMTP URL.
    #[error("the SMTP URL is not of the form `smtp[s]://[user:password@]host[:port][?tls=required|none]`")]
    Url,
    /// A password that an attacker could have sent in clear.
    #[error("a password needs `tls=required`, which is the default, or `tls=none` to be sent in clear")]
    Password,
    /// The sender is no e-mail address.
    #[error("the sender is not an e-mail address")]
    From,
}

impl Smtp {
    /// A mail server from `smtp://…` or `smtps://…`, and the sender's address. With a password, or with
    /// `?tls=required`, `smtp://` speaks to servers only that change to TLS (STARTTLS) before anything is told;
    /// `?tls=none` sends also the password in clear.
    ///
    /// # Errors
    /// When either cannot be read, or the URL leaves it to the server whether the password is sent in clear.
    pub fn new(url: &Secret, from: &str) -> Result<Self, SmtpError> {
        let url = Secret::new(with_tls(url.expose())?);
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose()).map_err(|_| SmtpError::Url)?;
        let transport = builder.timeout(Some(Duration::from_secs(SMTP_SECONDS.0))).build();
        Ok(Self { transport, from: from.parse().map_err(|_| SmtpError::From)? })
    }

    async fn send(&self, to: &str, notice: &Notice, words: &Words<'_>, now: Time) -> Result<(), Undelivered> {
        let to: Address = to.parse().map_err(|_| Undelivered::never("the recipient is not an e-mail address"))?;
        let mail = channel::email::render(words);
        // The same notice always has the same id, so that a repeated delivery shows once in most mail programs.
        let domain = self.from.email.domain();
        let at = Duration::from_micros(u64::try_from(now.as_micros()).unwrap_or(0));
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .message_id(Some(format!("<{}@{domain}>", notice.id)))
            .date(SystemTime::UNIX_EPOCH + at)
            // Asks other machines not to answer (RFC 3834).
            .raw_header(MailHeader::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
            .map_err(|_| Undelivered::never("the mail cannot be built"))?;
        let sending = self.transport.send(message);
        match tokio::time::timeout(Duration::from_secs(SMTP_SECONDS.1), sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(&error)),
            Err(_) => Err(Undelivered::later("the mail server did not answer in time")),
        }
    }
}

/// The URL with the TLS that it means, in the library's words: there, none is the default also for passwords.
fn with_tls(url: &str) -> Result<String, SmtpError> {
    let mut url = Url::parse(url).map_err(|_| SmtpError::Url)?;
    let asked: Vec<String> =
        url.query_pairs().filter(|(name, _)| name == "tls").map(|(_, value)| value.into_owned()).collect();
    let tls = match (url.scheme(), asked.as_slice()) {
        ("smtps", []) => return Ok(url.into()),
        ("smtp", [one]) if one == "none" => None,
        ("smtp" | "smtps", [one]) if one == "required" => Some("required"),
        ("smtp", [one]) if one == "opportunistic" && url.password().is_some() => return Err(SmtpError::Password),
        ("smtp", [one]) if one == "opportunistic" => Some("opportunistic"),
        ("smtp", []) => url.password().map(|_| "required"),
        _ => return Err(SmtpError::Url),
    };
    url.set_query(tls.map(|tls| format!("tls={tls}")).as_deref());
    Ok(url.into())
}

fn refused(error: &lettre::transport::smtp::Error) -> Undelivered {
    // Only the code: a server's text could repeat the message and with it the links.
    match error.status() {
        Some(code) if error.is_permanent() => Undelivered::never(format!("the mail server answered {code}")),
        Some(code) => Undelivered::later(format!("the mail server answered {code}")),
        None if error.is_timeout() => Undelivered::later("the mail server did not answer in time"),
        None if error.is_tls() => Undelivered::later("the mail server's TLS failed"),
        None => Undelivered::later("the mail server cannot be reached or broke off"),
    }
}

/// Every way out for notices.
#[derive(Clone)]
pub struct Post {
    client: Client,
    smtp: Option<Smtp>,
    public_url: String,
}

impl Post {
    /// Sends webhooks with `client`, mail over `smtp` when there is one, and links that begin with `public_url`.
    #[must_use]
    pub fn new(client: Client, smtp: Option<Smtp>, public_url: impl Into<String>) -> Self {
        Self { client, smtp, public_url: public_url.into() }
    }

    /// Delivers one notice. `webhook` is the URL of the tenant's settings for the notice's channel.
    ///
    /// # Errors
    /// What went wrong and whether to try again.
    pub async fn deliver(
        &self,
        notice: &Notice,
        links: Option<&Links>,
        webhook: Option<&Secret>,
        now: Time,
    ) -> Result<(), Undelivered> {
        let words = Words::of(notice, links.map(|links| Urls::new(&self.public_url, links)));
        let body = match &notice.target {
            Target::Email { address } => {
                let Some(smtp) = &self.smtp else {
                    return Err(Undelivered::never("no mail server is configured"));
                };
                return smtp.send(address, notice, &words, now).await;
            }
            Target::Slack => channel::slack::render(&words),
            Target::Teams => channel::teams::render(&words),
            Target::Discord => channel::discord::render(&words),
        };
        let Some(url) = webhook else {
            return Err(Undelivered::never("the settings name no webhook for this channel"));
        };
        let target = self.client.target(url.expose())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("loop/", env!("CARGO_PKG_VERSION"))));
        let answer = self.client.send(Method::POST, &target, headers, Bytes::from(body.to_string())).await?;
        judge(&answer)
    }
}

fn judge(answer: &Answer) -> Result<(), Undelivered> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let why = format!("the webhook answered {}", status.as_u16());
    let passing = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if !passing {
        return Err(Undelivered::never(why));
    }
    let asked = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    // Discord sends fractions; a date is not worth a parser, the back-off serves as well.
    let seconds = asked.and_then(|text| text.split('.').next()).and_then(|text| text.trim().parse().ok());
    Err(Undelivered { why, retry: Retry::After(seconds) })
}
