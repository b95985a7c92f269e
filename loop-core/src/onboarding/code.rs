//! The codes by which lost keys are recovered and a project becomes permanent. They are not stored: whoever holds the
//! operator's secret can make them again.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::secret::{Secret, hex, unhex};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Getting new keys for a project whose keys are lost.
    Recover,
    /// Making a project permanent.
    Upgrade,
}

impl Purpose {
    /// What is said before the project's id, so that no code serves two purposes.
    const fn label(self) -> &'static str {
        match self {
            Self::Recover => "recover:",
            Self::Upgrade => "signup-upgrade:sandbox:",
        }
    }
}

/// A project's code: HMAC-SHA256 under the operator's secret, in lower-case hexadecimal.
#[must_use]
pub fn make(secret: &Secret, purpose: Purpose, project: &str) -> Secret {
    Secret::new(sealed(secret, purpose, project).map_or_else(String::new, |mac| hex(&mac.finalize().into_bytes())))
}

/// Whether a text is the project's code. How much of it is right cannot be told by the time this takes.
#[must_use]
pub fn verifies(secret: &Secret, purpose: Purpose, project: &str, told: &str) -> bool {
    let Some(bytes) = unhex::<32>(told).filter(|_| !told.bytes().any(|b| b.is_ascii_uppercase())) else {
        return false;
    };
    sealed(secret, purpose, project).is_some_and(|mac| mac.verify_slice(&bytes).is_ok())
}

/// `None` without a secret, under which every code could be guessed.
fn sealed(secret: &Secret, purpose: Purpose, project: &str) -> Option<Hmac<Sha256>> {
    let key = Some(secret.expose().as_bytes()).filter(|key| !key.is_empty())?;
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(purpose.label().as_bytes());
    mac.update(project.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::{Purpose, make, verifies};
    use crate::base::secret::Secret;

    const PROJECT: &str = "my-app-1a2b3c4d";

    #[test]
    fn codes_are_those_of_the_vectors() {
        let secret = Secret::new("test-secret");
        for (purpose, code) in [
            (Purpose::Recover, "4e41ae8afd78ba43a2e5273dda8282a11514ffc9e4fe24149fe5947b5af567ea"),
            (Purpose::Upgrade, "e86e7e83234c7e3c16a82000d6112039bbba9f8b47ce33a3e3c7bfa1fb838f6e"),
        ] {
            assert_eq!(make(&secret, purpose, PROJECT).expose(), code);
            assert!(verifies(&secret, purpose, PROJECT, code));
        }
    }

    #[test]
    fn a_code_serves_one_project_and_one_purpose_only() {
        let secret = Secret::new("test-secret");
        let code = make(&secret, Purpose::Recover, PROJECT);
        let code = code.expose();
        assert!(!verifies(&secret, Purpose::Upgrade, PROJECT, code));
        assert!(!verifies(&secret, Purpose::Recover, "my-app-1a2b3c4e", code));
        assert!(!verifies(&Secret::new("test-secret2"), Purpose::Recover, PROJECT, code));
        let longer = format!("{code}0");
        let shorter = code.strip_suffix(|_: char| true).unwrap();
        for bad in ["", &"0".repeat(64), &longer, shorter, &code.to_uppercase(), &"é".repeat(32)] {
            assert!(!verifies(&secret, Purpose::Recover, PROJECT, bad), "{bad}");
        }
    }

    #[test]
    fn without_a_secret_no_code_is_right() {
        let none = Secret::new("");
        let code = make(&none, Purpose::Recover, PROJECT);
        assert_eq!(code.expose(), "");
        assert!(!verifies(&none, Purpose::Recover, PROJECT, code.expose()));
        assert!(!verifies(&none, Purpose::Recover, PROJECT, &"0".repeat(64)));
    }
}
