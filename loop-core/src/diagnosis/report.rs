//! The report of a window, in Markdown. Whatever came in from outside stands in code spans, where it can be nothing else.

use std::fmt::Write as _;

use super::{
    Findings,
    cluster::{Cluster, word},
    dashboard::by_tool,
    packet::{APPROVAL_REASON, About},
    settle::{Settled, Standing},
};
use crate::telemetry::record::record_id;

/// The most records that are cited for a problem.
const CITED_MAX: usize = 10;

/// Writes the report.
#[must_use]
pub fn write(about: About<'_>, findings: &Findings, settled: &Settled) -> String {
    let mut out = String::with_capacity(4_096);
    let _ = write!(
        out,
        "# Telemetry report of {}\n\n- Window: the last {} minutes, up to {}\n",
        code(about.project),
        about.since_minutes,
        about.now,
    );
    totals(findings, &mut out);
    if findings.told().next().is_none() {
        out.push_str("\nNothing failed. Observe more.\n");
    }
    for (at, (cluster, standing)) in findings.told().zip(&settled.standings).enumerate() {
        section(about, at + 1, cluster, *standing, &mut out);
    }
    let left = findings.clusters.len().saturating_sub(settled.standings.len());
    if left > 0 {
        let _ = write!(out, "\n{left} more are left out.\n");
    }
    if !settled.verified.is_empty() {
        out.push_str("\n## Verified\n\n");
        for mended in &settled.verified {
            let title = mended.state.cause().title(&code);
            let _ = writeln!(out, "- {title}: not seen since {}, and what failed has run well", mended.state.last_seen);
        }
    }
    if findings.told().next().is_some() {
        let _ = write!(out, "\n---\n\nApproval required: {APPROVAL_REASON}.\n");
    }
    out
}

fn totals(findings: &Findings, out: &mut String) {
    let tally = &findings.tally;
    let _ = writeln!(out, "- Spans: {}, sessions: {}", tally.spans, findings.session_count());
    let _ = writeln!(out, "- Failures: {}, of {} failing spans", findings.failures, tally.failing);
    let _ = writeln!(out, "- Tokens: {} read, {} written", tally.input, tally.output);
    for (outcome, count) in &findings.sessions.outcomes {
        let _ = writeln!(out, "- Sessions that ended in {}: {count}", code(outcome));
    }
    if findings.truncated {
        out.push_str("- There was more than could be looked at: the numbers are lower bounds.\n");
    }
    let failing = by_tool(findings).into_iter().filter(|tool| tool.failed > 0).take(CITED_MAX);
    for tool in failing {
        let failures = findings.failures_of(tool.class, &tool.name);
        let _ = writeln!(out, "- Tool {}: {failures} failures in {} calls", code(&tool.name), tool.runs);
    }
}

fn section(about: About<'_>, number: usize, cluster: &Cluster, standing: Standing, out: &mut String) {
    let evidence = cluster.evidence.iter().take(CITED_MAX).map(|key| record_id(about.tenant, about.project, *key));
    let evidence: Vec<String> = evidence.collect();
    let first = evidence.first().map_or("", String::as_str);
    let _ = write!(
        out,
        "\n## {number}. {}\n\n- Count: {}\n- Severity: {}\n- Status: {}\n- Sessions: {}, traces: {}\n- Last seen: {}\n",
        cluster.cause.title(&code),
        cluster.count,
        word(cluster.severity),
        standing.status.as_str(),
        cluster.sessions,
        cluster.trace_count,
        cluster.last,
    );
    if let Some(issue) = standing.issue_id {
        let _ = writeln!(out, "- Issue: {issue}");
    }
    let cited: Vec<String> = evidence.iter().map(|id| code(id)).collect();
    let more = cluster.count.saturating_sub(evidence.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(out, "- Evidence: {}{more}", cited.join(", "));
    let _ = writeln!(out, "- Next action: {}", cluster.next_action(&code(first), &code));
}

/// A text as a code span: on one line, behind more backticks than it has in a row.
fn code(text: &str) -> String {
    let plain =
        |letter: char| if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter };
    let text: String = text.chars().map(plain).collect();
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space next to a fence is dropped when there is one at both ends; a text of nothing would be no span.
    let ends = |letter: char| letter == '`' || letter == ' ';
    let pad = if text.is_empty() || text.starts_with(ends) || text.ends_with(ends) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn a_text_cannot_leave_its_code_span() {
        for (text, span) in [
            ("pay", "`pay`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("``` [x](http://e)", "```` ``` [x](http://e) ````"),
            ("a\n# b\r\n", "` a # b   `"),
            ("", "`  `"),
        ] {
            assert_eq!(code(text), span, "{text:?}");
        }
    }
}
