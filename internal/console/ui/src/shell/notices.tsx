import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { messageOf } from "../api/problem";
import { useText } from "../text";

type Item = FlashbarProps.MessageDefinition;

interface Notices {
  items: Item[];
  /** Says what has been done. */
  done(message: string): void;
  /** Says what went wrong. */
  failed(header: string, e: unknown): void;
}

const Context = createContext<Notices>({ items: [], done: () => undefined, failed: () => undefined });
let count = 0;

export function NoticesProvider({ children }: { children: ReactNode }) {
  const { t } = useText();
  const [items, setItems] = useState<Item[]>([]);
  const add = useCallback((item: Item) => {
    const id = `notice-${++count}`;
    const onDismiss = () => setItems((all) => all.filter((i) => i.id !== id));
    setItems((all) => [{ id, dismissible: true, dismissLabel: t("do.close"), onDismiss, ...item }, ...all].slice(0, 4));
  }, [t]);
  const value = useMemo<Notices>(() => ({
    items,
    done: (content) => add({ type: "success", content }),
    failed: (header, e) => add({ type: "error", header, content: messageOf(e) }),
  }), [items, add]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useNotices(): Notices {
  return useContext(Context);
}

export function NoticeBar({ extra }: { extra: Item[] }) {
  const { items } = useNotices();
  return <Flashbar items={[...extra, ...items]} />;
}
