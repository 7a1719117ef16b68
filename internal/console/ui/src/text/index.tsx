// Every word that the console shows, in two languages. A text is a pair, so
// none can be missing in one of them; the compiler knows every key.
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { common } from "./common";
import { coverage } from "./coverage";
import { enumerations } from "./enumerations";
import { findings } from "./findings";
import { network } from "./network";
import { operation } from "./operation";
import { reports } from "./reports";
import { security } from "./security";
import { setup } from "./setup";

export const languages = ["en", "ja"] as const;
export type Language = (typeof languages)[number];

export const texts = { ...common, ...setup, ...findings, ...coverage, ...operation, ...reports, ...network, ...security, ...enumerations } satisfies Record<string, readonly [string, string]>;
export type Key = keyof typeof texts;
export type Values = Record<string, string | number>;

export interface Text {
  language: Language;
  /** A text with its {places} filled in. */
  t(key: Key, values?: Values): string;
  /** The name of an API's word: name("severity", "HIGH"). A word that is not known is shown as it is. */
  name(group: string, word: string | undefined): string;
  number(n: number | undefined): string;
  /** A time given in seconds since 1970, in the reader's zone. */
  time(seconds: number | undefined): string;
  /** The same to the second, for what many of may happen in a minute. */
  moment(seconds: number | undefined): string;
  day(seconds: number | undefined): string;
}

export function text(language: Language): Text {
  const column = languages.indexOf(language);
  const numbers = new Intl.NumberFormat(language);
  const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const days = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const nothing = "–";
  return {
    language,
    t: (key, values) => fill(texts[key][column], values, numbers),
    name: (group, word) => {
      if (!word) return nothing;
      const pair = (texts as Record<string, readonly [string, string]>)[`${group}.${word}`];
      return pair ? pair[column] : word;
    },
    number: (n) => (n === undefined ? nothing : numbers.format(n)),
    time: (s) => (s === undefined ? nothing : times.format(s * 1000)),
    moment: (s) => (s === undefined ? nothing : moments.format(s * 1000)),
    day: (s) => (s === undefined ? nothing : days.format(s * 1000)),
  };
}

/** Fills in {places}; {n|day|days} is the first word where n is one, else the second. */
function fill(pattern: string, values: Values | undefined, numbers: Intl.NumberFormat): string {
  const worded = pattern.replace(/\{(\w+)\|([^|}]*)\|([^|}]*)\}/g, (_, name, one, many) => (values?.[name] === 1 ? one : many));
  return worded.replace(/\{(\w+)\}/g, (whole, name) => {
    const v = values?.[name];
    return v === undefined ? whole : typeof v === "number" ? numbers.format(v) : v;
  });
}

const Context = createContext<Text>(text("en"));

export function TextProvider({ language, children }: { language: Language; children: ReactNode }) {
  const value = useMemo(() => text(language), [language]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useText(): Text {
  return useContext(Context);
}
