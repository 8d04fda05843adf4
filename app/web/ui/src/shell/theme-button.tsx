/** Changes the theme: as the system has it, light, dark, and round again. */

import { useStore } from "../store";
import { useWorkspace } from "../workspace";
import { Icon } from "./icon";
import { nextTheme } from "./theme";

const WORDS = { system: "as the system has it", light: "light", dark: "dark" } as const;
const ICONS = { system: "system", light: "sun", dark: "moon" } as const;

export function ThemeButton() {
  const { themes } = useWorkspace();
  const theme = useStore(themes);
  const words = `Theme: ${WORDS[theme]}`;
  return (
    <button type="button" className="icon-button" aria-label={words} title={words} data-testid="theme" onClick={() => themes.choose(nextTheme(theme))}>
      <Icon name={ICONS[theme]} />
    </button>
  );
}
