// The list that almost every page is: filtered by its address, paged by the
// server's own tokens, so that any number of rows costs the same.
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import CollectionPreferences from "@cloudscape-design/components/collection-preferences";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Filter } from "../filters/filter";
import { criteria, type Property, read, type Token, write } from "../filters/property";
import { untilFound, useLoaded, useRepeat } from "../shell/loading";
import { Problem } from "../shell/problem";
import { adjust, useRoute } from "../shell/route";
import { Row } from "../shell/row";
import { useText } from "../text";
import type { Asked } from "./cli";
import { Command } from "./command";
import { displayed } from "./columns";
import { csv, download } from "./csv";

export interface Column<T> {
  id: string;
  header: string;
  /** What the cell says, also in a CSV file. */
  text: (row: T) => string;
  cell?: (row: T) => ReactNode;
  /** The API's name to sort by; only pages that sort at the server have any. */
  sort?: string;
  hidden?: boolean;
  width?: number;
}

export interface Question {
  criteria?: Record<string, unknown[]>;
  tokens: Token[];
  sort?: { field: string; sortOrder: "ASC" | "DESC" };
  nextToken?: string;
  pageSize: number;
  signal: AbortSignal;
}

export interface Page<T> {
  items: T[];
  nextToken?: string;
  /** How many there are in all, where the server says so. */
  total?: number;
}

export interface ListProps<T> {
  /** Names the list in preferences and file names. */
  id: string;
  title: string;
  description?: ReactNode;
  columns: Column<T>[];
  track: (row: T) => string;
  load: (q: Question) => Promise<Page<T>>;
  /** The same question for the AWS CLI, where there is one. */
  asked?: (q: Pick<Question, "criteria" | "tokens" | "sort">) => Asked;
  /** What the answer depends on beside the filter. */
  deps: unknown[];
  properties?: readonly Property[];
  /** The filter of an address that says nothing. */
  initial?: Token[];
  sizes?: number[];
  sort?: { field: string; descending: boolean };
  actions?: (rows: T[], reload: () => void) => ReactNode;
  selection?: "single" | "multi";
  empty?: ReactNode;
  /** Asks again by itself while this holds of what is shown. */
  unsettled?: (rows: T[]) => boolean;
  above?: ReactNode;
  /** Stands between header and rows, told what is chosen and how many there are in all. */
  banner?: (chosen: T[], total: number | undefined) => ReactNode;
  filters?: ReactNode;
  variant?: "full-page" | "container";
}

interface Kept {
  pageSize: number;
  visible: string[];
  /** The columns from the left, also those that are not visible. */
  order: string[];
  wrap: boolean;
}

export function List<T>(p: ListProps<T>) {
  const { t, number } = useText();
  const { params } = useRoute();
  const tokens = useTokens(p.properties, p.initial, params);
  const [kept, keep] = useKept(p);
  const sort = sortOf(params, p.sort);
  const filter = { criteria: criteria(tokens, p.properties ?? []), tokens, sort: sort && ({ field: sort.field, sortOrder: sort.descending ? "DESC" : "ASC" } as const) };
  const question = JSON.stringify([tokens, sort, kept.pageSize]);
  const paging = usePaging([question, ...p.deps]);
  const [selected, select] = useState<T[]>([]);
  const page = useLoaded(async (signal) => {
    const asked = { ...filter, nextToken: paging.token, pageSize: kept.pageSize, signal };
    return untilFound((nextToken) => p.load({ ...asked, nextToken }), paging.token, signal);
  }, [question, paging.page, ...p.deps], (found) => paging.learn(found.nextToken));
  const rows = page.error ? [] : (page.value?.items ?? []);
  const total = page.value?.total;
  useEffect(() => select([]), [question, paging.page]);
  useRepeat(page.again, 2000, !page.loading && !!p.unsettled?.(rows));
  const chosen = selected.flatMap((s) => rows.filter((r) => p.track(r) === p.track(s)));
  const filtered = tokens.length > 0;
  const counted = (all: number | undefined, shown: number, more: boolean) =>
    all !== undefined ? `(${number(all)})` : shown ? `(${number(shown)}${more ? "+" : ""})` : undefined;
  return (
    <SpaceBetween size="m">
      {p.above}
      <Problem error={page.error} again={page.again} />
      <Table<T>
        variant={p.variant ?? "full-page"}
        stickyHeader
        wrapLines={kept.wrap}
        loading={page.loading && !page.value}
        loadingText={t("app.loading")}
        items={rows}
        trackBy={p.track}
        resizableColumns
        enableKeyboardNavigation
        selectionType={p.selection}
        selectedItems={chosen}
        onSelectionChange={({ detail }) => select(detail.selectedItems)}
        ariaLabels={{
          tableLabel: p.title,
          selectionGroupLabel: p.title,
          allItemsSelectionLabel: () => t("table.selectAll"),
          itemSelectionLabel: (_, row) => t("table.select", { name: p.columns[0].text(row) }),
          resizerRoleDescription: undefined,
        }}
        columnDefinitions={p.columns.map((c) => definition(c))}
        columnDisplay={displayed(p.columns, kept)}
        sortingColumn={sort && { sortingField: sort.field }}
        sortingDescending={sort?.descending}
        onSortingChange={({ detail }) => adjust((q) => q.set("sort", (detail.isDescending ? "-" : "") + detail.sortingColumn.sortingField))}
        header={
          <Header
            variant={p.variant === "container" ? "h2" : "h1"}
            description={p.description}
            counter={chosen.length ? `(${t("table.selected", { n: chosen.length })})` : counted(total, rows.length, paging.more)}
            actions={
              <Row>
                <Button iconName="refresh" ariaLabel={t("do.refresh")} onClick={page.again} loading={page.loading} />
                <Button iconName="download" ariaLabel={t("do.download")} disabled={!rows.length} onClick={() => save(p, kept, rows)} />
                {p.asked && <Command asked={p.asked(filter)} />}
                {p.actions?.(chosen, page.again)}
              </Row>
            }
          >
            {p.title}
          </Header>
        }
        filter={
          (p.properties || p.filters || p.banner) && (
            <SpaceBetween size="xs">
              {p.filters}
              {p.properties && <Filter properties={p.properties} tokens={tokens} onChange={(next) => adjust((q) => write(q, next))} />}
              {p.banner?.(chosen, total)}
            </SpaceBetween>
          )
        }
        pagination={
          (paging.more || paging.page > 1) && (
            <Pagination
              currentPageIndex={paging.page}
              pagesCount={paging.pages}
              openEnd={false}
              onChange={({ detail }) => paging.go(detail.currentPageIndex)}
              ariaLabels={{ nextPageLabel: t("table.next"), previousPageLabel: t("table.previous"), pageLabel: (n) => t("table.page", { n }) }}
            />
          )
        }
        preferences={<Preferences p={p} kept={kept} keep={keep} />}
        empty={
          <Box textAlign="center" color="inherit" padding={{ vertical: "m" }}>
            <SpaceBetween size="s">
              {filtered && p.properties ? t("table.noMatch") : (p.empty ?? t("table.empty"))}
              {filtered && p.properties && <Button onClick={() => adjust((q) => write(q, []))}>{t("table.clear")}</Button>}
            </SpaceBetween>
          </Box>
        }
      />
    </SpaceBetween>
  );
}

/** How much of its usual width a column keeps on a phone, so that more than one is seen. */
const narrower = 0.62;

function definition<T>(c: Column<T>): TableProps.ColumnDefinition<T> {
  const width = c.width && innerWidth < 600 ? Math.max(120, Math.round(c.width * narrower)) : c.width;
  return { id: c.id, header: c.header, cell: c.cell ?? c.text, sortingField: c.sort, minWidth: 80, width };
}

function useTokens(properties: readonly Property[] | undefined, initial: Token[] | undefined, params: URLSearchParams): Token[] {
  const text = JSON.stringify(params.getAll("f")) + params.has("f");
  return useMemo(() => (properties ? (read(params, properties) ?? initial ?? []) : []), [text, properties]);
}

function sortOf(params: URLSearchParams, usual: ListProps<unknown>["sort"]) {
  const text = params.get("sort");
  if (!usual || !text) return usual;
  return { field: text.replace(/^-/, ""), descending: text.startsWith("-") };
}

/** The tokens that open each page so far; a new question begins again. */
function usePaging(deps: unknown[]) {
  const key = JSON.stringify(deps.map((d) => (typeof d === "object" ? identity(d as object) : d)));
  const [state, setState] = useState<{ key: string; page: number; tokens: (string | undefined)[] }>({ key, page: 1, tokens: [undefined] });
  const current = state.key === key ? state : { key, page: 1, tokens: [undefined] };
  return {
    page: current.page,
    pages: current.tokens.length,
    token: current.tokens[current.page - 1],
    more: current.tokens.length > current.page,
    go: (page: number) => setState({ ...current, page }),
    learn: (next?: string) => setState((s) => {
      const tokens = (s.key === key ? s : current).tokens.slice(0, current.page);
      return { key, page: current.page, tokens: next ? [...tokens, next] : tokens };
    }),
  };
}

const identities = new WeakMap<object, number>();
let last = 0;

function identity(o: object | null): number {
  if (!o) return 0;
  if (!identities.has(o)) identities.set(o, ++last);
  return identities.get(o)!;
}

function useKept<T>(p: ListProps<T>): [Kept, (k: Kept) => void] {
  const key = `muster.list.${p.id}`;
  const [kept, setKept] = useState<Kept>(() => {
    const usual = { pageSize: (p.sizes ?? [20])[0], visible: p.columns.filter((c) => !c.hidden).map((c) => c.id), order: [], wrap: true };
    try {
      return { ...usual, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
    } catch {
      return usual;
    }
  });
  return [kept, (k) => {
    setKept(k);
    localStorage.setItem(key, JSON.stringify(k));
  }];
}

function Preferences<T>({ p, kept, keep }: { p: ListProps<T>; kept: Kept; keep: (k: Kept) => void }) {
  const { t } = useText();
  return (
    <CollectionPreferences
      title={t("table.preferences")}
      confirmLabel={t("do.confirm")}
      cancelLabel={t("do.cancel")}
      preferences={{ pageSize: kept.pageSize, wrapLines: kept.wrap, contentDisplay: displayed(p.columns, kept) }}
      pageSizePreference={{ title: t("table.pageSize"), options: (p.sizes ?? [20, 50, 100]).map((value) => ({ value, label: t("table.rows", { n: value }) })) }}
      wrapLinesPreference={{ label: t("table.wrap") }}
      contentDisplayPreference={{ title: t("table.columns"), options: p.columns.map((c, i) => ({ id: c.id, label: c.header, alwaysVisible: i === 0 })) }}
      onConfirm={({ detail }) =>
        keep({
          pageSize: detail.pageSize ?? kept.pageSize,
          wrap: detail.wrapLines ?? kept.wrap,
          visible: (detail.contentDisplay ?? []).filter((c) => c.visible).map((c) => c.id),
          order: (detail.contentDisplay ?? []).map((c) => c.id),
        })
      }
    />
  );
}

/** Saves what is shown: this page's rows, the visible columns. */
function save<T>(p: ListProps<T>, { visible, order }: Kept, rows: T[]) {
  const columns = displayed(p.columns, { visible, order }).filter((c) => c.visible).map(({ id }) => p.columns.find((c) => c.id === id)!);
  download(`muster-${p.id}.csv`, csv(columns.map((c) => c.header), rows.map((r) => columns.map((c) => c.text(r)))));
}
