//! Labels.

use super::given::{Outcome, World, field};
use crate::work::{
    WorkError,
    label::{self, Patch},
};

#[test]
fn a_name_is_taken_once_and_free_again_when_it_is_given_up() -> Outcome {
    let world = World::new();
    let make = |name: &'static str| world.write(move |tx, cx| label::create(tx, cx, name, "red"));
    let first = make("a")?;
    assert!(matches!(make("a"), Err(WorkError::Conflict("Label name already exists"))));
    let second = make("b")?;
    let rename = move |name: &str| {
        let (id, patch) = (second.id, Patch { name: Some(name.to_owned()), color: None });
        world.write(move |tx, cx| label::patch(tx, cx, id.as_str(), &patch))
    };
    assert!(matches!(rename("a"), Err(WorkError::Conflict(_))));
    assert_eq!(rename("b")?.name, "b");
    assert_eq!(rename("c")?.name, "c");
    let world = World::new();
    let make = |name: &'static str| world.write(move |tx, cx| label::create(tx, cx, name, "red"));
    let gone = make("a")?;
    world.write(move |tx, cx| label::delete(tx, cx, gone.id.as_str()))?;
    let again = world.write(move |tx, cx| label::delete(tx, cx, gone.id.as_str()));
    assert!(matches!(again, Err(WorkError::NoLabel)));
    let back = make("a")?;
    assert_ne!(back.id, first.id);
    let kept = world.write(|tx, cx| label::ensure(tx, cx, "a", "blue"))?;
    assert_eq!((kept.id, kept.color.as_str()), (back.id, "red"));
    let (page, total) = world.read(|tx, tenant| Ok(label::page(tx, tenant, 9, 0)?))?;
    assert_eq!((page, total), (vec![back], 1));
    Ok(())
}

#[test]
fn names_and_colours_are_bounded() {
    let world = World::new();
    for (name, color, at_fault) in [
        ("", "x", "name"),
        ("a", "", "color"),
        ("é".repeat(101).as_str(), "x", "name"),
        ("a", "x".repeat(51).as_str(), "color"),
    ] {
        let (name, color) = (name.to_owned(), color.to_owned());
        let refused = world.write(move |tx, cx| label::create(tx, cx, &name, &color)).expect_err("refused");
        assert_eq!(field(&refused), at_fault);
    }
}
