//! The tools that a server offers.

use std::sync::Arc;

use loop_core::{
    approval::definition::{Definition, MAX_DEFINITION},
    base::json::{self, Doc, View},
};

/// The most tools of one server.
const MAX_TOOLS: usize = 512;
/// The largest list of a server's tools, in bytes of what is shown of them.
const MAX_LIST: usize = 4 << 20;
/// The longest name, ours in front included, in bytes.
const MAX_NAME: usize = 200;
/// What is shown of a definition, and pinned. Whatever else a server says of a tool reaches nobody.
const MEMBERS: [&str; 5] = ["title", "description", "inputSchema", "outputSchema", "annotations"];

/// A tool of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name there.
    pub name: String,
    /// How `tools/list` shows it, as JSON.
    pub shown: String,
    /// What is pinned.
    pub definition: Definition,
}

/// A page of a server's list.
#[derive(Debug, Default)]
pub struct Page {
    /// The tools on it.
    pub tools: Vec<Arc<Tool>>,
    /// Where the next begins.
    pub next: Option<String>,
}

/// Reads a page of the list of the server called `server`. A tool that makes no sense is left out.
///
/// Answers `None` for what is no list.
#[must_use]
pub fn page(server: &str, result: &str) -> Option<Page> {
    let doc = Doc::parse(result.as_bytes()).ok()?;
    let list = doc.root().get("tools")?;
    if list.is_object() || !list.is_container() {
        return None;
    }
    let next = doc.root().get("nextCursor").and_then(View::as_str).map(str::to_owned);
    let tools = list.items().take(MAX_TOOLS).filter_map(|view| tool(server, view)).map(Arc::new).collect();
    Some(Page { tools, next })
}

/// Adds a page to those before it; a name counts once, and what is beyond the bounds is left out.
pub fn add(all: &mut Vec<Arc<Tool>>, page: Vec<Arc<Tool>>) {
    let mut size: usize = all.iter().map(|tool| tool.shown.len()).sum();
    for tool in page {
        size = size.saturating_add(tool.shown.len());
        if size > MAX_LIST {
            return;
        }
        if all.len() < MAX_TOOLS && all.iter().all(|known| known.name != tool.name) {
            all.push(tool);
        }
    }
}

fn tool(server: &str, view: View<'_>) -> Option<Tool> {
    let name = view.get("name")?.as_str()?;
    let tool_name = format!("{server}__{name}");
    // What cannot be seen, or be told apart, stands in no name.
    let plain = !name.is_empty() && tool_name.len() <= MAX_NAME && name.bytes().all(|letter| letter.is_ascii_graphic());
    if !plain || !view.get("inputSchema").is_some_and(View::is_object) {
        return None;
    }
    let mut shown = String::from("{\"name\":");
    json::write_string(&tool_name, &mut shown);
    for member in view.members().filter(|member| MEMBERS.contains(&member.key())) {
        shown.push(',');
        json::write_string(member.key(), &mut shown);
        shown.push(':');
        json::write(member, &mut shown);
    }
    shown.push('}');
    let canonical = json::canonical(Doc::parse(shown.as_bytes()).ok()?.root());
    if canonical.len() > MAX_DEFINITION || shown.len() > MAX_DEFINITION {
        return None;
    }
    let definition = Definition { server: server.to_owned(), tool_name, canonical };
    Some(Tool { name: name.to_owned(), shown, definition })
}

#[cfg(test)]
mod tests {
    use super::{MAX_LIST, MAX_TOOLS, add, page};

    const ECHO: &str = r#"{"name":"echo","description":"says it again","inputSchema":{"type":"object","x":1.10}}"#;

    fn names(list: &str) -> Vec<String> {
        let page = page("fs", list).expect("a list");
        page.tools.iter().map(|tool| tool.definition.tool_name.clone()).collect()
    }

    #[test]
    fn a_definition_is_shown_as_it_was_told_under_our_name() {
        let list = format!(r#"{{"tools":[{ECHO}],"nextCursor":"2"}}"#);
        let page = page("fs", &list).expect("a list");
        assert_eq!(page.next.as_deref(), Some("2"));
        let shown = r#"{"name":"fs__echo","description":"says it again","inputSchema":{"type":"object","x":1.10}}"#;
        assert_eq!((page.tools[0].name.as_str(), page.tools[0].shown.as_str()), ("echo", shown));
    }

    #[test]
    fn every_member_that_is_shown_is_part_of_what_is_pinned_and_no_other_is_shown() {
        let canonical = |tool: &str| {
            let page = page("fs", &format!(r#"{{"tools":[{tool}]}}"#)).expect("a list");
            (page.tools[0].definition.canonical.clone(), page.tools[0].shown.clone())
        };
        let (plain, _) = canonical(ECHO);
        for member in ["title", "outputSchema", "annotations"] {
            let (other, _) = canonical(&ECHO.replacen('{', &format!(r#"{{"{member}":{{"a":"b"}},"#), 1));
            assert_ne!(other, plain, "{member}");
        }
        let (other, shown) = canonical(&ECHO.replacen('{', r#"{"_meta":{"a":"hidden"},"icons":[],"#, 1));
        assert_eq!(other, plain);
        assert!(!shown.contains("hidden"));
    }

    #[test]
    fn what_is_no_tool_is_left_out_and_what_is_no_list_is_none() {
        let tools = [
            ECHO,
            r#"{"name":"","inputSchema":{}}"#,
            r#"{"name":"no_schema"}"#,
            r#"{"name":"a\nb","inputSchema":{}}"#,
            r#"{"name":"a\u200bb","inputSchema":{}}"#,
            r#"{"name":"a b","inputSchema":{}}"#,
            r#"{"name":"\u0435cho","inputSchema":{}}"#,
            r#"{"name":7,"inputSchema":{}}"#,
            "null",
        ];
        assert_eq!(names(&format!(r#"{{"tools":[{}]}}"#, tools.join(","))), ["fs__echo"]);
        for none in ["{}", "[]", r#"{"tools":{}}"#, r#"{"tools":7}"#, r#"{"tools":[],"tools":[]}"#, "x"] {
            assert!(page("fs", none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_name_counts_once() {
        let first = page("fs", &format!(r#"{{"tools":[{ECHO},{}]}}"#, ECHO.replace("says", "said"))).expect("a list");
        let mut all = Vec::new();
        add(&mut all, first.tools);
        assert_eq!(all.len(), 1);
        assert!(all[0].shown.contains("says"));
    }

    #[test]
    fn a_list_is_bounded_by_count_and_by_size() {
        let list = |count: usize, about: &str| {
            let tools: Vec<String> = (0..count)
                .map(|n| format!(r#"{{"name":"t{n}","description":"{about}","inputSchema":{{}}}}"#))
                .collect();
            page("fs", &format!(r#"{{"tools":[{}]}}"#, tools.join(","))).expect("a list").tools
        };
        let sizes = |count: usize, about: &str| {
            let mut all = Vec::new();
            add(&mut all, list(count, about));
            (all.len(), all.iter().map(|tool| tool.shown.len()).sum::<usize>())
        };
        assert_eq!(sizes(MAX_TOOLS + 1, "").0, MAX_TOOLS);
        let (count, size) = sizes(200, &"x".repeat(60_000));
        assert!(count < 200 && size <= MAX_LIST && size > MAX_LIST - 70_000, "{count} {size}");
    }
}
