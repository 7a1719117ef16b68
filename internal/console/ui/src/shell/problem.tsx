import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import { Component, type ReactNode } from "react";
import { ApiError } from "../api/call";
import { kindOf, messageOf } from "../api/problem";
import { useText } from "../text";

/** A failure, in words, with a way to try again. */
export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  const { t } = useText();
  if (!error) return null;
  return (
    <Alert type="error" header={t(`error.${kindOf(error)}`)} action={again && <Button onClick={again}>{t("do.retry")}</Button>}>
      <div>{messageOf(error)}</div>
      {error instanceof ApiError && error.status > 0 && (
        <Box variant="small">{t("error.code", { operation: error.operation, code: error.code })}</Box>
      )}
    </Alert>
  );
}

/** Keeps a fault of one page from taking the console down. */
export class Fence extends Component<{ children: ReactNode }, { error?: Error }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  render() {
    return this.state.error ? <Broken error={this.state.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: Error }) {
  const { t } = useText();
  return (
    <Alert type="error" header={t("app.broken")} action={<Button onClick={() => location.reload()}>{t("do.reload")}</Button>}>
      {t("app.brokenBody")}
      <Box variant="code">{error.message}</Box>
    </Alert>
  );
}
