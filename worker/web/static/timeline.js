// @ts-check
// In which condition a target was when: a strip of bars, and the same in words.

import { setAttribute, svg } from "./dom.js";
import { clock, lately } from "./clock.js";

/** @typedef {import("./shapes.js").Target["timeline"]} Steps */

const WIDTH = 600;
const HEIGHT = 20;
/** How high a bar is, so that colour is not all that tells. */
const HEIGHTS = /** @type {Record<string, number>} */ ({
  warm: 20, drifted: 20, loading: 13, queued: 8, contested: 8, failing: 8, unfit: 8,
  asleep: 5, cold: 5, unknown: 2,
});

export class Timeline {
  constructor() {
    this.element = svg("svg", {
      class: "timeline", role: "img", preserveAspectRatio: "none",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    });
    this.drawn = "";
  }

  /** @param {Steps} steps @param {number} end @param {number} window_s */
  update(steps, end, window_s) {
    const moved = Math.floor(end / (window_s / WIDTH));
    const drawn = `${moved} ${JSON.stringify(steps)}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const spans = asSpans(steps, end);
    this.element.replaceChildren(...spans.map((span) => bar(span, end, window_s)));
    setAttribute(this.element, "aria-label", inWords(spans, window_s));
  }
}

/** @typedef {{ from: number, to: number, condition: string }} Span */

/** @param {Steps} steps @param {number} end @returns {Span[]} */
export function asSpans(steps, end) {
  return steps.map(([from, condition], place) => ({
    from, to: steps[place + 1]?.[0] ?? end, condition: condition ?? "not observed",
  }));
}

/** @param {Span} span @param {number} end @param {number} window_s */
function bar({ from, to, condition }, end, window_s) {
  const start = end - window_s;
  const x = Math.max(0, ((from - start) / window_s) * WIDTH);
  const height = HEIGHTS[condition] ?? 2;
  const rect = svg("rect", {
    class: condition.replace(" ", "-"),
    x: x.toFixed(1), y: String(HEIGHT - height), height: String(height),
    width: Math.max(1, ((to - start) / window_s) * WIDTH - x).toFixed(1),
  });
  const title = svg("title");
  title.textContent = `${condition}, ${clock(from)} to ${clock(to)}`;
  rect.append(title);
  return rect;
}

/** @param {Span[]} spans @param {number} window_s */
export function inWords(spans, window_s) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { from, to, condition } of spans) {
    sums.set(condition, (sums.get(condition) ?? 0) + to - from);
  }
  const parts = [...sums]
    .sort((a, b) => b[1] - a[1])
    .map(([condition, seconds]) => `${condition} ${share(seconds / window_s)}`);
  return `${lately(window_s)}: ${parts.join(", ")}`;
}

/** @param {number} part */
function share(part) {
  const percent = Math.round(part * 100);
  return percent < 1 ? "below 1%" : `${percent}%`;
}
