import Box from "@cloudscape-design/components/box";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Link from "@cloudscape-design/components/link";
import type { ReactNode } from "react";

/** Labelled values; those that are absent are left out. */
export function Fields({ of, columns = 3 }: { of: [string, ReactNode][]; columns?: number }) {
  const items = of.filter(([, v]) => v !== undefined && v !== null && v !== "").map(([label, value]) => ({ label, value: <span className="value">{value}</span> }));
  return items.length ? <KeyValuePairs columns={columns} items={items} /> : <Box>–</Box>;
}

/** An address on the web, opened beside the console. Only the web's own schemes become links. */
export function Web({ url, children }: { url?: string; children?: ReactNode }) {
  if (!url) return <>–</>;
  if (!/^https?:\/\//.test(url)) return <>{children ?? url}</>;
  return <Link external href={url} rel="noopener noreferrer">{children ?? url}</Link>;
}
