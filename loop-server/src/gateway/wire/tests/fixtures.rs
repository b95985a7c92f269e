//! Streams as the providers document them.

use super::{MESSAGE, META, Wire, both, call, client, without_mark};

const CHAT: &str = include_str!("testdata/chat_tool_call.sse");
const CHAT_TEXT: &str = include_str!("testdata/chat_text_usage.sse");
const RESPONSES: &str = include_str!("testdata/responses_function_call.sse");
const RESPONSES_HOSTED: &str = include_str!("testdata/responses_hosted_search.sse");
const MESSAGES: &str = include_str!("testdata/messages_tool_use.sse");
const MESSAGES_HOSTED: &str = include_str!("testdata/messages_server_tool.sse");

#[test]
fn a_call_is_held_and_released_as_it_came() {
    let weather = [call("get_weather", "{\"location\": \"San Francisco, CA\"}")];
    for (wire, stream) in [(Wire::Chat, CHAT), (Wire::Responses, RESPONSES), (Wire::Messages, MESSAGES)] {
        let outcome = both(wire, stream, true).unwrap();
        assert_eq!(outcome.calls, weather);
        assert_eq!(without_mark(&outcome.out), stream);
        let sent = String::from_utf8(outcome.out[..outcome.before].to_vec()).unwrap();
        assert!(!sent.contains("get_weather") && sent.contains("check the weather"), "{sent}");
    }
}

#[test]
fn a_blocked_call_gives_way_to_the_message() {
    for (wire, stream) in [(Wire::Chat, CHAT), (Wire::Responses, RESPONSES), (Wire::Messages, MESSAGES)] {
        let out = String::from_utf8(both(wire, stream, false).unwrap().out).unwrap();
        assert!(!out.contains("get_weather") && !out.contains("Francisco"), "{out}");
        insta::assert_snapshot!(format!("blocked_{wire:?}"), out);
    }
}

#[test]
fn what_the_provider_ran_itself_passes_at_once() {
    for (wire, stream) in [(Wire::Responses, RESPONSES_HOSTED), (Wire::Messages, MESSAGES_HOSTED)] {
        let outcome = both(wire, stream, true).unwrap();
        assert_eq!(outcome.calls, []);
        assert_eq!(without_mark(&outcome.out), stream);
        let held = String::from_utf8(outcome.out[outcome.before..].to_vec()).unwrap();
        assert!(held.starts_with("event: response.completed") || held.starts_with("event: message_stop"), "{held}");
    }
}

#[test]
fn the_verdict_is_on_the_last_chunk_also_behind_the_end_of_the_text() {
    let outcome = both(Wire::Chat, CHAT_TEXT, true).unwrap();
    assert_eq!(outcome.calls, []);
    assert_eq!(without_mark(&outcome.out), CHAT_TEXT);
    let seen = client::read(Wire::Chat, &outcome.out);
    assert_eq!(seen.mark, Some(serde_json::from_str(META).unwrap()));
    assert_eq!(seen.usage.unwrap()["total_tokens"], 7);
    // All but the chunk of the usage and the end has gone before.
    let held = String::from_utf8(outcome.out[outcome.before..].to_vec()).unwrap();
    assert!(held.starts_with("data: {\"id\":\"chatcmpl-2\"") && held.contains("\"choices\":[]"), "{held}");
}

#[test]
fn a_stream_without_a_chunk_gets_one_for_the_verdict() {
    let out = both(Wire::Chat, "data: [DONE]\n\n", true).unwrap().out;
    let seen = client::read(Wire::Chat, &out);
    assert_eq!((seen.calls.len(), seen.mark), (0, Some(serde_json::from_str(META).unwrap())));
}

#[test]
fn an_answer_whose_choices_have_ended_needs_no_last_line() {
    let stream = CHAT.strip_suffix("data: [DONE]\n\n").expect("an end");
    for stream in [stream, stream.trim_end()] {
        let outcome = both(Wire::Chat, stream, true).unwrap();
        assert_eq!(outcome.calls.len(), 1);
        assert_eq!(without_mark(&outcome.out), stream);
        assert!(String::from_utf8(both(Wire::Chat, stream, false).unwrap().out).unwrap().ends_with("data: [DONE]\n\n"));
    }
}

#[test]
fn an_error_of_ours_is_told_in_the_words_of_the_form() {
    let error = r#"{"type":"error","error":{"type":"api_error","message":"no","param":null,"code":"internal"}}"#;
    for (wire, stream) in [(Wire::Chat, CHAT), (Wire::Responses, RESPONSES), (Wire::Messages, MESSAGES)] {
        let mut stream_read = super::Stream::new(wire, super::Limits::default());
        let (mut out, half) = (Vec::new(), stream.len() * 9 / 10);
        stream_read.feed(bytes::Bytes::copy_from_slice(&stream.as_bytes()[..half]), &mut out).unwrap();
        assert!(stream_read.holding());
        let told = stream_read.refused(error);
        let events = client::events(&told);
        let [(name, data)] = events.as_slice() else { panic!("{events:?}") };
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(
            (&data["error"]["message"], name.as_deref()),
            (&"no".into(), (wire != Wire::Chat).then_some("error"))
        );
        if wire == Wire::Responses {
            assert_eq!((&data["message"], &data["code"]), (&"no".into(), &"internal".into()));
            let sent: Vec<u8> = out.concat();
            assert_eq!(data["sequence_number"].as_u64(), Some(client::events(&sent).len() as u64));
        }
        assert_eq!(stream_read.feed(bytes::Bytes::from_static(b"\n"), &mut out), Err(super::Unreadable::Cut));
        assert_eq!(stream_read.released(META), Vec::<bytes::Bytes>::new());
    }
}

#[test]
fn of_a_chunk_in_which_one_choice_calls_the_others_are_told_afresh() {
    let call = r#"{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":"{}"}}]}"#;
    let chunk = |choices: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{choices}]}}\n\n"
        )
    };
    let both_of = format!(
        r#"{{"index":0,"delta":{{"role":"assistant","content":"hi"}},"finish_reason":"stop"}},{{"index":1,"delta":{call}}}"#
    );
    let stream =
        chunk(&both_of) + &chunk(r#"{"index":1,"delta":{},"finish_reason":"tool_calls"}"#) + "data: [DONE]\n\n";
    // Nothing of the chunk went out, so the choice that did not call is still to be said and ended.
    let seen = client::read(Wire::Chat, &both(Wire::Chat, &stream, false).unwrap().out);
    assert_eq!(seen.text, [MESSAGE, MESSAGE]);
    assert_eq!(seen.finish, [Some("stop".to_owned()), Some("stop".to_owned())]);
}

#[test]
fn events_may_be_numbered_up_to_the_last_number_there_is() {
    let numbered = |last: &str| {
        let number = |line: &str| {
            line.rsplit_once("\"sequence_number\": ")
                .map(|(before, _)| format!("{before}\"sequence_number\": {last}}}"))
        };
        RESPONSES.lines().map(|line| number(line).unwrap_or_else(|| line.to_owned()) + "\n").collect::<String>()
    };
    let out = both(Wire::Responses, &numbered(&u64::MAX.to_string()), false).unwrap().out;
    assert!(String::from_utf8(out).unwrap().contains(MESSAGE));
    let beyond = both(Wire::Responses, &numbered("18446744073709551616"), false);
    assert_eq!(beyond.unwrap_err(), super::Unreadable::Structure);
}

#[test]
fn an_error_of_the_upstream_passes_and_ends_what_was_held() {
    let begun = r#"{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":""}}]}}]}"#;
    let stream = format!("data: {begun}\n\ndata: {{\"error\":{{\"message\":\"overloaded\"}}}}\n\ndata: [DONE]\n\n");
    let outcome = both(Wire::Chat, &stream, true).unwrap();
    assert_eq!(outcome.calls, []);
    let out = String::from_utf8(outcome.out).unwrap();
    assert!(out.contains("overloaded") && !out.contains("kill"), "{out}");
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
    assert_eq!(both(Wire::Messages, error, true).unwrap().out, error.as_bytes());
}

#[test]
fn a_choice_whose_end_was_sent_is_not_ended_again() {
    let chunk = |choices: &str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{choices}]}}\n\n"
        )
    };
    let stream = chunk(r#"{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":null}"#)
        + &chunk(r#"{"index":0,"delta":{},"finish_reason":"stop"}"#)
        + &chunk(
            r#"{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":"{}"}}]},"finish_reason":null}"#,
        )
        + &chunk(r#"{"index":1,"delta":{},"finish_reason":"tool_calls"}"#)
        + "data: [DONE]\n\n";
    let seen = client::read(Wire::Chat, &both(Wire::Chat, &stream, false).unwrap().out);
    assert_eq!(seen.text, ["hi", MESSAGE]);
    assert_eq!(seen.finish, [Some("stop".to_owned()), Some("stop".to_owned())]);
}
