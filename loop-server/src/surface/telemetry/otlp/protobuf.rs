//! `ExportTraceServiceRequest` as protocol buffers. Fields that nothing here reads are passed over.

use std::borrow::Cow;

use loop_core::telemetry::{
    content::DEPTH_MAX,
    incoming::{Attributes, Batch, Event, Incoming, Value},
};

use super::{Undecodable, bounds::Bounds, wire::Wire};

/// Reads a request.
pub(super) fn decode<'b>(body: &'b [u8], bounds: &mut Bounds) -> Result<Batch<'b>, Undecodable> {
    let mut batch = Batch::default();
    let mut wire = Wire::new(body);
    while let Some((number, field)) = wire.next()? {
        if number == 1 {
            resource_spans(field.bytes()?, &mut batch, bounds)?;
        }
    }
    Ok(batch)
}

fn resource_spans<'b>(bytes: &'b [u8], batch: &mut Batch<'b>, bounds: &Bounds) -> Result<(), Undecodable> {
    bounds.span()?;
    let mut resource = Attributes::new();
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => only_attributes(field.bytes()?, 1, &mut resource, bounds)?,
            2 => scope_spans(field.bytes()?, batch, bounds)?,
            _ => {}
        }
    }
    batch.resources.push(resource);
    Ok(())
}

fn scope_spans<'b>(bytes: &'b [u8], batch: &mut Batch<'b>, bounds: &Bounds) -> Result<(), Undecodable> {
    let resource = batch.resources.len();
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        if number == 2 {
            bounds.span()?;
            batch.spans.push(span(field.bytes()?, resource, bounds)?);
        }
    }
    Ok(())
}

fn span<'b>(bytes: &'b [u8], resource: usize, bounds: &Bounds) -> Result<Incoming<'b>, Undecodable> {
    let mut span = Incoming {
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
        resource,
    };
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => span.trace_id = field.bytes()?.try_into().ok(),
            2 => span.span_id = field.bytes()?.try_into().ok(),
            4 => {
                let bytes = field.bytes()?;
                span.parent_id = if bytes.is_empty() { Some([0; 8]) } else { bytes.try_into().ok() };
            }
            5 => span.name = Cow::Borrowed(field.text()?),
            7 => span.start = Some(field.fixed64()?),
            8 => span.end = Some(field.fixed64()?),
            9 => {
                if span.attributes.is_empty() {
                    span.attributes.reserve(16);
                }
                key_value(field.bytes()?, 0, &mut span.attributes, bounds)?;
            }
            11 => {
                bounds.span()?;
                span.events.push(event(field.bytes()?, bounds)?);
            }
            15 => status(field.bytes()?, &mut span)?,
            _ => {}
        }
    }
    Ok(span)
}

fn event<'b>(bytes: &'b [u8], bounds: &Bounds) -> Result<Event<'b>, Undecodable> {
    let mut event = Event { nanos: 0, name: Cow::Borrowed(""), attributes: Attributes::new() };
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => event.nanos = field.fixed64()?,
            2 => event.name = Cow::Borrowed(field.text()?),
            3 => key_value(field.bytes()?, 0, &mut event.attributes, bounds)?,
            _ => {}
        }
    }
    Ok(event)
}

fn status<'b>(bytes: &'b [u8], span: &mut Incoming<'b>) -> Result<(), Undecodable> {
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        match number {
            2 => span.message = Cow::Borrowed(field.text()?),
            3 => span.status = u8::try_from(field.varint()?).ok(),
            _ => {}
        }
    }
    Ok(())
}

/// A message of which only the named values of one field are read.
fn only_attributes<'b>(bytes: &'b [u8], of: u64, out: &mut Attributes<'b>, bounds: &Bounds) -> Result<(), Undecodable> {
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        if number == of {
            key_value(field.bytes()?, 0, out, bounds)?;
        }
    }
    Ok(())
}

fn key_value<'b>(bytes: &'b [u8], depth: u32, out: &mut Attributes<'b>, bounds: &Bounds) -> Result<(), Undecodable> {
    bounds.value()?;
    let (mut key, mut value) = ("", Value::Empty);
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        match number {
            1 => key = field.text()?,
            2 => value = any_value(field.bytes()?, depth, bounds)?,
            _ => {}
        }
    }
    out.push((Cow::Borrowed(key), value));
    Ok(())
}

/// What lies deeper than is kept is not read either, so that no depth exhausts the stack.
fn any_value<'b>(bytes: &'b [u8], depth: u32, bounds: &Bounds) -> Result<Value<'b>, Undecodable> {
    let mut value = Value::Empty;
    if depth > DEPTH_MAX {
        return Ok(value);
    }
    let mut wire = Wire::new(bytes);
    while let Some((number, field)) = wire.next()? {
        value = match number {
            1 => Value::Text(Cow::Borrowed(field.text()?)),
            2 => Value::Bool(field.varint()? != 0),
            3 => Value::Int(field.varint()?.cast_signed()),
            4 => Value::Double(f64::from_bits(field.fixed64()?)),
            5 => {
                let mut values = Vec::new();
                let mut wire = Wire::new(field.bytes()?);
                while let Some((number, field)) = wire.next()? {
                    if number == 1 {
                        bounds.value()?;
                        values.push(any_value(field.bytes()?, depth + 1, bounds)?);
                    }
                }
                Value::List(values)
            }
            6 => {
                let mut members = Attributes::new();
                let mut wire = Wire::new(field.bytes()?);
                while let Some((number, field)) = wire.next()? {
                    if number == 1 {
                        key_value(field.bytes()?, depth + 1, &mut members, bounds)?;
                    }
                }
                Value::Map(members)
            }
            7 => Value::Bytes(Cow::Borrowed(field.bytes()?)),
            _ => continue,
        };
    }
    Ok(value)
}
