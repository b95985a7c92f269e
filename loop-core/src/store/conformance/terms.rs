//! Sets of ids by term.

use super::{
    New,
    catalog::{MARKS, WORDS},
    given::{Any, read, tenant, write, wrong},
};
use crate::store::{StoreError, Terms};

type Outcome = Result<(), StoreError>;

fn put(store: &Any, id: &'static str, words: &'static [&'static str]) -> Outcome {
    write(store, move |tx| tx.put_terms(&WORDS, &tenant("t"), id, words))
}

fn all(store: &Any, term: &'static str) -> Result<Vec<String>, StoreError> {
    read(store, move |tx| tx.holders(&WORDS, &tenant("t"), term, None, 99, 0))
}

pub(super) fn an_id_is_in_each_set_once(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, "1", &["a", "b", "a"])?;
    put(&store, "1", &["b", "c"])?;
    put(&store, "2", &["b"])?;
    assert_eq!((all(&store, "a")?, all(&store, "b")?), (vec!["1".to_owned()], vec!["1".to_owned(), "2".to_owned()]));
    write(&store, |tx| {
        assert_eq!(tx.count_holders(&WORDS, &tenant("t"), "b")?, 2);
        assert_eq!(tx.count_holders(&WORDS, &tenant("t"), "z")?, 0);
        assert_eq!(tx.drop_terms(&WORDS, &tenant("t"), "1", &["b", "b", "z"])?, 1);
        assert_eq!(tx.drop_terms(&WORDS, &tenant("t"), "9", &["a"])?, 0);
        assert_eq!(tx.drop_terms(&MARKS, &tenant("t"), "2", &["b"])?, 0);
        assert_eq!(tx.drop_terms(&WORDS, &tenant("u"), "2", &["b"])?, 0);
        Ok(())
    })?;
    assert_eq!((all(&store, "a")?, all(&store, "b")?), (vec!["1".to_owned()], vec!["2".to_owned()]));
    assert_eq!(read(&store, |tx| tx.holders(&MARKS, &tenant("t"), "a", None, 9, 0))?, Vec::<String>::new());
    assert_eq!(read(&store, |tx| tx.count_holders(&WORDS, &tenant("t"), "c"))?, 1);
    Ok(())
}

pub(super) fn ids_come_in_order_and_page_without_gap(new: New<'_>) -> Outcome {
    let store = new();
    let ids = ["", "B", "a", "a\0", "aa", "b", "ß", "\u{ffff}", "\u{10000}"];
    write(&store, move |tx| {
        for id in ids.iter().rev() {
            tx.put_terms(&WORDS, &tenant("t"), id, &["w", "wo"])?;
        }
        Ok(())
    })?;
    assert_eq!(all(&store, "w")?, ids);
    for page in [1, 2, 4] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().cloned();
            let next = read(&store, move |tx| tx.holders(&WORDS, &tenant("t"), "w", after.as_deref(), page, 0))?;
            if next.is_empty() {
                break;
            }
            found.extend(next);
        }
        assert_eq!(found, ids, "in pages of {page}");
    }
    let skipped = read(&store, |tx| tx.holders(&WORDS, &tenant("t"), "w", Some("B"), 2, 3))?;
    assert_eq!(skipped, ["b", "ß"]);
    assert_eq!(read(&store, |tx| tx.holders(&WORDS, &tenant("t"), "w", None, 0, 0))?, Vec::<String>::new());
    assert_eq!(read(&store, |tx| tx.holders(&WORDS, &tenant("t"), "w", None, 9, 9))?, Vec::<String>::new());
    Ok(())
}

pub(super) fn sets_are_found_by_prefix(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, "2", &["fo", "foo", "fop", "%", "f_"])?;
    put(&store, "1", &["foo", "foo bar", "f%o"])?;
    let under = |prefix: &'static str, page: u32| -> Result<Vec<String>, StoreError> {
        read(&store, move |tx| {
            let mut found: Vec<(String, String)> = Vec::new();
            loop {
                let after = found.last().map(|(term, id)| (term.as_str(), id.as_str()));
                let next = tx.holders_under(&WORDS, &tenant("t"), prefix, after, page)?;
                if next.is_empty() {
                    return Ok(found.into_iter().map(|(term, id)| format!("{term}:{id}")).collect());
                }
                found.extend(next);
            }
        })
    };
    for page in [1, 2, 99] {
        assert_eq!(under("foo", page)?, ["foo:1", "foo:2", "foo bar:1"]);
        assert_eq!(under("fop", page)?, ["fop:2"]);
        assert_eq!(under("f_", page)?, ["f_:2"]);
        assert_eq!(under("f%", page)?, ["f%o:1"]);
        assert_eq!(under("", page)?.len(), 8);
        assert!(under("x", page)?.is_empty());
    }
    Ok(())
}

pub(super) fn an_undone_set_is_as_it_was(new: New<'_>) -> Outcome {
    let store = new();
    put(&store, "1", &["a"])?;
    let undone = write(&store, |tx| {
        tx.put_terms(&WORDS, &tenant("t"), "2", &["a"])?;
        tx.drop_terms(&WORDS, &tenant("t"), "1", &["a"])?;
        assert_eq!(tx.holders(&WORDS, &tenant("t"), "a", None, 9, 0)?, ["2"]);
        Err::<(), _>(wrong("on purpose"))
    });
    assert_eq!(undone, Err(wrong("on purpose")));
    assert_eq!(all(&store, "a")?, ["1"]);
    Ok(())
}

pub(super) fn undeclared_terms_are_refused(new: New<'_>) -> Outcome {
    static STRANGER: Terms = Terms { name: "stranger" };
    let store = new();
    let refused = write(&store, |tx| {
        let t = tenant("t");
        let answers = [
            tx.put_terms(&STRANGER, &t, "1", &["a"]),
            tx.drop_terms(&STRANGER, &t, "1", &["a"]).map(drop),
            tx.holders(&STRANGER, &t, "a", None, 1, 0).map(drop),
            tx.count_holders(&STRANGER, &t, "a").map(drop),
            tx.holders_under(&STRANGER, &t, "a", None, 1).map(drop),
        ];
        Ok(answers.iter().position(|answer| !matches!(answer, Err(StoreError::Misuse(_)))))
    })?;
    assert_eq!(refused, None, "the position of a misuse that passed");
    Ok(())
}
