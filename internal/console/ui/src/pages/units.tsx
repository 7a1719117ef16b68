import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import Alert from "@cloudscape-design/components/alert";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ListUnitSummaries, type UnitSummary } from "../api/muster";
import { useSigned } from "../session/context";
import { href, useRoute } from "../shell/route";
import { type Column, List } from "../table/list";
import { type Text, useText } from "../text";

/** The organization's units with what the accounts below each have, unit by unit deeper. */
export default function Units() {
  const text = useText();
  const { t } = text;
  const { client, standing } = useSigned();
  const { params } = useRoute();
  const unit = params.get("unit") ?? undefined;
  if (standing.kind !== "ADMINISTRATOR") {
    return (
      <SpaceBetween size="l">
        <Header variant="h1">{t("nav.byUnit")}</Header>
        <Alert type="info">{t("units.notYours")}</Alert>
      </SpaceBetween>
    );
  }
  return (
    <List<UnitSummary>
      id="units"
      title={t("nav.byUnit")}
      description={unit ? `${t("units.below", { unit })} ${t("units.help")}` : t("units.help")}
      columns={unitColumns(text)}
      track={(u) => u.unitId}
      deps={[client, unit]}
      load={async (q) => ({ items: (await client.call(ListUnitSummaries, { parentId: unit }, q.signal)).units })}
      actions={() => unit && <Button href={href("/findings/units")}>{t("account.whole")}</Button>}
      empty={t("units.empty")}
    />
  );
}

export function unitColumns({ t, number }: Text): Column<UnitSummary>[] {
  const count = (id: "critical" | "high" | "findingCount" | "exploitAvailable" | "fixAvailable", header: string): Column<UnitSummary> => ({ id, header, text: (u) => number(u[id]), width: 130 });
  return [
    { id: "name", header: t("units.unit"), text: (u) => u.name, cell: (u) => (u.unitCount ? <Link href={href("/findings/units", { unit: u.unitId })}>{u.name}</Link> : u.name), width: 260 },
    { id: "accounts", header: t("account.accounts"), text: (u) => number(u.accountCount), cell: (u) => <Link href={href("/accounts", { unit: u.unitId })} ariaLabel={`${u.name}: ${t("account.accounts")} ${number(u.accountCount)}`}>{number(u.accountCount)}</Link>, width: 130 },
    count("critical", t("group.critical")),
    count("high", t("group.high")),
    count("findingCount", t("group.all")),
    count("exploitAvailable", t("group.exploitable")),
    count("fixAvailable", t("group.fixable")),
  ];
}
