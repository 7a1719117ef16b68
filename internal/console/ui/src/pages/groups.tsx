// Findings by what they belong to: one page per kind of aggregation.
import Link from "@cloudscape-design/components/link";
import {
  type AggregationRequest, type AggregationResponse, type AggregationType, ListFindingAggregations, type SeverityCounts, type StringFilter,
} from "../api/inspector2";
import type { Property, Token } from "../filters/property";
import { useSigned } from "../session/context";
import { type Column, List, type Question } from "../table/list";
import { type Key, type Text, useText } from "../text";
import { findingsHref } from "./findings";

interface Row {
  key: string;
  label: string;
  /** What the findings of the row have in common. */
  tokens: Token[];
  accountId?: string;
  counts?: SeverityCounts;
  exploitable?: number;
  fixable?: number;
  more: Record<string, string>;
}

interface Group {
  type: AggregationType;
  title: Key;
  label: Key;
  /** The criterion that a row's key is a value of. */
  key: string;
  request: keyof AggregationRequest;
  /** What the API can restrict the groups by, and the group it names. */
  filters: { key: string; label: Key }[];
  row: (a: AggregationResponse) => Omit<Row, "key" | "tokens" | "more"> & { more?: Record<string, string | undefined>; key?: string };
  more?: { id: string; label: Key }[];
  withoutAccount?: boolean;
  token?: (key: string, more: Record<string, string>) => Token[];
}

const page = (g: Group) => () => <GroupPage group={g} />;

export const ByVulnerability = page({
  type: "TITLE", title: "nav.byVulnerability", label: "finding.name", key: "title", request: "titleAggregation", withoutAccount: true,
  filters: [{ key: "vulnerabilityIds", label: "finding.vulnerability" }, { key: "titles", label: "finding.name" }],
  row: ({ titleAggregation: a }) => ({ label: a!.title, counts: a!.severityCounts, more: { vulnerability: a!.vulnerabilityId } }),
  more: [{ id: "vulnerability", label: "finding.vulnerability" }],
});

export const ByAccount = page({
  type: "ACCOUNT", title: "nav.byAccount", label: "finding.account", key: "awsAccountId", request: "accountAggregation", withoutAccount: true,
  filters: [],
  row: ({ accountAggregation: a }) => ({ label: a!.accountId ?? "", counts: a!.severityCounts, exploitable: a!.exploitAvailableCount, fixable: a!.fixAvailableCount }),
});

export const ByInstance = page({
  type: "AWS_EC2_INSTANCE", title: "nav.byInstance", label: "group.instance", key: "resourceId", request: "ec2InstanceAggregation",
  filters: [{ key: "instanceIds", label: "group.instance" }, { key: "operatingSystems", label: "group.operatingSystem" }, { key: "amis", label: "criterion.ec2InstanceImageId" }],
  row: ({ ec2InstanceAggregation: a }) => ({ label: a!.instanceId, accountId: a!.accountId, counts: a!.severityCounts, more: { system: a!.operatingSystem, ami: a!.ami, network: a!.networkFindings?.toString() } }),
  more: [{ id: "system", label: "group.operatingSystem" }, { id: "ami", label: "criterion.ec2InstanceImageId" }, { id: "network", label: "group.network" }],
});

export const ByImage = page({
  type: "AWS_ECR_CONTAINER", title: "nav.byImage", label: "group.image", key: "resourceId", request: "awsEcrContainerAggregation",
  filters: [{ key: "repositories", label: "finding.repository" }, { key: "imageTags", label: "criterion.ecrImageTags" }, { key: "imageShas", label: "criterion.ecrImageHash" }, { key: "architectures", label: "criterion.ecrImageArchitecture" }],
  row: ({ awsEcrContainerAggregation: a }) => ({ label: a!.resourceId, accountId: a!.accountId, counts: a!.severityCounts, more: { repository: a!.repository, tags: a!.imageTags?.join(", "), used: a!.inUseCount?.toString() } }),
  more: [{ id: "repository", label: "finding.repository" }, { id: "tags", label: "criterion.ecrImageTags" }, { id: "used", label: "finding.inUse" }],
});

export const ByRepository = page({
  type: "REPOSITORY", title: "nav.byRepository", label: "finding.repository", key: "ecrImageRepositoryName", request: "repositoryAggregation",
  filters: [{ key: "repositories", label: "finding.repository" }],
  row: ({ repositoryAggregation: a }) => ({ label: a!.repository, accountId: a!.accountId, counts: a!.severityCounts, more: { images: a!.affectedImages?.toString() } }),
  more: [{ id: "images", label: "group.images" }],
});

export const ByLayer = page({
  type: "IMAGE_LAYER", title: "nav.byLayer", label: "group.layer", key: "vulnerablePackages.sourceLayerHash", request: "imageLayerAggregation",
  filters: [{ key: "repositories", label: "finding.repository" }, { key: "layerHashes", label: "group.layer" }],
  row: ({ imageLayerAggregation: a }) => ({ label: a!.layerHash, accountId: a!.accountId, counts: a!.severityCounts, key: `${a!.resourceId} ${a!.layerHash}`, more: { repository: a!.repository, image: a!.resourceId } }),
  more: [{ id: "repository", label: "finding.repository" }, { id: "image", label: "group.image" }],
  token: (key, more) => [{ key: "vulnerablePackages.sourceLayerHash", operator: "=", value: key.split(" ")[1] }, { key: "resourceId", operator: "=", value: more.image }],
});

export const ByFunction = page({
  type: "AWS_LAMBDA_FUNCTION", title: "nav.byFunction", label: "group.function", key: "resourceId", request: "lambdaFunctionAggregation",
  filters: [{ key: "functionNames", label: "finding.function" }, { key: "runtimes", label: "finding.runtime" }],
  row: ({ lambdaFunctionAggregation: a }) => ({ label: a!.functionName ?? a!.resourceId, key: a!.resourceId, accountId: a!.accountId, counts: a!.severityCounts, more: { runtime: a!.runtime } }),
  more: [{ id: "runtime", label: "finding.runtime" }],
});

export const ByPackage = page({
  type: "PACKAGE", title: "nav.byPackage", label: "finding.package", key: "vulnerablePackages.name", request: "packageAggregation",
  filters: [{ key: "packageNames", label: "finding.package" }],
  row: ({ packageAggregation: a }) => ({ label: a!.packageName, accountId: a!.accountId, counts: a!.severityCounts }),
});

const active: Token = { key: "findingStatus", operator: "=", value: "ACTIVE" };

function rowOf(g: Group, a: AggregationResponse): Row {
  const { more = {}, key, ...rest } = g.row(a);
  const known = Object.fromEntries(Object.entries(more).filter(([, v]) => v !== undefined)) as Record<string, string>;
  const value = key ?? rest.label;
  const tokens = [active, ...(g.token?.(value, known) ?? [{ key: g.key, operator: "=", value }])];
  if (rest.accountId) tokens.push({ key: "awsAccountId", operator: "=", value: rest.accountId });
  return { ...rest, key: `${rest.accountId ?? ""} ${value}`, tokens, more: known };
}

/** The question that a page of groups asks. */
function requestOf(g: Group, q: Pick<Question, "criteria" | "sort">) {
  const { accountIds, ...rest } = (q.criteria ?? {}) as Record<string, StringFilter[]>;
  const aggregationRequest = { [g.request]: { ...rest, sortBy: q.sort!.field, sortOrder: q.sort!.sortOrder } } as AggregationRequest;
  return { aggregationType: g.type, accountIds, aggregationRequest };
}

/** Asks for one page of an aggregation, as the dashboard does, too. */
function GroupPage({ group: g }: { group: Group }) {
  const text = useText();
  const { client } = useSigned();
  const properties = propertiesOf(g);
  return (
    <List<Row>
      id={g.type}
      title={text.t(g.title)}
      description={text.t("group.description")}
      columns={columnsOf(g, text)}
      track={(r) => r.key}
      properties={properties}
      sort={{ field: "CRITICAL", descending: true }}
      deps={[client, g]}
      asked={(q) => ({ service: "inspector2", operation: "ListFindingAggregations", input: requestOf(g, q) })}
      load={async (q) => {
        const out = await client.call(ListFindingAggregations, { ...requestOf(g, q), maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: (out.responses ?? []).map((a) => rowOf(g, a)), nextToken: out.nextToken };
      }}
      empty={text.t("finding.none")}
    />
  );
}

const made = new Map<Group, Property[]>();

function propertiesOf(g: Group): Property[] {
  const kept = made.get(g) ?? [{ key: "accountIds", label: "finding.account" } as const, ...g.filters].map((f): Property => ({ ...f, group: "filter.properties", kind: "text" }));
  made.set(g, kept);
  return kept;
}

function columnsOf(g: Group, { t, number }: Text): Column<Row>[] {
  const count = (id: string, label: Key, of: (r: Row) => number | undefined, sort?: string): Column<Row> => ({ id, header: t(label), text: (r) => number(of(r)), sort, width: 115 });
  const columns: Column<Row>[] = [
    { id: "label", header: t(g.label), text: (r) => r.label, cell: (r) => <Link href={findingsHref(r.tokens)}>{r.label}</Link>, width: 290 },
    count("critical", "group.critical", (r) => r.counts?.critical, "CRITICAL"),
    count("high", "group.high", (r) => r.counts?.high, "HIGH"),
    count("medium", "group.medium", (r) => r.counts?.medium),
    count("all", "group.all", (r) => r.counts?.all, "ALL"),
  ];
  if (!g.withoutAccount) columns.push({ id: "account", header: t("finding.account"), text: (r) => r.accountId ?? "–", width: 150 });
  columns.push(...(g.more ?? []).map(({ id, label }): Column<Row> => ({ id, header: t(label), text: (r) => r.more[id] ?? "–", width: 180 })));
  if (g.type === "ACCOUNT") columns.push(count("exploitable", "group.exploitable", (r) => r.exploitable), count("fixable", "group.fixable", (r) => r.fixable));
  return columns;
}
