//! Writing the entry into a tool's settings, and taking it out again. Everything else in the file stays as it is,
//! byte for byte.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Agent, HookError,
    entry::{Entry, is_ours},
    settings::Settings,
    splice::Container,
};

/// What a file is taken for that is not there.
const NOTHING: &str = "{\n}\n";
/// What is left of our array, and of the object around it, when the entry was all that was in them.
const EMPTY_EVENT: &str = "[\n    ]";
/// See [`EMPTY_EVENT`].
const EMPTY_HOOKS: &str = "{\n  }";
/// The most entries of ours that are taken out of one file.
const MOST: usize = 64;

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Nobody knows where the user's settings are.
    #[error("HOME is not set: where are the settings?")]
    NoHome,
    /// The path of this program, or of the working folder, is not known.
    #[error("the system does not tell where this program is")]
    Program(#[source] io::Error),
    /// A path that cannot be written into settings.
    #[error("`{}` is no text", .0.display())]
    NotText(PathBuf),
    /// The tool cannot ask at the terminal.
    #[error("a hook of `{0}` cannot ask at the terminal")]
    CannotAsk(&'static str),
    /// The place of the server cannot be read.
    #[error(transparent)]
    Place(#[from] HookError),
    /// The file holds what would have to be guessed at.
    #[error("`{}` is left as it is: {problem}", path.display())]
    Strange {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The file cannot be read or written.
    #[error("`{}` cannot be changed", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The file was already as it should be.
    Nothing,
    /// The file was changed or made.
    Written {
        /// A copy of the file as it was before.
        backup: Option<PathBuf>,
    },
    /// The file was removed: it was made by us and holds nothing else.
    Removed,
}

/// The file with an agent's hooks.
///
/// # Errors
/// [`InstallError::NoHome`].
pub fn file(
    agent: Agent,
    project: bool,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<PathBuf, InstallError> {
    agent.settings(project, environment).ok_or(InstallError::NoHome)
}

/// Writes an entry into a file of settings, in the place of an older one of ours.
///
/// # Errors
/// A file that is no JSON object, that has another shape than settings have, or that cannot be changed.
pub fn install(entry: &Entry, path: &Path) -> Result<Done, InstallError> {
    let strange = |problem| InstallError::Strange { path: path.to_owned(), problem };
    let settings = Settings::open(path)?;
    let before = before(&settings, entry.agent()).map_err(strange)?;
    let text = insert(before.as_deref().unwrap_or(NOTHING), &entry.text()).map_err(strange)?;
    if settings.text() == Some(&text) {
        return Ok(Done::Nothing);
    }
    settings.keep(before.as_deref())?;
    settings.change(&text)?;
    Ok(Done::Written { backup: before.map(|_| settings.backup()) })
}

/// Takes every entry of ours out of a file of settings. A file that was not changed since it was installed is then as
/// it was before.
///
/// # Errors
/// As [`install`].
pub fn uninstall(agent: Agent, path: &Path) -> Result<Done, InstallError> {
    let strange = |problem| InstallError::Strange { path: path.to_owned(), problem };
    if matches!(path.try_exists(), Ok(false)) {
        return Ok(Done::Nothing);
    }
    let settings = Settings::open(path)?;
    let before = before(&settings, agent).map_err(strange)?;
    if before.as_deref() == settings.text() {
        return Ok(Done::Nothing);
    }
    let done = match &before {
        Some(before) => {
            settings.change(before)?;
            Done::Written { backup: None }
        }
        None => {
            settings.remove()?;
            Done::Removed
        }
    };
    settings.keep(None)?;
    Ok(done)
}

/// The text without our entries; `None` when there would be no file.
fn before(settings: &Settings, agent: Agent) -> Result<Option<String>, &'static str> {
    let Some(text) = settings.text() else { return Ok(None) };
    let Some(less) = without(text, agent)? else { return Ok(Some(text.to_owned())) };
    match (settings.kept(), group(text, agent)) {
        // Some layouts come to the same once an entry is in them. The copy knows which it was.
        (Some(kept), Some(group)) if insert(&kept, &group).is_ok_and(|again| again == text) => Ok(Some(kept)),
        (None, _) if less == NOTHING => Ok(None),
        _ => Ok(Some(less)),
    }
}

/// `text` with a group before all others.
fn insert(text: &str, group: &str) -> Result<String, &'static str> {
    let root = Container::object(text, text).ok_or("it is no sound JSON object")?;
    let list = format!("\n    \"PreToolUse\": [\n      {group}\n    ]");
    let Some((_, hooks)) = root.member("hooks") else {
        return Ok(root.with_first(text, &format!("\n  \"hooks\": {{{list}\n  }}")));
    };
    let hooks = Container::object(text, hooks).ok_or("its `hooks` are no sound object")?;
    let Some((_, event)) = hooks.member("PreToolUse") else { return Ok(hooks.with_first(text, &list)) };
    let event = Container::array(text, event).ok_or("its `PreToolUse` is no array")?;
    Ok(event.with_first(text, &format!("\n      {group}")))
}

/// `text` without our entries; `None` when there is none.
fn without(text: &str, agent: Agent) -> Result<Option<String>, &'static str> {
    let mut now = text.to_owned();
    for _ in 0..MOST {
        match without_one(&now, agent)? {
            Some(less) => now = less,
            None => return Ok((now != text).then_some(now)),
        }
    }
    Err("it holds too many entries of ours")
}

fn without_one(text: &str, agent: Agent) -> Result<Option<String>, &'static str> {
    let root = Container::object(text, text).ok_or("it is no sound JSON object")?;
    let Some((_, hooks)) = root.member("hooks") else { return Ok(None) };
    let hooks = Container::object(text, hooks).ok_or("its `hooks` are no sound object")?;
    let Some((_, event)) = hooks.member("PreToolUse") else { return Ok(None) };
    let event = Container::array(text, event).ok_or("its `PreToolUse` is no array")?;
    for (at, group) in event.items().iter().enumerate() {
        let Some(group) = Container::object(text, group.value) else { continue };
        let Some((_, handlers)) = group.member("hooks") else { continue };
        let Some(handlers) = Container::array(text, handlers) else { continue };
        let Some(ours) = handlers.items().iter().position(|handler| is_ours(agent, handler.value)) else { continue };
        // Others may have put handlers of theirs beside ours.
        if handlers.items().len() > 1 {
            return Ok(Some(handlers.without(text, ours)));
        }
        return Ok(Some(tidy(event.without(text, at))));
    }
    Ok(None)
}

/// Removes what was only there for our entry.
fn tidy(text: String) -> String {
    let tidied = (|| {
        let root = Container::object(&text, &text)?;
        let (at, hooks) = root.member("hooks")?;
        let hooks = Container::object(&text, hooks)?;
        let (event_at, event) = hooks.member("PreToolUse")?;
        if event != EMPTY_EVENT {
            return None;
        }
        if hooks.items().len() > 1 {
            return Some(hooks.without(&text, event_at));
        }
        let less = hooks.without(&text, event_at);
        let without_hooks = {
            let root = Container::object(&less, &less)?;
            (root.member("hooks")?.1 == EMPTY_HOOKS).then(|| root.without(&less, at))
        };
        Some(without_hooks.unwrap_or(less))
    })();
    tidied.unwrap_or(text)
}

/// The text of the first group that holds an entry of ours.
fn group(text: &str, agent: Agent) -> Option<String> {
    let root = Container::object(text, text)?;
    let hooks = Container::object(text, root.member("hooks")?.1)?;
    let event = Container::array(text, hooks.member("PreToolUse")?.1)?;
    let ours = |group: &str| {
        let handlers =
            Container::object(text, group).and_then(|group| Container::array(text, group.member("hooks")?.1));
        handlers.is_some_and(|handlers| handlers.items().iter().any(|handler| is_ours(agent, handler.value)))
    };
    event.items().iter().map(|item| item.value).find(|group| ours(group)).map(str::to_owned)
}
