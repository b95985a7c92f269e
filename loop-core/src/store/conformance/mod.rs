//! The suite every adapter passes: plain functions in one list, and a model-based test beside them.
//!
//! An adapter runs [`CASES`] on fresh, empty stores made with [`CATALOG`], and [`model::compare`] on random
//! histories. Cases fail by panicking, as tests do, or by answering the store's unexpected error.
//!
//! - [`catalog`]: the tables the suite works on, with every shape and kind of column.
//! - [`given`]: short ways to say what a case starts from.
//! - One file per part of the contract: [`jobs`], [`tenants`], [`epochs`], [`records`], [`journals`], [`queues`],
//!   [`spans`], [`blocks`], [`ledgers`], [`terms`].
//! - [`model`]: random histories, run through the reference store and an adapter side by side.

mod blocks;
pub mod catalog;
mod dump;
mod epochs;
pub mod given;
mod history;
mod jobs;
mod journals;
mod ledgers;
pub mod model;
mod queues;
mod records;
mod spans;
mod tenants;
mod terms;

use std::sync::Arc;

pub use catalog::CATALOG;

use super::{Store, StoreError};

/// Makes a fresh, empty store with [`CATALOG`].
pub type New<'a> = &'a dyn Fn() -> Arc<dyn Store>;

/// A case: its name and what it runs.
pub type Case = (&'static str, fn(New<'_>) -> Result<(), StoreError>);

/// Names the functions of a case list after themselves.
macro_rules! cases {
    ($($room:ident: $($case:ident)*;)*) => {
        &[$($((concat!(stringify!($room), "::", stringify!($case)), $room::$case)),*),*]
    };
}

/// Every case.
pub const CASES: &[Case] = cases! {
    jobs: an_error_undoes_its_own_job_only a_panic_undoes_its_own_job_only a_read_job_cannot_write
        a_read_sees_what_was_acknowledged a_transaction_sees_its_own_writes a_job_that_asks_again_runs_again
        a_job_that_asks_for_ever_is_refused a_done_may_submit the_ends_of_writes_come_in_order
        an_ignored_refusal_keeps_the_rest many_threads_lose_nothing;
    tenants: the_same_names_in_two_tenants_are_two_things nothing_of_one_tenant_is_listed_for_another
        one_tenant_cannot_touch_what_another_has;
    epochs: every_epoch_is_new_across_tenants epochs_are_listed_in_their_order an_undone_epoch_was_never_given;
    records: a_record_comes_back_whole a_taken_id_is_a_duplicate a_taken_unique_value_is_a_duplicate
        nulls_are_never_duplicates an_update_needs_the_stored_version an_update_keeps_the_creation_time
        a_deleted_record_is_gone pages_meet_without_gap_or_overlap_when_values_tie descending_pages_mirror_ascending
        conditions_narrow_and_nulls_satisfy_none counts_agree_with_lists texts_sort_by_bytes misuse_is_refused;
    journals: an_empty_stream_has_no_head gaps_and_repeats_are_refused queries_narrow_and_page
        redaction_leaves_the_place trimming_keeps_the_head streams_are_listed_once misuse_of_a_journal_is_refused;
    queues: items_come_by_key_then_id pushing_moves_and_ends_a_lease a_claim_takes_what_is_due
        only_the_holder_settles_or_extends ended_leases_are_reclaimed_in_order removing_takes_ready_and_leased
        a_lease_of_this_transaction_ends_like_any ready_items_page_without_gap;
    spans: a_span_replaces_its_namesake groups_and_windows_page_when_times_tie the_oldest_spans_go_first;
    blocks: blocks_are_walked_by_their_latest_time parts_are_found_by_their_marks a_dropped_block_leaves_nothing
        misuse_of_blocks_is_refused blocks_of_others_are_not_seen;
    ledgers: floors_refuse_without_change an_account_may_go_below_zero_without_floor overflow_changes_nothing
        holds_reserve_and_release holds_end_at_their_time balances_are_found_by_prefix additions_of_a_batch_add_up;
    terms: an_id_is_in_each_set_once ids_come_in_order_and_page_without_gap sets_are_found_by_prefix
        an_undone_set_is_as_it_was undeclared_terms_are_refused;
};

/// Runs every case; the panic of a failing one names it.
pub fn run(new: New<'_>) {
    for (name, case) in CASES {
        assert_eq!(case(new), Ok(()), "case `{name}`");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CATALOG, model, run};
    use crate::store::memory::MemoryStore;

    #[test]
    fn the_catalog_makes_tables() {
        assert_eq!(CATALOG.check(), Ok(()));
    }

    #[test]
    fn the_reference_store_passes() {
        run(&|| Arc::new(MemoryStore::new(CATALOG)));
    }

    #[test]
    fn the_reference_store_agrees_with_itself() {
        model::compare(32, &|| Arc::new(MemoryStore::new(CATALOG)), model::Start::Inline);
    }
}
