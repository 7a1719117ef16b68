import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import { useState } from "react";
import { CancelFindingsReport, CancelSbomExport } from "../api/inspector2";
import { type Export, type ExportObject, ListExportObjects, ListExports } from "../api/muster";
import { useSigned } from "../session/context";
import { useNotices } from "../shell/notices";
import { href, useRoute } from "../shell/route";
import { downloadBlob } from "../table/csv";
import { List } from "../table/list";
import { useText } from "../text";
import { ExportForm } from "./exportform";
import { contentOf, fileName, objectsOf } from "./exporting";
import { Status } from "./status";

/** Reports of findings and SBOM exports, what each consists of, and new ones. */
export default function Exports() {
  const { path, params } = useRoute();
  const id = params.get("id");
  if (path === "/exports/new") return <ExportForm />;
  return id ? <Objects id={id} /> : <Orders />;
}

function Orders() {
  const { t, name, time } = useText();
  const { client } = useSigned();
  const notices = useNotices();
  const cancel = (e: Export) => (e.kind === "SBOM" ? client.call(CancelSbomExport, { reportId: e.exportId }) : client.call(CancelFindingsReport, { reportId: e.exportId }));
  return (
    <List<Export>
      id="exports"
      title={t("exports.title")}
      description={t("exports.help")}
      columns={[
        { id: "id", header: t("exports.id"), text: (e) => e.exportId, cell: (e) => <Link href={href("/exports", { id: e.exportId })}>{e.exportId}</Link>, width: 300 },
        { id: "kind", header: t("exports.kind"), text: (e) => name("exportKind", e.kind), width: 170 },
        { id: "format", header: t("exports.format"), text: (e) => e.format, width: 150 },
        { id: "status", header: t("exports.status"), text: (e) => name("export", e.status), cell: (e) => <Status group="export" value={e.status} />, width: 150 },
        { id: "created", header: t("exports.created"), text: (e) => time(e.createdAt), width: 190 },
        { id: "finished", header: t("exports.finished"), text: (e) => time(e.finishedAt), width: 190 },
        { id: "where", header: t("exports.where"), text: (e) => `s3://${e.bucketName}/${e.keyPrefix ?? ""}`, hidden: true, width: 220 },
        { id: "error", header: t("exports.error"), text: (e) => (e.errorCode ? `${name("exportError", e.errorCode)}${e.errorMessage ? `: ${e.errorMessage}` : ""}` : "–"), width: 260 },
      ]}
      track={(e) => e.exportId}
      deps={[client]}
      load={async (q) => {
        const out = await client.call(ListExports, { maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.exports, nextToken: out.nextToken };
      }}
      selection="single"
      unsettled={(rows) => rows.some((e) => e.status === "IN_PROGRESS")}
      empty={t("exports.empty")}
      actions={([e], reload) => (
        <>
          <Button
            disabled={e?.status !== "IN_PROGRESS"}
            onClick={() => void cancel(e).then(() => notices.done(t("exports.cancelled")), (x) => notices.failed(t("exports.cancel"), x)).finally(reload)}
          >
            {t("exports.cancel")}
          </Button>
          <Fetch disabled={e?.status !== "SUCCEEDED" || e.kind !== "FINDINGS"} fetch={async () => {
            const [o] = await objectsOf(client, e.exportId);
            downloadBlob(fileName(o.key), await contentOf(client, e.exportId, o.key));
          }} />
          <Button variant="primary" href={href("/exports/new")}>{t("exports.create")}</Button>
        </>
      )}
    />
  );
}

/** Fetches and hands over a file, saying so meanwhile. */
function Fetch({ disabled, fetch }: { disabled: boolean; fetch: () => Promise<void> }) {
  const { t } = useText();
  const notices = useNotices();
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    await fetch().catch((e: unknown) => notices.failed(t("exports.download"), e));
    setBusy(false);
  };
  return <Button disabled={disabled} loading={busy} iconName="download" onClick={() => void go()}>{t("exports.download")}</Button>;
}

function Objects({ id }: { id: string }) {
  const { t, number } = useText();
  const { client } = useSigned();
  return (
    <List<ExportObject>
      id="export-objects"
      title={t("exports.objects")}
      description={id}
      columns={[
        { id: "key", header: t("exports.key"), text: (o) => o.key, width: 640 },
        { id: "size", header: t("exports.size"), text: (o) => number(o.size), width: 140 },
      ]}
      track={(o) => o.key}
      deps={[client, id]}
      load={async (q) => {
        const out = await client.call(ListExportObjects, { exportId: id, maxResults: q.pageSize, nextToken: q.nextToken }, q.signal);
        return { items: out.objects, nextToken: out.nextToken };
      }}
      selection="single"
      actions={([o]) => <Fetch disabled={!o} fetch={async () => downloadBlob(fileName(o.key), await contentOf(client, id, o.key))} />}
    />
  );
}
