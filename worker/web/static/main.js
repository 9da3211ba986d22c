// @ts-check
// Looks once a second, shows what it sees, and goes on whatever happens.

import { byId } from "./dom.js";
import { adjust, clock } from "./clock.js";
import { look } from "./asking.js";
import { Changes, say } from "./saying.js";
import { Events } from "./happened.js";
import { Hosts } from "./host.js";
import { showLive, Summary } from "./summary.js";

const LOOK_MS = 1000;
/** A page that nobody sees looks less often, for its title. */
const HIDDEN_MS = 15000;
const TICK_MS = 250;
const STEP = 100;
const MOST = 500;

const input = /** @type {HTMLInputElement} */ (byId("find"));
const hosts = new Hosts(wake);
const summary = new Summary({ changed: wake, toggle });
const events = new Events();
const changes = new Changes();

/** @type {import("./shapes.js").Status | null} */
let status = null;
let limit = STEP;
/** Since when nothing new was heard; 0 = all is well. */
let silentSince_ms = 0;
let heardAt_ms = Date.now();
let isWoken = false;
let pause = () => {};

/** Look again at once. */
function wake() {
  isWoken = true;
  pause();
}

/** @param {string} word of a chip */
function toggle(word) {
  input.value = find() === word ? "" : word;
  search();
}

function find() {
  return input.value.trim().toLowerCase();
}

function search() {
  limit = STEP;
  history.replaceState(null, "", find() ? `#${encodeURIComponent(find())}` : "/");
  wake();
}

async function refresh() {
  const wanted = find();
  const answer = await look(wanted, limit);
  if (wanted !== find()) return; // an answer to another question
  if (answer.kind !== "seen") {
    beSilent(answer);
    return;
  }
  if (silentSince_ms) say("The status is seen again");
  silentSince_ms = 0;
  heardAt_ms = Date.now();
  adjust(answer.status.now, answer.sentAt, answer.receivedAt);
  status = answer.status;
  summary.update(status, wanted);
  hosts.update(status);
  events.update(status.events);
  changes.update(status, wanted);
}

/** @param {import("./asking.js").Told | import("./asking.js").Away} answer */
function beSilent(answer) {
  const isNew = !silentSince_ms;
  silentSince_ms ||= heardAt_ms;
  const since = clock(silentSince_ms / 1000);
  const why = answer.kind === "told" ? answer.detail : "No answer from the status service";
  summary.tell(status, `${why}. What is below is from ${since}.`);
  if (isNew) say(why);
}

function tick() {
  showLive(status, silentSince_ms);
  if (!silentSince_ms) hosts.tick();
}

async function run() {
  for (;;) {
    isWoken = false;
    await refresh();
    tick();
    if (isWoken) continue;
    await new Promise((resolve) => {
      pause = () => resolve(undefined);
      setTimeout(pause, document.hidden ? HIDDEN_MS : LOOK_MS);
    });
  }
}

try {
  input.value = decodeURIComponent(location.hash.slice(1));
} catch {
  input.value = ""; // it was written by hand
}
input.addEventListener("input", search);
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("widen").addEventListener("click", () => {
  limit = Math.min(limit + STEP, MOST);
  wake();
});
document.addEventListener("visibilitychange", wake);
setInterval(tick, TICK_MS);
run();
