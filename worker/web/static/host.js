// @ts-check
// One host with its targets, and the list of all of them.

import { byId, el, Parts, setAttribute, setText, show } from "./dom.js";
import { clock, now, span } from "./clock.js";
import { order } from "./asking.js";
import { say } from "./saying.js";
import { TargetRow } from "./target.js";

/**
 * @typedef {import("./shapes.js").Host} Host
 * @typedef {import("./shapes.js").Status} Status
 * @typedef {import("./target.js").Item} Item
 */

class HostPart {
  /** @param {Host} host @param {() => void} changed */
  constructor(host, changed) {
    this.host = host;
    this.changed = changed;
    this.window_s = 0;
    this.url = el("span", { class: "url" });
    this.state = el("span", { class: "tag" });
    this.problem = el("p", { class: "problem" });
    this.others = el("p", { class: "others" });
    this.button = el("button", { type: "button", class: "quiet" });
    this.button.addEventListener("click", () => this.turn());
    const list = el("ul", { class: "targets" });
    const id = `host-${host.host}`;
    this.element = el("section", { class: "host", "aria-labelledby": id },
      el("header", {}, el("h2", { id }, host.host), this.state, this.url, this.button),
      this.problem, list, this.others);
    /** @type {Map<string, TargetRow>} */
    this.rows = new Map();
    /** @type {Parts<Item>} */
    this.parts = new Parts(list, (item) => item.target.model, (item) => this.make(item));
  }

  /** @param {Item} item */
  make(item) {
    const row = new TargetRow(item, this.changed);
    this.rows.set(item.target.model, row);
    return row;
  }

  /** @param {Host} host */
  update(host) {
    this.host = host;
    setText(this.url, host.url);
    const state = stateInWords(host);
    setText(this.state, state);
    setAttribute(this.element, "data-state", host.is_old ? "unknown" : host.state);
    show(this.state, state !== "");
    setText(this.problem, host.problem);
    setText(this.button, host.is_paused ? "Resume" : "Pause");
    setAttribute(this.button, "aria-label", `${this.button.textContent} ${host.host}`);
    this.parts.follow(host.targets.map(
      (target) => ({ target, host: host.host, isOld: host.is_old, window_s: this.window_s })));
    const models = new Set(host.targets.map((target) => target.model));
    for (const model of this.rows.keys()) {
      if (!models.has(model)) this.rows.delete(model);
    }
    this.tick();
  }

  tick() {
    for (const row of this.rows.values()) row.tick();
    setText(this.others, restInWords(this.host));
  }

  async turn() {
    const { host, is_paused } = this.host;
    const what = is_paused ? "resume" : "pause";
    const refused = await order(what, { name: host });
    const done = is_paused ? "is kept warm again" : "is left alone by passes";
    say(refused ? `${host} was not ${what}d: ${refused}` : `${host} ${done}`);
    this.changed();
  }
}

export class Hosts {
  /** @param {() => void} changed called when something was asked for */
  constructor(changed) {
    /** @type {Map<string, HostPart>} */
    this.all = new Map();
    this.window_s = 0;
    /** @type {Parts<Host>} */
    this.parts = new Parts(byId("hosts"), (host) => host.host, (host) => {
      const part = new HostPart(host, changed);
      part.window_s = this.window_s;
      this.all.set(host.host, part);
      return part;
    });
  }

  /** @param {Status} status */
  update(status) {
    this.window_s = status.window_s;
    for (const part of this.all.values()) part.window_s = status.window_s;
    this.parts.follow(status.hosts);
    const names = new Set(status.hosts.map((host) => host.host));
    for (const name of this.all.keys()) {
      if (!names.has(name)) this.all.delete(name);
    }
  }

  tick() {
    for (const part of this.all.values()) part.tick();
  }
}

/** What is not as it should be with a host. @param {Host} host */
function stateInWords(host) {
  if (host.is_old) return `not observed since ${clock(host.at)}`;
  if (host.is_paused) return "paused";
  return { up: "", down: "down", unknown: "no answer" }[host.state];
}

/** What is loaded beside its targets, and what is not shown. @param {Host} host */
function restInWords(host) {
  const told = [];
  if (host.left_out) told.push(`${host.left_out} more of its targets are not shown`);
  else if (!host.targets.length) told.push("nothing is wanted here");
  if (host.others.length) {
    told.push(`also loaded: ${host.others.map(otherInWords).join(", ")}`);
  }
  return told.join("; ");
}

/** @param {import("./shapes.js").Other} other */
function otherInWords({ model, goes_at, is_busy }) {
  if (is_busy) return `${model} (in use)`;
  if (goes_at === null) return `${model} (no timer)`;
  return `${model} (${span(goes_at - now())} left)`;
}
