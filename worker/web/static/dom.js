// @ts-check
// Builds and changes elements. Names come from elsewhere: only text is ever set, never
// markup, and what did not change is not touched, so that selections and focus stay.

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  return element;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | null} value */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} isShown */
export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/**
 * A part of the page that shows one item, and goes on showing it as it changes.
 * @template T
 * @typedef {{ element: HTMLElement, update: (item: T) => void }} Part
 */

/**
 * Children of an element that follow a list of items.
 * @template T
 */
export class Parts {
  /**
   * @param {HTMLElement} parent
   * @param {(item: T) => string} key
   * @param {(item: T) => Part<T>} make
   */
  constructor(parent, key, make) {
    this.parent = parent;
    this.key = key;
    this.make = make;
    /** @type {Map<string, Part<T>>} */
    this.parts = new Map();
  }

  /** @param {T[]} items */
  follow(items) {
    const focused = document.activeElement;
    const keys = new Set(items.map(this.key));
    for (const [key, part] of this.parts) {
      if (keys.has(key)) continue;
      part.element.remove();
      this.parts.delete(key);
    }
    items.forEach((item, place) => this.put(item, place));
    // An element that is moved loses the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement) {
      if (this.parent.contains(focused)) focused.focus({ preventScroll: true });
    }
  }

  /** @param {T} item @param {number} place */
  put(item, place) {
    const key = this.key(item);
    let part = this.parts.get(key);
    if (!part) {
      part = this.make(item);
      this.parts.set(key, part);
    }
    part.update(item);
    const there = this.parent.children[place];
    if (there !== part.element) this.parent.insertBefore(part.element, there ?? null);
  }
}
