// @ts-check
// The top of the page: whether all is well, how many are how, what is to be known.

import { byId, el, Parts, setAttribute, setText, show } from "./dom.js";
import { clock, lately, now, span } from "./clock.js";
import { order } from "./asking.js";
import { say } from "./saying.js";
import { CONDITIONS, MEANINGS, PROBLEMS } from "./shapes.js";

/**
 * @typedef {import("./shapes.js").Status} Status
 * @typedef {{ condition: import("./shapes.js").Condition, count: number }} Chip
 * @typedef {{ text: string, resume?: string, isTrouble?: boolean }} Notice
 */

export class Summary {
  /** @param {{ changed: () => void, toggle: (word: string) => void }} means */
  constructor({ changed, toggle }) {
    this.changed = changed;
    this.toggle = toggle;
    this.find = "";
    /** @type {Parts<Chip>} */
    this.chips = new Parts(byId("chips"), (chip) => chip.condition, (chip) => this.chip(chip));
    /** @type {Parts<Notice>} */
    this.notices = new Parts(byId("notices"), (notice) => JSON.stringify(notice),
      (notice) => this.notice(notice));
  }

  /** @param {Status} status @param {string} find what was looked for */
  update(status, find) {
    this.find = find;
    setText(byId("headline"), headline(status));
    this.chips.follow(CONDITIONS
      .map((condition) => ({ condition, count: status.counts[condition] ?? 0 }))
      .filter(({ count, condition }) => count || condition === find));
    this.tell(status, "");
    const problems = PROBLEMS.reduce((sum, name) => sum + (status.counts[name] ?? 0), 0);
    document.title = problems ? `(${problems}) ollama-warmup` : "ollama-warmup";
    show(byId("legend"), status.shown > 0);
    setText(byId("span"), lately(status.window_s));
    show(byId("more"), status.found > status.shown || (find !== "" && !status.found));
    show(byId("widen"), status.found > status.shown);
    setText(byId("cut"), status.found
      ? `${status.shown} of ${status.found} targets are shown, problems first.`
      : `No target has “${find}” in its host, model or condition.`);
  }

  /** @param {Status | null} status @param {string} trouble empty = none */
  tell(status, trouble) {
    this.notices.follow([
      ...(trouble ? [{ text: trouble, isTrouble: true }] : []),
      ...(status?.notices ?? []).map((text) => ({ text })),
      ...(status?.paused ?? []).map(({ name, shown }) => (
        { text: `Passes leave ${shown} alone.`, resume: name })),
    ]);
  }

  /** @param {Chip} chip */
  chip({ condition }) {
    const count = el("b");
    const button = el("button", { type: "button", class: "chip", title: MEANINGS[condition],
      "data-condition": condition },
    el("span", { class: "dot", "aria-hidden": "true" }), count, ` ${condition}`);
    button.addEventListener("click", () => this.toggle(condition));
    return {
      element: el("li", {}, button),
      update: (/** @type {Chip} */ chip) => {
        setText(count, String(chip.count));
        setAttribute(button, "aria-pressed", String(this.find === condition));
      },
    };
  }

  /** @param {Notice} notice */
  notice({ text, resume, isTrouble }) {
    const element = el("p", { class: isTrouble ? "notice trouble" : "notice" }, text);
    if (resume) {
      const button = el("button", { type: "button", class: "quiet" }, "Resume");
      setAttribute(button, "aria-label", `Resume: ${text}`);
      button.addEventListener("click", () => this.resume(resume));
      element.append(" ", button);
    }
    return { element, update: () => {} };
  }

  /** @param {string} name */
  async resume(name) {
    const refused = await order("resume", { name });
    say(refused ? `It was not resumed: ${refused}` : "Passes keep it warm again");
    this.changed();
  }
}

/** @param {Status} status */
function headline({ total, ready, hosts_total }) {
  const where = hosts_total === 1 ? "1 host" : `${hosts_total} hosts`;
  if (!total) return "Nothing is wanted yet";
  if (ready === total) return total === 1 ? "The one target is ready" : `All ${total} targets are ready on ${where}`;
  return `${ready} of ${total} targets are ready on ${where}`;
}

/** How old what is shown is. @param {Status | null} status @param {number} silentSince_ms 0 = it is told */
export function showLive(status, silentSince_ms) {
  const kind = silentSince_ms ? "away" : !status ? "waiting" : status.is_observed ? "live" : "old";
  setAttribute(document.body, "data-live", kind);
  setText(byId("live"), liveInWords(kind, status, silentSince_ms));
}

/** @param {string} kind @param {Status | null} status @param {number} silentSince_ms */
function liveInWords(kind, status, silentSince_ms) {
  if (kind === "away") return `no answer since ${clock(silentSince_ms / 1000)}`;
  if (!status) return "connecting …";
  if (status.observed_at === null) return "not observed yet";
  if (kind === "old") return `not observed since ${clock(status.observed_at)}`;
  return `live, hosts seen ${span(now() - status.observed_at)} ago`;
}
