// @ts-check
// Time as Redis' clock tells it, by which all instants of `/status` are; and durations.

const JUMP_S = 1;
const SMOOTHING = 0.2;

/** Seconds that Redis' clock is ahead of this machine's. */
let ahead_s = 0;
let isKnown = false;

/** @returns {number} Unix seconds by Redis' clock. */
export function now() {
  return Date.now() / 1000 + ahead_s;
}

/**
 * Take what the server told; a small difference is taken in slowly, so that countdowns
 * do not stumble.
 * @param {number} told_s @param {number} sentAt_ms @param {number} receivedAt_ms
 */
export function adjust(told_s, sentAt_ms, receivedAt_ms) {
  const seen_s = told_s - (sentAt_ms + receivedAt_ms) / 2000;
  const off_s = seen_s - ahead_s;
  const isSmall = isKnown && Math.abs(off_s) < JUMP_S;
  ahead_s = isSmall ? ahead_s + off_s * SMOOTHING : seen_s;
  isKnown = true;
}

/** @param {number} seconds @returns {string} such as `42s`, `4m 12s`, `3h 05m`, `2d 3h` */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [minutes, hours, days] = [whole / 60, whole / 3600, whole / 86400].map(Math.floor);
  if (!minutes) return `${whole}s`;
  if (!hours) return `${minutes}m ${two(whole % 60)}s`;
  if (!days) return `${hours}h ${two(minutes % 60)}m`;
  return `${days}d ${hours % 24}h`;
}

/** @param {number} seconds of a load @returns {string} such as `0.84 s`, `7.9 s`, `2m 05s` */
export function seconds(seconds) {
  if (seconds >= 60) return span(seconds);
  return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
}

/** @param {number} at @returns {string} the time of day here; with the date if it is another. */
export function clock(at) {
  const then = new Date(at * 1000);
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":");
  const isToday = then.toDateString() === new Date(now() * 1000).toDateString();
  return isToday ? time : `${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
}

/** @param {number} length_s of a window @returns {string} such as `last 30 minutes` */
export function lately(length_s) {
  if (length_s < 3600) return `last ${Math.round(length_s / 60)} minutes`;
  const hours = Math.round(length_s / 3600);
  return hours === 1 ? "last hour" : `last ${hours} hours`;
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, "0");
}
