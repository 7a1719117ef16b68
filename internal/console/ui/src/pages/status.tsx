import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { useText } from "../text";

const kinds: Record<string, StatusIndicatorProps.Type> = {
  ENABLED: "success", ACTIVATED: "success", SUCCEEDED: "success", CURRENT: "success", ACTIVE: "success", SUCCESS: "success", SELF: "success", CONNECTED: "success",
  ENABLING: "in-progress", DISABLING: "in-progress", SUSPENDING: "in-progress", CREATED: "in-progress", IN_PROGRESS: "in-progress", PENDING: "pending", DISABLE_IN_PROGRESS: "in-progress",
  DISABLED: "stopped", DEACTIVATED: "stopped", REMOVED: "stopped", NONE: "stopped", CANCELED: "stopped", EXPIRED: "stopped", USED: "stopped", DELETED: "stopped", REVOKED: "stopped", ABSENT: "stopped", STANDALONE: "success",
  FAILED: "error", REFUSED: "error", REJECTED: "error",
};

/** A state of the API in its colour and the reader's language. */
export function Status({ group, value }: { group: string; value?: string }) {
  const { name } = useText();
  return <StatusIndicator type={kinds[value ?? ""] ?? "warning"}>{name(group, value)}</StatusIndicator>;
}

/** Whether a state will change by itself within moments. */
export function moving(value?: string): boolean {
  return !!value && /ING$|^CREATED$|IN_PROGRESS$|^PENDING$/.test(value);
}
