/** Light, dark, or as the system has it; remembered by the browser. */
import { h } from "./h.js";
import { icon, type IconName } from "./icons.js";
import { effect, type Signal, signal } from "./reactive.js";

type Theme = "auto" | "light" | "dark";

const themes: readonly { theme: Theme; icon: IconName; label: string }[] = [
  { theme: "light", icon: "sun", label: "Light" },
  { theme: "auto", icon: "auto", label: "As the system has it" },
  { theme: "dark", icon: "moon", label: "Dark" },
];

const storageKey = "quorumfs-theme";

const chosen: Signal<Theme> = signal(remembered());
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/** Changes whenever colours do: charts, which are painted, read it. */
export const themeChanges = signal(0);

export function startTheme(): void {
  effect(() => {
    const theme = chosen.get();
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    remember(theme);
    themeChanges.set(themeChanges.peek() + 1);
  });
  systemIsDark.addEventListener("change", () => themeChanges.set(themeChanges.peek() + 1));
}

export function themeToggle(): HTMLFieldSetElement {
  return h(
    "fieldset",
    { class: "theme" },
    h("legend", { class: "heard" }, "Colours"),
    themes.map(({ theme, icon: name, label }) =>
      h(
        "label",
        { title: label },
        h("input", {
          type: "radio",
          name: "theme",
          value: theme,
          "aria-label": label,
          checked: () => chosen.get() === theme,
          onchange: () => chosen.set(theme),
        }),
        icon(name),
      ),
    ),
  );
}

// A browser may forbid it; then nothing is remembered.
function remembered(): Theme {
  try {
    const theme = localStorage.getItem(storageKey);
    return theme === "light" || theme === "dark" ? theme : "auto";
  } catch {
    return "auto";
  }
}

function remember(theme: Theme): void {
  try {
    if (theme === "auto") localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, theme);
  } catch {
    return;
  }
}
