//! Installing into settings, and taking out again.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::run;

fn install(folder: &Path, more: &[&str]) -> super::Ran {
    let home = folder.to_str().expect("text");
    run(&[&["hook", "install", "claude-code"], more].concat(), &[("HOME", home)], b"")
}

fn settings(folder: &Path) -> std::path::PathBuf {
    folder.join(".claude/settings.json")
}

fn write(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder.join(".claude")).expect("made");
    std::fs::write(settings(folder), text).expect("written");
}

fn read(folder: &Path) -> String {
    std::fs::read_to_string(settings(folder)).expect("there")
}

/// The command that is installed.
fn command(folder: &Path) -> String {
    let text: Value = serde_json::from_str(&read(folder)).expect("JSON");
    text["hooks"]["PreToolUse"][0]["hooks"][0]["command"].as_str().expect("a command").to_owned()
}

#[test]
fn a_file_is_made_and_removed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = install(folder.path(), &["--url", "unix:/run/loop.sock", "--key-file", "/etc/loop.key"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = read(folder.path());
    let parsed: Value = serde_json::from_str(&text).expect("JSON");
    let group = &parsed["hooks"]["PreToolUse"][0];
    assert_eq!((group["matcher"].as_str(), group["hooks"][0]["timeout"].as_u64()), (Some("*"), Some(10)), "{text}");
    let command = command(folder.path());
    let program = env!("CARGO_BIN_EXE_loop-server");
    let wanted = format!("'{program}' hook claude-code --url 'unix:/run/loop.sock' --key-file '/etc/loop.key' || ");
    assert!(command.starts_with(&wanted), "{command}");
    assert_eq!(install(folder.path(), &["--url", "unix:/run/loop.sock", "--key-file", "/etc/loop.key"]).code, Some(0));
    assert_eq!(read(folder.path()), text, "twice is once");
    let ran = install(folder.path(), &["--uninstall"]);
    assert!(ran.code == Some(0) && !settings(folder.path()).exists(), "{ran:?}");
    let left = std::fs::read_dir(folder.path().join(".claude")).expect("there").count();
    assert_eq!(left, 0, "no backup, no draft");
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0), "what is not there need not be taken out");
}

#[test]
fn other_options_take_the_place_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = "{\"model\":\"opus\",\n\"hooks\":{\"Stop\":[]}}";
    write(folder.path(), before);
    assert_eq!(install(folder.path(), &["--url", "http://127.0.0.1:1"]).code, Some(0));
    assert_eq!(install(folder.path(), &["--db", "/var/loop.db", "--ask"]).code, Some(0));
    let text = read(folder.path());
    assert_eq!(text.matches("hook claude-code").count(), 1, "{text}");
    assert!(text.contains("--db '/var/loop.db' --ask"), "{text}");
    let backup = folder.path().join(".claude/settings.json.before-loop");
    assert_eq!(std::fs::read_to_string(&backup).expect("kept"), before);
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0));
    assert_eq!((read(folder.path()).as_str(), backup.exists()), (before, false));
}

#[test]
fn the_project_and_codex_have_files_of_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = |args: &[&str]| {
        let mut command = super::program(args, &[("HOME", "/nowhere")]);
        super::Ran::from(command.current_dir(folder.path()).output().expect("ran"))
    };
    let ran = here(&["hook", "install", "claude-code", "--project", "--db", "loop.db"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let db = format!("--db '{}'", folder.path().join("loop.db").display());
    assert!(command(folder.path()).contains(&db), "the tool runs it in folders of its own choosing");
    let ran = here(&["hook", "install", "codex", "--project"]);
    assert!(ran.code == Some(0) && ran.out.contains("/hooks"), "{ran:?}");
    let codex = std::fs::read_to_string(folder.path().join(".codex/hooks.json")).expect("there");
    let parsed: Value = serde_json::from_str(&codex).expect("JSON");
    assert!(parsed["hooks"]["PreToolUse"][0]["hooks"][0].get("onFailure").is_none(), "{codex}");
    let refused = here(&["hook", "install", "codex", "--project", "--ask"]);
    assert_eq!(refused.code, Some(1), "Codex runs what it is asked to ask about: {refused:?}");
    assert_eq!(here(&["hook", "install", "codex", "--project", "--uninstall"]).code, Some(0));
    assert!(!folder.path().join(".codex/hooks.json").exists());
}

#[test]
fn what_is_no_settings_file_is_left_alone() {
    for text in [
        "",
        "[]",
        "not JSON",
        "{} {}",
        "{\"a\":1,\"a\":2}",
        "{// a comment\n}",
        "\u{feff}{}",
        r#"{"hooks":[]}"#,
        r#"{"hooks":{"PreToolUse":{}}}"#,
        r#"{"hooks":{"PreToolUse":[],"PreToolUse":[]}}"#,
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), text);
        for more in [&[][..], &["--uninstall"][..]] {
            let ran = install(folder.path(), more);
            assert_eq!(read(folder.path()), text);
            assert!(ran.code == Some(1) && ran.told.contains("left as it is"), "{text}: {ran:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join(".claude")).expect("there").count(), 1, "{text}");
    }
}

#[test]
fn a_key_never_gets_into_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().to_str().expect("text");
    let environment = [("HOME", home), ("LOOP_API_KEY", "tl_secret"), ("LOOP_SECRET_KEY", "s3cret")];
    let ran = run(&["hook", "install", "claude-code"], &environment, b"");
    assert!(ran.code == Some(0) && ran.out.contains("LOOP_API_KEY"), "{ran:?}");
    assert!(!read(folder.path()).contains("cret"));
    let ran = install(folder.path(), &["--url", "http://user:tl_secret@localhost"]);
    assert!(ran.code == Some(1) && !ran.told.contains("tl_secret"), "{ran:?}");
}

#[test]
fn who_decides_is_written_down_whatever_the_environment_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().to_str().expect("text");
    let environment =
        [("HOME", home), ("LOOP_URL", "http://evil.example"), ("LOOP_KEY_FILE", "/evil"), ("LOOP_DB", "/e")];
    let ran = run(&["hook", "install", "claude-code"], &environment, b"");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let command = command(folder.path());
    assert!(command.contains(" --url 'http://127.0.0.1:4242' || ") && !command.contains("evil"), "{command}");
}

#[test]
fn what_root_installs_for_somebody_stays_theirs() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = tempfile::tempdir().expect("a folder");
    let owner = |path: &Path| std::fs::metadata(path).map(|found| (found.uid(), found.gid())).expect("there");
    if owner(folder.path()).0 != 0 {
        // Nobody else can give files away.
        return;
    }
    let theirs = (12_345, 54_321);
    chown(folder.path(), Some(theirs.0), Some(theirs.1)).expect("given");
    assert_eq!(install(folder.path(), &[]).code, Some(0));
    assert_eq!(owner(&folder.path().join(".claude")), theirs, "a folder that was made");
    assert_eq!(owner(&settings(folder.path())), theirs, "a file that was made");
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0));

    write(folder.path(), "{}");
    let other = (11_111, 22_222);
    chown(settings(folder.path()), Some(other.0), Some(other.1)).expect("given");
    std::fs::set_permissions(settings(folder.path()), PermissionsExt::from_mode(0o600)).expect("set");
    for more in [&[][..], &["--uninstall"][..]] {
        assert_eq!(install(folder.path(), more).code, Some(0));
        let mode = std::fs::metadata(settings(folder.path())).expect("there").permissions().mode();
        assert_eq!((owner(&settings(folder.path())), mode & 0o777), (other, 0o600), "{more:?}");
        let backup = folder.path().join(".claude/settings.json.before-loop");
        assert!(!backup.exists() || owner(&backup) == other, "{more:?}");
    }
}

#[test]
fn of_many_at_once_none_harms_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = "{\"model\": \"opus\"}\n";
    write(folder.path(), before);
    let urls: Vec<String> = (1..=8).map(|port| format!("http://127.0.0.1:{port}")).collect();
    let codes: Vec<Option<i32>> = std::thread::scope(|scope| {
        let all: Vec<_> =
            urls.iter().map(|url| scope.spawn(|| install(folder.path(), &["--url", url.as_str()]))).collect();
        all.into_iter().map(|one| one.join().expect("no panic")).map(|ran| ran.code).collect()
    });
    assert!(codes.iter().all(|code| *code == Some(0)), "{codes:?}");
    assert_eq!(read(folder.path()).matches("hook claude-code").count(), 1);
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0));
    assert_eq!(read(folder.path()), before);
    assert_eq!(std::fs::read_dir(folder.path().join(".claude")).expect("there").count(), 1, "no draft, no copy");
}

#[test]
fn a_pipe_is_no_settings_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".claude")).expect("made");
    let made = std::process::Command::new("mkfifo").arg(settings(folder.path())).status().expect("ran");
    assert!(made.success());
    for more in [&[][..], &["--uninstall"][..]] {
        let ran = install(folder.path(), more);
        assert!(ran.code == Some(1) && ran.told.contains("it is no file"), "{ran:?}");
    }
}

#[test]
fn without_a_home_nothing_is_written() {
    let ran = run(&["hook", "install", "claude-code"], &[], b"");
    assert!(ran.code == Some(1) && ran.told.contains("HOME"), "{ran:?}");
}

#[test]
fn what_others_wrote_since_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "{\"model\": \"opus\"}");
    assert_eq!(install(folder.path(), &[]).code, Some(0));
    // As a tool does that writes its settings anew, with a hook of somebody else's in our group.
    let mut parsed: Value = serde_json::from_str(&read(folder.path())).expect("JSON");
    let handlers = parsed["hooks"]["PreToolUse"][0]["hooks"].as_array_mut().expect("handlers");
    handlers.insert(0, serde_json::json!({"type": "command", "command": "theirs"}));
    write(folder.path(), &serde_json::to_string_pretty(&parsed).expect("written"));
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0));
    let left: Value = serde_json::from_str(&read(folder.path())).expect("JSON");
    let theirs = serde_json::json!([{"matcher": "*", "hooks": [{"type": "command", "command": "theirs"}]}]);
    assert_eq!((&left["model"], &left["hooks"]["PreToolUse"]), (&Value::from("opus"), &theirs));
}

#[test]
fn a_link_stays_a_link_and_a_mode_stays_a_mode() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("kept.json");
    std::fs::write(&kept, "{}").expect("written");
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o640)).expect("set");
    std::fs::create_dir(folder.path().join(".claude")).expect("made");
    symlink(&kept, settings(folder.path())).expect("linked");
    assert_eq!(install(folder.path(), &[]).code, Some(0));
    let link = std::fs::symlink_metadata(settings(folder.path())).expect("there");
    let mode = std::fs::metadata(&kept).expect("there").permissions().mode();
    assert!(link.is_symlink() && mode & 0o777 == 0o640 && read(folder.path()).contains("PreToolUse"));
    assert_eq!(install(folder.path(), &["--uninstall"]).code, Some(0));
    assert_eq!(read(folder.path()), "{}");
}

#[test]
fn the_installed_command_blocks_when_the_program_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(install(folder.path(), &["--url", "unix:/nowhere"]).code, Some(0));
    let instead = |program: &str| command(folder.path()).replacen(env!("CARGO_BIN_EXE_loop-server"), program, 1);
    let killed = folder.path().join("killed");
    std::fs::write(&killed, "#!/bin/sh\nkill -9 $$\n").expect("written");
    std::fs::set_permissions(&killed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
    let killed = instead(killed.to_str().expect("text"));
    for command in [command(folder.path()), instead("/nowhere/loop-server"), killed] {
        let ran = std::process::Command::new("sh").args(["-c", &command]).env("LOOP_API_KEY", "k").output();
        let ran = super::Ran::from(ran.expect("ran"));
        assert!(ran.code == Some(2) && ran.out.is_empty() && !ran.told.is_empty(), "{ran:?}");
    }
}

/// A JSON text of any value, with space of any kind between its parts.
fn json(depth: u32) -> BoxedStrategy<String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("1e400".to_owned()),
        Just("-0.10".to_owned()),
        "\"[a-z ,:\\[\\]{}é]{0,6}\"",
        Just(r#""\u0041\"""#.to_owned()),
    ];
    let space = || prop_oneof![Just(""), Just(" "), Just("\n"), Just("\n  "), Just("\n    "), Just("\t\r\n")];
    scalar
        .prop_recursive(depth, 24, 4, move |inner| {
            let item = (space(), inner, space()).prop_map(|(before, value, behind)| format!("{before}{value}{behind}"));
            let list = (prop::collection::vec(item.clone(), 0..4), space());
            let object = (prop::collection::vec(item, 0..4), space());
            prop_oneof![
                list.prop_map(|(items, space)| match items.is_empty() {
                    true => format!("[{space}]"),
                    false => format!("[{}]", items.join(",")),
                }),
                object.prop_map(|(items, space)| members(&["a", "b", "c", "d"], &items, space)),
            ]
        })
        .boxed()
}

fn members(names: &[&str], values: &[String], space: &str) -> String {
    if values.is_empty() {
        return format!("{{{space}}}");
    }
    let all: Vec<String> =
        names.iter().zip(values).map(|(name, value)| format!("{space}\"{name}\" :{value}")).collect();
    format!("{{{}{space}}}", all.join(","))
}

/// A file of settings: some members, perhaps hooks, perhaps hooks of the event.
fn any_settings() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(json(2), 0..3).prop_map(|items| format!("[{}]", items.join(",")));
    let event = prop_oneof![list, Just("[\n    ]".to_owned()), Just("[ ]".to_owned())];
    let spaces = || prop_oneof![Just(""), Just(" "), Just("\n"), Just("\n  ")];
    let hooks = prop_oneof![
        (event, json(1), spaces()).prop_map(|(event, other, space)| members(
            &["PreToolUse", "Stop"],
            &[event, other],
            space
        )),
        (json(1), spaces()).prop_map(|(other, space)| members(&["Stop"], &[other], space)),
        Just("{\n    \"PreToolUse\": [\n    ]\n  }".to_owned()),
        Just("{\n  }".to_owned()),
        Just("{}".to_owned()),
    ];
    prop_oneof![
        (json(2), hooks, json(2), spaces(), spaces()).prop_map(|(a, hooks, b, space, end)| {
            format!("{end}{}{end}", members(&["a", "hooks", "b"], &[a, hooks, b], space))
        }),
        prop::collection::vec(json(2), 0..3).prop_map(|values| members(&["a", "b", "c"], &values, "\n")),
        Just("{\n}\n".to_owned()),
        Just("{}".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_is_afterwards_what_it_was_before(before in any_settings()) {
        use loop_server::hook::{Agent, entry::Entry, install};
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.json");
        std::fs::write(&path, &before).expect("written");
        let entry = Entry::new(Agent::ClaudeCode, None, None, None, false).expect("an entry");
        install::install(&entry, &path).expect("installed");
        let with = std::fs::read_to_string(&path).expect("there");
        prop_assert!(with.matches("hook claude-code").count() == 1 && with.len() > before.len(), "{with}");
        // It is JSON still, and all that was there is there, in its order.
        let again = Entry::new(Agent::ClaudeCode, Some("unix:/s".into()), None, None, true).expect("an entry");
        install::install(&again, &path).expect("installed again");
        install::uninstall(Agent::ClaudeCode, &path).expect("taken out");
        prop_assert_eq!(std::fs::read_to_string(&path).expect("there"), before);
        prop_assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1);
    }
}
