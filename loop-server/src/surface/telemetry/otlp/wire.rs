//! The wire format of protocol buffers.

use super::Undecodable;

/// A field's value, as far as the wire tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'b> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'b [u8]),
    Fixed32,
}

/// Walks the fields of a message.
pub(super) struct Wire<'b> {
    rest: &'b [u8],
}

const CUT: Undecodable = Undecodable::Protobuf("it breaks off");
const KIND: Undecodable = Undecodable::Protobuf("a field is of another type than the schema says");

impl<'b> Wire<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field and its number.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'b>)>, Undecodable> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let size = usize::try_from(self.varint()?).map_err(|_| CUT)?;
                let (bytes, rest) = self.rest.split_at_checked(size).ok_or(CUT)?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => {
                let _: [u8; 4] = self.array()?;
                Field::Fixed32
            }
            // Groups are older than the schema, which has none.
            _ => return Err(Undecodable::Protobuf("a field is of no known wire type")),
        };
        match tag >> 3 {
            0 => Err(Undecodable::Protobuf("a field has the number 0")),
            number => Ok(Some((number, field))),
        }
    }

    fn varint(&mut self) -> Result<u64, Undecodable> {
        let mut number = 0_u64;
        for (at, byte) in self.rest.iter().take(10).enumerate() {
            number |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return if at == 9 && *byte > 1 {
                    Err(Undecodable::Protobuf("a number is too large"))
                } else {
                    Ok(number)
                };
            }
        }
        Err(if self.rest.len() < 10 { CUT } else { Undecodable::Protobuf("a number is too large") })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Undecodable> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(CUT)?;
        self.rest = rest;
        Ok(*array)
    }
}

impl<'b> Field<'b> {
    pub(super) fn varint(self) -> Result<u64, Undecodable> {
        if let Self::Varint(number) = self { Ok(number) } else { Err(KIND) }
    }

    pub(super) fn fixed64(self) -> Result<u64, Undecodable> {
        if let Self::Fixed64(number) = self { Ok(number) } else { Err(KIND) }
    }

    pub(super) fn bytes(self) -> Result<&'b [u8], Undecodable> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(KIND) }
    }

    pub(super) fn text(self) -> Result<&'b str, Undecodable> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Undecodable::Protobuf("a text is not UTF-8"))
    }
}
