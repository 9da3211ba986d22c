// @ts-check
// One target: how it is, when it goes cold, how long its loads take, what happened.

import { el, setAttribute, setText, show } from "./dom.js";
import { clock, now, seconds, span } from "./clock.js";
import { MEANINGS } from "./shapes.js";
import { Timeline } from "./timeline.js";
import { inWords } from "./happened.js";
import { order } from "./asking.js";
import { say } from "./saying.js";

/**
 * @typedef {import("./shapes.js").Target} Target
 * @typedef {{ target: Target, host: string, isOld: boolean, window_s: number }} Item
 */

const SENT_SHOWN_S = 60;

export class TargetRow {
  /** @param {Item} item @param {() => void} changed called when something was asked for */
  constructor(item, changed) {
    this.item = item;
    this.changed = changed;
    /** When a warm-up was asked for here; 0 = it was not, or it has shown. */
    this.sentAt = 0;
    this.word = el("span", { class: "word" });
    this.since = el("span", { class: "since" });
    this.left = el("span", { class: "value" });
    this.leftLabel = el("span", { class: "label" });
    this.progress = /** @type {HTMLProgressElement} */ (el("progress"));
    this.load = el("span", { class: "value" });
    this.loadLabel = el("span", { class: "label" });
    this.options = el("span", { class: "label options" });
    this.timeline = new Timeline();
    this.why = el("p", { class: "why" });
    this.last = el("p", { class: "last" });
    this.button = el("button", { type: "button", class: "warm" }, "Warm now");
    this.button.addEventListener("click", () => this.warm());
    this.element = this.build();
  }

  build() {
    const { target, host } = this.item;
    setAttribute(this.button, "aria-label", `Warm now: ${target.model} on ${host}`);
    setAttribute(this.progress, "aria-label", `Load of ${target.model} on ${host}`);
    const badge = target.critical ? [el("span", { class: "badge" }, "critical")] : [];
    return el("li", { class: "target" },
      el("div", { class: "state" },
        el("span", { class: "dot", "aria-hidden": "true" }), this.word, this.since),
      el("div", { class: "what" },
        el("h3", {}, target.model, ...badge), this.options),
      el("div", { class: "left" }, this.left, this.leftLabel, this.progress),
      el("div", { class: "loads" }, this.load, this.loadLabel),
      el("div", { class: "past" }, this.timeline.element, this.why, this.last),
      el("div", { class: "act" }, this.button));
  }

  /** @param {Item} item */
  update(item) {
    this.item = item;
    const { target, window_s } = item;
    setAttribute(this.element, "data-condition", target.condition);
    setText(this.word, target.condition);
    setAttribute(this.word, "title", MEANINGS[target.condition]);
    setText(this.options, target.wanted.slice(target.model.length + 1).replaceAll("&", "  "));
    const event = target.last_event;
    const isSaid = item.isOld || target.condition === "loading" || event?.why === target.why;
    setText(this.why, isSaid ? "" : target.why);
    setText(this.last, event ? `${clock(event.at)}  ${inWords(event)}` : "");
    setText(this.load, target.loads ? seconds(target.loads.last_s) : "–");
    setText(this.loadLabel, loadsInWords(target.loads));
    this.timeline.update(target.timeline, now(), window_s);
    this.forget();
    this.tick();
  }

  /** Show what changes with time alone. */
  tick() {
    const { target } = this.item;
    const sent = this.sentAt ? `, sent ${span(now() - this.sentAt)} ago` : "";
    setText(this.since, `for ${span(now() - target.since)}${sent}`);
    const isLoading = target.condition === "loading";
    show(this.progress, isLoading);
    const [value, label] = isLoading ? this.eta() : left(target);
    setText(this.left, value);
    setText(this.leftLabel, label);
    setAttribute(this.button, "aria-disabled", isLoading ? "true" : null);
  }

  /** @returns {[string, string]} */
  eta() {
    const { since, expected_s } = this.item.target;
    const elapsed_s = now() - since;
    if (expected_s === null) {
      this.progress.removeAttribute("value");
      return [span(elapsed_s), "first load"];
    }
    this.progress.max = expected_s;
    this.progress.value = Math.min(elapsed_s, expected_s);
    const left_s = expected_s - elapsed_s;
    if (left_s < 0) return [span(elapsed_s), "longer than usual"];
    return [`about ${span(Math.ceil(left_s))}`, "until warm"];
  }

  /** A warm-up that was asked for has shown, or is no news any more. */
  forget() {
    const { condition, since } = this.item.target;
    const hasShown = condition === "loading" || condition === "warm" || since > this.sentAt;
    if (this.sentAt && (hasShown || now() - this.sentAt > SENT_SHOWN_S)) this.sentAt = 0;
  }

  async warm() {
    const { target, host } = this.item;
    if (this.button.getAttribute("aria-disabled")) return;
    setAttribute(this.button, "aria-disabled", "true");
    const refused = await order("warmup", { model: target.model, host });
    setAttribute(this.button, "aria-disabled", null);
    if (!refused) this.sentAt = now();
    const what = `${target.model} on ${host}`;
    say(refused ? `The warm-up of ${what} was not sent: ${refused}` : `Warm-up of ${what} sent`);
    this.changed();
  }
}

/** @param {Target} target @returns {[string, string]} */
function left({ goes_at, is_busy, is_forever }) {
  if (is_forever) return ["never", "it has no timer"];
  if (is_busy) return ["in use", "its timer waits"];
  if (goes_at === null) return ["–", ""];
  const left_s = goes_at - now();
  return left_s > 0 ? [span(left_s), "until cold"] : ["now", "about to go cold"];
}

/** @param {Target["loads"]} loads */
function loadsInWords(loads) {
  if (!loads) return "";
  if (loads.count === 1) return "its one load";
  return `last; median ${seconds(loads.median_s)}`;
}
