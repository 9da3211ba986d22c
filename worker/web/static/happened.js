// @ts-check
// Events in words, and the list of the last ones.

import { byId, el, Parts, setText, show } from "./dom.js";
import { clock } from "./clock.js";

/** @typedef {import("./shapes.js").Happened} Happened */

/** @param {Happened} event @returns {string} such as `evicted by qwen3:4b` */
export function inWords({ kind, before, after, why, evictors }) {
  const what = kind.replaceAll("_", " ");
  if (evictors.length > 0) return why;
  const change = before ? `${before} → ${after ?? "gone"}` : `${after ?? "gone"}`;
  const told = what === "changed" ? change : what;
  return why ? `${told}: ${why}` : told;
}

export class Events {
  constructor() {
    this.section = byId("happened");
    /** @type {Parts<Happened>} */
    this.parts = new Parts(byId("events"), keyOf, make);
  }

  /** @param {Happened[]} events the newest first */
  update(events) {
    show(this.section, events.length > 0);
    this.parts.follow(numbered(events));
  }
}

/** @param {Happened & { twin?: number }} event */
function keyOf({ at, host, model, kind, twin }) {
  return JSON.stringify([at, host, model, kind, twin]);
}

/** Tell equal events apart. @param {Happened[]} events */
function numbered(events) {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return events.map((event) => {
    const key = keyOf(event);
    seen.set(key, (seen.get(key) ?? 0) + 1);
    return { ...event, twin: seen.get(key) };
  });
}

/** @param {Happened} event */
function make(event) {
  const at = new Date(event.at * 1000).toISOString();
  const time = el("time", { datetime: at });
  const who = el("span", { class: "who" }, event.model, el("span", { class: "on" }, ` on ${event.host}`));
  const element = el("li", { "data-condition": event.after ?? "unknown" },
    time, el("span", { class: "dot", "aria-hidden": "true" }), who,
    el("span", { class: "told" }, inWords(event)));
  return { element, update: () => setText(time, clock(event.at)) };
}
