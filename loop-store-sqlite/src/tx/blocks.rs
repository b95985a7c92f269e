//! Blocks.

use loop_core::{
    base::TenantId,
    store::{BlockQuery, Blocks, LentBlock, Mark, NewBlock, Order, Place, StoreError},
};
use rusqlite::Row;

use super::{Answer, SqlTx, declared};
use crate::{
    schema::{BLOCK_BITS, BlocksSql, PART_BITS},
    sql::{self, Bind},
};

const FULL: StoreError = StoreError::Unavailable("the group of blocks is full");

pub(super) fn add(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    block: &NewBlock<'_>,
) -> Answer<u64> {
    blocks.check(block)?;
    let statements = statements(tx, blocks)?;
    let group_no = match number(tx, blocks, tenant, group)? {
        Some(no) => no,
        None => {
            sql::run(tx.conn, &statements.group_put, [tenant.as_str().into(), group.into()])?;
            tx.conn.last_insert_rowid()
        }
    };
    let [least, most] = keys(group_no).ok_or(FULL)?;
    let greatest = sql::first(tx.conn, &statements.greatest, [least.into(), most.into()], |row| sql::opt_int(row, 0))?;
    let key = greatest.flatten().unwrap_or(least).checked_add(1).filter(|key| *key <= most).ok_or(FULL)?;
    let no = key - least;
    let place = no << PART_BITS;
    let head = [key.into(), group_no.into(), block.first.into(), block.last.into(), block.head.into()];
    sql::run(tx.conn, &statements.put, head)?;
    let parts = (key << PART_BITS..).zip(block.parts).map(|(key, part)| [key.into(), (*part).into()]);
    sql::run_each(tx.conn, &statements.part_put, parts)?;
    let marks = block
        .marks
        .iter()
        .map(|mark| [group_no.into(), mark.mark.into(), (place | i64::from(mark.part)).into(), mark.note.into()]);
    sql::run_each(tx.conn, &statements.mark_put, marks)?;
    Ok(no.unsigned_abs())
}

pub(super) fn remove(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    no: u64,
    marks: &[&[u8]],
) -> Answer<bool> {
    let Some((group_no, key)) = place(tx, blocks, tenant, group, no)? else { return Ok(false) };
    let statements = statements(tx, blocks)?;
    if sql::run(tx.conn, &statements.take, [key.into()])? == 0 {
        return Ok(false);
    }
    let within = |key: i64| [Bind::Int(key << PART_BITS), Bind::Int(key << PART_BITS | LAST_PART)];
    sql::run(tx.conn, &statements.part_take, within(key))?;
    let [from, to] = within(key & LAST_BLOCK);
    let rows = marks.iter().map(|mark| [group_no.into(), (*mark).into(), from, to]);
    sql::run_each(tx.conn, &statements.mark_take, rows)?;
    Ok(true)
}

pub(super) fn walk(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    query: &BlockQuery,
    each: &mut dyn FnMut(&LentBlock<'_>) -> bool,
) -> Answer<()> {
    let Some(group_no) = number(tx, blocks, tenant, group)? else { return Ok(()) };
    let Some([least, most]) = keys(group_no) else { return Ok(()) };
    let (text, binds) = page(&statements(tx, blocks)?.select, group_no, [least, most], query);
    sql::while_some(tx.conn, &text, binds, |row| lend(row, each))
}

/// The statement of a query on the group of this number, whose keys lie between these two.
fn page<'q>(select: &str, group_no: i64, [least, most]: [i64; 2], query: &BlockQuery) -> (String, Vec<Bind<'q>>) {
    let mut text = select.to_owned();
    let mut binds = vec![Bind::Int(group_no)];
    if let Some(since) = query.since {
        text += " AND last >= ?";
        binds.push(since.into());
    }
    if let Some((last, no)) = query.after {
        text += match query.order {
            Order::Ascending => " AND (last, key) > (?, ?)",
            Order::Descending => " AND (last, key) < (?, ?)",
        };
        let key = i64::try_from(no).ok().and_then(|no| least.checked_add(no)).map_or(most, |key| key.min(most));
        binds.extend([Bind::from(last), key.into()]);
    }
    text += match query.order {
        Order::Ascending => " ORDER BY last, key LIMIT ?",
        Order::Descending => " ORDER BY last DESC, key DESC LIMIT ?",
    };
    binds.push(query.limit.into());
    (text, binds)
}

pub(super) fn look_at(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    no: u64,
    each: &mut dyn FnMut(&LentBlock<'_>),
) -> Answer<bool> {
    let Some((_, key)) = place(tx, blocks, tenant, group, no)? else { return Ok(false) };
    let mut found = false;
    sql::while_some(tx.conn, &statements(tx, blocks)?.one, [key.into()], |row| {
        lend(row, &mut |block| {
            each(block);
            found = true;
            false
        })
    })?;
    Ok(found)
}

pub(super) fn parts(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    places: &[Place],
) -> Answer<Vec<Option<Vec<u8>>>> {
    let Some(group_no) = number(tx, blocks, tenant, group)? else { return Ok(vec![None; places.len()]) };
    let statements = statements(tx, blocks)?;
    let read = |place: &Place| match (key(group_no, place.block), i64::from(place.part)) {
        (Some(key), part) if part <= LAST_PART => {
            sql::first(tx.conn, &statements.part, [(key << PART_BITS | part).into()], |row| sql::bytes(row, 0))
        }
        _ => Ok(None),
    };
    places.iter().map(read).collect()
}

pub(super) fn marked(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    mark: &[u8],
    after: Option<Place>,
    limit: u32,
) -> Answer<Vec<Mark>> {
    let Some(group_no) = number(tx, blocks, tenant, group)? else { return Ok(Vec::new()) };
    let after = after.map_or(0, |Place { block, part }| {
        let block = i64::try_from(block).unwrap_or(LAST_BLOCK).min(LAST_BLOCK);
        block << PART_BITS | i64::from(part).min(LAST_PART)
    });
    let binds = [group_no.into(), mark.into(), after.into(), limit.into()];
    sql::all(tx.conn, &statements(tx, blocks)?.marked, binds, |row| {
        let place = sql::number(row, 0)?;
        let part = u32::try_from(place & LAST_PART.unsigned_abs()).unwrap_or(0);
        Ok(Mark { place: Place { block: place >> PART_BITS, part }, note: sql::bytes(row, 1)? })
    })
}

const LAST_PART: i64 = (1 << PART_BITS) - 1;
const LAST_BLOCK: i64 = (1 << BLOCK_BITS) - 1;

fn lend(row: &Row<'_>, each: &mut dyn FnMut(&LentBlock<'_>) -> bool) -> Answer<bool> {
    let block = LentBlock {
        no: sql::number(row, 0)?,
        first: sql::time(row, 1)?,
        last: sql::time(row, 2)?,
        head: sql::lent_bytes(row, 3)?,
    };
    Ok(each(&block))
}

/// The number of a group and the key of one of its blocks; `None` for a group or number that is not there.
fn place(
    tx: &SqlTx<'_>,
    blocks: &'static Blocks,
    tenant: &TenantId,
    group: &str,
    no: u64,
) -> Answer<Option<(i64, i64)>> {
    let group_no = number(tx, blocks, tenant, group)?;
    Ok(group_no.and_then(|group_no| Some((group_no, key(group_no, no)?))))
}

/// The key of a block; `None` for a number that no block has.
fn key(group_no: i64, no: u64) -> Option<i64> {
    let no = i64::try_from(no).ok().filter(|no| (1..=LAST_BLOCK).contains(no))?;
    keys(group_no).map(|[least, _]| least | no)
}

/// Between which keys the blocks of a group lie, the first one exclusive; `None` when there are too many groups.
fn keys(group_no: i64) -> Option<[i64; 2]> {
    let fits = (1..1 << (63 - BLOCK_BITS - PART_BITS)).contains(&group_no);
    fits.then_some([group_no << BLOCK_BITS, group_no << BLOCK_BITS | LAST_BLOCK])
}

/// The number of a group; `None` when nothing was ever added to it.
fn number(tx: &SqlTx<'_>, blocks: &'static Blocks, tenant: &TenantId, group: &str) -> Answer<Option<i64>> {
    let binds = [tenant.as_str().into(), group.into()];
    sql::first(tx.conn, &statements(tx, blocks)?.group, binds, |row| sql::int(row, 0))
}

fn statements<'s>(tx: &SqlTx<'s>, blocks: &'static Blocks) -> Answer<&'s BlocksSql> {
    declared(tx.statements.blocks.get(blocks.name), blocks.name)
}

#[cfg(test)]
mod tests {
    use loop_core::{
        base::Time,
        store::{
            BlockQuery, Order,
            conformance::{CATALOG, catalog::PACKS},
        },
    };
    use rusqlite::{Connection, params_from_iter};

    use super::page;
    use crate::schema::{Statements, ddl};

    #[test]
    fn walks_follow_an_index_and_sort_nothing() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(&ddl(&CATALOG)).unwrap();
        let statements = Statements::new(&CATALOG);
        for order in [Order::Ascending, Order::Descending] {
            for after in [None, Some((Time::EPOCH, 3))] {
                let query = BlockQuery { since: Some(Time::EPOCH), order, after, limit: 9 };
                let (text, binds) = page(&statements.blocks[PACKS.name].select, 3, [0, 9], &query);
                let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
                let rows = explain.query_map(params_from_iter(binds), |row| row.get::<_, String>(3)).unwrap();
                let plan = rows.map(Result::unwrap).collect::<Vec<_>>().join("; ");
                assert!(plan.contains("USING INDEX packs.last (grp=? AND last>?"), "{query:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query:?}: {plan}");
            }
        }
    }
}
