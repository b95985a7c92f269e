//! Paths compared by whole segments.

use smallvec::SmallVec;

use super::{condition::PathTest, glob, truth::Truth};

/// Whether a path fits one of the tests. `.` and `..` are resolved as text, `\` is a separator too.
#[must_use]
pub fn fits_any(tests: &[PathTest], path: &str) -> Truth {
    let absolute = path.starts_with(['/', '\\', '~']);
    let mut climbs = false;
    let mut segments: SmallVec<[&str; 12]> = SmallVec::new();
    for segment in path.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => climbs |= segments.pop().is_none() && !absolute,
            other => segments.push(other),
        }
    }
    let fits = |test: &PathTest| match test {
        PathTest::Under(folder) => {
            let wanted = folder.split('/').filter(|segment| !segment.is_empty());
            let mut own = segments.iter();
            if !absolute || climbs {
                // Relative to who knows where.
                return if folder.starts_with('/') && !climbs { Truth::No } else { Truth::Unclear };
            }
            yes(wanted.into_iter().all(|wanted| own.next().is_some_and(|own| *own == wanted)))
        }
        PathTest::Folder(name) => {
            let parents = segments.split_last().map_or(&[][..], |(_, parents)| parents);
            let whole = if path.ends_with(['/', '\\']) { segments.as_slice() } else { parents };
            let wanted: SmallVec<[&str; 4]> = name.split('/').filter(|part| !part.is_empty()).collect();
            let here = |window: &[&str]| window.iter().zip(&wanted).all(|(own, part)| own.eq_ignore_ascii_case(part));
            yes(!wanted.is_empty() && whole.windows(wanted.len()).any(here))
        }
        PathTest::Tail(pattern) => {
            let mut own = segments.iter().rev();
            yes(pattern
                .split('/')
                .rev()
                .filter(|part| !part.is_empty())
                .all(|part| own.next().is_some_and(|segment| glob::fits(part, segment))))
        }
        PathTest::File(pattern) => yes(segments.last().is_some_and(|last| glob::fits(pattern, last))),
    };
    tests.iter().map(fits).max().unwrap_or(Truth::No)
}

const fn yes(truth: bool) -> Truth {
    if truth { Truth::Yes } else { Truth::No }
}

#[cfg(test)]
mod tests {
    use super::fits_any;
    use crate::policy::{condition::PathTest, truth::Truth};

    #[test]
    fn whole_segments_are_compared() {
        let etc = [PathTest::Under("/etc".into())];
        for (path, truth) in [
            ("/etc/a", Truth::Yes),
            ("/var/../etc/a", Truth::Yes),
            ("//etc//a", Truth::Yes),
            ("/etcetera", Truth::No),
            ("/home/etc/a", Truth::No),
            ("../etc/a", Truth::Unclear),
            ("etc/a", Truth::No),
        ] {
            assert_eq!(fits_any(&etc, path), truth, "{path}");
        }
        let folder = [PathTest::Folder("keys".into())];
        assert_eq!(fits_any(&folder, "a/keys/b"), Truth::Yes);
        assert_eq!(fits_any(&folder, "a/keys.md"), Truth::No);
        assert_eq!(fits_any(&[PathTest::File("*.pem".into())], "a/b.pem"), Truth::Yes);
    }
}
