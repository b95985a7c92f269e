//! Reading and checking the URL of an outbound call.

use url::{Host, Url};

use super::Error;

/// The longest accepted URL, in bytes.
const URL_MAX: usize = 4_096;

/// A URL that may be called as far as its text tells; its address is checked when it is dialled.
///
/// `Debug` and `Display` show scheme, host and port only: path and query of a webhook are secrets.
#[derive(Clone)]
pub struct Target {
    uri: http::Uri,
    shown: String,
}

impl Target {
    /// Reads a URL. Without `allow_private` only `https` is accepted.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that is too long, malformed, of another scheme, carries credentials, or names no host.
    pub fn parse(text: &str, allow_private: bool) -> Result<Self, Error> {
        if text.len() > URL_MAX {
            return Err(Error::Url("is longer than 4096 bytes"));
        }
        // Readers disagree on these (some cut, some strip, some fold), so no URL may contain them.
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
            return Err(Error::Url("holds a space, control character or backslash"));
        }
        // A lenient reader finds a host in `https:host` and `https:///host` too; ours does not.
        if text.split_once("://").is_none_or(|(_, rest)| rest.starts_with('/')) {
            return Err(Error::Url("is malformed"));
        }
        let mut url = Url::parse(text).map_err(|_| Error::Url("is malformed"))?;
        match url.scheme() {
            "https" => {}
            "http" if allow_private => {}
            "http" => return Err(Error::Url("is not https")),
            _ => return Err(Error::Url("is neither http nor https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Url("carries credentials"));
        }
        if url.port() == Some(0) {
            return Err(Error::Url("names port 0"));
        }
        let host = match url.host() {
            Some(Host::Domain("") | Host::Domain(".")) | None => return Err(Error::Url("names no host")),
            Some(host) => host.to_string(),
        };
        let port = url.port_or_known_default().unwrap_or(443);
        let shown = format!("{}://{host}:{port}", url.scheme());
        url.set_fragment(None);
        let uri = url.as_str().parse().map_err(|_| Error::Url("is malformed"))?;
        Ok(Self { uri, shown })
    }

    /// The URL to call.
    #[must_use]
    pub const fn uri(&self) -> &http::Uri {
        &self.uri
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn only_plain_https_urls_are_read() {
        for bad in [
            "",
            "x",
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "unix:///run/x",
            "https://",
            "https:///path",
            "https:example.com",
            "https:/example.com",
            "https://user@example.com/",
            "https://user:pw@example.com/",
            "https://:pw@example.com/",
            "https://example.com\\@10.0.0.1/",
            "https://exa mple.com/",
            "https://example.com/\r\nHost: x",
            "https://example.com/\t",
            " https://example.com/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://[::1",
            "https://%00/",
            "//example.com/",
        ] {
            assert!(Target::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Target::parse(&format!("https://example.com/{}", "x".repeat(5_000)), false).is_err());
        assert!(Target::parse("http://127.0.0.1:1/", true).is_ok());
    }

    #[test]
    fn odd_spellings_of_addresses_become_the_address_that_is_dialled() {
        for (text, host) in [
            ("https://2130706433/", "127.0.0.1"),
            ("https://0x7f.1/", "127.0.0.1"),
            ("https://0177.0.0.1/", "127.0.0.1"),
            ("https://127.1/", "127.0.0.1"),
            ("https://①②⑦.0.0.1/", "127.0.0.1"),
            ("https://[::ffff:7f00:1]/", "[::ffff:7f00:1]"),
            ("https://EXAMPLE.com/", "example.com"),
        ] {
            assert_eq!(Target::parse(text, false).unwrap().uri().host(), Some(host), "{text}");
        }
    }

    #[test]
    fn neither_path_nor_query_is_shown() {
        let target = Target::parse("https://hooks.example/services/T0/s3cret?token=s3cret#s3cret", false).unwrap();
        assert_eq!(format!("{target} {target:?}"), "https://hooks.example:443 https://hooks.example:443");
        assert_eq!(target.uri().to_string(), "https://hooks.example/services/T0/s3cret?token=s3cret");
    }
}
