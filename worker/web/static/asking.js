// @ts-check
// Asks the service. Every answer is one of few kinds, and nothing is thrown.

const PATIENCE_MS = 8000;

/**
 * @typedef {import("./shapes.js").Status} Status
 * @typedef {{ kind: "seen", status: Status, sentAt: number, receivedAt: number }} Seen
 * @typedef {{ kind: "told", detail: string }} Told the service answers, but cannot tell
 * @typedef {{ kind: "away" }} Away nobody answers
 */

/** @param {string} find @param {number} limit @returns {Promise<Seen | Told | Away>} */
export async function look(find, limit) {
  const query = new URLSearchParams({ find, limit: String(limit) });
  const sentAt = Date.now();
  try {
    const answer = await fetch(`/status?${query}`, options());
    const body = await answer.json();
    if (answer.ok) return { kind: "seen", status: body, sentAt, receivedAt: Date.now() };
    return { kind: "told", detail: sentence(answer.status, body) };
  } catch {
    return { kind: "away" };
  }
}

/**
 * @param {"warmup" | "pause" | "resume"} what
 * @param {Record<string, string>} body
 * @returns {Promise<string>} why it was not done; empty = it was.
 */
export async function order(what, body) {
  const json = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  try {
    const answer = await fetch(`/${what}`, { ...options(), ...json });
    return answer.ok ? "" : sentence(answer.status, await answer.json());
  } catch {
    return "the status service does not answer";
  }
}

/** @returns {RequestInit} */
function options() {
  return { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
}

/** @param {number} status @param {any} body */
function sentence(status, body) {
  if (status === 401) return "the token has changed: reload this page to log in";
  return typeof body?.detail === "string" ? body.detail : `it answered ${status}`;
}
