//! Deliveries over real sockets.

use loop_core::{
    base::{Seed, Time, id::ApprovalId, secret::Secret},
    outbox::{CallSummary, Notice, NoticeKind, Retry, Target, links::Links},
    tool::Risk,
};

use super::{
    Client, Limits,
    post::{Post, Smtp, SmtpError, Undelivered},
    sink::{MailSink, Sink, answer},
};

const OPEN: Limits = Limits { allow_private: true, seconds: 30, body_max: 1 << 14 };

fn notice(target: Target, tool: &str) -> Notice {
    let mut seed = Seed::new([1; 32]);
    let call = CallSummary {
        approval: ApprovalId::draw(Time::EPOCH, &mut seed),
        tool: tool.into(),
        agent: None,
        arguments: "{}".into(),
        reason: None,
        forward: None,
        rules: vec![],
        why: vec![],
        risk: Risk::High,
        expires_at: Time::EPOCH,
    };
    Notice::new(NoticeKind::ApprovalRequested, target, call, Time::EPOCH, &mut seed)
}

fn links() -> Links {
    Links { approve: Secret::new("token-a"), deny: Secret::new("token-d") }
}

fn smtp(sink: &MailSink) -> Smtp {
    Smtp::new(&Secret::new(sink.url()), "Loop <loop@example.org>").unwrap()
}

fn post(smtp: Option<Smtp>) -> Post {
    Post::new(Client::new(OPEN).unwrap(), smtp, "https://loop.example")
}

async fn hook(post: &Post, target: Target, url: &str) -> Result<(), Undelivered> {
    post.deliver(&notice(target, "x"), Some(&links()), Some(&Secret::new(url)), Time::EPOCH).await
}

#[tokio::test]
async fn webhooks_are_posted_in_their_channel_s_shape() {
    for (target, key) in [(Target::Slack, "blocks"), (Target::Teams, "attachments"), (Target::Discord, "content")] {
        let mut sink = Sink::new(vec![answer("204 No Content", "", b"")]).await;
        hook(&post(None), target, &sink.url("/hook/s3cret")).await.unwrap();
        let request = sink.request().await;
        assert_eq!(request.line, "POST /hook/s3cret HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("application/json"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert!(!body[key].is_null(), "{body}");
        assert!(request.body.contains("https://loop.example/api/approve/token-a"));
        assert!(request.body.contains("https://loop.example/api/deny/token-d"));
    }
}

#[tokio::test]
async fn an_answer_tells_whether_to_try_again() {
    for (status, headers, retry) in [
        ("500 Oops", "", Retry::After(None)),
        ("503 Busy", "Retry-After: 120\r\n", Retry::After(Some(120))),
        ("429 Slow", "Retry-After: 1.5\r\n", Retry::After(Some(1))),
        ("429 Slow", "Retry-After: soon\r\n", Retry::After(None)),
        ("408 Late", "", Retry::After(None)),
        ("302 Found", "Location: http://127.0.0.1/\r\n", Retry::Never),
        ("400 Bad", "", Retry::Never),
        ("404 Gone", "", Retry::Never),
    ] {
        let sink = Sink::new(vec![answer(status, headers, b"secret words of the other side")]).await;
        let error = hook(&post(None), Target::Slack, &sink.url("/s3cret")).await.unwrap_err();
        assert_eq!(error.retry, retry, "{status}");
        assert_eq!(error.why, format!("the webhook answered {}", status.split(' ').next().unwrap()));
    }
}

#[tokio::test]
async fn a_webhook_on_a_private_address_is_refused_for_good_without_its_url_in_the_error() {
    let mut sink = Sink::json("200 OK", "{}").await;
    let guarded = Post::new(Client::new(Limits::default()).unwrap(), None, "https://loop.example");
    for url in [sink.url("/s3cret"), format!("https://{}/s3cret", sink.address), "s3cret".to_owned()] {
        let error = hook(&guarded, Target::Slack, &url).await.unwrap_err();
        assert_eq!(error.retry, Retry::Never);
        assert!(!error.why.contains("s3cret"), "{error}");
    }
    assert!(sink.is_idle());
}

#[tokio::test]
async fn a_channel_without_settings_is_given_up() {
    let post = post(None);
    for target in [Target::Slack, Target::Teams, Target::Discord, Target::Email { address: "a@example.org".into() }] {
        let error = post.deliver(&notice(target, "x"), None, None, Time::EPOCH).await.unwrap_err();
        assert_eq!(error.retry, Retry::Never);
    }
}

#[tokio::test]
async fn mail_carries_both_parts_and_the_same_id_every_time() {
    let mut sink = MailSink::new(None).await;
    let post = post(Some(smtp(&sink)));
    let notice = notice(Target::Email { address: "anna@example.com".into() }, "drop_table");
    let mut ids = Vec::new();
    for _ in 0..2 {
        post.deliver(&notice, Some(&links()), None, Time::from_micros(1_700_000_000_000_000)).await.unwrap();
        let mail = sink.mail().await;
        assert_eq!(mail.envelope, ["MAIL FROM:<loop@example.org>", "RCPT TO:<anna@example.com>"]);
        for part in [
            "Subject: Approval needed: drop_table (high risk)\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
            "https://loop.example/api/approve/token-a",
            "https://loop.example/api/deny/token-d",
        ] {
            assert!(mail.data.contains(part), "{part} in {}", mail.data);
        }
        ids.extend(mail.data.lines().filter(|line| line.starts_with("Message-ID:")).map(str::to_owned));
    }
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

#[tokio::test]
async fn no_text_from_outside_adds_a_header_or_a_recipient() {
    let mut sink = MailSink::new(None).await;
    let post = post(Some(smtp(&sink)));
    let tool = "x\r\nBcc: evil@example.net\r\n\r\nbody\n.\r\nRCPT TO:<evil@example.net>";
    let good = notice(Target::Email { address: "anna@example.com".into() }, tool);
    post.deliver(&good, None, None, Time::EPOCH).await.unwrap();
    let mail = sink.mail().await;
    assert_eq!(mail.envelope.len(), 2);
    let (headers, _) = mail.data.split_once("\r\n\r\n").unwrap();
    assert!(!headers.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{headers}");

    for address in [
        "",
        "anna",
        "anna@",
        "anna@example.com\r\nBcc: evil@example.net",
        "anna@example.com, evil@example.net",
        "Anna <anna@example.com>",
        "anna@example.com> RCPT TO:<evil@example.net",
    ] {
        let bad = notice(Target::Email { address: address.into() }, "x");
        let error = post.deliver(&bad, None, None, Time::EPOCH).await.unwrap_err();
        assert_eq!(error, Undelivered { why: "the recipient is not an e-mail address".into(), retry: Retry::Never });
    }
}

#[tokio::test]
async fn a_mail_server_s_refusal_tells_by_its_code_whether_to_try_again() {
    for (refusal, why, retry) in [
        ("550 no such token-a", "the mail server answered 550", Retry::Never),
        ("451 later token-a", "the mail server answered 451", Retry::After(None)),
    ] {
        let sink = MailSink::new(Some(refusal)).await;
        let notice = notice(Target::Email { address: "anna@example.com".into() }, "x");
        let error = post(Some(smtp(&sink))).deliver(&notice, Some(&links()), None, Time::EPOCH).await.unwrap_err();
        assert_eq!(error, Undelivered { why: why.into(), retry });
    }
}

#[tokio::test]
async fn an_absent_mail_server_is_tried_again() {
    let url = {
        let sink = MailSink::new(None).await;
        sink.url()
    };
    let smtp = Smtp::new(&Secret::new(url), "loop@example.org").unwrap();
    let notice = notice(Target::Email { address: "anna@example.com".into() }, "x");
    let error = post(Some(smtp)).deliver(&notice, None, None, Time::EPOCH).await.unwrap_err();
    assert_eq!(error.retry, Retry::After(None));
}

/// Sends a mail with a password and answers what came of it.
async fn send_with_password(sink: &MailSink, tls: &str) -> Result<(), Undelivered> {
    let url = sink.url().replace("smtp://", "smtp://user:s3cret@") + tls;
    let smtp = Smtp::new(&Secret::new(url), "loop@example.org").unwrap();
    let notice = notice(Target::Email { address: "anna@example.com".into() }, "x");
    post(Some(smtp)).deliver(&notice, Some(&links()), None, Time::EPOCH).await
}

#[tokio::test]
async fn a_password_is_not_sent_to_a_server_without_tls() {
    for tls in ["", "?tls=required"] {
        let sink = MailSink::new(None).await;
        let error = send_with_password(&sink, tls).await.unwrap_err();
        assert_eq!(error.retry, Retry::After(None));
        // What the server hears at most is who calls: no password, no mail.
        let heard = sink.heard();
        assert!(heard.iter().all(|verb| ["EHLO", "STARTTLS", "QUIT", "RSET"].contains(&verb.as_str())), "{heard:?}");
        assert_eq!(heard.first().map(String::as_str), Some("EHLO"));
    }
}

#[tokio::test]
async fn a_server_that_offers_tls_is_spoken_to_in_tls_before_the_password() {
    let sink = MailSink::offering_tls().await;
    let error = send_with_password(&sink, "").await.unwrap_err();
    assert_eq!(error.retry, Retry::After(None));
    // 22 is the handshake that opens TLS.
    assert_eq!(sink.heard(), ["EHLO", "STARTTLS", "record of type 22"]);
}

#[tokio::test]
async fn a_password_is_sent_in_clear_only_when_that_is_asked_for() {
    let mut sink = MailSink::offering_tls().await;
    send_with_password(&sink, "?tls=none").await.unwrap();
    assert_eq!(sink.mail().await.envelope.len(), 2);
    let heard = sink.heard();
    assert!(heard.iter().any(|line| line.starts_with("AUTH PLAIN ")), "{heard:?}");
    assert!(!heard.iter().any(|line| line == "STARTTLS"), "{heard:?}");
}

#[test]
fn bad_mail_settings_are_told_without_their_password() {
    for url in [
        "",
        "http://user:pw@example.org",
        "smtp:user:pw",
        "smtp://user:pw@example.org?tls=perhaps",
        "smtp://user:pw@example.org?tls=",
        "smtp://user:pw@example.org?tls=none&tls=required",
        "smtps://user:pw@example.org?tls=none",
    ] {
        let error = Smtp::new(&Secret::new(url), "loop@example.org").map(drop).unwrap_err();
        assert_eq!(error, SmtpError::Url, "{url}");
        assert!(!error.to_string().contains("pw"));
    }
    let error = Smtp::new(&Secret::new("smtp://user:pw@example.org?tls=opportunistic"), "a@example.org").map(drop);
    assert_eq!(error, Err(SmtpError::Password));
    assert_eq!(Smtp::new(&Secret::new("smtp://example.org"), "nobody").map(drop), Err(SmtpError::From));
}
