// @ts-check
// Says to people, and to who hears the page, what has changed.

import { byId, setText } from "./dom.js";

const SHOWN_MS = 8000;
/** What is said within this is said together, so that nothing hides the other. */
const TOGETHER_MS = 1500;
const NAMED = 2;

let timer = 0;
let began_ms = 0;

/** @param {string} sentence */
export function say(sentence) {
  const said = byId("said");
  const isTogether = said.textContent !== "" && Date.now() - began_ms < TOGETHER_MS;
  if (!isTogether) began_ms = Date.now();
  setText(said, isTogether ? `${said.textContent}. ${sentence}` : sentence);
  clearTimeout(timer);
  timer = setTimeout(() => setText(said, ""), SHOWN_MS);
}

/** Tells which targets have another condition than at the last look. */
export class Changes {
  constructor() {
    /** @type {Map<string, string>} */
    this.before = new Map();
    this.find = "";
  }

  /** @param {import("./shapes.js").Status} status @param {string} find what was looked for */
  update(status, find) {
    const isSame = this.find === find && this.before.size > 0;
    /** @type {Map<string, string>} */
    const after = new Map();
    const told = [];
    for (const host of status.hosts) {
      for (const target of host.targets) {
        const name = `${target.model} on ${host.host}`;
        after.set(name, target.condition);
        const was = this.before.get(name);
        if (was && was !== target.condition) told.push(`${name} is ${target.condition}`);
      }
    }
    this.before = after;
    this.find = find;
    if (!isSame || !told.length) return;
    const rest = told.length - NAMED;
    say([...told.slice(0, NAMED), ...(rest > 0 ? [`${rest} more have changed`] : [])].join("; "));
  }
}
