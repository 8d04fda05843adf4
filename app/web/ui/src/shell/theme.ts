/** Light, dark, or as the system has it; remembered, and the same in every tab. */

import { read, write } from "../storage";
import { Value } from "../store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "theme";
const isTheme = (value: unknown): value is Theme => THEMES.includes(value as Theme);

export class Themes extends Value<Theme> {
  constructor() {
    super("system");
    const look = () => {
      const kept = read(KEY);
      this.#apply(isTheme(kept) ? kept : "system");
    };
    addEventListener("storage", look);
    look();
  }

  choose(theme: Theme): void {
    write(KEY, theme === "system" ? null : theme);
    this.#apply(theme);
  }

  #apply(theme: Theme): void {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    this.set(theme);
  }
}

/** The one that comes after. */
export const nextTheme = (theme: Theme): Theme => THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
