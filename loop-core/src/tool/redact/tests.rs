use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Redacted, STRING_MAX, SUBJECTS_MAX, TOTAL_MAX, json as redact_json, text, url};
use crate::base::json::Doc;
use crate::tool::sensitive::DataClass;

fn masked(value: &Value) -> (Value, Redacted) {
    let doc = Doc::from_value(value);
    let out = redact_json(doc.root());
    // The reader refuses duplicate names, `serde_json` would not.
    assert!(Doc::parse(out.masked.as_bytes()).is_ok(), "{}", out.masked);
    (serde_json::from_str(&out.masked).unwrap(), out)
}

/// One datum of each kind with the class it is masked as; secrets are put together so that no scanner of
/// repositories takes them for real ones.
fn data() -> Vec<(DataClass, String)> {
    vec![
        (DataClass::Email, "jane.roe@example.com".to_owned()),
        (DataClass::Phone, "+44 20 7946 0958".to_owned()),
        (DataClass::Phone, "(415) 555-2671".to_owned()),
        (DataClass::Phone, "020 7946 0958".to_owned()),
        (DataClass::Card, "4111 1111 1111 1111".to_owned()),
        (DataClass::Card, "378282246310005".to_owned()),
        (DataClass::Iban, "GB29NWBK60161331926819".to_owned()),
        (DataClass::Iban, "DE89 3704 0044 0532 0130 00".to_owned()),
        (DataClass::UsSsn, "078-05-1120".to_owned()),
        (DataClass::UkNino, "QQ123456C".to_owned()),
        (DataClass::ApiKey, ["sk", "-proj-abcdefghijklmnopqrstuvwxyz012345"].concat()),
        (DataClass::ApiKey, ["sk", "-ant-api03-abcdefghijklmnopqrstuvwx"].concat()),
        (DataClass::ApiKey, ["tl", "_0123456789abcdef0123456789abcdef"].concat()),
        (DataClass::ApiKey, ["ghp", "_0123456789abcdefghijklmnopqrstuvwxyzAB"].concat()),
        (DataClass::ApiKey, ["AKIA", "IOSFODNN7EXAMPLE"].concat()),
        (DataClass::ApiKey, ["ey", "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"].concat()),
    ]
}

#[test]
fn a_document_keeps_its_structure_and_loses_what_is_sensitive() {
    let (out, counts) = masked(&json!({
        "to": ["Jane.Roe@example.com", "x"],
        "note": "card 4111 1111 1111 1111, call +44 20 7946 0958 or (415) 555-2671",
        "iban": "GB29 NWBK 6016 1331 9268 19",
        "ids": {"ssn": "078-05-1120", "nino": "QQ123456C"},
        "password": "hunter2hunter2",
        "nested": {"api_key": "zzzz-9999-yyyy", "list": [{"token": "tok-8888-xxxx"}]},
        "order_id": "A-1234", "city": "Leeds", "qty": 12345, "gift": true, "none": null
    }));
    assert_eq!(
        out,
        json!({
            "to": ["[email @example.com]", "x"],
            "note": "card [card …1111], call [phone …58] or [phone …71]",
            "iban": "[IBAN GB…6819]",
            "ids": {"ssn": "[US social security number]", "nino": "[UK national insurance number]"},
            "password": "[REDACTED]",
            "nested": {"api_key": "[REDACTED]", "list": [{"token": "[REDACTED]"}]},
            "order_id": "A-1234", "city": "Leeds", "qty": 12345, "gift": true, "none": null
        })
    );
    assert_eq!((counts.personal, counts.secrets), (7, 3));
    assert_eq!(
        counts.classes,
        [
            DataClass::Email,
            DataClass::Phone,
            DataClass::Card,
            DataClass::Iban,
            DataClass::UsSsn,
            DataClass::UkNino,
            DataClass::Secret
        ]
    );
    assert!(counts.subjects.contains(&"jane.roe@example.com".to_owned()));
    assert!(counts.subjects.contains(&"442079460958".to_owned()));
    assert!(counts.subjects.contains(&"14155552671".to_owned()));
    assert!(!format!("{counts:?}").contains("jane.roe"));
}

#[test]
fn whatever_a_secret_name_holds_is_removed_but_null_and_truth() {
    let (out, counts) = masked(&json!({
        "password": 12345678, "token": ["a", "b"], "credentials": {"user": "u", "pw": "p"}, "secret": 1.5,
        "api_key": null, "client_secret": true, "private_key": "", "auth": {}
    }));
    assert_eq!(
        out,
        json!({
            "password": "[REDACTED]", "token": "[REDACTED]", "credentials": "[REDACTED]", "secret": "[REDACTED]",
            "api_key": null, "client_secret": true, "private_key": "", "auth": {}
        })
    );
    assert_eq!(counts.secrets, 4);
}

#[test]
fn numbers_are_masked_when_they_are_cards_or_their_name_says_what_they_are() {
    let doc = Doc::parse(
        br#"{"a":4111111111111111,"b":4.111111111111111e15,"c":4111111111111111.0,"phone":4155552671,
            "ssn":"078051120","ssn_number":78051120,"phones":["2079460958"],"card_number":"1234 5678 9012 3456",
            "at":1763817798000,"qty":4155552671,"e":1e99999}"#,
    )
    .unwrap();
    let out = redact_json(doc.root());
    let out: Value = serde_json::from_str(&out.masked.replace("1e99999", "0")).unwrap();
    assert_eq!(
        out,
        json!({
            "a": "[card …1111]", "b": "[card …1111]", "c": "[card …1111]", "phone": "[phone …71]",
            "ssn": "[US social security number]", "ssn_number": 78_051_120, "phones": ["[phone …58]"],
            "card_number": "[card …3456]", "at": 1_763_817_798_000_u64, "qty": 4_155_552_671_u64, "e": 0
        })
    );
}

#[test]
fn masked_names_stay_apart() {
    let (out, counts) = masked(&json!({
        "a@example.com": 1, "b@example.com": 2, "[email @example.com]": 3, "c@example.com": 4
    }));
    assert_eq!(out.as_object().unwrap().len(), 4);
    assert_eq!(out["[email @example.com]"], 3);
    assert_eq!((counts.personal, counts.subjects.len()), (3, 3));
}

#[test]
fn one_datum_in_several_spellings_is_one_subject() {
    for (a, b) in [
        ("Jane.Roe@Example.com", "jane.roe%40example.com"),
        ("020 7946 0958", "+44 (0)20 7946 0958"),
        ("0044 20 7946 0958", "+442079460958"),
        ("(415) 555-2671", "+1 415.555.2671"),
        ("gb29 nwbk 6016 1331 9268 19", "GB29NWBK60161331926819"),
        ("4111-1111-1111-1111", "4111111111111111"),
        ("QQ 12 34 56 C", "qq123456c"),
    ] {
        let (one, other) = (text(a), text(b));
        assert_eq!(one.subjects.len(), 1, "{a}");
        assert_eq!(one.subjects, other.subjects, "{a} and {b}");
        assert_eq!(text(&format!("{a}, {b}")).subjects.len(), 1);
    }
}

#[test]
fn long_strings_and_documents_are_cut_after_masking() {
    let secret = ["sk", "-proj-abcdefghijklmnopqrstuvwxyz012345"].concat();
    for before in STRING_MAX - 60..STRING_MAX + 10 {
        let long = format!("{} {secret} {}", "x ".repeat(before / 2), "y".repeat(STRING_MAX));
        let out = text(&long).masked;
        assert!(out.len() <= STRING_MAX + "…".len() && out.ends_with('…'));
        assert!(!out.contains("-proj-"), "{before}");
    }
    let many: Vec<Value> = (0..100_000).map(|at| json!({ "n": at, "t": "\u{1}word" })).collect();
    let (out, _) = masked(&json!({ "many": many }));
    assert!(out.to_string().len() < TOTAL_MAX + 64 * 1024);
    assert_eq!(out["many"].as_array().unwrap().last(), Some(&json!("…")));
    let members: serde_json::Map<String, Value> =
        (0..100_000).map(|at| (format!("u{at}@example.com"), json!(at))).collect();
    let (out, counts) = masked(&Value::Object(members));
    assert!(out.to_string().len() < TOTAL_MAX + 64 * 1024);
    assert_eq!(out["…"], "…");
    assert_eq!(counts.subjects.len(), SUBJECTS_MAX);
}

#[test]
fn masks_are_not_found_again() {
    for (_, value) in data() {
        let once = text(&format!("value {value} end, password={value}; https://u:{value}@h.example/"));
        let twice = text(&once.masked);
        assert_eq!((twice.masked.as_str(), twice.personal, twice.secrets), (once.masked.as_str(), 0, 0));
    }
}

#[test]
fn a_domain_that_is_itself_sensitive_is_not_shown() {
    assert_eq!(text("x@4111111111111111.com").masked, "[email]");
    assert_eq!(text("jane@[192.168.0.1]").masked, "[email @[192.168.0.1]]");
}

#[test]
fn an_address_shows_where_it_leads_and_no_secret_on_the_way() {
    for (raw, shown) in [
        ("https://api.example.com/v1/orders/A-1234", "https://api.example.com/v1/orders/A-1234"),
        ("https://u:pw@api.example.com:8443/x?token=abc#y", "https://api.example.com:8443/x?…"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/[REDACTED]"),
        (
            "https://example.com/users/jane@example.com/card/4111111111111111",
            "https://example.com/users/[email @example.com]/card/[card …1111]",
        ),
        ("https://example.com#jane@example.com", "https://example.com?…"),
        ("http://127.0.0.1:9/f?", "http://127.0.0.1:9/f?…"),
    ] {
        assert_eq!(url(raw), shown);
    }
}

/// A document in which every string is either harmless or holds a datum, also as a name.
fn document() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec!["note", "to", "é😀", "x_1", "a b", "\"q\"", "\\", "-", "7", ""]);
    let planted = (any::<prop::sample::Index>(), word.clone(), word.clone()).prop_map(|(at, before, after)| {
        let data = data();
        format!("{before} {} {after}", at.get(&data).1)
    });
    let string = prop_oneof![word.clone().prop_map(str::to_owned), planted, "\\PC{0,20}"];
    let leaf = prop_oneof![
        string.clone().prop_map(Value::String),
        any::<i64>().prop_map(|number| json!(number)),
        Just(Value::Null),
        Just(json!(4_111_111_111_111_111_u64)),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((string.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_planted_datum_stays_in_a_document(value in document()) {
        let (out, _) = masked(&value);
        let shown = out.to_string();
        for (_, raw) in data() {
            prop_assert!(!shown.contains(&raw), "{} in {}", raw, shown);
        }
        prop_assert!(!shown.contains("4111111111111111"));
    }

    #[test]
    fn every_datum_is_masked_and_counted_in_any_surroundings(
        at in any::<prop::sample::Index>(),
        before in "(\\PC{0,12}[ ,;:(=\"'])?",
        after in "([ ,;.)\"']\\PC{0,12})?",
    ) {
        let data = data();
        let (_, raw) = at.get(&data);
        let out = text(&format!("{before}{raw}{after}"));
        prop_assert!(!out.masked.contains(raw.as_str()), "{}", out.masked);
        prop_assert!(out.personal + out.secrets > 0);
    }

    #[test]
    fn shape_and_harmless_leaves_stay(value in document()) {
        fn same_shape(a: &Value, b: &Value) -> bool {
            match (a, b) {
                (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b)),
                (Value::Object(a), Value::Object(b)) => a.len() == b.len(),
                (Value::Null, Value::Null) | (Value::String(_), Value::String(_)) => true,
                (Value::Number(_), b) => a == b || b.as_str().is_some_and(|mask| mask.starts_with("[card")),
                _ => false,
            }
        }
        let (out, _) = masked(&value);
        prop_assert!(same_shape(&value, &out), "{} became {}", value, out);
    }
}
