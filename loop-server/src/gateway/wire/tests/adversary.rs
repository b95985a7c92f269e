//! What a lenient client could take for a call that we do not see, and what two clients would read differently.

use super::{MESSAGE, Unreadable, Wire, both, call, client};

const START: &str =
    r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"m","content":[]}}"#;

/// A chat stream of these choices, one a chunk, ended well.
fn chat(choices: &[&str]) -> String {
    let chunk = |choice: &&str| {
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{choice}]}}\n\n"
        )
    };
    choices.iter().map(chunk).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// A chat stream of these deltas.
fn deltas(deltas: &[&str]) -> String {
    let choices: Vec<String> =
        deltas.iter().map(|delta| format!("{{\"index\":0,\"delta\":{delta},\"finish_reason\":null}}")).collect();
    chat(&choices.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A stream of these events, named by their types.
fn events(events: &[&str]) -> String {
    let named = |event: &&str| {
        let kind = event.strip_prefix("{\"type\":\"").and_then(|rest| rest.split_once('"'));
        let name = kind.map(|(kind, _)| format!("event: {kind}\n")).unwrap_or_default();
        format!("{name}data: {event}\n\n")
    };
    events.iter().map(named).collect()
}

fn refused(wire: Wire, stream: &str, why: Unreadable) {
    assert_eq!(both(wire, stream, true).map(|outcome| String::from_utf8(outcome.out)), Err(why), "{stream}");
}

/// Every call of the stream is denied for this reason.
fn denied(wire: Wire, stream: &str, why: Unreadable) {
    let outcome = both(wire, stream, false).unwrap_or_else(|error| panic!("{error}: {stream}"));
    assert!(outcome.calls.iter().any(|call| call.arguments == Err(why)), "{:?}: {stream}", outcome.calls);
    assert_eq!(client::read(wire, &outcome.out).calls, [], "{stream}");
}

#[test]
fn an_escaped_name_is_the_name() {
    let stream =
        deltas(&[r#"{"tool\u005fcalls":[{"index":0,"func\u0074ion":{"name":"k\u0069ll","arguments":"{}"}}]}"#]);
    assert_eq!(both(Wire::Chat, &stream, true).unwrap().calls, [call("kill", "{}")]);
    let stream = events(&[
        START,
        r#"{"type":"content_block_start","index":0,"content_block":{"t\u0079pe":"tool\u005fuse","id":"t","name":"kill","input":{"a":1}}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_stop"}"#,
    ]);
    assert_eq!(both(Wire::Messages, &stream, true).unwrap().calls, [call("kill", "{\"a\":1}")]);
}

#[test]
fn chat_calls_where_none_belong_break_the_stream() {
    let list = r#"[{"index":0,"function":{"name":"kill","arguments":"{}"}}]"#;
    for choice in [
        format!(r#"{{"index":0,"delta":{{"Tool_Calls":{list}}}}}"#),
        format!(r#"{{"index":0,"delta":{{"toolCalls":{list}}}}}"#),
        format!(r#"{{"index":0,"delta":{{"tool_call\u017f":{list}}}}}"#),
        format!(r#"{{"index":0,"delta":{{"_tool_calls":{list}}}}}"#),
        format!(r#"{{"index":0,"Delta":{{"tool_calls":{list}}}}}"#),
        format!(r#"{{"index":0,"delta":{{"content":"x"}},"message":{{"tool_calls":{list}}}}}"#),
        format!(r#"{{"index":0,"delta":{{}},"choices":[{{"delta":{{"tool_calls":{list}}}}}]}}"#),
        r#"{"index":0,"delta":{"x":{"function_call":{"name":"kill"}}}}"#.to_owned(),
        format!(r#"{{"index":0,"delta":{{}},"tool_calls":{list}}}"#),
    ] {
        refused(Wire::Chat, &chat(&[&choice]), Unreadable::Misplaced);
    }
    let beside = format!("data: {{\"choices\":[],\"tool_calls\":{list}}}\n\n");
    refused(Wire::Chat, &beside, Unreadable::Misplaced);
    let without = format!("data: {{\"delta\":{{\"tool_calls\":{list}}}}}\n\n");
    refused(Wire::Chat, &without, Unreadable::Misplaced);
}

#[test]
fn chunks_of_an_unknown_structure_break_the_stream() {
    for choice in [
        "7",
        r#"{"delta":{"content":"no index"}}"#,
        r#"{"index":-1,"delta":{}}"#,
        r#"{"index":0,"delta":[]}"#,
        r#"{"index":0,"delta":{"tool_calls":{"0":{}}}}"#,
        r#"{"index":0,"delta":{"tool_calls":["x"]}}"#,
        r#"{"index":0,"delta":{"tool_calls":[{"index":0,"Function":{"name":"kill"}}]}}"#,
        r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"Name":"kill"}}]}}"#,
        r#"{"index":0,"delta":{"function_call":"kill"}}"#,
    ] {
        refused(Wire::Chat, &chat(&[choice]), Unreadable::Structure);
    }
    refused(Wire::Chat, "data: {\"choices\":{\"0\":{}}}\n\n", Unreadable::Structure);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
    for data in [
        "[1]",
        "7",
        "{\"a\":1,\"a\":2}",
        "{} {}",
        "not json",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\0\"}",
        "\0",
        &deep,
        "[DONE] {}",
    ] {
        refused(Wire::Chat, &format!("data: {data}\n\n"), Unreadable::Json);
    }
    refused(Wire::Chat, "data: {\"choices\":[],\"_trustloop\":{\"status\":\"allowed\"}}\n\n", Unreadable::Marked);
}

#[test]
fn fragments_that_readers_join_differently_deny_the_call() {
    let first =
        r#"{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"read","arguments":"{}"}}]}"#;
    for (second, why) in [
        (r#"{"tool_calls":[{"index":0,"function":{"name":"_all"}}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"index":0,"function":{"name":"read"}}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"index":0,"type":"custom"}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"index":0,"custom":{"input":"x"}}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"function":{"name":"x"}}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"index":2,"function":{"name":"x","arguments":"{}"}}]}"#, Unreadable::Fragments),
        (r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#, Unreadable::Arguments),
        (r#"{"tool_calls":[{"index":0,"function":{"arguments":{"a":1}}}]}"#, Unreadable::Arguments),
        (r#"{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}"#, Unreadable::Name),
        (r#"{"tool_calls":[{"index":1,"type":"function"}]}"#, Unreadable::Name),
        (r#"{"tool_calls":[{"index":1,"type":"future","future":{"name":"kill","x":"y"}}]}"#, Unreadable::Structure),
    ] {
        denied(Wire::Chat, &deltas(&[first, second]), why);
    }
    // Both names of a type that is not known are decided.
    let stream = deltas(&[r#"{"tool_calls":[{"index":0,"type":"future","future":{"name":"kill"}}]}"#]);
    let names: Vec<String> =
        both(Wire::Chat, &stream, false).unwrap().calls.into_iter().map(|call| call.name).collect();
    assert_eq!(names, ["future", "kill"]);
}

#[test]
fn fragments_that_only_some_clients_read_break_the_stream() {
    let one = r#"{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"run","arguments":"{\"cmd\":\"rm -rf /"}}]}"#;
    let two = r#"{"tool_calls":[{"index":0,"function":{"arguments":"srv/x\"}"}}]}"#;
    let whole = deltas(&[one, two]);
    assert_eq!(both(Wire::Chat, &whole, true).unwrap().calls, [call("run", r#"{"cmd":"rm -rf /srv/x"}"#)]);
    let (before, after) = whole.split_once("\n\n").unwrap();
    let of = |second: String| format!("{before}\n\n{second}");
    for second in [
        format!("event: thread.x\n{after}"),
        after.replacen("chat.completion.chunk", "", 1),
        after.replacen(r#""object":"chat.completion.chunk","#, "", 1),
    ] {
        refused(Wire::Chat, &of(second), Unreadable::Structure);
    }
    assert!(both(Wire::Chat, &of(format!("event: message\n{after}")), true).is_ok());
    let unlabelled = whole.replace(r#""object":"chat.completion.chunk","#, "");
    assert!(both(Wire::Chat, &unlabelled, true).is_ok());
}

#[test]
fn choices_that_clients_would_join_by_their_beginnings_deny_the_calls() {
    let say = |index: u32, text: &str| format!(r#"{{"index":{index},"delta":{{"content":"{text}"}}}}"#);
    let call = |index: u32, name: &str, text: &str| {
        format!(
            r#"{{"index":{index},"delta":{{"tool_calls":[{{"index":0,"function":{{{name}"arguments":"{text}"}}}}]}}}}"#
        )
    };
    // A client that counts the choices as they begin takes the first for choice 0, and adds to it what comes for it.
    let (named, pay) = ("\"name\":\"pay\",", r#"{\"to\":1}"#);
    for choices in [
        [say(1, "x"), call(1, named, ""), call(0, "", pay)],
        [call(1, named, pay), call(0, named, pay), say(0, "x")],
        [say(0, "x"), say(2, "x"), call(0, named, pay)],
    ] {
        denied(Wire::Chat, &chat(&choices.each_ref().map(String::as_str)), Unreadable::Fragments);
    }
    // A choice that stands in a chunk twice, a call in a list.
    let twice = format!("{},{}", call(0, "", "{"), call(0, "\"name\":\"pay\",", "}"));
    denied(Wire::Chat, &chat(&[&twice]), Unreadable::Fragments);
    let twice = r#"{"tool_calls":[{"index":0,"custom":{"name":"sh","input":"rm -rf /"}},{"index":0,"custom":{"input":"srv/x"}}]}"#;
    denied(Wire::Chat, &deltas(&[twice]), Unreadable::Fragments);
    let sound = [say(0, "x"), say(1, "x"), call(1, named, pay), call(0, named, pay)];
    let calls = both(Wire::Chat, &chat(&sound.each_ref().map(String::as_str)), true).unwrap().calls;
    assert!(calls.len() == 2 && calls.iter().all(|call| call.arguments.is_ok()), "{calls:?}");
    // Texts are nobody's harm.
    let texts = [say(1, "x"), say(0, "x")];
    assert!(both(Wire::Chat, &chat(&texts.each_ref().map(String::as_str)), true).is_ok());
}

#[test]
fn a_call_may_come_with_the_end_of_its_choice() {
    let last = r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":"{}"}}]},"finish_reason":"tool_calls"}"#;
    assert_eq!(both(Wire::Chat, &chat(&[last]), true).unwrap().calls, [call("kill", "{}")]);
    assert_replaced(&chat(&[last]));
}

/// Of a blocked stream nothing but the message is left.
fn assert_replaced(stream: &str) {
    let seen = client::read(Wire::Chat, &both(Wire::Chat, stream, false).unwrap().out);
    assert_eq!((seen.calls, seen.text), (Vec::new(), vec![MESSAGE.to_owned()]));
}

#[test]
fn what_the_provider_ran_itself_is_no_call_of_the_client() {
    let block = |kind: &str| {
        let block = format!(r#"{{"type":"{kind}","id":"t","name":"search","input":{{}},"server_name":"s"}}"#);
        events(&[
            START,
            &format!(r#"{{"type":"content_block_start","index":0,"content_block":{block}}}"#),
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"message_stop"}"#,
        ])
    };
    for kind in ["server_tool_use", "mcp_tool_use"] {
        assert_eq!(both(Wire::Messages, &block(kind), true).unwrap().calls, [], "{kind}");
    }
    let item = r#"{"type":"mcp_call","id":"1","server_label":"s","name":"x","arguments":"{}","output":"y"}"#;
    let stream = events(&[
        &format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{item}}}"#),
        &format!(r#"{{"type":"response.completed","response":{{"id":"r","output":[{item}]}}}}"#),
    ]);
    assert_eq!(both(Wire::Responses, &stream, true).unwrap().calls, []);
}

#[test]
fn nothing_is_understood_behind_an_end() {
    let call = r#"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill"}}]}}"#;
    let ended = r#"{"index":0,"delta":{},"finish_reason":"stop"}"#;
    refused(Wire::Chat, &chat(&[ended, call]), Unreadable::Fragments);
    refused(Wire::Chat, &(chat(&[ended]) + &chat(&[call])), Unreadable::Events);
    let error = "data: {\"error\":{\"message\":\"x\"}}\n\n".to_owned();
    let told = both(Wire::Chat, &(error.clone() + &chat(&[call])), true).unwrap();
    assert_eq!((told.calls, String::from_utf8(told.out).unwrap()), (Vec::new(), error + "data: [DONE]\n\n"));
    let well = chat(&[ended]) + ": bye\n\ndata: [DONE]\n\n";
    assert!(both(Wire::Chat, &well, true).unwrap().out.ends_with(b": bye\n\ndata: [DONE]\n\n"));
}

#[test]
fn line_ends_that_only_some_clients_know_hide_nothing() {
    let call =
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"kill","arguments":"{}"}}]}}]}"#;
    // A client that ends lines at LF alone reads this as one line of sound JSON; we read an unfinished one.
    refused(
        Wire::Chat,
        &format!("data: {}\n\n", call.replace(":[{\"index\":0,\"delta", ":\r[{\"index\":0,\"delta")),
        Unreadable::Json,
    );
    for hidden in [": x\u{2028}", ": x\u{b}", "id: 1\u{85}", "x: \u{c}", "event: \u{1e}"] {
        refused(Wire::Chat, &format!("{hidden}data: {call}\n\n"), Unreadable::Events);
    }
    for like in ["Data: ", " data: ", "data : ", "\u{feff}\u{feff}data: "] {
        refused(Wire::Chat, &format!("{like}{call}\n\n"), Unreadable::Events);
    }
    // A comment is one up to any line end.
    let seen = both(Wire::Chat, &format!(": x\rdata: {call}\n\ndata: [DONE]\n\n"), true).unwrap();
    assert_eq!(seen.calls.len(), 1);
}

#[test]
fn message_events_that_contradict_themselves_break_the_stream() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let call = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"kill","input":{}}}"#;
    for (stream, why) in [
        (events(&[call]), Unreadable::Structure),
        (events(&[START, START]), Unreadable::Structure),
        (events(&[&START.replace("\"content\":[]", "\"content\":[{\"type\":\"text\"}]")]), Unreadable::Structure),
        (events(&[&START.replace("\"content\":[]", "\"Content\":[{\"type\":\"tool_use\"}]")]), Unreadable::Misplaced),
        (events(&[START, start, start]), Unreadable::Structure),
        // Clients put a block behind the others and find it by its index.
        (events(&[START, &start.replace("\"index\":0", "\"index\":2"), call]), Unreadable::Structure),
        (events(&[START, &call.replace("\"index\":0", "\"index\":1")]), Unreadable::Structure),
        (
            events(&[
                START,
                start,
                r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            ]),
            Unreadable::Structure,
        ),
        // Clients pass over what has no name.
        (format!("data: {START}\n\n"), Unreadable::Structure),
        (events(&[START, &call.replace("tool_use", "Tool_Use")]), Unreadable::Structure),
        (events(&[START, &call.replace("\"type\":\"tool_use\"", "\"Type\":\"tool_use\"")]), Unreadable::Structure),
        (events(&[START, &call.replace("content_block\"", "Content_Block\"")]), Unreadable::Structure),
        (
            events(&[START, &start.replace("\"text\":\"\"", "\"text\":\"\",\"x\":[{\"type\":\"tool_use\"}]")]),
            Unreadable::Misplaced,
        ),
        (events(&[START, r#"{"type":"ping","x":{"type":"tool_use","name":"kill"}}"#]), Unreadable::Misplaced),
        (
            events(&[START, r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"x"}}"#]),
            Unreadable::Structure,
        ),
        (events(&[START, r#"{"kind":"ping"}"#]), Unreadable::Structure),
        (format!("event: ping\ndata: {call}\n\n"), Unreadable::Structure),
        (events(&[r#"{"type":"message_stop"}"#]), Unreadable::Structure),
        (events(&[START]) + "data: [DONE]\n\n", Unreadable::Json),
    ] {
        refused(Wire::Messages, &stream, why);
    }
}

#[test]
fn tool_use_blocks_that_clients_read_differently_are_denied() {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"kill","input":{"a":1}}}"#;
    let json =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"b\":2}"}}"#;
    let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let end = r#"{"type":"message_stop"}"#;
    denied_messages(&[START, start, json, stop, end], Unreadable::Fragments);
    denied_messages(&[START, start, text, stop, end], Unreadable::Fragments);
    denied_messages(&[START, start, end], Unreadable::Unfinished);
    denied_messages(&[START, &start.replace("\"name\":\"kill\"", "\"name\":7"), stop, end], Unreadable::Name);
    let unknown = start.replace("tool_use", "future_use");
    let calls = both(Wire::Messages, &events(&[START, &unknown, stop, end]), true).unwrap().calls;
    let arguments = "{\"name\":\"kill\",\"input\":{\"a\":1}}";
    assert_eq!(calls, [call("future_use", arguments), call("kill", arguments)]);
}

fn denied_messages(list: &[&str], why: Unreadable) {
    let outcome = both(Wire::Messages, &events(list), false).unwrap();
    assert!(
        outcome.calls.iter().all(|call| call.arguments == Err(why)) && !outcome.calls.is_empty(),
        "{:?}",
        outcome.calls
    );
}

const CALL: &str = r#"{"id":"f","type":"function_call","call_id":"c","name":"kill","arguments":"{\"a\":1}"}"#;

/// The events of one call, each of which `change` may change.
fn response(change: impl Fn(&str, String) -> Option<String>) -> String {
    let completed = |output: &str| {
        format!(r#"{{"type":"response.completed","response":{{"id":"r","status":"completed","output":[{output}]}}}}"#)
    };
    [
        (
            "added",
            format!(
                r#"{{"type":"response.output_item.added","output_index":0,"item":{}}}"#,
                CALL.replace(r#"{\"a\":1}"#, "")
            ),
        ),
        (
            "delta",
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\":1}"}"#.to_owned(),
        ),
        (
            "said",
            r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}"#.to_owned(),
        ),
        ("done", format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{CALL}}}"#)),
        ("completed", completed(CALL)),
    ]
    .into_iter()
    .filter_map(|(name, event)| change(name, event))
    .map(|event| format!("data: {event}\n\n"))
    .collect()
}

#[test]
fn a_call_that_is_told_twice_must_be_told_the_same() {
    let kill = [call("kill", "{\"a\":1}")];
    assert_eq!(both(Wire::Responses, &response(|_, event| Some(event)), true).unwrap().calls, kill);
    // Some clients add the fragments to what its beginning told.
    let begun = |text: &str| {
        let added = CALL.replace(r#"{\"a\":1}"#, text);
        let added = format!(r#"{{"type":"response.output_item.added","output_index":0,"item":{added}}}"#);
        move |name: &str, event: String| Some(if name == "added" { added.clone() } else { event })
    };
    denied(Wire::Responses, &response(begun(r#"{\"a\":2}"#)), Unreadable::Fragments);
    denied(Wire::Responses, &response(begun(r#"{\"a\":1}"#)), Unreadable::Fragments);
    let alone = begun(r#"{\"a\":1}"#);
    let stream = response(|name, event| if name == "delta" { None } else { alone(name, event) });
    assert_eq!(both(Wire::Responses, &stream, true).unwrap().calls, kill);
    // Each telling may be missing, but for the finished item.
    for left_out in ["added", "delta", "said"] {
        let stream = response(|name, event| (name != left_out).then_some(event));
        assert_eq!(both(Wire::Responses, &stream, true).unwrap().calls, kill, "{left_out}");
    }
    // Only the finished response tells of it.
    let stream = response(|name, event| (name == "completed").then_some(event));
    assert_eq!(both(Wire::Responses, &stream, true).unwrap().calls, kill);
    for changed in ["delta", "said", "done", "completed"] {
        let stream = response(|name, event| Some(if name == changed { event.replace("1}", "2}") } else { event }));
        let calls = both(Wire::Responses, &stream, true).unwrap().calls;
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].arguments, Err(Unreadable::Fragments), "{changed}");
    }
    for changed in ["added", "done", "completed"] {
        let stream = response(|name, event| Some(if name == changed { event.replace("kill", "read") } else { event }));
        let calls = both(Wire::Responses, &stream, true).unwrap().calls;
        assert!(calls.iter().all(|call| call.arguments == Err(Unreadable::Fragments)), "{changed}");
    }
    let stream = response(|name, event| (name != "done").then_some(event));
    assert_eq!(both(Wire::Responses, &stream, true).unwrap().calls[0].arguments, Err(Unreadable::Unfinished));
}

#[test]
fn response_events_that_contradict_themselves_break_the_stream() {
    let text = r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#;
    let only = |wanted: &'static str| response(move |name, event| (name == wanted).then_some(event));
    for (stream, why) in [
        // What began as a text ends as a call.
        (events(&[text]) + &only("done"), Unreadable::Misplaced),
        (events(&[text]) + &only("delta"), Unreadable::Misplaced),
        (events(&[text]) + &only("completed"), Unreadable::Misplaced),
        (only("done") + &only("done"), Unreadable::Structure),
        (
            events(&[&format!(r#"{{"type":"response.created","response":{{"output":[{CALL}]}}}}"#)]),
            Unreadable::Misplaced,
        ),
        (
            events(&[&format!(r#"{{"type":"response.output_text.delta","delta":"x","item":{CALL}}}"#)]),
            Unreadable::Misplaced,
        ),
        (only("done").replace("function_call\"", "Function_Call\""), Unreadable::Structure),
        (only("done").replace("\"item\"", "\"Item\""), Unreadable::Structure),
        (only("completed").replace("\"output\"", "\"Output\""), Unreadable::Structure),
        (only("completed").replace("\"response\"", "\"respons\\u0065\""), Unreadable::Structure),
        (only("completed").replace("\"status\":\"completed\"", "\"_trustloop\":{}"), Unreadable::Marked),
        (events(&[r#"{"type":"response.completed","response":{"output":null}}"#]), Unreadable::Structure),
        (format!("event: response.created\n{}", only("done")), Unreadable::Structure),
        (events(&[r#"{"id":"r"}"#]), Unreadable::Structure),
    ] {
        refused(Wire::Responses, &stream, why);
    }
}

#[test]
fn events_that_are_not_known_are_held() {
    for (wire, stream) in [
        (
            Wire::Responses,
            events(&[
                r#"{"type":"response.future.delta","x":"secret"}"#,
                r#"{"type":"response.completed","response":{"id":"r","output":[]}}"#,
            ]),
        ),
        (Wire::Messages, events(&[START, r#"{"type":"future_delta","x":"secret"}"#, r#"{"type":"message_stop"}"#])),
    ] {
        let outcome = both(wire, &stream, true).unwrap();
        assert!(!String::from_utf8_lossy(&outcome.out[..outcome.before]).contains("secret"));
        assert_eq!(outcome.calls, []);
    }
}

#[test]
fn every_type_of_item_that_a_client_would_run_is_decided() {
    for (item, expected) in [
        (
            r#"{"type":"local_shell_call","id":"1","call_id":"2","status":"completed","action":{"type":"exec","command":["ls"]}}"#,
            call("local_shell_call", r#"{"action":{"type":"exec","command":["ls"]}}"#),
        ),
        (
            r#"{"type":"shell_call","action":{"commands":["ls"]}}"#,
            call("shell_call", r#"{"action":{"commands":["ls"]}}"#),
        ),
        (
            r#"{"type":"computer_call","action":{"type":"click"}}"#,
            call("computer_call", r#"{"action":{"type":"click"}}"#),
        ),
        (
            r#"{"type":"apply_patch_call","operation":{"type":"delete_file"}}"#,
            call("apply_patch_call", r#"{"operation":{"type":"delete_file"}}"#),
        ),
        (r#"{"type":"mcp_approval_request","server_label":"s","name":"kill","arguments":"{}"}"#, call("kill", "{}")),
        (r#"{"type":"custom_tool_call","name":"run","input":"rm -rf"}"#, call("run", r#"{"input":"rm -rf"}"#)),
        (r#"{"type":"future_call","x":1}"#, call("future_call", r#"{"x":1}"#)),
        (r#"{"type":"future_thing","x":1}"#, call("future_thing", r#"{"x":1}"#)),
    ] {
        let added = format!(r#"{{"type":"response.output_item.added","output_index":0,"item":{item}}}"#);
        let done = format!(r#"{{"type":"response.output_item.done","output_index":0,"item":{item}}}"#);
        let completed = format!(r#"{{"type":"response.completed","response":{{"id":"r","output":[{item}]}}}}"#);
        let outcome = both(Wire::Responses, &events(&[&added, &done, &completed]), true).unwrap();
        assert_eq!(outcome.calls, std::slice::from_ref(&expected), "{item}");
        assert_eq!(outcome.before, 0);
        let out = both(Wire::Responses, &events(&[&added, &done, &completed]), false).unwrap().out;
        assert!(!String::from_utf8(out.clone()).unwrap().contains("_call\""));
        assert_eq!(client::events(&out).last().unwrap().0.as_deref(), Some("response.completed"));
        assert!(String::from_utf8(out).unwrap().contains(MESSAGE));
    }
}
