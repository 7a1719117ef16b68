import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useEffect, useState } from "react";
import { messageOf } from "../api/problem";
import { useText } from "../text";

/** Gives the focus back to what had it before, when the dialog goes. */
export function useReturn() {
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => {
    if (before instanceof HTMLElement && before.isConnected) before.focus();
  }, [before]);
}

/** Asks before something is done; closes when it is, and says why when it is not. */
export function Confirm({ title, children, act, label, close, word }: {
  title: string; children: ReactNode;
  /** Does it; false keeps the question open, as there is something to show. */
  act: () => Promise<unknown>;
  label: string; close: () => void;
  /** What must be typed first. */
  word?: string;
}) {
  const { t } = useText();
  useReturn();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [typed, setTyped] = useState("");
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      if ((await act()) !== false) close();
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      onDismiss={close}
      header={title}
      closeAriaLabel={t("do.close")}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>{t("do.cancel")}</Button>
            <Button variant="primary" onClick={go} loading={busy} disabled={!!word && typed !== word}>{label}</Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <div>{children}</div>
        {word && (
          <FormField label={t("delegate.removeType", { word })}>
            <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} autoFocus />
          </FormField>
        )}
        {!!error && <Alert type="error">{messageOf(error)}</Alert>}
      </SpaceBetween>
    </Modal>
  );
}
