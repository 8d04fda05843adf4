/** The local storage, as JSON; where it is full or forbidden nothing is kept, and nothing breaks. */

const PREFIX = "tidewire.";

export function read<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Keep a value; null forgets it. */
export function write(key: string, value: unknown): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Keeping is a comfort.
  }
}
