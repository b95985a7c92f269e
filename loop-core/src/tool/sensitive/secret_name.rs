//! Names that ask for secrecy: what a member, variable or flag called so holds is a secret whatever it looks like.

use crate::tool::name::{Tokens, tokens};

/// Whether a member of this name holds a secret whatever its value looks like.
///
/// The name is cut into words, so `db-password`, `apiKey`, `X-Api-Key` and `CLIENT_SECRET` count; names that tell
/// about a secret (`password_policy`, `token_count`, `max_tokens`, `secret_name`) do not.
#[must_use]
pub fn names_secret(key: &str) -> bool {
    could_name_secret(key) && judge(&tokens(key))
}

/// How the words begin that [`judge`] looks for.
const STEMS: [&[u8]; 19] = [
    b"auth",
    b"bearer",
    b"code",
    b"contras",
    b"cookie",
    b"cred",
    b"cv",
    b"jwt",
    b"kennwort",
    b"key",
    b"mnemonic",
    b"otp",
    b"pass",
    b"phrase",
    b"pw",
    b"secret",
    b"senha",
    b"token",
    b"totp",
];

/// For the first letter of a stem (its last five bits) the second letters, one bit each.
static SECOND_LETTERS: [u32; 32] = {
    let mut table = [0; 32];
    let mut stems = STEMS.as_slice();
    while let Some(([first, second, ..], rest)) = stems.split_first() {
        let mut place = table.as_mut_slice();
        let mut skip = *first & 31;
        while let Some((here, behind)) = place.split_first_mut() {
            if skip == 0 {
                *here |= 1 << (*second & 31);
                break;
            }
            skip -= 1;
            place = behind;
        }
        stems = rest;
    }
    table
};

/// A quick look, since nearly every name is innocent. Must say yes to whatever [`judge`] says yes to.
fn could_name_secret(key: &str) -> bool {
    let key = key.as_bytes();
    // Letters that only look plain, or cannot be seen, are for the thorough look.
    let mut found = !key.is_ascii();
    let mut seconds = 0_u32;
    for (at, byte) in key.iter().enumerate() {
        if (seconds >> (byte & 31)) & 1 == 1 {
            found |= key.get(at - 1..).is_some_and(begins_with_stem);
        }
        seconds = SECOND_LETTERS.get(usize::from(byte & 31)).copied().unwrap_or(0);
    }
    found
}

fn begins_with_stem(rest: &[u8]) -> bool {
    STEMS.iter().any(|stem| rest.get(..stem.len()).is_some_and(|start| start.eq_ignore_ascii_case(stem)))
}

fn judge(name: &Tokens) -> bool {
    let last = name.len().saturating_sub(1);
    let about = name.get(last).is_some_and(tells_about);
    name.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).and_then(|before| name.get(before)).unwrap_or("");
        let next = name.get(at + 1).unwrap_or("");
        !(about && at < last) && is_secret(word, before, next, at == last)
    })
}

#[rustfmt::skip]
fn is_secret(word: &str, before: &str, next: &str, last: bool) -> bool {
    match word {
        "password" | "passwords" | "passwd" | "pwd" | "pword" | "passphrase" | "passphrases" | "passcode" | "passcodes"
        | "secret" | "secrets" | "credential" | "credentials" | "creds" | "authorization" | "authorisation" | "bearer"
        | "jwt" | "otp" | "totp" | "cvv" | "cvc" | "mnemonic" | "senha" | "passwort" | "kennwort" | "contrasena"
        | "contraseña" => true,
        "key" | "keys" => matches!(
            before,
            "api" | "private" | "access" | "secret" | "encryption" | "signing" | "master" | "ssh" | "account" | "auth"
            | "shared" | "service" | "client" | "license" | "licence" | "admin" | "root" | "deploy" | "storage" | "rsa"
            | "gpg" | "pgp" | "hmac" | "webhook" | "subscription" | "session"
        ),
        "token" => !is_counted(before),
        "tokens" => (last && before.is_empty()) || matches!(
            before,
            "api" | "access" | "auth" | "refresh" | "bearer" | "session" | "id" | "oauth" | "device" | "bot" | "user"
            | "personal" | "csrf" | "secret"
        ),
        "pass" => last && (before.is_empty() || matches!(
            before,
            "db" | "database" | "smtp" | "user" | "admin" | "root" | "mysql" | "postgres" | "pg" | "ftp" | "ssh"
            | "wifi" | "login" | "my" | "mail" | "redis" | "mongo" | "proxy" | "basic" | "http"
        )),
        "auth" => next == "header" || (last && matches!(before, "" | "basic" | "proxy" | "http" | "x")),
        "cookie" | "cookies" => last && matches!(before, "" | "set" | "session" | "auth"),
        "code" | "codes" => matches!(
            before,
            "security" | "mfa" | "2fa" | "verification" | "recovery" | "backup" | "pin" | "card"
        ),
        "phrase" => matches!(before, "seed" | "recovery" | "pass" | "secret" | "backup"),
        "word" => before == "pass",
        _ => ["password", "passwd", "secret", "apikey", "apikeys", "token", "privatekey", "accesskey", "secretkey",
              "sshkey", "passphrase", "credentials", "authkey", "masterkey", "encryptionkey", "signingkey"]
            .iter()
            .any(|end| word.ends_with(end)),
    }
}

/// What a language model's tokens are counted by.
fn is_counted(before: &str) -> bool {
    matches!(before, "max" | "min" | "total" | "num" | "per" | "prompt" | "completion" | "stop" | "eos" | "bos" | "pad")
}

/// Last words that make a name tell about a secret.
#[rustfmt::skip]
fn tells_about(last: &str) -> bool {
    matches!(
        last,
        "count" | "limit" | "length" | "len" | "policy" | "strength" | "min" | "max" | "name" | "arn" | "path"
        | "rotation" | "expiry" | "expires" | "expired" | "expiration" | "age" | "ttl" | "enabled" | "required" | "type"
        | "version" | "changed" | "updated" | "created" | "at" | "manager" | "format" | "label" | "status" | "budget"
        | "usage" | "used" | "remaining" | "cost" | "price" | "size"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{could_name_secret, judge, names_secret};
    use crate::tool::name::tokens;

    #[test]
    fn names_of_secrets_are_recognised_in_every_spelling() {
        for name in [
            "password",
            "Password",
            "PASSWD",
            "pwd",
            "db-password",
            "dbPassword",
            "user.password",
            "new_password2",
            "secret",
            "client_secret",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "secret_value",
            "secret_id",
            "token",
            "access_token",
            "refreshToken",
            "x-auth-token",
            "next_token_value",
            "api_tokens",
            "authtoken",
            "api_key",
            "apiKey",
            "apikey",
            "APIKEY",
            "X-Api-Key",
            "api-keys",
            "openai_api_key",
            "private_key",
            "privateKey",
            "ssh_key",
            "access_key_id",
            "signing-key",
            "encryptionKey",
            "account_key",
            "authorization",
            "Authorization",
            "Proxy-Authorization",
            "auth",
            "auth_header",
            "basic_auth",
            "credentials",
            "aws_credentials",
            "creds",
            "cookie",
            "Set-Cookie",
            "cvv",
            "cvc2",
            "security_code",
            "otp",
            "mfa_code",
            "2fa_code",
            "passphrase",
            "pass",
            "smtp_pass",
            "seed_phrase",
            "mnemonic",
            "jwt",
            "contraseña",
            "pass\u{200b}word",
            "pass_word",
            "mypassword",
        ] {
            assert!(names_secret(name), "{name}");
        }
    }

    #[test]
    fn names_that_only_tell_about_secrets_are_not() {
        for name in [
            "max_tokens",
            "token_count",
            "tokenizer",
            "total_tokens",
            "prompt_tokens",
            "tokens_used",
            "token_limit",
            "password_policy",
            "password_length",
            "secret_name",
            "secret_arn",
            "token_type",
            "token_expires_at",
            "secretary",
            "keyword",
            "key",
            "keys",
            "primary_key",
            "public_key",
            "partition_key",
            "passenger",
            "passed",
            "boarding_pass",
            "author",
            "authority",
            "oauth_scope",
            "auth_method",
            "code",
            "zip_code",
            "status_code",
            "cookie_consent",
            "compass",
            "bypass",
            "monkey",
            "turkey",
            "order_id",
            "city",
            "qty",
            "session_id",
            "passage",
            "",
            "é",
            "phrase",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_look_never_lets_a_secret_name_go(
            words in proptest::collection::vec("[a-z]{1,6}|api|key|auth|header|token|pass|word|code|otp|set|cookie", 1..5),
            separator in prop::sample::select(vec!["_", "-", "", "."]),
        ) {
            let name = words.join(separator);
            prop_assert!(could_name_secret(&name) || !judge(&tokens(&name)), "{}", name);
        }
    }
}
