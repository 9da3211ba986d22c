// @ts-check
// What `/status` answers, as worker/web/shapes.py has it.

/**
 * @typedef {"cold" | "queued" | "loading" | "warm" | "drifted" | "contested" |
 *   "failing" | "unfit" | "unknown" | "asleep"} Condition
 *
 * @typedef {{ at: number, host: string, model: string, kind: string,
 *   before: Condition | null, after: Condition | null, why: string,
 *   evictors: { model: string, is_ours: boolean }[] }} Happened
 *
 * @typedef {{ model: string, wanted: string, condition: Condition, since: number,
 *   why: string, is_ready: boolean, critical: boolean, priority: number,
 *   context_length: number | null, wanted_context: number | null,
 *   goes_at: number | null, is_busy: boolean, is_forever: boolean,
 *   expected_s: number | null,
 *   loads: { last_s: number, median_s: number, count: number } | null,
 *   last_event: Happened | null, timeline: [number, Condition | null][] }} Target
 *
 * @typedef {{ model: string, context_length: number | null, goes_at: number | null,
 *   is_busy: boolean }} Other
 *
 * @typedef {{ host: string, url: string, at: number, is_old: boolean,
 *   state: "up" | "unknown" | "down", problem: string, is_paused: boolean,
 *   targets: Target[], left_out: number, others: Other[] }} Host
 *
 * @typedef {{ now: number, observed_at: number | null, is_observed: boolean,
 *   notices: string[], counts: Partial<Record<Condition, number>>, ready: number,
 *   total: number, hosts_total: number, found: number, shown: number,
 *   paused: { name: string, shown: string }[], window_s: number, hosts: Host[],
 *   events: Happened[] }} Status
 */

/** Every condition, those first that a person may want to look into. */
export const CONDITIONS = /** @type {Condition[]} */ ([
  "failing", "unknown", "contested", "unfit", "drifted",
  "cold", "queued", "loading", "asleep", "warm",
]);

/** How many of them are problems. */
export const PROBLEMS = CONDITIONS.slice(0, 5);

/** What each condition means, for whoever points at its word. */
export const MEANINGS = /** @type {Record<Condition, string>} */ ({
  failing: "its loads fail",
  unknown: "its host gave no answer",
  contested: "somebody else's model takes its room",
  unfit: "it does not fit beside a model that is wanted more",
  drifted: "somebody loaded it otherwise than wanted, and it is left so",
  cold: "not loaded",
  queued: "its load waits for its turn",
  loading: "its load is under way",
  asleep: "paused",
  warm: "loaded as wanted",
});
