-- Version 1. Generated from the catalog: UPDATE_SCHEMA=1 cargo test -p loop-store-sqlite --test schema

-- Policy epochs: one number per tenant, greater than every number given before.
CREATE TABLE epochs (
  tenant TEXT NOT NULL PRIMARY KEY,
  epoch INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE "keys" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "hash" TEXT,
  "owner" TEXT,
  "live" TEXT,
  "live_by" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX "keys.hash" ON "keys" (tenant, "hash") WHERE "hash" IS NOT NULL;
CREATE INDEX "keys.owner" ON "keys" (tenant, "owner", id) WHERE "owner" IS NOT NULL;
CREATE INDEX "keys.live" ON "keys" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE INDEX "keys.live_by" ON "keys" (tenant, "live_by", id) WHERE "live_by" IS NOT NULL;

CREATE TABLE "loops" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "tag" TEXT,
  "parent" TEXT,
  "epoch" INTEGER,
  "sponsor" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX "loops.tag" ON "loops" (tenant, "tag") WHERE "tag" IS NOT NULL;
CREATE INDEX "loops.parent" ON "loops" (tenant, "parent", id) WHERE "parent" IS NOT NULL;
CREATE INDEX "loops.epoch" ON "loops" (tenant, "epoch", id) WHERE "epoch" IS NOT NULL;
CREATE INDEX "loops.sponsor" ON "loops" (tenant, "sponsor", id) WHERE "sponsor" IS NOT NULL;

CREATE TABLE "idempotency" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "ends_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "idempotency.ends_at" ON "idempotency" (tenant, "ends_at", id) WHERE "ends_at" IS NOT NULL;

CREATE TABLE "tenants" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "rules" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "epoch" INTEGER,
  "live" INTEGER,
  "name" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "rules.epoch" ON "rules" (tenant, "epoch", id) WHERE "epoch" IS NOT NULL;
CREATE INDEX "rules.live" ON "rules" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE UNIQUE INDEX "rules.name" ON "rules" (tenant, "name") WHERE "name" IS NOT NULL;

CREATE TABLE "blocked_tools" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "settings" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "manifests" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "version_of" TEXT,
  "own" TEXT,
  "owner" TEXT,
  "shelf" TEXT,
  "epoch" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX "manifests.version_of" ON "manifests" (tenant, "version_of") WHERE "version_of" IS NOT NULL;
CREATE INDEX "manifests.own" ON "manifests" (tenant, "own", id) WHERE "own" IS NOT NULL;
CREATE INDEX "manifests.owner" ON "manifests" (tenant, "owner", id) WHERE "owner" IS NOT NULL;
CREATE INDEX "manifests.shelf" ON "manifests" (tenant, "shelf", id) WHERE "shelf" IS NOT NULL;
CREATE INDEX "manifests.epoch" ON "manifests" (tenant, "epoch", id) WHERE "epoch" IS NOT NULL;

CREATE TABLE "approvals" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "binding" TEXT,
  "state" TEXT,
  "decided_at" INTEGER,
  "waits_until" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "approvals.binding" ON "approvals" (tenant, "binding", id) WHERE "binding" IS NOT NULL;
CREATE INDEX "approvals.state" ON "approvals" (tenant, "state", id) WHERE "state" IS NOT NULL;
CREATE INDEX "approvals.decided_at" ON "approvals" (tenant, "decided_at", id) WHERE "decided_at" IS NOT NULL;
CREATE INDEX "approvals.waits_until" ON "approvals" (tenant, "waits_until", id) WHERE "waits_until" IS NOT NULL;

CREATE TABLE "kept_completions" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "tool_pins" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "server" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "tool_pins.server" ON "tool_pins" (tenant, "server", id) WHERE "server" IS NOT NULL;

CREATE TABLE "proofs" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "subject" TEXT,
  "loop_id" TEXT,
  "deal" TEXT,
  "told_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "proofs.subject" ON "proofs" (tenant, "subject", id) WHERE "subject" IS NOT NULL;
CREATE INDEX "proofs.loop_id" ON "proofs" (tenant, "loop_id", id) WHERE "loop_id" IS NOT NULL;
CREATE INDEX "proofs.deal" ON "proofs" (tenant, "deal", id) WHERE "deal" IS NOT NULL;
CREATE INDEX "proofs.told_at" ON "proofs" (tenant, "told_at", id) WHERE "told_at" IS NOT NULL;

CREATE TABLE "outcomes" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "trust_penalties" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "invocations" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "loop_id" TEXT,
  "task" TEXT,
  "waits_for" TEXT,
  "rests_since" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "invocations.loop_id" ON "invocations" (tenant, "loop_id", id) WHERE "loop_id" IS NOT NULL;
CREATE INDEX "invocations.task" ON "invocations" (tenant, "task", id) WHERE "task" IS NOT NULL;
CREATE INDEX "invocations.waits_for" ON "invocations" (tenant, "waits_for", id) WHERE "waits_for" IS NOT NULL;
CREATE INDEX "invocations.rests_since" ON "invocations" (tenant, "rests_since", id) WHERE "rests_since" IS NOT NULL;

CREATE TABLE "retention" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "notices" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "approval" TEXT,
  "state" TEXT,
  "settled_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "notices.approval" ON "notices" (tenant, "approval", id) WHERE "approval" IS NOT NULL;
CREATE INDEX "notices.settled_at" ON "notices" (tenant, "settled_at", id) WHERE "settled_at" IS NOT NULL;

CREATE TABLE "notification_targets" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "approval_links" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "owner" TEXT,
  "approval" TEXT,
  "verb" TEXT,
  "expires_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "approval_links.approval" ON "approval_links" (tenant, "approval", id) WHERE "approval" IS NOT NULL;
CREATE INDEX "approval_links.expires_at" ON "approval_links" (tenant, "expires_at", id) WHERE "expires_at" IS NOT NULL;

CREATE TABLE "messages" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "inbox" TEXT,
  "thread" TEXT,
  "sent" INTEGER,
  "expires_at" INTEGER,
  "client" TEXT,
  "nonce" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "messages.inbox" ON "messages" (tenant, "inbox", id) WHERE "inbox" IS NOT NULL;
CREATE INDEX "messages.thread" ON "messages" (tenant, "thread", id) WHERE "thread" IS NOT NULL;
CREATE INDEX "messages.sent" ON "messages" (tenant, "sent", id) WHERE "sent" IS NOT NULL;
CREATE INDEX "messages.expires_at" ON "messages" (tenant, "expires_at", id) WHERE "expires_at" IS NOT NULL;
CREATE UNIQUE INDEX "messages.client" ON "messages" (tenant, "client") WHERE "client" IS NOT NULL;
CREATE UNIQUE INDEX "messages.nonce" ON "messages" (tenant, "nonce") WHERE "nonce" IS NOT NULL;

CREATE TABLE "contracts" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "thread" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "contracts.thread" ON "contracts" (tenant, "thread", id) WHERE "thread" IS NOT NULL;

CREATE TABLE "tasks" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "loop_id" TEXT,
  "kept_since" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "tasks.loop_id" ON "tasks" (tenant, "loop_id", id) WHERE "loop_id" IS NOT NULL;
CREATE INDEX "tasks.kept_since" ON "tasks" (tenant, "kept_since", id) WHERE "kept_since" IS NOT NULL;

CREATE TABLE "transactions" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "contract" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "transactions.contract" ON "transactions" (tenant, "contract", id) WHERE "contract" IS NOT NULL;

CREATE TABLE "issues" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "active_at" INTEGER,
  "completed_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "issues.active_at" ON "issues" (tenant, "active_at", id) WHERE "active_at" IS NOT NULL;
CREATE INDEX "issues.completed_at" ON "issues" (tenant, "completed_at", id) WHERE "completed_at" IS NOT NULL;

CREATE TABLE "issue_relations" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "issue_id" TEXT,
  "related_id" TEXT,
  "edge" TEXT,
  "blocker" TEXT,
  "blocked" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "issue_relations.issue_id" ON "issue_relations" (tenant, "issue_id", id) WHERE "issue_id" IS NOT NULL;
CREATE INDEX "issue_relations.related_id" ON "issue_relations" (tenant, "related_id", id) WHERE "related_id" IS NOT NULL;
CREATE UNIQUE INDEX "issue_relations.edge" ON "issue_relations" (tenant, "edge") WHERE "edge" IS NOT NULL;
CREATE INDEX "issue_relations.blocker" ON "issue_relations" (tenant, "blocker", id) WHERE "blocker" IS NOT NULL;
CREATE INDEX "issue_relations.blocked" ON "issue_relations" (tenant, "blocked", id) WHERE "blocked" IS NOT NULL;

CREATE TABLE "labels" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "live" INTEGER,
  "name" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "labels.live" ON "labels" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE UNIQUE INDEX "labels.name" ON "labels" (tenant, "name") WHERE "name" IS NOT NULL;

CREATE TABLE "projects" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "live" INTEGER,
  "goal_id" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "projects.live" ON "projects" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE INDEX "projects.goal_id" ON "projects" (tenant, "goal_id", id) WHERE "goal_id" IS NOT NULL;

CREATE TABLE "claims" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "number" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "goals" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "live" INTEGER,
  "project_id" TEXT,
  "boosts" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "goals.live" ON "goals" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE INDEX "goals.project_id" ON "goals" (tenant, "project_id", id) WHERE "project_id" IS NOT NULL;
CREATE INDEX "goals.boosts" ON "goals" (tenant, "boosts", id) WHERE "boosts" IS NOT NULL;

CREATE TABLE "comments" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "issue_id" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "comments.issue_id" ON "comments" (tenant, "issue_id", id) WHERE "issue_id" IS NOT NULL;

CREATE TABLE "signals" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "webhook_deliveries" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "webhook_settings" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "prompt_templates" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "live" INTEGER,
  "slug" TEXT,
  "rank" TEXT,
  "project_rank" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "prompt_templates.live" ON "prompt_templates" (tenant, "live", id) WHERE "live" IS NOT NULL;
CREATE UNIQUE INDEX "prompt_templates.slug" ON "prompt_templates" (tenant, "slug") WHERE "slug" IS NOT NULL;
CREATE INDEX "prompt_templates.rank" ON "prompt_templates" (tenant, "rank", id) WHERE "rank" IS NOT NULL;
CREATE INDEX "prompt_templates.project_rank" ON "prompt_templates" (tenant, "project_rank", id) WHERE "project_rank" IS NOT NULL;

CREATE TABLE "prompt_versions" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "place" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX "prompt_versions.place" ON "prompt_versions" (tenant, "place") WHERE "place" IS NOT NULL;

CREATE TABLE "prompt_health" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "prompt_summaries" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE "prompt_reviews" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "template_id" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "prompt_reviews.template_id" ON "prompt_reviews" (tenant, "template_id", id) WHERE "template_id" IS NOT NULL;

CREATE TABLE "telemetry_projects" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "claim" TEXT,
  "expires_at" INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX "telemetry_projects.claim" ON "telemetry_projects" (tenant, "claim") WHERE "claim" IS NOT NULL;
CREATE INDEX "telemetry_projects.expires_at" ON "telemetry_projects" (tenant, "expires_at", id) WHERE "expires_at" IS NOT NULL;

CREATE TABLE "telemetry_clusters" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  "seen" TEXT,
  "watched" TEXT,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX "telemetry_clusters.seen" ON "telemetry_clusters" (tenant, "seen", id) WHERE "seen" IS NOT NULL;
CREATE INDEX "telemetry_clusters.watched" ON "telemetry_clusters" (tenant, "watched", id) WHERE "watched" IS NOT NULL;

CREATE TABLE "audit_streams" (
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  stream TEXT NOT NULL,
  UNIQUE (tenant, stream)
) STRICT;
CREATE TABLE "audit" (
  key INTEGER PRIMARY KEY,
  no INTEGER GENERATED ALWAYS AS (key >> 40) VIRTUAL,
  seq INTEGER GENERATED ALWAYS AS (key & ((1 << 40) - 1)) VIRTUAL,
  at INTEGER NOT NULL,
  "op" TEXT,
  "status" TEXT,
  "tool_name" TEXT,
  "agent_name" TEXT,
  "risk" TEXT,
  "salt" BLOB,
  "digest" BLOB,
  "hash" BLOB,
  body TEXT
) STRICT;
CREATE INDEX "audit.status" ON "audit" ("status", key) WHERE "status" IS NOT NULL;
CREATE INDEX "audit.tool_name" ON "audit" ("tool_name", key) WHERE "tool_name" IS NOT NULL;
CREATE INDEX "audit.agent_name" ON "audit" ("agent_name", key) WHERE "agent_name" IS NOT NULL;

CREATE TABLE "proof_chain_streams" (
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  stream TEXT NOT NULL,
  UNIQUE (tenant, stream)
) STRICT;
CREATE TABLE "proof_chain" (
  key INTEGER PRIMARY KEY,
  no INTEGER GENERATED ALWAYS AS (key >> 40) VIRTUAL,
  seq INTEGER GENERATED ALWAYS AS (key & ((1 << 40) - 1)) VIRTUAL,
  at INTEGER NOT NULL,
  "proof" TEXT,
  "hash" TEXT,
  body TEXT
) STRICT;

CREATE TABLE "trust_streams" (
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  stream TEXT NOT NULL,
  UNIQUE (tenant, stream)
) STRICT;
CREATE TABLE "trust" (
  key INTEGER PRIMARY KEY,
  no INTEGER GENERATED ALWAYS AS (key >> 40) VIRTUAL,
  seq INTEGER GENERATED ALWAYS AS (key & ((1 << 40) - 1)) VIRTUAL,
  at INTEGER NOT NULL,
  "kind" TEXT,
  "delta" INTEGER,
  "previous" INTEGER,
  "score" INTEGER,
  body TEXT
) STRICT;

CREATE TABLE "outbox" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "outbox_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "outbox_leases.until" ON "outbox_leases" (tenant, until, id);

CREATE TABLE "approval_timers" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "approval_timers_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "approval_timers_leases.until" ON "approval_timers_leases" (tenant, until, id);

CREATE TABLE "kept_timers" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "kept_timers_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "kept_timers_leases.until" ON "kept_timers_leases" (tenant, until, id);

CREATE TABLE "invocation_timers" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "invocation_timers_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "invocation_timers_leases.until" ON "invocation_timers_leases" (tenant, until, id);

CREATE TABLE "dispatch_heads" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "dispatch_heads_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "dispatch_heads_leases.until" ON "dispatch_heads_leases" (tenant, until, id);

CREATE TABLE "claim_timers" (
  tenant TEXT NOT NULL,
  key BLOB NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, key, id),
  UNIQUE (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE "claim_timers_leases" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  key BLOB NOT NULL,
  until INTEGER NOT NULL,
  holder BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "claim_timers_leases.until" ON "claim_timers_leases" (tenant, until, id);

CREATE TABLE "subject_tags" (
  tenant TEXT NOT NULL,
  grp TEXT NOT NULL,
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, grp, id)
) STRICT;
CREATE INDEX "subject_tags.grp" ON "subject_tags" (tenant, grp, at, id);
CREATE INDEX "subject_tags.at" ON "subject_tags" (tenant, at, id, grp);

CREATE TABLE "telemetry_groups" (
  no INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  grp TEXT NOT NULL,
  UNIQUE (tenant, grp)
) STRICT;
CREATE TABLE "telemetry" (
  key INTEGER PRIMARY KEY,
  no INTEGER GENERATED ALWAYS AS (key & ((1 << 31) - 1)) VIRTUAL,
  grp INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  head BLOB NOT NULL
) STRICT;
CREATE INDEX "telemetry.last" ON "telemetry" (grp, last, key);
CREATE TABLE "telemetry_parts" (
  key INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE "telemetry_marks" (
  grp INTEGER NOT NULL,
  mark BLOB NOT NULL,
  place INTEGER NOT NULL,
  note BLOB NOT NULL,
  PRIMARY KEY (grp, mark, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE "idempotency_counts" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "idempotency_counts_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "idempotency_counts_holds.until" ON "idempotency_counts_holds" (tenant, until, id);

CREATE TABLE "stats" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "stats_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "stats_holds.until" ON "stats_holds" (tenant, until, id);

CREATE TABLE "tools" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "tools_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "tools_holds.until" ON "tools_holds" (tenant, until, id);

CREATE TABLE "credits" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "credits_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "credits_holds.until" ON "credits_holds" (tenant, until, id);

CREATE TABLE "usage" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "usage_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "usage_holds.until" ON "usage_holds" (tenant, until, id);

CREATE TABLE "work_counts" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "work_counts_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "work_counts_holds.until" ON "work_counts_holds" (tenant, until, id);

CREATE TABLE "claim_outcomes" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "claim_outcomes_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "claim_outcomes_holds.until" ON "claim_outcomes_holds" (tenant, until, id);

CREATE TABLE "prompt_uses" (
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  total INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (tenant, account)
) STRICT, WITHOUT ROWID;
CREATE TABLE "prompt_uses_holds" (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX "prompt_uses_holds.until" ON "prompt_uses_holds" (tenant, until, id);

CREATE TABLE "kept_keys" (
  tenant TEXT NOT NULL,
  term TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, term, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "issue_sets" (
  tenant TEXT NOT NULL,
  term TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, term, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "issue_words" (
  tenant TEXT NOT NULL,
  term TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, term, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "issue_history" (
  tenant TEXT NOT NULL,
  term TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, term, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE "dispatch" (
  tenant TEXT NOT NULL,
  term TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (tenant, term, id)
) STRICT, WITHOUT ROWID;
