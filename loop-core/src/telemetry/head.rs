//! The head of a block: its rows, cut by trace, with every text once.
//!
//! ```text
//! version 1
//! texts:  count, then each behind its length
//! base:   µs since the epoch, signed
//! traces: count, then for each its id (16 bytes), how many rows, how many bytes of rows
//! rows:   by trace, in the order of traces
//! row:    span (8) · flags · [parent (8)] · start − base · duration · fields (2, a bit each) · a text's number for each
//!         · [input tokens · output tokens]
//! ```
//! Flags: bits 0 and 1 the status, 2 and 3 the class, 4 whether there is a parent, 5 whether there are tokens. The rows of one
//! trace are found without reading the others.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{
    dialect::Class,
    packing::{Reader, push_bytes, push_number, push_signed},
    row::{FIELDS, Row, SpanKey, Status},
};
use crate::base::Time;

const VERSION: u8 = 1;
const HAS_PARENT: u8 = 1 << 4;
const HAS_TOKENS: u8 = 1 << 5;

/// The rows of one trace within a block.
pub(super) struct Section<'r, T> {
    pub(super) trace: [u8; 16],
    pub(super) rows: Vec<&'r Row<T>>,
}

/// Writes a head. Every row is of its section's trace.
pub(super) fn encode<T: AsRef<str>>(sections: &[Section<'_, T>]) -> Vec<u8> {
    let mut texts: HashMap<&str, u64, RandomState> = HashMap::with_hasher(RandomState::default());
    let mut list: Vec<&str> = Vec::new();
    let base = sections.first().and_then(|section| section.rows.first()).map_or(0, |row| row.start.as_micros());
    let (mut rows, mut ends) = (Vec::new(), Vec::new());
    for section in sections {
        for row in &section.rows {
            push_row(row, base, &mut rows, &mut |text| {
                *texts.entry(text).or_insert_with(|| {
                    list.push(text);
                    list.len() as u64 - 1
                })
            });
        }
        ends.push(rows.len());
    }
    let mut out = vec![VERSION];
    push_number(list.len() as u64, &mut out);
    for text in list {
        push_bytes(text.as_bytes(), &mut out);
    }
    push_signed(base, &mut out);
    push_number(sections.len() as u64, &mut out);
    let mut before = 0;
    for (section, end) in sections.iter().zip(ends) {
        out.extend_from_slice(&section.trace);
        push_number(section.rows.len() as u64, &mut out);
        push_number((end - before) as u64, &mut out);
        before = end;
    }
    out.append(&mut rows);
    out
}

fn push_row<'r, T: AsRef<str>>(row: &'r Row<T>, base: i64, out: &mut Vec<u8>, number: &mut dyn FnMut(&'r str) -> u64) {
    out.extend_from_slice(&row.key.span);
    let tokens = row.input_tokens > 0 || row.output_tokens > 0;
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        row.status as u8 | (row.class as u8) << 2 | flag(row.parent.is_some(), HAS_PARENT) | flag(tokens, HAS_TOKENS),
    );
    if let Some(parent) = row.parent {
        out.extend_from_slice(&parent);
    }
    push_signed(row.start.as_micros().saturating_sub(base), out);
    push_number(row.end.micros_since(row.start).unsigned_abs(), out);
    let present = row.texts.iter().enumerate().filter(|(_, text)| text.is_some());
    let mask = present.fold(0_u16, |mask, (at, _)| mask | 1 << at);
    out.extend_from_slice(&mask.to_le_bytes());
    for text in row.texts.iter().flatten() {
        push_number(number(text.as_ref()), out);
    }
    if tokens {
        push_number(row.input_tokens, out);
        push_number(row.output_tokens, out);
    }
}

/// A head that is read. `None` of its readers means that the bytes are no head.
pub struct Head<'b> {
    texts: Vec<&'b str>,
    base: i64,
    traces: Vec<Trace<'b>>,
}

/// The rows of one trace within a head.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'b> {
    /// Its id.
    pub id: [u8; 16],
    /// How many rows there are.
    pub rows: usize,
    bytes: &'b [u8],
}

impl<'b> Head<'b> {
    /// Reads what comes before the rows.
    #[must_use]
    pub fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return None;
        }
        // A count is never trusted with memory: what it counts has a byte each at least.
        let texts = (0..reader.size()?).map(|_| reader.text()).collect::<Option<Vec<_>>>()?;
        let base = reader.signed()?;
        let sections = (0..reader.size()?).map(|_| Some((reader.array()?, reader.size()?, reader.size()?)));
        let sections = sections.collect::<Option<Vec<([u8; 16], usize, usize)>>>()?;
        let traces = sections.into_iter().map(|(id, rows, size)| Some(Trace { id, rows, bytes: reader.take(size)? }));
        Some(Self { texts, base, traces: traces.collect::<Option<_>>()? })
    }

    /// Its traces, in the order of the block's parts.
    #[must_use]
    pub fn traces(&self) -> &[Trace<'b>] {
        &self.traces
    }

    /// The rows of one of its traces, in the order of the part's bodies.
    pub fn rows<'h>(&'h self, trace: &'h Trace<'b>) -> impl Iterator<Item = Option<Row<&'b str>>> + use<'h, 'b> {
        let mut reader = Reader::new(trace.bytes);
        (0..trace.rows).map(move |_| self.row(trace.id, &mut reader))
    }

    fn row(&self, trace: [u8; 16], reader: &mut Reader<'b>) -> Option<Row<&'b str>> {
        let span = reader.array()?;
        let flags = reader.byte()?;
        let parent = if flags & HAS_PARENT == 0 { None } else { Some(reader.array()?) };
        let start = self.base.saturating_add(reader.signed()?);
        let duration = i64::try_from(reader.number()?).ok()?;
        let mask = u16::from_le_bytes(reader.array()?);
        let mut texts = [None; FIELDS];
        for (at, text) in texts.iter_mut().enumerate() {
            if mask >> at & 1 == 1 {
                *text = Some(*self.texts.get(reader.size()?)?);
            }
        }
        let tokens = flags & HAS_TOKENS != 0;
        Some(Row {
            key: SpanKey { trace, span },
            parent,
            start: Time::from_micros(start),
            end: Time::from_micros(start.saturating_add(duration)),
            status: Status::from_number(flags & 3)?,
            class: Class::from_number(flags >> 2 & 3),
            texts,
            input_tokens: if tokens { reader.number()? } else { 0 },
            output_tokens: if tokens { reader.number()? } else { 0 },
        })
    }
}
