//! Asking the model: each question once, within time and budget, and never about what is known.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use loop_core::policy::judge::{Judge, Judging, Question, Ruling, Unjudged};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout_at},
};

use super::{
    JudgeError, Settings,
    budget::{Budgets, Pulse},
    memory::{Key, Memory, key},
    wire,
};
use crate::outbound::{Client, Error, Limits, Target};

/// How many questions are with the model at a time.
const AT_A_TIME: usize = 16;
/// How many are under way, those that wait for their turn included.
const UNDER_WAY_MAX: usize = 256;

/// A connection to a model behind an OpenAI-compatible endpoint. Cloning shares it.
#[derive(Clone)]
pub struct ModelJudge {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    client: Client,
    target: Target,
    headers: HeaderMap,
    turns: Semaphore,
    state: Mutex<State>,
}

struct State {
    memory: Memory,
    under_way: HashMap<Key, watch::Receiver<Option<Ruling>>>,
    budgets: Budgets,
    pulse: Pulse,
}

/// Where a question stands.
enum Begun {
    Known(Ruling),
    UnderWay(watch::Receiver<Option<Ruling>>),
}

impl ModelJudge {
    /// A connection; nothing is asked yet.
    ///
    /// # Errors
    /// Settings that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, JudgeError> {
        settings.check()?;
        let target = settings.target()?;
        let seconds = settings.patience.as_secs().saturating_add(1);
        let client = Client::new(Limits { allow_private: true, seconds, body_max: wire::ANSWER_MAX })?;
        let state = State {
            memory: Memory::default(),
            under_way: HashMap::new(),
            budgets: Budgets::new(settings.per_minute, settings.per_day),
            pulse: Pulse::default(),
        };
        let headers = headers(&settings)?;
        let turns = Semaphore::new(AT_A_TIME);
        Ok(Self { inner: Arc::new(Inner { settings, client, target, headers, turns, state: Mutex::new(state) }) })
    }

    /// Answers from memory, joins whoever asks the same, or asks.
    fn begin(&self, question: &Question, deadline: Instant) -> Begun {
        let key = key(question);
        let mut state = self.inner.state();
        if let Some(answer) = state.memory.get(&key) {
            count("known");
            return Begun::Known(Ok(answer));
        }
        if let Some(others) = state.under_way.get(&key) {
            return Begun::UnderWay(others.clone());
        }
        let now = Instant::now();
        let refused = if state.pulse.rests(now) {
            Some(Unjudged::Resting)
        } else if state.under_way.len() >= UNDER_WAY_MAX {
            Some(Unjudged::Busy)
        } else if !state.budgets.take(&question.tenant, now) {
            Some(Unjudged::Budget)
        } else {
            None
        };
        if let Some(why) = refused {
            count(why.as_str());
            return Begun::Known(Err(why));
        }
        let (told, answered) = watch::channel(None);
        state.under_way.insert(key, answered.clone());
        drop(state);
        let under_way = UnderWay { inner: Arc::clone(&self.inner), key, told };
        let question = question.clone();
        // Apart from whoever asked first: others may wait for it too.
        tokio::spawn(async move {
            let asked = timeout_at(deadline, under_way.inner.ask(&question)).await;
            under_way.end(asked.unwrap_or(Err(Failed { why: Unjudged::Timeout, ill: true })));
        });
        Begun::UnderWay(answered)
    }
}

/// A question that was not answered, and whether that tells that the model is not well.
struct Failed {
    why: Unjudged,
    ill: bool,
}

/// A question on its way. However it ends, it is under way no longer.
struct UnderWay {
    inner: Arc<Inner>,
    key: Key,
    told: watch::Sender<Option<Ruling>>,
}

impl UnderWay {
    fn end(self, asked: Result<Ruling, Failed>) {
        let ruling = {
            let mut state = self.inner.state();
            match asked {
                Ok(ruling) => {
                    state.pulse.beats();
                    if let Ok(answer) = &ruling {
                        state.memory.put(self.key, answer.clone());
                    }
                    ruling
                }
                Err(Failed { why, ill }) => {
                    if ill {
                        state.pulse.misses(Instant::now());
                    }
                    Err(why)
                }
            }
        };
        match &ruling {
            Ok(answer) => count(answer.finding.as_str()),
            Err(why) => {
                count(why.as_str());
                let (rule, why) = (self.key.0, why.as_str());
                tracing::warn!(target: "loop::judge", %rule, why, "the model judged nothing, so a human is asked");
            }
        }
        self.told.send_replace(Some(ruling));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.inner.state().under_way.remove(&self.key);
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, question: &Question) -> Result<Ruling, Failed> {
        let body = match wire::request(&self.settings.model, question) {
            Ok(body) => body,
            Err(why) => return Err(Failed { why, ill: false }),
        };
        let Ok(_turn) = self.turns.acquire().await else { return Err(Failed { why: Unjudged::Busy, ill: false }) };
        let sent = self.client.send(Method::POST, &self.target, self.headers.clone(), Bytes::from(body)).await;
        let answer = sent.map_err(|error| match error {
            Error::Timeout { .. } => Failed { why: Unjudged::Timeout, ill: true },
            _ => Failed { why: Unjudged::Unreachable, ill: true },
        })?;
        if answer.status != StatusCode::OK {
            // What a question itself can bring about must not keep others from being asked.
            let ill = answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS;
            return Err(Failed { why: Unjudged::Status, ill });
        }
        if answer.cut {
            return Err(Failed { why: Unjudged::TooLarge, ill: false });
        }
        Ok(wire::read(&answer.body))
    }
}

impl Judge for ModelJudge {
    fn model(&self) -> &str {
        &self.inner.settings.model
    }

    fn most(&self) -> usize {
        self.inner.settings.questions
    }

    fn judge<'a>(&'a self, questions: &'a [Question]) -> Judging<'a> {
        let now = Instant::now();
        let deadline = now.checked_add(self.inner.settings.patience).unwrap_or(now);
        Box::pin(async move {
            // All are under way before the first is waited for.
            let begun: Vec<Begun> = questions.iter().map(|question| self.begin(question, deadline)).collect();
            let mut rulings = Vec::with_capacity(begun.len());
            for one in begun {
                rulings.push(match one {
                    Begun::Known(ruling) => ruling,
                    Begun::UnderWay(mut answered) => {
                        let told = timeout_at(deadline, answered.wait_for(Option::is_some)).await;
                        match told {
                            Ok(Ok(told)) => told.clone().unwrap_or(Err(Unjudged::Unanswered)),
                            Ok(Err(_)) => Err(Unjudged::Unanswered),
                            Err(_) => Err(Unjudged::Timeout),
                        }
                    }
                });
            }
            rulings
        })
    }
}

impl std::fmt::Debug for ModelJudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModelJudge({} at {})", self.inner.settings.model, self.inner.target)
    }
}

fn headers(settings: &Settings) -> Result<HeaderMap, JudgeError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("loop/", env!("CARGO_PKG_VERSION"))));
    if let Some(key) = &settings.key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| JudgeError::Key)?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(headers)
}

fn count(outcome: &'static str) {
    metrics::counter!("loop_judge_questions_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        pin::pin,
        task::{Context, Waker},
    };

    use loop_core::{
        base::{Seed, TenantId, Time, id::RuleId, secret::MasterKey},
        policy::judge::{CallDigest, Finding, Judge as _, Question, Unjudged},
    };

    use super::{ModelJudge, Settings};
    use crate::outbound::sink::Sink;

    fn question(call: &str) -> Question {
        let tenant = TenantId::default_tenant();
        Question {
            call: CallDigest::of(&MasterKey::new([1; 32]), &tenant, call, None),
            tenant,
            rule: RuleId::draw(Time::EPOCH, &mut Seed::new([1; 32])),
            revision: 1,
            mark: "=== 0 ===".to_owned(),
            case: "{}".to_owned(),
        }
    }

    async fn sink() -> (Sink, ModelJudge) {
        let said = r#"{"choices":[{"finish_reason":"stop","message":{"content":"{\"finding\":\"covered\",\"reason\":\"\"}"}}]}"#;
        let sink = Sink::json("200 OK", said).await;
        let settings = Settings { patience: std::time::Duration::from_secs(60), ..Settings::new(sink.url("/v1"), "m") };
        (sink, ModelJudge::new(settings).expect("connected"))
    }

    #[tokio::test]
    async fn who_asks_the_same_meanwhile_waits_for_the_one_answer() {
        let (mut sink, judge) = sink().await;
        let same = [question("a"), question("a")];
        // Both are polled before the model can have answered.
        let (one, other) = tokio::join!(judge.judge(&same), judge.judge(&same));
        for ruling in one.into_iter().chain(other) {
            assert_eq!(ruling.map(|answer| answer.finding), Ok(Finding::Covered));
        }
        sink.request().await;
        assert!(sink.is_idle());
        assert!(judge.inner.state().under_way.is_empty());
    }

    #[tokio::test]
    async fn a_question_goes_on_when_who_asked_it_has_gone() {
        let (mut sink, judge) = sink().await;
        let asked = [question("a")];
        {
            let mut gone = pin!(judge.judge(&asked));
            assert!(gone.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let rulings = judge.judge(&asked).await;
        assert_eq!(
            rulings.first().and_then(|ruling| ruling.as_ref().ok()).map(|answer| answer.finding),
            Some(Finding::Covered)
        );
        sink.request().await;
        assert!(sink.is_idle());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_not_sent_and_not_held_against_the_model() {
        let (mut sink, judge) = sink().await;
        for n in 0..9 {
            let large = Question { case: "x".repeat(40_000), ..question(&n.to_string()) };
            assert_eq!(judge.judge(&[large]).await, [Err(Unjudged::TooLarge)]);
        }
        assert!(sink.is_idle());
        assert!(judge.judge(&[question("a")]).await.iter().all(Result::is_ok));
    }

    #[test]
    fn the_connection_shows_neither_key_nor_path() {
        let key = Some(loop_core::base::secret::Secret::new("s3cret"));
        let settings = Settings { key, ..Settings::new("https://x.example/p4th", "m") };
        assert_eq!(
            format!("{:?}", ModelJudge::new(settings).expect("sound")),
            "ModelJudge(m at https://x.example:443)"
        );
    }
}
