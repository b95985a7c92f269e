//! An answer that comes event by event. Text goes on at once; from the first fragment of a tool call on everything
//! is held, in order and byte for byte, until the answer's last event, when the calls are decided.
//!
//! ```text
//! feed ─► More … ─► Decide(calls) ─► released | replaced ─► feed … ─► end
//! ```

use bytes::Bytes;
use loop_core::base::json::{self, Doc, View};

use super::{
    MARK, Proposed, Unreadable, Wire,
    chat::Chat,
    compose::Events,
    insert::{self, Place},
    messages::Messages,
    responses::Responses,
};
use crate::gateway::sse::{Data, Event, Splitter, Unsound};

/// What a stream may at most make us keep, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest event.
    pub event: usize,
    /// All that is held until the decision.
    pub held: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // As much as an answer in one piece may have: pictures and sounds come in one event.
        Self { event: 32 << 20, held: 32 << 20 }
    }
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Feed more; at the end of the body: it ended well.
    More,
    /// The answer is complete and proposes these calls, maybe none: call [`Stream::released`] or
    /// [`Stream::replaced`] before anything is fed.
    Decide(Vec<Proposed>),
}

/// What an event means for those before and behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It may go on at once.
    Pass,
    /// It may be the last one before the end: it goes on when the next one is there.
    Tail,
    /// It is, or may be, part of a tool call: nothing goes on from here.
    Hold,
    /// It is the answer's last one.
    Last,
    /// The upstream tells an error.
    Error,
}

/// A wire form, as a stream of events. Offered to it is each event's data, in order.
pub(super) trait Form: Send + std::fmt::Debug {
    /// Looks at an event. `holding` tells that it is held, whatever it is.
    fn look(&mut self, name: Option<&str>, root: View<'_>, holding: bool) -> Result<Look, Unreadable>;
    /// The calls of the answer, once its last event is there.
    fn calls(&mut self) -> Result<Vec<Proposed>, Unreadable>;
    /// The names of the calls that were begun.
    fn begun(&self) -> Vec<String>;
    /// Whether the answer is complete though its form's last event did not come.
    fn complete(&self) -> bool {
        false
    }
    /// Tells an error in the form's own words. `error` is what the form's clients are answered otherwise, as JSON.
    fn refused(&self, error: &str, events: &mut Events);
    /// Ends the answer with `message` instead of what is held.
    fn replaced(&self, message: &str, meta: &str, events: &mut Events);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    Holding,
    Deciding,
    Over,
    Failed,
    Broken,
}

/// Where an event goes.
enum Way {
    Out,
    Held,
    /// Held, and what was held before it goes out.
    Afresh,
    Behind,
    /// Nowhere.
    Gone,
}

/// An answer as it streams by.
#[derive(Debug)]
pub struct Stream {
    wire: Wire,
    limits: Limits,
    form: Box<dyn Form>,
    state: State,
    splitter: Splitter,
    /// Memory for the next event's values.
    scratch: Doc<'static>,
    /// What has come of an event that has not ended.
    open: Vec<u8>,
    /// None before the first event.
    line_end: Option<&'static str>,
    /// What waits, and where in it the verdict goes.
    held: Vec<u8>,
    places: Vec<Place>,
    /// What came behind the last event.
    behind: Vec<u8>,
}

impl Stream {
    /// A stream of which nothing has come.
    #[must_use]
    pub fn new(wire: Wire, limits: Limits) -> Self {
        Self {
            wire,
            limits,
            form: match wire {
                Wire::Chat => Box::new(Chat::default()),
                Wire::Responses => Box::new(Responses::default()),
                Wire::Messages => Box::new(Messages::default()),
            },
            state: State::Passing,
            splitter: Splitter::default(),
            scratch: Doc::default(),
            open: Vec::new(),
            line_end: None,
            held: Vec::new(),
            places: Vec::new(),
            behind: Vec::new(),
        }
    }

    /// Takes bytes as they arrive and appends to `out` what may go to the client now, byte for byte.
    ///
    /// # Errors
    /// Whatever is not understood: the stream is to be broken off, and what was held is gone.
    pub fn feed(&mut self, bytes: Bytes, out: &mut Vec<Bytes>) -> Result<Step, Unreadable> {
        let step = match self.state {
            State::Deciding => return Err(Unreadable::Undecided),
            State::Broken => Err(Unreadable::Cut),
            _ => self.take(&bytes, out).and_then(|decide| self.step(decide)),
        };
        self.broken_by(step)
    }

    /// The end of the upstream's body. A last event without its blank line counts.
    ///
    /// # Errors
    /// [`Unreadable::Cut`]: it ended before its last event; and as [`Stream::feed`].
    pub fn end(&mut self, out: &mut Vec<Bytes>) -> Result<Step, Unreadable> {
        let step = match self.state {
            State::Deciding => return Err(Unreadable::Undecided),
            State::Broken => Err(Unreadable::Cut),
            _ => self.last_line(out),
        };
        self.broken_by(step)
    }

    /// After [`Step::Decide`]: everything that was held, as it came, with the verdict `meta` (a JSON object) on the
    /// answer's last event (for chat: on the last chunk before `[DONE]`).
    #[must_use]
    pub fn released(&mut self, meta: &str) -> Vec<Bytes> {
        if self.state != State::Deciding {
            return Vec::new();
        }
        self.state = State::Over;
        let held = std::mem::take(&mut self.held);
        let mut out = Vec::with_capacity(held.len() + 2 * meta.len() + 64 + self.behind.len());
        let mut from = 0;
        if self.places.is_empty() {
            // Nothing came that could carry the verdict.
            let mut events = Events::new(self.line_end.unwrap_or("\n"));
            super::chat::bare(meta, &mut events);
            out.extend_from_slice(events.out.as_bytes());
        }
        for place in self.places.drain(..) {
            out.extend_from_slice(held.get(from..place.at).unwrap_or_default());
            insert::member(&mut out, place, meta);
            from = place.at;
        }
        out.extend_from_slice(held.get(from..).unwrap_or_default());
        out.append(&mut self.behind);
        vec![out.into()]
    }

    /// After [`Step::Decide`]: the end of the answer with `message` instead of what was held, and with the verdict
    /// `meta`. Nothing of what was held is in it but usage, ids and texts that were begun.
    #[must_use]
    pub fn replaced(&mut self, message: &str, meta: &str) -> Vec<Bytes> {
        if self.state != State::Deciding {
            return Vec::new();
        }
        self.state = State::Over;
        self.held = Vec::new();
        self.behind = Vec::new();
        self.places.clear();
        let mut events = Events::new(self.line_end.unwrap_or("\n"));
        self.form.replaced(message, meta, &mut events);
        vec![events.out.into()]
    }

    /// An event that tells an error: `error` is what a client of the form is answered otherwise, a JSON object. What was
    /// held is gone, and nothing goes on behind it.
    #[must_use]
    pub fn refused(&mut self, error: &str) -> Bytes {
        self.break_off();
        let mut events = Events::new(self.line_end.unwrap_or("\n"));
        self.form.refused(error, &mut events);
        events.out.into()
    }

    /// How much is held and was begun, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.open.len() + self.held.len() + self.behind.len()
    }

    /// Whether fragments of a tool call are held.
    #[must_use]
    pub fn holding(&self) -> bool {
        matches!(self.state, State::Holding | State::Deciding)
    }

    /// Whether the upstream told an error in the stream; it was handed on, and what was held is gone.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.state == State::Failed
    }

    /// The names of the calls that were begun, for a log of a stream that broke off.
    #[must_use]
    pub fn begun(&self) -> Vec<String> {
        self.form.begun()
    }

    fn broken_by(&mut self, step: Result<Step, Unreadable>) -> Result<Step, Unreadable> {
        if step.is_err() {
            self.break_off();
        }
        step
    }

    fn break_off(&mut self) {
        self.state = State::Broken;
        self.held = Vec::new();
        self.open = Vec::new();
        self.behind = Vec::new();
        self.places.clear();
    }

    fn step(&mut self, decide: bool) -> Result<Step, Unreadable> {
        if decide { self.form.calls().map(Step::Decide) } else { Ok(Step::More) }
    }

    /// Reads every event that ends in `bytes`; `true` when the answer's last one was among them.
    fn take(&mut self, bytes: &Bytes, out: &mut Vec<Bytes>) -> Result<bool, Unreadable> {
        // The bytes between go out in one piece, also before an event that cannot be read.
        let (mut from, mut at) = (0, 0);
        let read = self.take_events(bytes, &mut from, &mut at, out);
        send(bytes, &mut from, at, out);
        read?;
        let rest = bytes.get(at..).unwrap_or_default();
        if self.open.len() + rest.len() > self.limits.event {
            return Err(Unreadable::TooLarge);
        }
        self.open.extend_from_slice(rest);
        Ok(self.state == State::Deciding)
    }

    /// Reads events up to `at`, of which all up to `from` have gone where they belong.
    fn take_events(
        &mut self,
        bytes: &Bytes,
        from: &mut usize,
        at: &mut usize,
        out: &mut Vec<Bytes>,
    ) -> Result<(), Unreadable> {
        while let Some(len) = self.splitter.end(bytes.get(*at..).unwrap_or_default()) {
            let end = *at + len;
            let piece = bytes.get(*at..end).unwrap_or_default();
            let carried = std::mem::take(&mut self.open);
            if carried.len() + len > self.limits.event {
                return Err(Unreadable::TooLarge);
            }
            if carried.is_empty() {
                match self.event(piece)? {
                    Way::Out if self.held.is_empty() => {}
                    Way::Gone => {
                        send(bytes, from, *at, out);
                        *from = end;
                    }
                    Way::Out => {
                        send(bytes, from, *at, out);
                        self.let_go(out);
                    }
                    way => {
                        send(bytes, from, *at, out);
                        self.keep(&way, piece, out)?;
                        *from = end;
                    }
                }
            } else {
                let mut raw = carried;
                raw.extend_from_slice(piece);
                match self.event(&raw)? {
                    Way::Gone => {}
                    Way::Out => {
                        self.let_go(out);
                        out.push(raw.into());
                    }
                    way => self.keep(&way, &raw, out)?,
                }
                *from = end;
            }
            *at = end;
        }
        Ok(())
    }

    fn last_line(&mut self, out: &mut Vec<Bytes>) -> Result<Step, Unreadable> {
        let raw = std::mem::take(&mut self.open);
        let way = if raw.is_empty() { Way::Gone } else { self.event(&raw)? };
        let over = matches!(self.state, State::Over | State::Failed);
        if !over && self.state != State::Deciding && !self.form.complete() {
            return Err(Unreadable::Cut);
        }
        match way {
            Way::Gone => {}
            way if !over => self.keep(&way, &raw, out)?,
            _ => {
                self.let_go(out);
                out.push(raw.into());
            }
        }
        if over {
            return Ok(Step::More);
        }
        self.state = State::Deciding;
        self.step(true)
    }

    /// Sends what waited for the next event.
    fn let_go(&mut self, out: &mut Vec<Bytes>) {
        if !self.held.is_empty() {
            out.push(std::mem::take(&mut self.held).into());
        }
    }

    fn keep(&mut self, way: &Way, raw: &[u8], out: &mut Vec<Bytes>) -> Result<(), Unreadable> {
        if let Way::Afresh = way {
            self.let_go(out);
        }
        if self.held.len() + self.behind.len() + raw.len() > self.limits.held {
            return Err(Unreadable::TooLarge);
        }
        match way {
            Way::Behind => self.behind.extend_from_slice(raw),
            _ => self.held.extend_from_slice(raw),
        }
        Ok(())
    }

    fn event(&mut self, raw: &[u8]) -> Result<Way, Unreadable> {
        let first = self.line_end.is_none();
        if first {
            self.line_end = Some(line_end(raw));
        }
        let event = Event::read(raw, first).map_err(|Unsound| Unreadable::Events)?;
        let over = match self.state {
            State::Deciding => Some(Way::Behind),
            State::Over | State::Failed => Some(Way::Out),
            _ => None,
        };
        let Some(data) = event.data else {
            return Ok(over.unwrap_or(if self.held.is_empty() { Way::Out } else { Way::Held }));
        };
        let done = data.text.trim_ascii() == b"[DONE]";
        match over {
            Some(way) if done => return Ok(way),
            // What an upstream says of its error after telling it may hold anything.
            Some(_) if self.state == State::Failed => return Ok(Way::Gone),
            Some(_) => return Err(Unreadable::Events),
            None if done && self.wire == Wire::Chat => {
                self.state = State::Deciding;
                return Ok(Way::Held);
            }
            None => {}
        }
        let doc = Doc::parse_reusing(&data.text, json::Limits::default(), std::mem::take(&mut self.scratch))
            .map_err(|_| Unreadable::Json)?;
        let root = doc.root();
        if !root.is_object() {
            return Err(Unreadable::Json);
        }
        if root.get(MARK).is_some() {
            return Err(Unreadable::Marked);
        }
        let look = self.form.look(event.name, root, self.state == State::Holding)?;
        self.scratch = Doc::parse_reusing(b"0", json::Limits::default(), doc).unwrap_or_default();
        self.way(look, &data)
    }

    fn way(&mut self, look: Look, data: &Data<'_>) -> Result<Way, Unreadable> {
        let holding = self.state == State::Holding;
        match look {
            Look::Error => {
                if holding {
                    self.held = Vec::new();
                }
                self.places.clear();
                self.state = State::Failed;
                return Ok(Way::Out);
            }
            Look::Pass if !holding => {
                self.places.clear();
                return Ok(Way::Out);
            }
            Look::Last => self.state = State::Deciding,
            Look::Hold => self.state = State::Holding,
            Look::Pass | Look::Tail => {}
        }
        let afresh = !holding && look != Look::Last;
        let base = if afresh { 0 } else { self.held.len() };
        if self.wire == Wire::Chat || look == Look::Last {
            self.places.clear();
            if self.wire == Wire::Responses {
                let inner = insert::close_of(&data.text, "response").ok_or(Unreadable::Structure)?;
                self.place(data, base, Place::before(&data.text, inner))?;
            }
            self.place(data, base, Place::last(&data.text))?;
        }
        Ok(if afresh { Way::Afresh } else { Way::Held })
    }

    /// Notes a place in an event that is about to be held at `base`.
    fn place(&mut self, data: &Data<'_>, base: usize, place: Option<Place>) -> Result<(), Unreadable> {
        let place = place.ok_or(Unreadable::Structure)?;
        let at = data.offset(place.at).ok_or(Unreadable::Structure)?;
        self.places.push(Place { at: base + at, ..place });
        Ok(())
    }
}

fn send(bytes: &Bytes, from: &mut usize, to: usize, out: &mut Vec<Bytes>) {
    if *from < to {
        out.push(bytes.slice(*from..to));
        *from = to;
    }
}

fn line_end(raw: &[u8]) -> &'static str {
    match (raw.contains(&b'\n'), raw.contains(&b'\r')) {
        (true, true) => "\r\n",
        (false, true) => "\r",
        _ => "\n",
    }
}
