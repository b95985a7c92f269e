//! A part of a block: the attributes and events of one trace's spans, and of the resources they are of.
//!
//! ```text
//! version 1
//! resources: count, then the JSON of each behind its length
//! spans:     count, then for each its resource's number and its JSON behind its length, in the order of the head's rows
//! ```

use super::packing::{Reader, push_bytes, push_number};

const VERSION: u8 = 1;

/// Writes a part: of each span the number of its resource and its JSON.
pub(super) fn encode(resources: &[&str], spans: &[(usize, &str)]) -> Vec<u8> {
    let mut out = vec![VERSION];
    push_number(resources.len() as u64, &mut out);
    for resource in resources {
        push_bytes(resource.as_bytes(), &mut out);
    }
    push_number(spans.len() as u64, &mut out);
    for (resource, json) in spans {
        push_number(*resource as u64, &mut out);
        push_bytes(json.as_bytes(), &mut out);
    }
    out
}

/// What is kept of a span besides its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body<'b> {
    /// The attributes of its resource, as a JSON object.
    pub resource: &'b str,
    /// `{"attributes":{…},"events":[…]}`.
    pub json: &'b str,
}

/// Reads a part; `None` for bytes that are none.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<Body<'_>>> {
    let mut reader = Reader::new(bytes);
    if reader.byte()? != VERSION {
        return None;
    }
    let resources = (0..reader.size()?).map(|_| reader.text()).collect::<Option<Vec<_>>>()?;
    let bodies = (0..reader.size()?).map(|_| {
        let resource = resources.get(reader.size()?)?;
        Some(Body { resource, json: reader.text()? })
    });
    bodies.collect()
}
