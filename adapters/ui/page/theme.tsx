import { useEffect, useState } from "preact/hooks";
import { attempt } from "./session.ts";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const key = "spillway-theme";

/** Light or dark, or as the system has it. */
export function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(
    () => themes.find((one) => one === attempt(() => localStorage.getItem(key))) ?? "auto",
  );
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    attempt(() => localStorage.setItem(key, theme));
    dispatchEvent(new Event("themechange"));
  }, [theme]);
  return (
    <label class="theme">
      <span class="sr-only">Colours</span>
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
        {themes.map((one) => (
          <option key={one} value={one}>
            {one === "auto" ? "Auto" : one === "light" ? "Light" : "Dark"}
          </option>
        ))}
      </select>
    </label>
  );
}
