import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Table from "@cloudscape-design/components/table";
import { useState } from "react";
import { type Activation, DeleteActivation, ListActivations } from "../api/muster";
import { useSigned } from "../session/context";
import { everyPage, type Loaded, useLoaded } from "../shell/loading";
import { useNotices } from "../shell/notices";
import { Problem } from "../shell/problem";
import { useText } from "../text";
import { Status } from "./status";

export function useActivations(): Loaded<Activation[]> {
  const { client } = useSigned();
  return useLoaded((signal) => everyPage(async (nextToken) => {
    const out = await client.call(ListActivations, { maxResults: 100, nextToken }, signal);
    return { items: out.activations, nextToken: out.nextToken };
  }, 1000), [client]);
}

/** The codes of this account; what they are is not known any more. */
export function Activations({ found }: { found: Loaded<Activation[]> }) {
  const { t, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const [selected, select] = useState<Activation[]>([]);
  const [chosen] = selected;
  const remove = () =>
    client.call(DeleteActivation, { activationId: chosen.activationId }).then(() => notices.done(t("activation.deleted")), (e) => notices.failed(t("do.delete"), e)).finally(() => {
      select([]);
      found.again();
    });
  return (
    <>
      <Problem error={found.error} again={found.again} />
      <Table<Activation>
        variant="container"
        wrapLines
        loading={found.loading && !found.value}
        loadingText={t("app.loading")}
        ariaLabels={{ tableLabel: t("activation.title"), selectionGroupLabel: t("activation.title"), itemSelectionLabel: (_, a) => t("table.select", { name: a.activationId }) }}
        header={<Header variant="h2" actions={<Button disabled={chosen?.status !== "ACTIVE"} onClick={remove}>{t("do.delete")}</Button>}>{t("activation.title")}</Header>}
        items={found.value ?? []}
        trackBy="activationId"
        selectionType="single"
        selectedItems={selected}
        onSelectionChange={({ detail }) => select(detail.selectedItems)}
        empty={t("table.empty")}
        columnDefinitions={[
          { id: "id", minWidth: 110, header: t("activation.id"), cell: (a) => a.activationId },
          { id: "label", minWidth: 110, header: t("agents.label"), cell: (a) => a.hostLabel ?? "–" },
          { id: "status", minWidth: 110, header: t("activation.status"), cell: (a) => <Status group="activationStatus" value={a.status} /> },
          { id: "hosts", minWidth: 110, header: t("activation.hosts"), cell: (a) => t("activation.of", { n: a.hosts, limit: a.hostLimit }) },
          { id: "expires", minWidth: 110, header: t("activation.expires"), cell: (a) => time(a.expiresAt) },
          { id: "created", minWidth: 110, header: t("activation.created"), cell: (a) => time(a.createdAt) },
          { id: "by", minWidth: 110, header: t("activation.by"), cell: (a) => a.createdBy ?? "–" },
        ]}
      />
    </>
  );
}
