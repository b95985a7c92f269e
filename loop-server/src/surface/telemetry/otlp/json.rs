//! `ExportTraceServiceRequest` as JSON. Members that nothing here reads are passed over; `null` is as good as nothing.

use std::{borrow::Cow, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use loop_core::telemetry::{
    content::DEPTH_MAX,
    incoming::{Attributes, Batch, Event, Incoming, Value},
};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    Undecodable,
    bounds::Bounds,
    json_text::{Bool, Double, Id, Integer, Text},
};

/// The longest reason that is told, in characters: it may quote the body.
const REASON_MAX: usize = 200;

/// Reads a request.
pub(super) fn decode<'b>(body: &'b [u8], bounds: &Bounds) -> Result<Batch<'b>, Undecodable> {
    let body = std::str::from_utf8(body).map_err(|_| Undecodable::Json("it is not UTF-8".to_owned()))?;
    let mut request = Request { batch: Batch::default(), found: false, bounds };
    let mut reader = serde_json::Deserializer::from_str(body);
    let read = object(&mut request).deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Err(_) if bounds.are_over() => Err(Undecodable::TooMany),
        Err(error) => Err(Undecodable::Json(error.to_string().chars().take(REASON_MAX).collect())),
        Ok(()) if !request.found => Err(Undecodable::Missing),
        Ok(()) => Ok(request.batch),
    }
}

/// What the members of an object are read into.
trait Fill<'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error>;
}

/// What the items of an array are read into. Answers whether there was another one.
trait Gather<'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error>;
}

struct Object<'t, T>(&'t mut T);

struct List<'t, T>(&'t mut T);

const fn object<T>(into: &mut T) -> Object<'_, T> {
    Object(into)
}

impl<'b, T: Fill<'b>> DeserializeSeed<'b> for Object<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'b, T: Fill<'b>> Visitor<'b> for Object<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<M: MapAccess<'b>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(Text(name)) = map.next_key()? {
            self.0.member(&name, &mut map)?;
        }
        Ok(())
    }
}

impl<'b, T: Gather<'b>> DeserializeSeed<'b> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'b, T: Gather<'b>> Visitor<'b> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'b>>(self, mut seq: S) -> Result<(), S::Error> {
        while self.0.item(&mut seq)? {}
        Ok(())
    }
}

fn pass<'b, M: MapAccess<'b>>(map: &mut M) -> Result<(), M::Error> {
    map.next_value_seed(Passed)
}

/// Whatever stands here, looked through so that it is as deep as JSON may be and no deeper: the reader bounds what is
/// read into, not what is skipped.
struct Passed;

impl<'b> DeserializeSeed<'b> for Passed {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for Passed {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'b>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<M: MapAccess<'b>>(self, mut map: M) -> Result<(), M::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(Self)?;
        }
        Ok(())
    }
}

struct Request<'k, 'b> {
    batch: Batch<'b>,
    found: bool,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for Request<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "resourceSpans" => {
                let mut all = Resources { batch: &mut self.batch, found: &mut self.found, bounds: self.bounds };
                map.next_value_seed(Required(&mut all))
            }
            _ => pass(map),
        }
    }
}

/// The one array that may not be `null`.
struct Required<'t, T>(&'t mut T);

struct Resources<'t, 'k, 'b> {
    batch: &'t mut Batch<'b>,
    found: &'t mut bool,
    bounds: &'k Bounds,
}

impl<'b> DeserializeSeed<'b> for Required<'_, Resources<'_, '_, 'b>> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'b> Visitor<'b> for Required<'_, Resources<'_, '_, 'b>> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array as `resourceSpans`")
    }

    fn visit_seq<S: SeqAccess<'b>>(self, seq: S) -> Result<(), S::Error> {
        *self.0.found = true;
        List(self.0).visit_seq(seq)
    }
}

impl<'b> Gather<'b> for Resources<'_, '_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        let mut one = ResourceSpans { batch: self.batch, attributes: Attributes::new(), bounds: self.bounds };
        let found = seq.next_element_seed(object(&mut one))?;
        let attributes = one.attributes;
        if found.is_some() {
            self.bounds.span().map_err(Error::custom)?;
            self.batch.resources.push(attributes);
        }
        Ok(found.is_some())
    }
}

struct ResourceSpans<'t, 'k, 'b> {
    batch: &'t mut Batch<'b>,
    attributes: Attributes<'b>,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for ResourceSpans<'_, '_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        let bounds = self.bounds;
        match name {
            "resource" => map.next_value_seed(object(&mut Resource { attributes: &mut self.attributes, bounds })),
            "scopeSpans" => map.next_value_seed(List(&mut Scopes { batch: self.batch, bounds })),
            _ => pass(map),
        }
    }
}

struct Resource<'t, 'k, 'b> {
    attributes: &'t mut Attributes<'b>,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for Resource<'_, '_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "attributes" => map.next_value_seed(List(&mut KeyValues::top(self.attributes, self.bounds))),
            _ => pass(map),
        }
    }
}

struct Scopes<'t, 'k, 'b> {
    batch: &'t mut Batch<'b>,
    bounds: &'k Bounds,
}

impl<'b> Gather<'b> for Scopes<'_, '_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        Ok(seq.next_element_seed(object(self))?.is_some())
    }
}

impl<'b> Fill<'b> for Scopes<'_, '_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "spans" => map.next_value_seed(List(&mut Spans { batch: self.batch, bounds: self.bounds })),
            _ => pass(map),
        }
    }
}

struct Spans<'t, 'k, 'b> {
    batch: &'t mut Batch<'b>,
    bounds: &'k Bounds,
}

impl<'b> Gather<'b> for Spans<'_, '_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        let span = Incoming {
            trace_id: None,
            span_id: None,
            parent_id: Some([0; 8]),
            name: Cow::Borrowed(""),
            start: Some(0),
            end: Some(0),
            status: Some(0),
            message: Cow::Borrowed(""),
            attributes: Attributes::new(),
            events: Vec::new(),
            resource: self.batch.resources.len(),
        };
        let mut one = Span { span, bounds: self.bounds };
        let found = seq.next_element_seed(object(&mut one))?;
        if found.is_some() {
            self.bounds.span().map_err(Error::custom)?;
            self.batch.spans.push(one.span);
        }
        Ok(found.is_some())
    }
}

struct Span<'k, 'b> {
    span: Incoming<'b>,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for Span<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        let (span, bounds) = (&mut self.span, self.bounds);
        match name {
            "traceId" => span.trace_id = map.next_value::<Id<16>>()?.filled(),
            "spanId" => span.span_id = map.next_value::<Id<8>>()?.filled(),
            "parentSpanId" => span.parent_id = map.next_value::<Id<8>>()?.or_zeros(),
            "name" => span.name = map.next_value::<Text<'b>>()?.0,
            // Nothing is made of it; a word in its place is refused as in any other.
            "kind" => map.next_value::<Integer>().map(|_| ())?,
            "startTimeUnixNano" => span.start = map.next_value::<Integer>()?.unsigned(),
            "endTimeUnixNano" => span.end = map.next_value::<Integer>()?.unsigned(),
            "attributes" => map.next_value_seed(List(&mut KeyValues::top(&mut span.attributes, bounds)))?,
            "events" => map.next_value_seed(List(&mut Events { events: &mut span.events, bounds }))?,
            "status" => map.next_value_seed(object(&mut Status { span }))?,
            _ => pass(map)?,
        }
        Ok(())
    }
}

struct Status<'t, 'b> {
    span: &'t mut Incoming<'b>,
}

impl<'b> Fill<'b> for Status<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "message" => self.span.message = map.next_value::<Text<'b>>()?.0,
            "code" => self.span.status = map.next_value::<Integer>()?.unsigned().and_then(|code| code.try_into().ok()),
            _ => pass(map)?,
        }
        Ok(())
    }
}

struct Events<'t, 'k, 'b> {
    events: &'t mut Vec<Event<'b>>,
    bounds: &'k Bounds,
}

impl<'b> Gather<'b> for Events<'_, '_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        let event = Event { nanos: 0, name: Cow::Borrowed(""), attributes: Attributes::new() };
        let mut one = OneEvent { event, bounds: self.bounds };
        let found = seq.next_element_seed(object(&mut one))?;
        if found.is_some() {
            self.bounds.span().map_err(Error::custom)?;
            self.events.push(one.event);
        }
        Ok(found.is_some())
    }
}

struct OneEvent<'k, 'b> {
    event: Event<'b>,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for OneEvent<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        let event = &mut self.event;
        match name {
            "timeUnixNano" => event.nanos = map.next_value::<Integer>()?.unsigned().unwrap_or(0),
            "name" => event.name = map.next_value::<Text<'b>>()?.0,
            "attributes" => map.next_value_seed(List(&mut KeyValues::top(&mut event.attributes, self.bounds)))?,
            _ => pass(map)?,
        }
        Ok(())
    }
}

struct KeyValues<'t, 'k, 'b> {
    out: &'t mut Attributes<'b>,
    depth: u32,
    bounds: &'k Bounds,
}

impl<'t, 'k, 'b> KeyValues<'t, 'k, 'b> {
    const fn top(out: &'t mut Attributes<'b>, bounds: &'k Bounds) -> Self {
        Self { out, depth: 0, bounds }
    }
}

impl<'b> Gather<'b> for KeyValues<'_, '_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        let any = AnyValue { value: Value::Empty, depth: self.depth, bounds: self.bounds };
        let mut one = KeyValue { key: Cow::Borrowed(""), any };
        let found = seq.next_element_seed(object(&mut one))?;
        if found.is_some() {
            self.bounds.value().map_err(Error::custom)?;
            if self.out.is_empty() {
                self.out.reserve(8);
            }
            self.out.push((one.key, one.any.value));
        }
        Ok(found.is_some())
    }
}

struct KeyValue<'k, 'b> {
    key: Cow<'b, str>,
    any: AnyValue<'k, 'b>,
}

impl<'b> Fill<'b> for KeyValue<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "key" => self.key = map.next_value::<Text<'b>>()?.0,
            "value" => map.next_value_seed(object(&mut self.any))?,
            _ => pass(map)?,
        }
        Ok(())
    }
}

struct AnyValue<'k, 'b> {
    value: Value<'b>,
    depth: u32,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for AnyValue<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        // What lies deeper than is kept is not read.
        if self.depth > DEPTH_MAX {
            return pass(map);
        }
        let value = match name {
            "stringValue" => map.next_value::<Option<Text<'b>>>()?.map(|text| Value::Text(text.0)),
            "boolValue" => map.next_value::<Option<Bool>>()?.map(|Bool(bool)| Value::Bool(bool)),
            "intValue" => {
                let int = map.next_value::<Option<Integer>>()?;
                let int =
                    int.map(|int| int.signed().ok_or_else(|| Error::custom("an `intValue` of 64 bits is expected")));
                int.transpose()?.map(Value::Int)
            }
            "doubleValue" => map.next_value::<Option<Double>>()?.map(|Double(double)| Value::Double(double)),
            "bytesValue" => {
                let text = map.next_value::<Option<Text<'b>>>()?;
                let bytes = text.map(|text| {
                    STANDARD.decode(text.0.as_bytes()).map_err(|_| Error::custom("`bytesValue` is no base64"))
                });
                bytes.transpose()?.map(|bytes| Value::Bytes(bytes.into()))
            }
            "arrayValue" => {
                let mut values = Values { out: Vec::new(), depth: self.depth + 1, bounds: self.bounds };
                map.next_value_seed(object(&mut values))?;
                Some(Value::List(values.out))
            }
            "kvlistValue" => {
                let mut members = Members { out: Attributes::new(), depth: self.depth + 1, bounds: self.bounds };
                map.next_value_seed(object(&mut members))?;
                Some(Value::Map(members.out))
            }
            _ => return pass(map),
        };
        if let Some(value) = value {
            self.value = value;
        }
        Ok(())
    }
}

struct Values<'k, 'b> {
    out: Vec<Value<'b>>,
    depth: u32,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for Values<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        match name {
            "values" => map.next_value_seed(List(self)),
            _ => pass(map),
        }
    }
}

impl<'b> Gather<'b> for Values<'_, 'b> {
    fn item<S: SeqAccess<'b>>(&mut self, seq: &mut S) -> Result<bool, S::Error> {
        let mut any = AnyValue { value: Value::Empty, depth: self.depth, bounds: self.bounds };
        let found = seq.next_element_seed(object(&mut any))?;
        if found.is_some() {
            self.bounds.value().map_err(Error::custom)?;
            self.out.push(any.value);
        }
        Ok(found.is_some())
    }
}

struct Members<'k, 'b> {
    out: Attributes<'b>,
    depth: u32,
    bounds: &'k Bounds,
}

impl<'b> Fill<'b> for Members<'_, 'b> {
    fn member<M: MapAccess<'b>>(&mut self, name: &str, map: &mut M) -> Result<(), M::Error> {
        let (depth, bounds) = (self.depth, self.bounds);
        match name {
            "values" => map.next_value_seed(List(&mut KeyValues { out: &mut self.out, depth, bounds })),
            _ => pass(map),
        }
    }
}
