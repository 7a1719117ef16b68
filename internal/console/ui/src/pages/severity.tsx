import Badge from "@cloudscape-design/components/badge";
import { useText } from "../text";

const colours = {
  CRITICAL: "severity-critical",
  HIGH: "severity-high",
  MEDIUM: "severity-medium",
  LOW: "severity-low",
} as const;

export function Severity({ value }: { value?: string }) {
  const { name } = useText();
  return <Badge color={colours[value as keyof typeof colours] ?? "severity-neutral"}>{name("severity", value)}</Badge>;
}
