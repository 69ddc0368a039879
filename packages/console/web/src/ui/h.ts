/**
 * Builds elements. Text is only ever set as text, so that whatever a cluster's names contain is shown and never
 * interpreted. A function as a child or as an attribute is followed: it runs again when a signal that it read changes.
 * There is no `style` attribute, since the page's content security policy forbids it.
 */
import { effect } from "./reactive.js";

type AttributeValue = string | number | boolean | undefined;
type Listeners = { readonly [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void };
export type Attributes = Listeners & {
  readonly [name: string]: AttributeValue | (() => AttributeValue) | ((event: never) => void);
} & { readonly style?: never };

export type Child = Node | string | number | undefined | null | false | (() => string | number) | readonly Child[];

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

/** The same for SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  append(element, children);
  return element;
}

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value !== "function") setAttribute(element, name, value);
    else if (isListener(name, value)) element.addEventListener(name.slice(2), value);
    else if (isFollowed(name, value)) effect(() => setAttribute(element, name, value()));
  }
}

// An attribute's name says which of the two a function is.
function isListener(name: string, _value: unknown): _value is EventListener {
  return name.startsWith("on");
}

function isFollowed(name: string, _value: unknown): _value is () => AttributeValue {
  return !name.startsWith("on");
}

function setAttribute(element: Element, name: string, value: AttributeValue): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
  // What somebody has typed or chosen no longer follows the attribute.
  if (name === "value" && element instanceof HTMLInputElement) element.value = value === undefined ? "" : String(value);
  if (name === "checked" && element instanceof HTMLInputElement) element.checked = value === true;
}

export function append(parent: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    if (typeof child === "string" || typeof child === "number") parent.append(String(child));
    else if (child instanceof Node) parent.append(child);
    else if (typeof child === "function") parent.append(followedText(child));
    else append(parent, child);
  }
}

function followedText(read: () => string | number): Text {
  const text = document.createTextNode("");
  effect(() => {
    const value = String(read());
    if (text.data !== value) text.data = value;
  });
  return text;
}
