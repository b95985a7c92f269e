//! Delivering notices.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use loop_core::{
    approval::{self, Answer, Via},
    base::{TenantId, secret::Secret},
    outbox::{self, LEASE_SECONDS, NoticeState, links::Verb},
};
use tracing_subscriber::fmt::MakeWriter;

use super::{LONG, World, ok, tokens};
use crate::{
    log::{LogFormat, subscriber},
    outbound::{
        post::Smtp,
        sink::{MailSink, Sink, answer},
    },
    worker::places::{HELD, RUNNING},
};

#[tokio::test]
async fn a_notice_is_delivered_when_the_bell_rings_with_links_that_were_committed_before() {
    let world = World::new();
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let workers = world.delivery(None);
    let id = world.ask("wire_transfer", None);
    let request = sink.request().await;
    let (approve, deny) = tokens(&request);
    // Whether or not the answer has arrived: the links are there.
    for (token, verb) in [(&approve, Verb::Approve), (&deny, Verb::Deny)] {
        let link = world.link(token).unwrap();
        assert_eq!((link.tenant, link.approval, link.verb), (world.home.clone(), id, verb));
    }
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    workers.stop(LONG).await;
    assert!(sink.is_idle(), "sent once");
}

#[tokio::test]
async fn every_channel_of_the_settings_and_the_rule_s_approver_are_told() {
    let world = World::new();
    let mut sinks = Vec::new();
    for channel in ["slack", "teams", "discord"] {
        let sink = Sink::new(vec![ok()]).await;
        world.target(channel, &sink.url("/hook"));
        sinks.push(sink);
    }
    let mut mails = MailSink::new(None).await;
    let smtp = Smtp::new(&Secret::new(mails.url()), "loop@example.org").unwrap();
    let workers = world.delivery(Some(smtp));
    world.ask("wire_transfer", Some("anna@example.com"));
    for sink in &mut sinks {
        assert!(sink.request().await.body.contains("wire_transfer"));
    }
    assert!(mails.mail().await.envelope[1].contains("anna@example.com"));
    world.until(|world| world.notices().iter().all(|notice| notice.state == NoticeState::Sent)).await;
    workers.stop(LONG).await;
}

#[tokio::test]
async fn a_worker_killed_between_claim_and_settle_delivers_again_after_its_lease() {
    let world = World::new();
    // The first connection never gets an answer.
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    world.target("slack", &deaf.url("/hook"));
    let first = world.delivery(None);
    world.ask("wire_transfer", None);
    let before = deaf.request().await;
    drop(first);

    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let second = world.delivery(None);
    world.pass(LEASE_SECONDS);
    world.wake.ring();
    let again = sink.request().await;
    assert_ne!(tokens(&before), tokens(&again), "each attempt has links of its own");
    assert!(world.link(&tokens(&before).0).is_some(), "the first message may have arrived, so its links work");
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    assert_eq!(world.notices()[0].attempts, 2);
    second.stop(LONG).await;
}

#[tokio::test]
async fn a_failed_delivery_is_repeated_when_due_and_its_error_kept() {
    let world = World::new();
    let mut sink = Sink::new(vec![answer("500 Oops", "", b"secret"), ok()]).await;
    world.target("slack", &sink.url("/hook/s3cret"));
    let workers = world.delivery(None);
    world.ask("wire_transfer", None);
    sink.request().await;
    world.until(|world| world.notices()[0].last_error.is_some()).await;
    assert_eq!(world.notices()[0].last_error.as_deref(), Some("the webhook answered 500"));
    world.wake.ring();
    world.pass(600);
    world.wake.ring();
    sink.request().await;
    world.until(|world| world.notices()[0].state == NoticeState::Sent).await;
    assert_eq!((world.notices()[0].attempts, world.notices()[0].last_error.clone()), (2, None));
    workers.stop(LONG).await;
}

#[tokio::test]
async fn a_request_that_was_decided_meanwhile_is_not_sent() {
    let world = World::new();
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let decided = world.ask("first", None).to_string();
    world.write(move |tx, cx| approval::decide(tx, cx, &decided, Answer::Deny, None, Via::Link).unwrap());
    // One whose time is over but that nobody has ended yet.
    world.ask("second", None);
    world.pass(86_400);
    world.ask("third", None);
    let workers = world.delivery(None);
    assert!(sink.request().await.body.contains("third"));
    world.until(|world| world.notices().iter().all(|notice| notice.state != NoticeState::Queued)).await;
    workers.stop(LONG).await;
    assert!(sink.is_idle());
    let states: Vec<_> = world.notices().iter().map(|notice| notice.state).collect();
    assert_eq!(states, [NoticeState::Withdrawn, NoticeState::Withdrawn, NoticeState::Sent]);
}

#[tokio::test]
async fn a_target_that_never_answers_holds_up_no_other() {
    let world = World::new();
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    let mut sink = Sink::new(vec![ok()]).await;
    world.target("slack", &deaf.url("/hook"));
    world.target("teams", &sink.url("/hook"));
    let workers = world.delivery(None);
    world.ask("first", None);
    sink.request().await;
    deaf.request().await;
    world.ask("second", None);
    sink.request().await;
    drop(workers);
}

#[tokio::test]
async fn stopping_finishes_the_delivery_under_way() {
    let world = World::new();
    let (mut gate, url) = Gate::new().await;
    world.target("slack", &url);
    let workers = world.delivery(None);
    world.ask("wire_transfer", None);
    let answer = gate.request().await;
    let stopping = tokio::spawn(workers.stop(LONG));
    answer.send(()).unwrap();
    stopping.await.unwrap();
    assert_eq!(world.notices()[0].state, NoticeState::Sent);
}

/// A server that answers when it is told to.
struct Gate(tokio::sync::mpsc::UnboundedReceiver<tokio::sync::oneshot::Sender<()>>);

impl Gate {
    async fn new() -> (Self, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (send, seen) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 64];
            stream.read_exact(&mut some).await.unwrap();
            let (go, told) = tokio::sync::oneshot::channel();
            send.send(go).unwrap();
            told.await.unwrap();
            stream.write_all(&ok()).await.unwrap();
            // Read to the end, so that closing does not reset what was answered.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        });
        (Self(seen), url)
    }

    async fn request(&mut self) -> tokio::sync::oneshot::Sender<()> {
        self.0.recv().await.unwrap()
    }
}

#[tokio::test]
async fn a_tenant_whose_webhooks_hang_takes_only_its_share() {
    let world = World::new();
    let mut deaf = Sink::hanging(vec![Vec::new()]).await;
    world.target("slack", &deaf.url("/hook"));
    for n in 0..HELD.1 * 2 {
        world.ask(&format!("tool_{n}"), None);
    }
    let other = World { home: TenantId::parse("other").unwrap(), ..world.again() };
    let mut sink = Sink::new(vec![ok()]).await;
    other.target("slack", &sink.url("/hook"));
    other.ask("wire_transfer", None);
    let workers = world.delivery(None);
    // Other's notice stands behind all of them in the queue.
    assert!(sink.request().await.body.contains("wire_transfer"));
    for _ in 0..RUNNING.1 {
        deaf.request().await;
    }
    other.until(|other| other.notices()[0].state == NoticeState::Sent).await;
    assert!(deaf.is_idle());
    let begun = world.notices().iter().filter(|notice| notice.attempts > 0).count();
    assert_eq!(begun, HELD.1, "what was put back lost no attempt");
    drop(workers);
}

#[tokio::test]
async fn a_burst_of_one_tenant_is_delivered_without_waiting() {
    let world = World::new();
    let sink = Sink::new(vec![ok()]).await;
    world.target("slack", &sink.url("/hook"));
    let workers = world.delivery(None);
    for n in 0..40 {
        world.ask(&format!("tool_{n}"), None);
    }
    // The clock stands still: nothing that is put off would ever be due.
    world.until(|world| world.notices().iter().all(|notice| notice.state == NoticeState::Sent)).await;
    workers.stop(LONG).await;
}

#[tokio::test]
async fn stopping_gives_back_what_was_claimed_but_not_begun() {
    let world = World::new();
    let (mut gate, url) = Gate::new().await;
    world.target("slack", &url);
    for n in 0..20 {
        world.ask(&format!("tool_{n}"), None);
    }
    let workers = world.delivery(None);
    let answer = gate.request().await;
    let stopping = tokio::spawn(workers.stop(Duration::from_millis(200)));
    let untried = |world: &World| world.notices().iter().filter(|notice| notice.attempts == 0).count();
    world.until(|world| untried(world) == 20 - RUNNING.1).await;
    answer.send(()).unwrap();
    stopping.await.unwrap();
    // They need not wait for a lease.
    let now = world.engine.now();
    let ready = world.write(move |tx, _| outbox::claim(tx, now, 100, &[9; 16]).unwrap().due.len());
    assert_eq!(ready, 20 - RUNNING.1);
}

/// Log lines kept in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_line_tells_a_webhook_a_token_or_a_mail_password() {
    let lines = Lines::default();
    // The runtime has one thread, so that this catches what workers and libraries say too.
    // With one subscriber alone, `tracing` asks whichever thread comes by a place first whether it is wanted, and other
    // tests' threads have none. With two it asks both.
    let _other = tracing::Dispatch::new(subscriber("trace", LogFormat::Json, false, Lines::default()).unwrap());
    let _guard = tracing::subscriber::set_default(subscriber("trace", LogFormat::Json, false, lines.clone()).unwrap());
    let world = World::new();
    let mut sinks = Vec::new();
    for (channel, status) in [("slack", "200 OK"), ("teams", "404 Gone"), ("discord", "500 Oops")] {
        let sink = Sink::new(vec![answer(status, "", b"s3cret-answer")]).await;
        world.target(channel, &sink.url("/s3cret-path?s3cret-query"));
        sinks.push(sink);
    }
    let mails = MailSink::new(Some("550 no s3cret-refusal")).await;
    let url = mails.url().replace("smtp://", "smtp://user:s3cret-password@") + "?tls=none";
    let workers = world.delivery(Some(Smtp::new(&Secret::new(url), "loop@example.org").unwrap()));
    world.ask("wire_transfer", Some("anna@example.com"));
    let (approve, deny) = tokens(&sinks[0].request().await);
    world
        .until(|world| {
            world.notices().iter().all(|notice| notice.state != NoticeState::Queued || notice.last_error.is_some())
        })
        .await;
    workers.stop(LONG).await;
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("a notice was sent") && text.contains("a notice was given up"), "{text}");
    for secret in ["s3cret", &approve, &deny, "anna@example.com"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let errors: Vec<_> = world.notices().into_iter().filter_map(|notice| notice.last_error).collect();
    assert!(errors.len() == 3 && !errors.join(" ").contains("s3cret"), "{errors:?}");
}
