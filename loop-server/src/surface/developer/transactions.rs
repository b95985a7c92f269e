//! `/api/v1/transactions`: amounts held in escrow between two loops.

use http::{Method, StatusCode};
use loop_core::{
    access::Scope,
    base::{
        Time,
        id::{ContractId, LoopId, ProofId, TransactionId},
    },
    proof::{Level, Proof},
    task::{
        TaskError,
        transaction::{
            self, Act, Deal, Dispute, DisputeReason, Escrow, NewTransaction, Transaction, TransactionStatus,
        },
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::context;
use crate::{
    http::{Access, BODY_LIMIT, Call, Example, Failure, Handler, Output, Reply, Row, schema_of, table::Outcome},
    surface::Surface,
};

/// The two loops of an example, told from those of the others.
macro_rules! parties {
    ($row:literal) => {
        &[
            concat!(r#"POST /api/v1/loops {"kind":"business","tag":"buyer_"#, $row, r#""}"#),
            concat!(r#"POST /api/v1/loops {"kind":"business","tag":"seller_"#, $row, r#""}"#),
        ]
    };
}

/// A transaction of theirs.
macro_rules! held {
    ($row:literal) => {
        &[
            concat!(r#"POST /api/v1/loops {"kind":"business","tag":"buyer_"#, $row, r#""}"#),
            concat!(r#"POST /api/v1/loops {"kind":"business","tag":"seller_"#, $row, r#""}"#),
            concat!(
                r#"POST /api/v1/transactions {"amountCents":4200,"currency":"USD","buyerLoopId":"@buyer_"#,
                $row,
                r#"","sellerLoopId":"@seller_"#,
                $row,
                r#""}"#
            ),
        ]
    };
}

const CREATE: &str =
    r#"{"buyerLoopId":"@buyer_create","sellerLoopId":"@seller_create","amountCents":4200,"currency":"USD"}"#;

pub(super) static ROWS: &[Row] = &[
    Row {
        method: Method::POST,
        path: "/api/v1/transactions",
        operation: "transaction.create",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ContractsWrite),
        summary: "Hold an amount in escrow for another loop",
        query: &[],
        input: Some(schema_of::<Input>),
        output: Output::Json(schema_of::<TransactionRow>),
        success: &[201],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(create(call))),
        example: Some(Example { before: parties!("create"), id: "", path: "/api/v1/transactions", body: CREATE }),
    },
    Row {
        method: Method::GET,
        path: "/api/v1/transactions/{id}",
        operation: "transaction.get",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ContractsRead),
        summary: "A transaction and the proofs that name it, for its parties",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<TransactionRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(one(call))),
        example: Some(Example { before: held!("get"), id: "/id", path: "/api/v1/transactions/{id}", body: "" }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/transactions/{id}/release",
        operation: "transaction.release",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ContractsWrite),
        summary: "Pay the seller; for the buyer and the administrator",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<TransactionRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(act(call, Act::Release))),
        example: Some(Example {
            before: held!("release"),
            id: "/id",
            path: "/api/v1/transactions/{id}/release",
            body: "",
        }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/transactions/{id}/refund",
        operation: "transaction.refund",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ContractsWrite),
        summary: "Pay the buyer back; for the seller and the administrator",
        query: &[],
        input: None,
        output: Output::Json(schema_of::<TransactionRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(act(call, Act::Refund))),
        example: Some(Example {
            before: held!("refund"),
            id: "/id",
            path: "/api/v1/transactions/{id}/refund",
            body: "",
        }),
    },
    Row {
        method: Method::POST,
        path: "/api/v1/transactions/{id}/dispute",
        operation: "transaction.dispute",
        surface: Surface::Developer,
        access: Access::Scope(Scope::ContractsWrite),
        summary: "Say that something is wrong; the amount stays held",
        query: &[],
        input: Some(schema_of::<DisputeInput>),
        output: Output::Json(schema_of::<TransactionRow>),
        success: &[200],
        body_limit: BODY_LIMIT,
        handler: Handler::Later(|call| Box::pin(dispute(call))),
        example: Some(Example {
            before: held!("dispute"),
            id: "/id",
            path: "/api/v1/transactions/{id}/dispute",
            body: r#"{"reason":"timeout"}"#,
        }),
    },
];

/// A new transaction.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Input {
    /// Who pays, an id or `@tag`: for the administrator to say. A loop's key buys for its own loop.
    buyer_loop_id: Option<String>,
    /// Who is paid, an id or `@tag`.
    seller_loop_id: String,
    /// The amount in minor units, 1 to 2^53.
    amount_cents: u64,
    /// Its ISO 4217 currency, such as `USD`.
    currency: String,
    /// `sandbox` (the default), which settles nothing, or `real`.
    kind: Option<Deal>,
    /// The contract that it pays for, between the same two loops.
    contract_id: Option<String>,
}

/// A dispute.
#[derive(Debug, Deserialize, JsonSchema)]
struct DisputeInput {
    /// Why.
    reason: DisputeReason,
    /// In words, 1 to 2000 characters.
    note: Option<String>,
}

/// A transaction.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TransactionRow {
    /// Its id.
    id: TransactionId,
    /// Who pays.
    buyer_loop_id: LoopId,
    /// Who is paid.
    seller_loop_id: LoopId,
    /// The amount in minor units.
    amount_cents: u64,
    /// Its currency.
    currency: String,
    /// Whether money moves.
    kind: Deal,
    /// Where it stands.
    status: TransactionStatus,
    /// Where the amount is.
    escrow_status: Escrow,
    /// The contract that it pays for.
    contract_id: Option<ContractId>,
    /// The dispute, while there is one and after.
    dispute: Option<Dispute>,
    /// The proofs that name it.
    proofs: Vec<ProofRow>,
    /// The highest of their levels.
    proof_level: Option<Level>,
    /// When it was made.
    created_at: Time,
    /// When the seller was paid.
    completed_at: Option<Time>,
    /// When the buyer was paid back.
    refunded_at: Option<Time>,
}

/// A proof, in short.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProofRow {
    /// Its id.
    pub id: ProofId,
    /// Whose outcome it proves.
    pub loop_id: LoopId,
    /// What it consists of.
    pub r#type: loop_core::proof::ProofKind,
    /// The level the server assigned.
    pub level: Level,
    /// Whether the outcome was simulated.
    pub simulated: bool,
    /// When it was attached.
    pub created_at: Time,
}

impl ProofRow {
    pub(super) fn of(proof: &Proof) -> Self {
        Self {
            id: proof.id,
            loop_id: proof.loop_id,
            r#type: proof.kind,
            level: proof.level,
            simulated: proof.simulated,
            created_at: proof.created_at,
        }
    }
}

impl TransactionRow {
    fn of((transaction, proofs): (Transaction, Vec<Proof>)) -> Self {
        let at_end = |status| transaction.ended_at.filter(|_| transaction.status == status);
        Self {
            completed_at: at_end(TransactionStatus::Completed),
            refunded_at: at_end(TransactionStatus::Cancelled),
            id: transaction.id,
            buyer_loop_id: transaction.buyer,
            seller_loop_id: transaction.seller,
            amount_cents: transaction.amount_cents,
            currency: transaction.currency,
            kind: transaction.kind,
            status: transaction.status,
            escrow_status: transaction.status.escrow(),
            contract_id: transaction.contract,
            dispute: transaction.dispute,
            proof_level: proofs.iter().map(|proof| proof.level).max(),
            proofs: proofs.iter().map(ProofRow::of).collect(),
            created_at: transaction.created_at,
        }
    }
}

pub(super) fn failed(error: TaskError) -> Failure {
    Failure::of(error.code(), &error)
}

async fn create(call: Call) -> Outcome {
    let input: Input = call.json()?;
    let new = NewTransaction {
        buyer: input.buyer_loop_id,
        seller: input.seller_loop_id,
        amount_cents: input.amount_cents,
        currency: input.currency,
        kind: input.kind.unwrap_or(Deal::Sandbox),
        contract: input.contract_id,
    };
    let cx = context(&call)?;
    let made = call.app.engine.write(cx, "transaction.create", move |tx, cx| transaction::create(tx, cx, &new));
    let made = made.await.map_err(failed)?;
    Ok(Reply::json(&TransactionRow::of((made, Vec::new())))?.with_status(StatusCode::CREATED))
}

async fn one(call: Call) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = context(&call)?;
    let read = call
        .app
        .engine
        .read(cx, "transaction.get", move |tx, cx| transaction::get(tx, cx.tenant(), cx.caller.loop_id, &id));
    Reply::json(&TransactionRow::of(read.await.map_err(failed)?))
}

async fn act(call: Call, act: Act) -> Outcome {
    end(call, act, None).await
}

async fn dispute(call: Call) -> Outcome {
    let input: DisputeInput = call.json()?;
    end(call, Act::Dispute, Some((input.reason, input.note))).await
}

async fn end(call: Call, act: Act, reason: Option<(DisputeReason, Option<String>)>) -> Outcome {
    let id = call.param("id").to_owned();
    let cx = context(&call)?;
    let name = call.row.operation;
    let done = call.app.engine.write(cx, name, move |tx, cx| transaction::act(tx, cx, &id, act, reason.clone()));
    Reply::json(&TransactionRow::of(done.await.map_err(failed)?))
}
