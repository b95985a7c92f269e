use proptest::prelude::*;

use super::{DataClass, Finding, scan};

fn found(text: &str) -> Vec<(DataClass, &str)> {
    let mut findings = Vec::new();
    scan(text, &mut findings);
    findings.into_iter().map(|Finding { class, start, end }| (class, text.get(start..end).unwrap())).collect()
}

/// Data of each class, as people and programs write it. Keys are put together here so that no scanner of
/// repositories takes them for real ones.
fn samples() -> Vec<(DataClass, String)> {
    let mut all = Vec::new();
    let mut add = |class, values: &[&str]| all.extend(values.iter().map(|value| (class, (*value).to_owned())));
    add(
        DataClass::Email,
        &[
            "jane.roe@example.com",
            "JANE@EXAMPLE.CO.UK",
            "jane+tag@mail.example.com",
            "o_brien-1@example.museum",
            "jürgen@müller.example",
            "a@b.io",
            "jane%40example.com",
            "\"jane roe\"@example.com",
            "jane@[192.168.0.1]",
            "07911123456@example.com",
            "j@xn--bcher-kva.xn--p1ai",
        ],
    );
    add(
        DataClass::Phone,
        &[
            "+44 20 7946 0958",
            "+442079460958",
            "+44 (0)20 7946 0958",
            "(+44) 20 7946 0958",
            "+1 415 555 2671",
            "+1-415-555-2671",
            "+1 (415) 555-2671",
            "(415) 555-2671",
            "415-555-2671",
            "415.555.2671",
            "1-415-555-2671",
            "020 7946 0958",
            "(020) 7946 0958",
            "07911 123456",
            "07911123456",
            "0161 496 0000",
            "01632 960 983",
            "+49 30 123456",
            "+33 1 23 45 67 89",
            "+81-3-1234-5678",
            "0044 20 7946 0958",
            "+44\u{a0}20\u{a0}7946\u{a0}0958",
            "415\u{2011}555\u{2011}2671",
        ],
    );
    add(
        DataClass::Card,
        &[
            "4111 1111 1111 1111",
            "4111-1111-1111-1111",
            "4111111111111111",
            "5555 5555 5555 4444",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "30569309025904",
            "3566002020360505",
            "2223003122003222",
            "4222222222222",
            "4111 1111 1111 1112",
            "4111 - 1111 - 1111 - 1111",
            "4111.1111.1111.1111",
        ],
    );
    add(
        DataClass::Iban,
        &[
            "GB29NWBK60161331926819",
            "GB29 NWBK 6016 1331 9268 19",
            "gb29nwbk60161331926819",
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "ES91 2100 0418 4502 0005 1332",
            "NO9386011117947",
            "FR1420041010050500013M02606",
            "GB00NWBK60161331926819",
        ],
    );
    add(DataClass::UsSsn, &["078-05-1120", "000-00-0000", "078 05 1120"]);
    add(DataClass::UkNino, &["QQ123456C", "qq123456c", "QQ 12 34 56 C", "AB-12-34-56-D", "ZZ999999A"]);
    let key = |parts: &[&str]| parts.concat();
    let twenty = "a1b2c3d4e5f6g7h8i9j0";
    let hex = "0123456789abcdef0123456789abcdef";
    for value in [
        key(&["sk", "-proj-", "abcdefghijklmnopqrstuvwxyz012345"]),
        key(&["sk", "-ant-", "api03-abcdefghijklmnopqrstuvwx"]),
        key(&["sk", "-", "abcdefghijklmnopqrstuvwx"]),
        key(&["tl", "_", hex]),
        key(&["nv", "_", hex]),
        key(&["lk", "_live_", hex]),
        key(&["lk", "_test_", twenty]),
        key(&["ghp", "_", "0123456789abcdefghijklmnopqrstuvwxyzAB"]),
        key(&["gho", "_", "0123456789abcdefghijklmnopqrstuvwxyzAB"]),
        key(&["github", "_pat_", twenty, "_", twenty]),
        key(&["AKIA", "IOSFODNN7EXAMPLE"]),
        key(&["ASIA", "IOSFODNN7EXAMPLE"]),
        key(&["xoxb", "-", "123456789012-abcdefABCDEF"]),
        key(&["xoxs", "-", "123456789012-abcdefABCDEF"]),
        key(&["AI", "za", twenty, "abcdefghijklmno"]),
        key(&["sk", "_live_", twenty]),
        key(&["glpat", "-", twenty]),
        key(&["hf", "_", twenty, twenty]),
        key(&["ey", "JhbGciOiJIUzI1NiJ9.", "eyJzdWIiOiIxMjM0In0.", "dozjgNryP4J3jVmNHl0w5N"]),
        key(&["SG", ".", twenty, ".", twenty]),
        key(&["-----BEGIN RSA PRIVATE", " KEY-----\nMIIEpAIBAAKCAQEA\nabc+/=\n-----END RSA PRIVATE KEY-----"]),
        key(&["-----BEGIN PRIVATE", " KEY-----\\nMIIEvQIBADANBg\\n-----END PRIVATE KEY-----"]),
    ] {
        all.push((DataClass::ApiKey, value));
    }
    all
}

#[test]
fn every_sample_is_found_whole_alone_and_within_text() {
    for (class, value) in samples() {
        for text in [
            value.clone(),
            format!("value {value} end"),
            format!("({value})"),
            format!("x:{value},"),
            format!("\"{value}\""),
            format!("tel {value}. And then"),
            format!("é{value}é").replace('é', "\n"),
            format!("{value};{value}"),
        ] {
            let all = found(&text);
            assert!(!all.is_empty(), "nothing in {text:?}");
            for (was, raw) in &all {
                assert_eq!(*was, class, "{text:?} gave {all:?}");
                let bare = |text: &str| text.trim_matches(['(', ')']).to_owned();
                assert!(bare(raw) == bare(&value), "{text:?} gave {all:?}");
            }
        }
    }
}

#[test]
fn harmless_values_are_left_alone() {
    for text in [
        "A-1234",
        "Leeds",
        "12345",
        "order A-1234 for Leeds, 12345 pieces",
        "2026-11-22",
        "2026-11-22 14:30:00",
        "2026-11-22T14:30:00.123456Z",
        "2026-11-22T10:00:00+00:00",
        "2026-11-22 14 30",
        "22.11.2026 14:30",
        "01-02-2026 10:30",
        "1763817798",
        "1763817798000",
        "1763817798000000",
        "550e8400-e29b-41d4-a716-446655440000",
        "12345678-1234-1234-1234-123456789012",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "£142,000",
        "$4,999.99",
        "1,234,567.89",
        "1234567890.12",
        "+12345678.90",
        "+51.5074 -0.1278",
        "192.168.0.1",
        "10.0.0.255:8080",
        "255.255.255.255",
        "192.168.100.200",
        "2001:db8::8a2e:370:7334",
        "v1.22.333",
        "lodash@4.17.21",
        "@scope/package",
        "@jane",
        "me@localhost",
        "a @ b",
        "https://example.com/a/b?c=d#e",
        "http://127.0.0.1:4242/api",
        "user:1000",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "SELECT * FROM orders WHERE id = 4711 AND total > 100",
        "a-long-kebab-case-name-of-something",
        "sk-learn",
        "task-list-for-the-week",
        "nv_some_long_snake_case_name",
        "the bearer of this letter",
        "in 20 25 30 a year",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        "10 20 30 40 50 60 70 80 90",
        "100 200 3000",
        "3.141592653589793",
        "0.4532015112830366",
        "978-3-16-148410-0",
        "00000000",
        "0000000000000000",
        "call me at 5",
        "INV-9921",
        "INV-99210000",
        "{\"max_tokens\": 512, \"token_count\": 3}",
        "tokens used: 12",
        "key: value",
        "password: [REDACTED]",
        "has_password=true",
        "",
        "é😀漢字",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn values_told_by_their_name_are_found() {
    for (text, value) in [
        ("password=hunter2", "hunter2"),
        ("Server=db;Password=hunter2;User=x", "hunter2"),
        ("{\"password\":\"hunter 2\",\"x\":1}", "hunter 2"),
        (r#"{\"api_key\": \"abc\", \"x\": 1}"#, "abc"),
        ("apiKey: 'it''", "it"),
        ("api_key => abc", "abc"),
        ("API key: abc", "abc"),
        ("https://example.com/?q=1&access_token=abc&x=2", "abc"),
        ("Authorization: Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"),
        ("X-Api-Key: abc", "abc"),
        ("login --password hunter2 now", "hunter2"),
        ("login --password=hunter2 now", "hunter2"),
        ("DB_PASSWORD=\"hunter2", "hunter2"),
        ("secrets: [a, [b]] end", "[a, [b]]"),
        ("postgres://app:hun:ter2@db.example.com/x", "hun:ter2"),
        ("https://hooks.slack.com/services/T0/B0/xyz end", "T0/B0/xyz"),
        ("token=é漢 end", "é漢"),
    ] {
        assert_eq!(found(text), [(DataClass::Secret, value)], "{text:?}");
    }
    let bearer = found("authorisation by Bearer abcdefgh12345678 only");
    assert_eq!(bearer, [(DataClass::ApiKey, "abcdefgh12345678")]);
}

#[test]
fn neighbours_do_not_hide_each_other() {
    assert_eq!(
        found("4111 1111 1111 1111 12/27 jane@example.com,+442079460958;QQ123456C"),
        [
            (DataClass::Card, "4111 1111 1111 1111"),
            (DataClass::Email, "jane@example.com"),
            (DataClass::Phone, "+442079460958"),
            (DataClass::UkNino, "QQ123456C"),
        ]
    );
    assert_eq!(found("visa4111111111111111x"), [(DataClass::Card, "4111111111111111")]);
    assert_eq!(found("12 4111 1111 1111 1111"), [(DataClass::Card, "4111 1111 1111 1111")]);
    assert_eq!(found("a@b.com@c.org, x.y@d.net.42"), [(DataClass::Email, "a@b.com"), (DataClass::Email, "x.y@d.net")]);
}

/// Texts that make a careless scanner look at the same bytes again and again; each is far beyond what a quadratic one
/// finishes in the time a test may take.
#[test]
fn long_repetitive_texts_are_scanned_in_linear_time() {
    for unit in [
        "1 ",
        "1-",
        "+1",
        "(1",
        "a@",
        "@a.",
        "eyJ-",
        "eyJ.",
        "sk-",
        "tl_",
        "password=",
        "password=\"",
        "://a:",
        "--",
        "a-",
        "-----BEGIN ",
        "GB29 ",
        "QQ12",
        "api key: [",
        "4111 ",
        "bearer ",
        "SG.",
        "\\",
        "token:{",
        "x_",
        "%40",
        "é@é.é",
    ] {
        let text = unit.repeat(100_000 / unit.len());
        let mut findings = Vec::new();
        scan(&text, &mut findings);
        assert!(findings.len() < text.len());
    }
}

fn check_order(text: &str, findings: &[Finding]) -> Result<(), TestCaseError> {
    let mut behind = 0;
    for finding in findings {
        prop_assert!(finding.start >= behind && finding.start < finding.end && finding.end <= text.len());
        prop_assert!(text.is_char_boundary(finding.start) && text.is_char_boundary(finding.end));
        behind = finding.end;
    }
    Ok(())
}

proptest! {
    #[test]
    fn findings_are_ordered_apart_and_on_character_boundaries(
        parts in proptest::collection::vec(
            "\\PC{0,12}|[0-9 .()+-]{0,24}|[a-zA-Z0-9_-]{0,24}|(password|token|Bearer|sk-|eyJ|://|--|@|%40|=|:|\"|\\\\|\\[|é| )",
            0..16,
        ),
    ) {
        let text = parts.concat();
        let mut findings = Vec::new();
        scan(&text, &mut findings);
        check_order(&text, &findings)?;
    }

    #[test]
    fn samples_are_found_among_random_words(
        at in any::<prop::sample::Index>(),
        before in "([a-zà-ü]{1,8} ){0,4}",
        after in "( [a-zà-ü]{1,8}){0,4}",
    ) {
        let samples = samples();
        let (class, value) = at.get(&samples);
        let text = format!("{before}{value}{after}");
        let mut findings = Vec::new();
        scan(&text, &mut findings);
        check_order(&text, &findings)?;
        prop_assert!(findings.iter().any(|finding| finding.class == *class), "{} gave {:?}", text, findings);
    }
}
