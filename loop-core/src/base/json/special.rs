//! Where the text of a string stops being plain.

const LOW_BITS: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = LOW_BITS << 7;

/// The first byte that no JSON string holds as it is: a quote, a backslash or a control character.
///
/// Strings of arguments are short, so this looks at eight bytes at a time rather than at as many as the machine could.
#[inline]
pub(super) fn special(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (at, chunk) in chunks.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    if !chunks.is_empty()
        && let Some(last) = bytes.last_chunk()
    {
        // The last eight bytes, some of them seen before and plain.
        let found = specials(u64::from_le_bytes(*last));
        return (found != 0).then(|| bytes.len() - 8 + found.trailing_zeros() as usize / 8);
    }
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20)
}

/// The high bit of each special byte. Bytes above the first special one may be marked wrongly, where a subtraction
/// borrowed from them; the first one, the lowest, never is.
#[inline]
const fn specials(word: u64) -> u64 {
    (below(word, 0x20) | equal(word, b'"') | equal(word, b'\\')) & HIGH_BITS
}

#[inline]
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(LOW_BITS * limit as u64) & !word
}

#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (LOW_BITS * byte as u64), 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::special;

    fn plainly(bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\')
    }

    #[test]
    fn every_byte_is_told_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                for behind in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff, 0, b'"'] {
                    let mut bytes = [b'x'; 20];
                    bytes[at] = byte;
                    if let Some(next) = bytes.get_mut(at + 1) {
                        *next = behind;
                    }
                    assert_eq!(special(&bytes), plainly(&bytes), "{byte} at {at} before {behind}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_one_by_one(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(special(&bytes), plainly(&bytes));
        }
    }
}
