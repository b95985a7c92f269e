//! The reader against what it must read, refuse and agree on.

use proptest::prelude::*;

use super::{Doc, Error, Limits, write};

fn text(doc: &Doc<'_>) -> String {
    let mut out = String::new();
    write(doc.root(), &mut out);
    out
}

fn error(text: &[u8]) -> Error {
    Doc::parse(text).err().unwrap()
}

#[test]
fn numbers_keep_every_digit() {
    let doc = Doc::parse(br#"{"a":9007199254740993,"b":0.10000000000000000000001,"c":-1E+5}"#).unwrap();
    assert_eq!(text(&doc), r#"{"a":9007199254740993,"b":0.10000000000000000000001,"c":-1E+5}"#);
}

#[test]
fn escapes_are_read() {
    let doc = Doc::parse(br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z""#).unwrap();
    assert_eq!(doc.root().as_str(), Some("a\"\\/\u{8}\u{c}\n\r\té😀z"));
}

#[test]
fn duplicate_keys_are_refused_however_they_are_spelt() {
    assert_eq!(error(br#"{"a":1,"\u0061":2}"#), Error::Duplicate { key: "a".into() });
    let many: Vec<String> = (0..40).map(|i| format!("\"k{}\":0", i % 39)).collect();
    assert_eq!(error(format!("{{{}}}", many.join(",")).as_bytes()), Error::Duplicate { key: "k0".into() });
    assert!(Doc::parse(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}]}"#).is_ok());
}

#[test]
fn bounds_hold() {
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    assert_eq!(error(&deep), Error::Depth { limit: 64 });
    assert!(Doc::parse(&[b"[".repeat(64), b"]".repeat(64)].concat()).is_ok());
    let wide = format!("[{}0]", "0,".repeat(300_000));
    assert_eq!(error(wide.as_bytes()), Error::Nodes { limit: 200_000 });
    assert_eq!(error(b"1e999999"), Error::Number { at: 0 });
    assert_eq!(error("9".repeat(200).as_bytes()), Error::Number { at: 0 });
}

#[test]
fn what_is_not_json_is_refused() {
    for bad in [
        "",
        " ",
        "{",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "nul",
        "tru",
        "\"\u{1}\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "1 2",
        "'a'",
        "NaN",
        "\"a",
        "{a:1}",
    ] {
        assert!(Doc::parse(bad.as_bytes()).is_err(), "{bad:?} was read");
    }
    assert_eq!(error(b"\"\xff\""), Error::Utf8 { at: 1 });
}

#[test]
fn reused_memory_holds_nothing_of_the_old_document() {
    let old = Doc::parse(b"[1,2,3]").unwrap();
    let new = Doc::parse_reusing(b"{}", Limits::default(), old).unwrap();
    assert_eq!(text(&new), "{}");
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..20)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_what_it_writes(value in any_json()) {
        let source = serde_json::to_string(&value).unwrap();
        let doc = Doc::parse(source.as_bytes()).unwrap();
        let back: serde_json::Value = serde_json::from_str(&text(&doc)).unwrap();
        prop_assert_eq!(&back, &serde_json::from_str::<serde_json::Value>(&source).unwrap());
        prop_assert_eq!(text(&Doc::from_value(&back)), text(&Doc::parse(serde_json::to_string(&back).unwrap().as_bytes()).unwrap()));
    }

    #[test]
    fn never_reads_what_serde_json_refuses(bytes in "[\\[\\]{}\",:0-9eE+\\-. a\\\\untrfls]{0,24}") {
        if Doc::parse(bytes.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&bytes).is_ok() || bytes.contains(['e', 'E']));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Doc::parse(&bytes);
    }
}
