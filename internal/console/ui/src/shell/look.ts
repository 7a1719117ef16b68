import { applyMode, Mode } from "@cloudscape-design/global-styles";
import { useEffect, useState } from "react";
import { type Language, languages } from "../text";

export type Display = "system" | "light" | "dark";

const languageKey = "muster.language";
const displayKey = "muster.display";

export function preferredLanguage(): Language {
  const kept = localStorage.getItem(languageKey) as Language;
  if (languages.includes(kept)) return kept;
  return navigator.language.startsWith("ja") ? "ja" : "en";
}

/** The language and the display mode of this browser. */
export function useLook() {
  const [language, setLanguage] = useState(preferredLanguage);
  const [display, setDisplay] = useState<Display>(() => (localStorage.getItem(displayKey) as Display) ?? "system");
  useEffect(() => {
    document.documentElement.lang = language;
    localStorage.setItem(languageKey, language);
  }, [language]);
  useEffect(() => {
    localStorage.setItem(displayKey, display);
    const device = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => applyMode(display === "dark" || (display === "system" && device.matches) ? Mode.Dark : Mode.Light);
    apply();
    device.addEventListener("change", apply);
    return () => device.removeEventListener("change", apply);
  }, [display]);
  return { language, setLanguage, display, setDisplay };
}

export type Look = ReturnType<typeof useLook>;
