/** Make an element; every child that is not a node becomes text, so nothing here can turn words into markup. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

export const $ = (id) => document.getElementById(id);

/** Make the children of `parent` exactly `elements`, moving only those that are out of place. */
export function arrange(parent, elements) {
  elements.forEach((element, index) => {
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
  while (parent.children.length > elements.length) parent.lastElementChild.remove();
}

/** A UUIDv7: sorted by time, 74 random bits; `randomUUID` exists only in secure contexts. */
export function uuidv7(now = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (40 - 8 * i)) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Local storage that may be full, forbidden or broken: then the page works without memory. */
export const storage = {
  read(key) {
    try {
      return JSON.parse(localStorage.getItem(`tidewire.${key}`));
    } catch {
      return null;
    }
  },
  write(key, value) {
    try {
      if (value == null) localStorage.removeItem(`tidewire.${key}`);
      else localStorage.setItem(`tidewire.${key}`, JSON.stringify(value));
    } catch {
      // Private windows refuse; the page only forgets.
    }
  },
};

/** Somebody else is here from now on: nothing that was typed is theirs. */
export function startOver() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("tidewire.draft.")) localStorage.removeItem(key);
  } catch {
    // A page without memory has nothing to forget.
  }
  location.assign("/");
}
