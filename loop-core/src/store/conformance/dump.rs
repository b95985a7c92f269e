//! All that a store holds, as text, to compare two of them.

use super::{catalog::CATALOG, given::at, history::NAMES};
use crate::{
    base::TenantId,
    store::{BlockQuery, Blocks, JournalQuery, Order, Place, RecordQuery, StoreError, Tx},
};

/// Everything a store holds for the tenants of a history, as text.
///
/// # Errors
/// The store's.
pub fn dump(tx: &mut dyn Tx) -> Result<Vec<String>, StoreError> {
    const ALL: u32 = 10_000;
    let mut out = vec![format!("{:?}", tx.epochs_after(0, ALL)?)];
    for tenant in ["t", "u", "_directory"].map(TenantId::from_storage) {
        out.push(format!("{:?}", tx.epoch(&tenant)?));
        for table in CATALOG.tables {
            out.push(format!("{:?}", tx.list(table, &tenant, &RecordQuery { limit: ALL, ..Default::default() })?));
        }
        for journal in CATALOG.journals {
            for stream in tx.streams(journal, &tenant)? {
                let all = JournalQuery { limit: ALL, ..Default::default() };
                out.push(format!("{:?}", tx.head(journal, &tenant, &stream)?));
                out.push(format!("{stream} {:?}", tx.scan(journal, &tenant, &stream, &all)?));
            }
        }
        for queue in CATALOG.queues {
            out.push(format!("{:?}", tx.ready(queue, &tenant, None, ALL)?));
            for name in NAMES {
                out.push(format!("{:?}", tx.lease(queue, &tenant, name)?));
            }
        }
        for spans in CATALOG.spans {
            out.push(format!("{:?}", tx.window(spans, &tenant, at(-1), at(ALL.into()), None, ALL)?));
        }
        for blocks in CATALOG.blocks {
            for group in NAMES {
                let query = BlockQuery { since: None, order: Order::Ascending, after: None, limit: ALL };
                for (no, block) in walked(tx, blocks, &tenant, group, &query)? {
                    out.push(block);
                    let places: Vec<_> = (0..3).map(|part| Place { block: no, part }).collect();
                    out.push(format!("{:?}", tx.parts(blocks, &tenant, group, &places)?));
                }
                for mark in NAMES {
                    out.push(format!("{:?}", tx.marked(blocks, &tenant, group, mark.as_bytes(), None, ALL)?));
                }
            }
        }
        for ledger in CATALOG.ledgers {
            out.push(format!("{:?}", tx.balances(ledger, &tenant, "", ALL)?));
            out.push(format!("{:?}", tx.expired_holds(ledger, &tenant, at(ALL.into()), ALL)?));
        }
        for terms in CATALOG.terms {
            out.push(format!("{:?}", tx.holders_under(terms, &tenant, "", None, ALL)?));
        }
    }
    Ok(out)
}

/// The blocks of a walk, each also looked at by its number.
pub(super) fn walked(
    tx: &mut dyn Tx,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    query: &BlockQuery,
) -> Result<Vec<(u64, String)>, StoreError> {
    let mut found = Vec::new();
    tx.walk_blocks(blocks, tenant, group, query, &mut |block| {
        found.push((block.no, format!("{block:?}")));
        true
    })?;
    for (no, text) in &found {
        let mut same = false;
        tx.look_at_block(blocks, tenant, group, *no, &mut |block| same = format!("{block:?}") == *text)?;
        assert!(same, "block {no} is another by its number");
    }
    Ok(found)
}
