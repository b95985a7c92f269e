//! The rooms of the core, as `lib.rs` lists them, use only rooms above them.

#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The rooms in the order of `lib.rs`.
fn rooms(src: &Path) -> Vec<String> {
    let lib = fs::read_to_string(src.join("lib.rs")).unwrap();
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    declared.map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a source names behind `crate::`, alone or in braces; comments and tests apart.
fn named(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: String =
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for behind in code.split("crate::").skip(1) {
        match behind.strip_prefix('{') {
            None => names.push(word(behind)),
            Some(group) => {
                let (mut depth, mut item) = (0_i32, String::new());
                for letter in group.chars() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(word(&std::mem::take(&mut item))),
                        _ if depth == 0 => item.push(letter),
                        _ => {}
                    }
                }
                names.push(word(&item));
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> String {
    text.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&src);
    assert!(rooms.len() >= 9, "{rooms:?}");
    let place = |room: &str| rooms.iter().position(|known| known == room);
    let mut uses = 0;
    for (at, room) in rooms.iter().enumerate() {
        let mut files = Vec::new();
        sources(&src.join(room), &mut files);
        let test = |file: &Path| {
            file.to_string_lossy().ends_with("tests.rs") || file.parent().is_some_and(|of| of.ends_with("tests"))
        };
        for file in files.iter().filter(|file| !test(file)) {
            for used in named(&fs::read_to_string(file).unwrap()) {
                let Some(other) = place(&used) else { continue };
                assert!(other <= at, "{}: `{room}` stands above `{used}` and may not use it", file.display());
                uses += usize::from(other < at);
            }
        }
    }
    assert!(uses > 50, "only {uses} uses were seen: the test no longer reads the sources right");
}

#[test]
fn names_are_read_out_of_every_form() {
    let source = "use crate::base::Time;\nuse crate::{\n    audit::{self, Event},\n    store::Tx, tool,\n};\n\
                  fn f() { crate::policy::g() } // crate::engine\n";
    assert_eq!(named(source), ["base", "audit", "store", "tool", "policy"]);
    assert!(named("#[cfg(test)]\nmod tests {\n use crate::engine::X; }").is_empty());
}
