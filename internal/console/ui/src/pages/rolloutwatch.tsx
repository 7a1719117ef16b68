import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Link from "@cloudscape-design/components/link";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect } from "react";
import { GetRollout } from "../api/muster";
import { useSigned } from "../session/context";
import { useLoaded, useRepeat } from "../shell/loading";
import { Problem } from "../shell/problem";
import { href } from "../shell/route";
import { useText } from "../text";
import { Progress } from "./rollouts";
import { Status } from "./status";

/** Shows how an order goes; it goes on when this is closed. */
export function RolloutWatch({ id, close, reload }: { id: string; close: () => void; reload: () => void }) {
  const { t } = useText();
  const { client } = useSigned();
  const found = useLoaded(async (signal) => (await client.call(GetRollout, { rolloutId: id }, signal)).rollout, [client, id]);
  const rollout = found.value;
  const running = !rollout || rollout.status === "IN_PROGRESS";
  useRepeat(found.again, 700, running);
  useEffect(() => {
    if (!running) reload();
  }, [running, reload]);
  return (
    <Modal
      visible
      onDismiss={close}
      closeAriaLabel={t("do.close")}
      header={t("rollouts.id")}
      footer={<Box float="right"><SpaceBetween direction="horizontal" size="xs"><Link href={href("/rollouts", { id })}>{t("account.watch")}</Link><Button variant="primary" onClick={close}>{t("do.close")}</Button></SpaceBetween></Box>}
    >
      <SpaceBetween size="m">
        <Problem error={found.error} />
        {rollout && <Status group="rollout" value={rollout.status} />}
        {rollout && <Progress r={rollout} />}
        {rollout?.regions.filter((r) => r.errorMessage).map((r) => <Box key={r.region} color="text-status-error">{r.region}: {r.errorMessage}</Box>)}
      </SpaceBetween>
    </Modal>
  );
}
